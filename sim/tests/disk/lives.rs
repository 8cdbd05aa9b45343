//! The simulated disk against a naive one, and the promise that what was synced survives, on random lives.

use proptest::prelude::*;
use ravelin_sim::disk::{Disk, DiskError, Faults, FileId, Latency, Settings};
use ravelin_sim::net::Ppm;
use std::collections::BTreeSet;

#[derive(Clone, Debug)]
enum Step {
    Write { file: u8, offset: u16, len: u16, byte: u8 },
    SetLen { file: u8, len: u16 },
    Sync { file: u8 },
    Crash,
}

const NAMES: [&str; 2] = ["a", "b"];

fn steps() -> impl Strategy<Value = Vec<(Step, u64)>> {
    let (file, offset, len) = (0..2_u8, 0..4000_u16, prop_oneof![0..40_u16, 0..3000_u16]);
    let step = prop_oneof![
        8 => (file.clone(), offset, len, 1..64_u8)
            .prop_map(|(file, offset, len, byte)| Step::Write { file, offset, len, byte }),
        3 => (file.clone(), 0..6000_u16).prop_map(|(file, len)| Step::SetLen { file, len }),
        2 => file.prop_map(|file| Step::Sync { file }),
        1 => Just(Step::Crash),
    ];
    proptest::collection::vec((step, any::<u64>()), 1..40)
}

/// A disk, and two files that are safe with their names.
fn start(faults: Faults) -> (Disk, [FileId; 2]) {
    let settings =
        Settings { latency: Latency::none(), directory_needs_sync: false, faults, ..Settings::default() };
    let mut disk = Disk::new(settings);
    let files = NAMES.map(|name| disk.create(name, 0).result.unwrap());
    (disk, files)
}

fn open(disk: &mut Disk) -> [FileId; 2] {
    NAMES.map(|name| disk.open(name, 0).result.unwrap())
}

fn contents(disk: &mut Disk, file: FileId) -> Vec<u8> {
    let mut out = vec![0; disk.len(file).unwrap() as usize];
    // A read may fail, and then the next may not.
    let read = (0..).find_map(|luck| disk.read_at(file, 0, &mut out, luck).result.ok());
    assert_eq!(read, Some(out.len()));
    out
}

/// The naive file.
fn write(file: &mut Vec<u8>, offset: u16, len: u16, byte: u8) {
    let end = usize::from(offset) + usize::from(len);
    if len > 0 {
        file.resize(file.len().max(end), 0);
        file[usize::from(offset)..end].fill(byte);
    }
}

/// What a crash may leave of a file since the last honest sync: its lengths, and for each byte a bit for each value.
#[derive(Clone, Default)]
struct Legal {
    now: Vec<u8>,
    bytes: Vec<u64>,
    lens: BTreeSet<usize>,
}

impl Legal {
    /// All this and nothing else.
    fn exactly(now: Vec<u8>) -> Legal {
        Legal { bytes: now.iter().map(|byte| 1 << byte).collect(), lens: [now.len()].into(), now }
    }

    /// `now` became possible too. Beyond the end of a file is zero.
    fn or(&mut self, now: Vec<u8>) {
        self.bytes.resize(self.bytes.len().max(now.len()), 1);
        for (at, seen) in self.bytes.iter_mut().enumerate() {
            *seen |= 1 << now.get(at).copied().unwrap_or(0);
        }
        self.lens.insert(now.len());
        self.now = now;
    }

