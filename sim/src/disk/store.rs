//! `[pure]` The disk: named files, syncs and crashes.

use super::content::{Change, Landing, SECTOR};
use super::file::File;
use super::names::Names;
use super::outcome::{Counters, DiskError, Done};
use super::settings::{Faults, Settings};
use crate::net::{Luck, Ppm};
use std::collections::BTreeMap;

/// An open file. A crash closes it; its number is never used again.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FileId(u64);

/// A simulated disk of one node: files by name in one directory, a volatile cache over a durable medium.
///
/// State, no clock: operations say how long they took. `luck` is a random number, one for each call: all the chances of
/// that call follow from it, and the same calls give the same disk on every machine. Reads and writes cost the number
/// of sectors times the logarithm of the file's.
///
/// ```
/// use ravelin_sim::disk::{Disk, DiskError, Settings};
///
/// let mut disk = Disk::new(Settings::default());
/// let file = disk.create("journal", 1).result.unwrap();
/// disk.write_at(file, 0, b"safe", 2).result.unwrap();
/// disk.sync(file, 3).result.unwrap();
/// disk.sync_dir(4).result.unwrap();
/// disk.write_at(file, 0, b"oops", 5).result.unwrap();
/// disk.crash(6);
///
/// assert_eq!(disk.len(file), Err(DiskError::Closed));
/// let file = disk.open("journal", 7).result.unwrap();
/// let mut out = [0; 8];
/// assert_eq!(disk.read_at(file, 0, &mut out, 8).result, Ok(4));
/// assert!(&out[..4] == b"safe" || &out[..4] == b"oops", "one sector is written whole or not at all");
/// ```
#[derive(Clone, Debug)]
pub struct Disk {
    settings: Settings,
    files: BTreeMap<u64, File>,
    names: Names,
    handles: BTreeMap<FileId, u64>,
    /// Files, handles and changes are numbered in one row.
    last: u64,
    counters: Counters,
}

impl Disk {
    /// An empty disk.
    pub fn new(settings: Settings) -> Disk {
        Disk {
            settings,
            files: BTreeMap::new(),
            names: Names::default(),
            handles: BTreeMap::new(),
            last: 0,
            counters: Counters::default(),
        }
    }

    /// Makes an empty file and opens it.
    ///
    /// # Errors
    /// [`DiskError::Exists`].
    pub fn create(&mut self, name: &str, luck: u64) -> Done<FileId> {
        self.named(luck, |disk| {
            if disk.names.get(name).is_some() {
                return Err(DiskError::Exists);
            }
            let file = disk.number();
            disk.files.insert(file, File::default());
            disk.names.link(name, file);
            Ok(disk.handle(file))
        })
    }

    /// Opens a file. Several may have it open; all see the same bytes.
    ///
    /// # Errors
    /// [`DiskError::NotFound`].
    pub fn open(&mut self, name: &str, luck: u64) -> Done<FileId> {
        self.named(luck, |disk| {
            let file = disk.names.get(name).ok_or(DiskError::NotFound)?;
            Ok(disk.handle(file))
        })
    }

    /// Closes a file; nothing is synced by it. One that is closed is nothing.
    pub fn close(&mut self, file: FileId) {
        self.handles.remove(&file);
        self.collect();
    }

    /// Gives a file another name, and takes that name from the file that had it. Open files stay open.
    ///
    /// # Errors
    /// [`DiskError::NotFound`].
    pub fn rename(&mut self, from: &str, to: &str, luck: u64) -> Done<()> {
        self.named(luck, |disk| {
            disk.names.get(from).ok_or(DiskError::NotFound)?;
            disk.names.rename(from, to);
            Ok(())
        })
    }

    /// Removes a name. Whoever has the file open can still use it.
    ///
    /// # Errors
    /// [`DiskError::NotFound`].
    pub fn remove(&mut self, name: &str, luck: u64) -> Done<()> {
        self.named(luck, |disk| {
            disk.names.get(name).ok_or(DiskError::NotFound)?;
            disk.names.unlink(name);
            Ok(())
        })
    }

