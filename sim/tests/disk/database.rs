//! A database that stands on the simulated disk: redb's own promise, that what was committed is there after a crash,
//! holds on an honest disk and is seen to break on one whose syncs lie.

use ravelin_sim::disk::{Disk, DiskError, Faults, FileId, Latency, Settings};
use ravelin_sim::net::{Luck, Ppm};
use redb::{Builder, Durability, ReadableDatabase, StorageBackend, TableDefinition};
use std::io;
use std::sync::{Arc, Mutex};

const ROWS: TableDefinition<u64, u64> = TableDefinition::new("rows");

/// The disk of a node whose power fails after so many operations.
#[derive(Debug)]
struct Machine {
    disk: Disk,
    luck: Luck,
    operations_left: u64,
}

/// The thin shell: a file of the disk as redb's storage.
#[derive(Clone, Debug)]
struct Storage {
    machine: Arc<Mutex<Machine>>,
    file: FileId,
}

impl Storage {
    fn open(machine: &Arc<Mutex<Machine>>) -> Storage {
        let mut held = machine.lock().unwrap();
        let luck = held.luck.draw();
        let file = match held.disk.open("db", luck).result {
            Err(DiskError::NotFound) => held.disk.create("db", luck).result,
            opened => opened,
        };
        Storage { machine: Arc::clone(machine), file: file.unwrap() }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Disk, FileId, u64) -> Result<T, DiskError>) -> io::Result<T> {
        let mut machine = self.machine.lock().unwrap();
        let Some(left) = machine.operations_left.checked_sub(1) else {
            return Err(io::Error::other("no power"));
        };
        machine.operations_left = left;
        let luck = machine.luck.draw();
        work(&mut machine.disk, self.file, luck).map_err(io::Error::other)
    }
}

impl StorageBackend for Storage {
    fn len(&self) -> io::Result<u64> {
        self.with(|disk, file, _| disk.len(file))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let got = self.with(|disk, file, luck| disk.read_at(file, offset, out, luck).result)?;
        if got == out.len() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.with(|disk, file, luck| disk.set_len(file, len, luck).result)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(|disk, file, luck| disk.sync(file, luck).result)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.with(|disk, file, luck| disk.write_at(file, offset, data, luck).result)
    }
}

/// Commits numbers one after the other, from `next` on, until something fails; the first that is not committed.
fn commit(machine: &Arc<Mutex<Machine>>, next: u64, most: u64) -> Result<u64, (u64, redb::Error)> {
    let storage = Storage::open(machine);
    let mut done = next;
    let work = || -> Result<(), redb::Error> {
        let database = Builder::new().set_cache_size(1 << 20).create_with_backend(storage)?;
        while done < next + most {
            let mut write = database.begin_write()?;
            write.set_durability(Durability::Immediate).unwrap();
            write.open_table(ROWS)?.insert(done, done * 3)?;
            write.commit()?;
            done += 1;
        }
        Ok(())
    };
    let result = work();
    result.map(|()| done).map_err(|error| (done, error))
}

/// How many of the rows below `upto` are gone or wrong; `None` when the database can't be opened.
fn missing(machine: &Arc<Mutex<Machine>>, upto: u64) -> Option<u64> {
    let database = Builder::new().create_with_backend(Storage::open(machine)).ok()?;
    let read = database.begin_read().ok()?;
    let Ok(rows) = read.open_table(ROWS) else { return Some(upto) };
    let is_there = |at: &u64| rows.get(at).is_ok_and(|row| row.is_some_and(|row| row.value() == at * 3));
    Some(upto - (0..upto).filter(is_there).count() as u64)
}

/// Three lives of one machine, each cut short by a power failure; did all that was committed survive?
fn survives(seed: u64, faults: Faults) -> bool {
    let disk =
        Disk::new(Settings { faults: Faults::none(), latency: Latency::none(), ..Settings::default() });
    let machine = Arc::new(Mutex::new(Machine { disk, luck: Luck::new(seed), operations_left: u64::MAX }));
    let mut next = commit(&machine, 0, 1).unwrap();
    {
        let mut held = machine.lock().unwrap();
        held.disk.sync_dir(0).result.unwrap();
        held.disk.set_faults(faults);
    }
    for _ in 0..3 {
        {
            let mut held = machine.lock().unwrap();
            held.operations_left = held.luck.below(150);
        }
        next = commit(&machine, next, 20).unwrap_or_else(|(next, _)| next);
        {
            let mut held = machine.lock().unwrap();
            let luck = held.luck.draw();
            held.disk.crash(luck);
            held.operations_left = u64::MAX;
        }
        if missing(&machine, next) != Some(0) {
            return false;
        }
    }
    true
}

#[test]
fn what_a_database_committed_survives_power_failures_of_an_honest_disk() {
    let lost: Vec<u64> = (0..60).filter(|seed| !survives(*seed, Faults::power_loss())).collect();
    assert!(lost.is_empty(), "seeds {lost:?}");
}

#[test]
fn a_lying_sync_is_seen_as_lost_commits() {
    let lies = Faults { sync_lies: Ppm::percent(30), ..Faults::power_loss() };
    let lost = (0..20).filter(|seed| !survives(*seed, lies)).count();
    assert!(lost >= 5, "{lost} of 20");
}