    fn check(&self, after: &[u8]) -> Result<(), TestCaseError> {
        let (least, most) = (self.lens.first().unwrap(), self.lens.last().unwrap());
        // Between two lengths too: a write may be torn, or land although the growth before it was lost.
        prop_assert!((least..=most).contains(&&after.len()), "length {} of {:?}", after.len(), self.lens);
        let wrong = after.iter().zip(&self.bytes).position(|(byte, seen)| seen & (1 << byte) == 0);
        prop_assert!(wrong.is_none(), "byte {wrong:?} was never so");
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_disk_without_faults_is_a_vector_of_bytes(steps in steps()) {
        let (mut disk, mut files) = start(Faults::none());
        let mut naive = [vec![], vec![]];
        for (step, luck) in steps {
            match step {
                Step::Write { file, offset, len, byte } => {
                    let bytes = vec![byte; len.into()];
                    disk.write_at(files[usize::from(file)], offset.into(), &bytes, luck).result.unwrap();
                    write(&mut naive[usize::from(file)], offset, len, byte);
                }
                Step::SetLen { file, len } => {
                    disk.set_len(files[usize::from(file)], len.into(), luck).result.unwrap();
                    naive[usize::from(file)].resize(len.into(), 0);
                }
                Step::Sync { file } => disk.sync(files[usize::from(file)], luck).result.unwrap(),
                Step::Crash => {
                    disk.crash(luck);
                    files = open(&mut disk);
                }
            }
            for (file, naive) in files.iter().zip(&naive) {
                prop_assert_eq!(&contents(&mut disk, *file), naive);
            }
            prop_assert_eq!(disk.used(), naive.iter().map(|file| file.len() as u64).sum::<u64>());
        }
    }

    #[test]
    fn synced_bytes_survive_and_the_others_are_a_legal_mixture(
        steps in steps(),
        is_failing in any::<bool>(),
        lies in 0..2_u32,
    ) {
        let base = if is_failing { Faults::failing() } else { Faults::power_loss() };
        let faults = Faults { sync_lies: Ppm::percent(lies * 20), ..base };
        let (mut disk, mut files) = start(faults);
        let mut legal = [Legal::exactly(vec![]), Legal::exactly(vec![])];
        for (step, luck) in steps {
            match step {
                Step::Write { file, offset, len, byte } => {
                    let (id, legal) = (files[usize::from(file)], &mut legal[usize::from(file)]);
                    let result = disk.write_at(id, offset.into(), &vec![byte; len.into()], luck).result;
                    let mut now = legal.now.clone();
                    write(&mut now, offset, len, byte);
                    match result {
                        Ok(()) => legal.or(now),
                        Err(DiskError::Io) => {
                            legal.or(contents(&mut disk, id));
                        }
                        Err(error) => prop_assert_eq!(error, DiskError::NoSpace),
                    }
                }
                Step::SetLen { file, len } => {
                    let legal = &mut legal[usize::from(file)];
                    if disk.set_len(files[usize::from(file)], len.into(), luck).result.is_ok() {
                        let mut now = legal.now.clone();
                        now.resize(len.into(), 0);
                        legal.or(now);
                    }
                }
                Step::Sync { file } => {
                    let before = disk.counters().sync_lies;
                    let result = disk.sync(files[usize::from(file)], luck).result;
                    // After a failure there is no telling what is where: real programs crash then.
                    if result.is_err() {
                        disk.crash(luck);
                        files = open(&mut disk);
                        for (file, legal) in files.iter().zip(&mut legal) {
                            let after = contents(&mut disk, *file);
                            legal.check(&after)?;
                            *legal = Legal::exactly(after);
                        }
                    } else if disk.counters().sync_lies == before {
                        let legal = &mut legal[usize::from(file)];
                        *legal = Legal::exactly(legal.now.clone());
                    }
                }
                Step::Crash => {
                    disk.crash(luck);
                    files = open(&mut disk);
                    for (file, legal) in files.iter().zip(&mut legal) {
                        let after = contents(&mut disk, *file);
                        legal.check(&after)?;
                        *legal = Legal::exactly(after);
                    }
                }
            }
            for (file, legal) in files.iter().zip(&legal) {
                prop_assert_eq!(&contents(&mut disk, *file), &legal.now, "the cache keeps all until a crash");
            }
        }
    }

    #[test]
    fn a_crash_that_keeps_to_the_order_leaves_a_state_that_was(steps in steps()) {
        let faults = Faults { torn: Ppm::NEVER, in_order: Ppm::ALWAYS, ..Faults::power_loss() };
        let (mut disk, mut files) = start(faults);
        // Both are synced together: one row of states.
        let mut states = vec![[vec![], vec![]]];
        for (step, luck) in steps {
            let mut now = states.last().unwrap().clone();
            match step {
                Step::Write { file, offset, len, byte } => {
                    let bytes = vec![byte; len.into()];
                    disk.write_at(files[usize::from(file)], offset.into(), &bytes, luck).result.unwrap();
                    write(&mut now[usize::from(file)], offset, len, byte);
                    states.push(now);
                }
                Step::SetLen { file, len } => {
                    disk.set_len(files[usize::from(file)], len.into(), luck).result.unwrap();
                    now[usize::from(file)].resize(len.into(), 0);
                    states.push(now);
                }
                Step::Sync { .. } => {
                    let [(), ()] = files.map(|file| disk.sync(file, luck).result.unwrap());
                    states = vec![now];
                }
                Step::Crash => {
                    disk.crash(luck);
                    files = open(&mut disk);
                    let after = files.map(|file| contents(&mut disk, file));
                    prop_assert!(states.contains(&after));
                    states = vec![after];
                }
            }
        }
    }

    #[test]
    fn the_same_calls_with_the_same_luck_give_the_same_disk(steps in steps()) {
        let run = || {
            let (mut disk, mut files) = start(Faults { bit_flips: Ppm::percent(5), ..Faults::failing() });
            for (step, luck) in &steps {
                match step {
                    Step::Write { file, offset, len, byte } => {
                        let bytes = vec![*byte; usize::from(*len)];
                        let _ = disk.write_at(files[usize::from(*file)], u64::from(*offset), &bytes, *luck);
                    }
                    Step::SetLen { file, len } => {
                        let _ = disk.set_len(files[usize::from(*file)], u64::from(*len), *luck);
                    }
                    Step::Sync { file } => {
                        let _ = disk.sync(files[usize::from(*file)], *luck);
                    }
                    Step::Crash => {
                        disk.crash(*luck);
                        files = open(&mut disk);
                    }
                }
            }
            (disk.counters(), files.map(|file| contents(&mut disk, file)))
        };
        prop_assert_eq!(run(), run());
    }
}