    /// The names, in order.
    pub fn list(&self) -> impl Iterator<Item = &str> {
        self.names.list()
    }

    /// The length of an open file, in bytes. Takes no time.
    ///
    /// # Errors
    /// [`DiskError::Closed`].
    pub fn len(&self, file: FileId) -> Result<u64, DiskError> {
        let file = self.handles.get(&file).and_then(|file| self.files.get(file));
        file.map(|file| file.cache.len).ok_or(DiskError::Closed)
    }

    /// Reads into `out` from `offset` on, up to the end of the file; how many bytes.
    ///
    /// # Errors
    /// [`DiskError::Closed`]; [`DiskError::Io`].
    pub fn read_at(&mut self, file: FileId, offset: u64, out: &mut [u8], luck: u64) -> Done<usize> {
        let mut luck = Luck::new(luck);
        let took = self.settings.latency.of(self.settings.latency.read, out.len(), &mut luck);
        self.counters.reads += 1;
        let fails = luck.hits(self.settings.faults.read_fails);
        let result = match self.file(file) {
            Ok(_) if fails => {
                self.counters.read_fails += 1;
                Err(DiskError::Io)
            }
            Ok(file) => Ok(file.cache.read(offset, out)),
            Err(error) => Err(error),
        };
        Done { result, took }
    }

    /// Writes all of `bytes` at `offset`; what is between the old end and `offset` is zero. Not safe before a sync.
    ///
    /// # Errors
    /// [`DiskError::Closed`]; [`DiskError::NoSpace`]; [`DiskError::Io`], and then some of the front may be written.
    pub fn write_at(&mut self, file: FileId, offset: u64, bytes: &[u8], luck: u64) -> Done<()> {
        let mut luck = Luck::new(luck);
        let took = self.settings.latency.of(self.settings.latency.write, bytes.len(), &mut luck);
        Done { result: self.writes(file, offset, bytes, &mut luck), took }
    }

    /// Cuts the file off at `len` bytes, or lengthens it with zeros. Not safe before a sync.
    ///
    /// # Errors
    /// [`DiskError::Closed`]; [`DiskError::NoSpace`].
    pub fn set_len(&mut self, file: FileId, len: u64, luck: u64) -> Done<()> {
        let mut luck = Luck::new(luck);
        let took = self.settings.latency.of(self.settings.latency.write, 0, &mut luck);
        self.counters.writes += 1;
        let result = self.make_room(file, Some(len), &mut luck).and_then(|()| {
            let change = self.file(file)?.cache.set_len(len);
            self.changed(file, change)
        });
        Done { result, took }
    }

    /// Makes all that was written to the file safe from crashes: its bytes and its length, not its name.
    ///
    /// # Errors
    /// [`DiskError::Closed`]; [`DiskError::Io`]: see [`Faults::sync_fails`].
    pub fn sync(&mut self, file: FileId, luck: u64) -> Done<()> {
        let (faults, mut counters) = (self.settings.faults, self.counters);
        let mut luck = Luck::new(luck);
        let took = self.settings.latency.of(self.settings.latency.sync, 0, &mut luck);
        let verdict = verdict(&faults, &mut luck);
        counters.syncs += 1;
        let result = self.file(file).and_then(|file| match verdict {
            Verdict::Lies => {
                counters.sync_lies += 1;
                Ok(())
            }
            Verdict::Fails => {
                counters.sync_fails += 1;
                file.settle(&faults, &mut luck, &mut counters, |_, change, luck| {
                    drawn(change, &faults, luck)
                });
                Err(DiskError::Io)
            }
            Verdict::Honest => {
                file.sync(&faults, &mut luck, &mut counters);
                Ok(())
            }
        });
        self.counters = counters;
        Done { result, took }
    }

    /// Makes all names safe from crashes: what was created, renamed and removed.
    ///
    /// # Errors
    /// [`DiskError::Io`]: the names are as they were, and not safe.
    pub fn sync_dir(&mut self, luck: u64) -> Done<()> {
        let mut luck = Luck::new(luck);
        let took = self.settings.latency.of(self.settings.latency.sync, 0, &mut luck);
        self.counters.syncs += 1;
        let result = match verdict(&self.settings.faults, &mut luck) {
            Verdict::Lies => {
                self.counters.sync_lies += 1;
                Ok(())
            }
            Verdict::Fails => {
                self.counters.sync_fails += 1;
                Err(DiskError::Io)
            }
            Verdict::Honest => {
                self.names.sync();
                self.collect();
                Ok(())
            }
        };
        Done { result, took }
    }

    /// The node loses power: files are closed, and of what was not synced survives what [`Faults`] let. Of the changes of
    /// names the first ones survive, up to some point: a directory keeps its order.
    pub fn crash(&mut self, luck: u64) {
        let (faults, mut luck) = (self.settings.faults, Luck::new(luck));
        self.counters.crashes += 1;
        self.handles.clear();
        self.counters.names_lost += self.names.crash(|| luck.hits(faults.lost));
        let last_kept = luck.hits(faults.in_order).then(|| self.point(&faults, &mut luck));
        for file in self.files.values_mut() {
            file.settle(&faults, &mut luck, &mut self.counters, |number, change, luck| match last_kept {
                None => drawn(change, &faults, luck),
                Some(last) if number < last => Some(Landing::Whole),
                Some(last) if number == last => Some(torn(change, &faults, luck)),
                Some(_) => None,
            });
            file.forget_cache();
        }
        self.collect();
    }

    /// The program ends and the machine lives: files are closed, and nothing is lost.
    pub fn close_all(&mut self) {
        self.handles.clear();
        self.collect();
    }

    /// Turns over the bits of `mask` in one byte of a file, in the cache and on the medium. Beyond the end: nothing.
    ///
    /// # Errors
    /// [`DiskError::NotFound`].
    pub fn corrupt(&mut self, name: &str, offset: u64, mask: u8) -> Result<(), DiskError> {
        let file = self.names.get(name).and_then(|file| self.files.get_mut(&file));
        let file = file.ok_or(DiskError::NotFound)?;
        if offset < file.cache.len {
            file.corrupt(offset, mask);
        }
        Ok(())
    }

    /// Changes what goes wrong from now on.
    pub fn set_faults(&mut self, faults: Faults) {
        self.settings.faults = faults;
    }

    /// The settings as they are now.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What happened so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The bytes in all files, as their lengths count them; of removed ones too, as long as somebody has them open.
    pub fn used(&self) -> u64 {
        self.files.values().map(|file| file.cache.len).sum()
    }

    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn handle(&mut self, file: u64) -> FileId {
        let handle = FileId(self.number());
        self.handles.insert(handle, file);
        handle
    }

    fn file(&mut self, file: FileId) -> Result<&mut File, DiskError> {
        let file = self.handles.get(&file).and_then(|file| self.files.get_mut(file));
        file.ok_or(DiskError::Closed)
    }

    fn named<T>(&mut self, luck: u64, work: impl FnOnce(&mut Disk) -> Result<T, DiskError>) -> Done<T> {
        let took = self.settings.latency.of(self.settings.latency.name, 0, &mut Luck::new(luck));
        let result = work(self);
        if !self.settings.directory_needs_sync {
            self.names.sync();
        }
        self.collect();
        Done { result, took }
    }

    fn writes(&mut self, file: FileId, offset: u64, bytes: &[u8], luck: &mut Luck) -> Result<(), DiskError> {
        self.counters.writes += 1;
        let end = offset.checked_add(bytes.len() as u64);
        self.make_room(file, end, luck)?;
        let fails = luck.hits(self.settings.faults.write_fails);
        let bytes = if fails { front(offset, bytes, luck) } else { bytes };
        if !bytes.is_empty() {
            let change = self.file(file)?.cache.write(offset, bytes);
            self.changed(file, change)?;
        }
        if fails {
            self.counters.write_fails += 1;
            return Err(DiskError::Io);
        }
        Ok(())
    }

    /// May the file be as long as `end`? `None`: longer than can be told.
    fn make_room(&mut self, file: FileId, end: Option<u64>, luck: &mut Luck) -> Result<(), DiskError> {
        let len = self.len(file)?;
        let room = self.settings.capacity.saturating_sub(self.used() - len).max(len);
        let fits = end.is_some_and(|end| end <= room);
        if luck.hits(self.settings.faults.no_space) || !fits {
            self.counters.no_space += 1;
            return Err(DiskError::NoSpace);
        }
        Ok(())
    }

    fn changed(&mut self, file: FileId, change: Change) -> Result<(), DiskError> {
        let number = self.number();
        self.file(file)?.changed(number, change);
        Ok(())
    }

    /// The number of the change up to which all survive a crash that keeps to the order; 0 for none.
    fn point(&self, faults: &Faults, luck: &mut Luck) -> u64 {
        let mut numbers: Vec<u64> = self.files.values().flat_map(File::pending).collect();
        numbers.sort_unstable();
        if faults.lost == Ppm::NEVER {
            return u64::MAX;
        }
        let kept = luck.below(numbers.len() as u64 + 1) as usize;
        kept.checked_sub(1).and_then(|last| numbers.get(last).copied()).unwrap_or(0)
    }

    /// Forgets files that have no name, none after a crash either, and that nobody has open.
    fn collect(&mut self) {
        let (names, handles) = (&self.names, &self.handles);
        self.files.retain(|file, _| names.has(*file) || handles.values().any(|open| open == file));
    }
}

enum Verdict {
    Honest,
    Lies,
    Fails,
}

fn verdict(faults: &Faults, luck: &mut Luck) -> Verdict {
    let (fails, lies) = (luck.hits(faults.sync_fails), luck.hits(faults.sync_lies));
    match (fails, lies) {
        (true, _) => Verdict::Fails,
        (false, true) => Verdict::Lies,
        (false, false) => Verdict::Honest,
    }
}

/// What becomes of one change that is not synced, by itself.
fn drawn(change: &Change, faults: &Faults, luck: &mut Luck) -> Option<Landing> {
    let is_lost = luck.hits(faults.lost);
    let landing = torn(change, faults, luck);
    if is_lost { None } else { Some(landing) }
}

/// The change whole, or by chance without its front or its back. Only a change of several sectors can be torn.
fn torn(change: &Change, faults: &Faults, luck: &mut Luck) -> Landing {
    let is_torn = luck.hits(faults.torn) && change.sectors() > 1;
    let cut = 1 + luck.below(change.sectors().saturating_sub(1) as u64) as usize;
    match (is_torn, luck.below(3)) {
        (false, _) => Landing::Whole,
        (true, 0) => Landing::Front { sectors: cut, is_grown: false },
        (true, 1) => Landing::Front { sectors: cut, is_grown: true },
        (true, _) => Landing::Back { without: cut },
    }
}

/// The front of a write that fails: up to the edge of one of its sectors, all of it or nothing too.
fn front<'a>(offset: u64, bytes: &'a [u8], luck: &mut Luck) -> &'a [u8] {
    let first = SECTOR - (offset % SECTOR as u64) as usize;
    let sectors = bytes.len().saturating_sub(first).div_ceil(SECTOR) + 1;
    match luck.below(sectors as u64 + 1) as usize {
        0 => &[],
        n => &bytes[..bytes.len().min(first + (n - 1) * SECTOR)],
    }
}
