//! The disk of a node: files for programs, over the model of a disk.

use crate::disk::{Counters, Disk, DiskError, Done, Faults, FileId, Settings};
use crate::log::Name;
use crate::luck::Luck;
use crate::nodes::{Node, Power};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The disk of one node, which outlives the node's crashes.
///
/// Make it where the node is made, and [`mount`](NodeDisk::mount) it in the node's boot function. When another
/// incarnation mounts it the power was gone in between, and what was not synced fares as the model's [`Faults`] say.
/// From the moment of a crash the old incarnation's files do nothing: what its destructors would still write is lost.
///
/// All luck follows from the run's seed. An operation happens at once, as a blocking job does; the time that it took is
/// added to the node's next blocking job.
///
/// ```
/// use ravelin_sim::{NodeDisk, Sim, disk::Settings};
/// use std::sync::{Arc, Mutex};
/// Sim::new().seeds(20).check(async |world| {
///     let (disk, found) = (NodeDisk::new(Settings::default()), Arc::new(Mutex::new(Vec::new())));
///     let (its, seen) = (disk.clone(), found.clone());
///     world.node("a", move |node| {
///         let mount = its.mount(&node);
///         let file = mount.open_or_create("boots").unwrap();
///         let mut bytes = vec![0; file.len().unwrap() as usize];
///         file.read_at(0, &mut bytes).unwrap();
///         seen.lock().unwrap().push(bytes);
///         file.write_at(file.len().unwrap(), b"!").unwrap();
///         file.sync().unwrap();
///         mount.sync_dir().unwrap(); // the file's name is not in the file
///         file.write_at(file.len().unwrap(), b"?").unwrap(); // not synced: it may be lost
///         async {}
///     });
///     world.settle().await;
///     world.restart("a");
///     world.settle().await;
///     let found = found.lock().unwrap();
///     assert!(found[1] == b"!" || found[1] == b"!?");
/// });
/// ```
#[derive(Clone)]
pub struct NodeDisk {
    held: Arc<Mutex<Held>>,
}

struct Held {
    disk: Disk,
    /// The incarnation that has it mounted, and the luck of its operations.
    mounted: Option<(u32, Luck)>,
    /// After so many operations more the power fails, for so long.
    cut: Option<(u64, Duration)>,
}

/// A node's disk as one incarnation of the node has it. After a crash all its operations fail.
#[derive(Clone)]
pub struct Mount {
    held: Arc<Mutex<Held>>,
    node: Name,
    incarnation: u32,
    power: Power,
}

/// An open file of a [`Mount`]. Several may have one open; dropping it closes and syncs nothing.
#[derive(Clone, Debug)]
pub struct NodeFile {
    mount: Mount,
    file: FileId,
}

impl NodeDisk {
    /// An empty disk.
    pub fn new(settings: Settings) -> NodeDisk {
        let held = Held { disk: Disk::new(settings), mounted: None, cut: None };
        NodeDisk { held: Arc::new(Mutex::new(held)) }
    }

    /// The disk for this incarnation. An earlier one lost its power: what it had not synced is settled now.
    pub fn mount(&self, node: &Node) -> Mount {
        let (name, incarnation, power) = (Name::from(node.name()), node.incarnation(), node.power().clone());
        let luck = power.random(&format!("disk.{name}.{incarnation}")).next();
        let mut held = lock(&self.held);
        if held.mounted.as_ref().is_none_or(|(at, _)| *at != incarnation) {
            let mut luck = Luck::new(luck);
            if held.mounted.is_some() {
                held.disk.crash(luck.draw());
            }
            held.mounted = Some((incarnation, luck));
        }
        drop(held);
        Mount { held: self.held.clone(), node: name, incarnation, power }
    }

    /// From now on these things go wrong, until they are set again.
    pub fn set_faults(&self, faults: Faults) {
        lock(&self.held).disk.set_faults(faults);
    }

    /// The node crashes in the midst of its `operations`-th operation on the disk from now on, and boots `down` later:
    /// so also between two writes of one blocking job. Nothing happens if [`World::calm`](crate::World::calm) comes
    /// first.
    pub fn cut_power_after(&self, operations: u64, down: Duration) {
        lock(&self.held).cut = Some((operations, down));
    }

    /// What has happened so far.
    pub fn counters(&self) -> Counters {
        lock(&self.held).disk.counters()
    }
}

impl fmt::Debug for NodeDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeDisk").field("counters", &self.counters()).finish_non_exhaustive()
    }
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As an operating system would say it.
fn told(error: DiskError) -> io::Error {
    let kind = match error {
        DiskError::Exists => io::ErrorKind::AlreadyExists,
        DiskError::NoSpace => io::ErrorKind::StorageFull,
        DiskError::NotFound => io::ErrorKind::NotFound,
        DiskError::Closed | DiskError::Io => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

impl Mount {
    /// Opens a file, or makes it. Its name is safe from [`sync_dir`](Mount::sync_dir) on.
    ///
    /// # Errors
    /// The node has crashed.
    pub fn open_or_create(&self, name: &str) -> io::Result<NodeFile> {
        let file = self.work(|disk, luck| match disk.open(name, luck) {
            Done { result: Err(DiskError::NotFound), .. } => disk.create(name, luck),
            opened => opened,
        })?;
        Ok(NodeFile { mount: self.clone(), file })
    }

    /// Whether there is a file of this name.
    ///
    /// # Errors
    /// The node has crashed.
    pub fn exists(&self, name: &str) -> io::Result<bool> {
        self.work(|disk, _| Done { result: Ok(disk.list().any(|it| it == name)), took: Duration::ZERO })
    }

    /// Makes all names safe from crashes.
    ///
    /// # Errors
    /// The disk failed; the node has crashed.
    pub fn sync_dir(&self) -> io::Result<()> {
        self.work(Disk::sync_dir)
    }

    /// Gives a file another name, and takes that name from the file that had it.
    ///
    /// # Errors
    /// There is no such file; the node has crashed.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.work(|disk, luck| disk.rename(from, to, luck))
    }

    /// Removes a name.
    ///
    /// # Errors
    /// There is no such file; the node has crashed.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        self.work(|disk, luck| disk.remove(name, luck))
    }

    /// One operation, if there is power.
    fn work<T>(&self, operation: impl FnOnce(&mut Disk, u64) -> Done<T>) -> io::Result<T> {
        let no_power = || io::Error::other("the node has no power");
        if !self.power.is_on() {
            return Err(no_power());
        }
        let mut held = lock(&self.held);
        let is_cut = match &mut held.cut {
            Some((0, _)) => true,
            Some((left, _)) => {
                *left -= 1;
                false
            }
            None => false,
        };
        if is_cut
            && let Some((_, down)) = held.cut.take()
            && self.power.cut(&self.node, down)
        {
            // Nothing of this incarnation gets to the disk any more.
            held.mounted = held.mounted.take().map(|(_, luck)| (0, luck));
        }
        let luck = match &mut held.mounted {
            Some((incarnation, luck)) if *incarnation == self.incarnation => luck.draw(),
            Some(_) | None => return Err(no_power()),
        };
        let Done { result, took } = operation(&mut held.disk, luck);
        drop(held);
        self.power.owe(took);
        result.map_err(told)
    }
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mount").field("power", &self.power).finish_non_exhaustive()
    }
}

#[expect(clippy::len_without_is_empty, reason = "a file's length is asked of the disk, which may fail")]
impl NodeFile {
    /// The length, in bytes.
    ///
    /// # Errors
    /// The node has crashed.
    pub fn len(&self) -> io::Result<u64> {
        self.mount.work(|disk, _| Done { result: disk.len(self.file), took: Duration::ZERO })
    }

    /// Fills `out` from `offset` on.
    ///
    /// # Errors
    /// The disk failed; the file ends before; the node has crashed.
    pub fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let len = self.mount.work(|disk, luck| disk.read_at(self.file, offset, out, luck))?;
        if len == out.len() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Writes all of `bytes` at `offset`. Not safe before a sync.
    ///
    /// # Errors
    /// No space is left, and nothing changed; the disk failed, and some of the front may be written; the node has
    /// crashed.
    pub fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.mount.work(|disk, luck| disk.write_at(self.file, offset, bytes, luck))
    }

    /// Cuts the file off at `len` bytes, or lengthens it with zeros. Not safe before a sync.
    ///
    /// # Errors
    /// No space is left, and nothing changed; the node has crashed.
    pub fn set_len(&self, len: u64) -> io::Result<()> {
        self.mount.work(|disk, luck| disk.set_len(self.file, len, luck))
    }

    /// Makes all that was written to the file safe from crashes: its bytes and its length, not its name.
    ///
    /// # Errors
    /// The disk failed: what was to be synced may be lost in a crash, and no later sync makes up for it, though it is
    /// still read back until then. The node has crashed.
    pub fn sync(&self) -> io::Result<()> {
        self.mount.work(|disk, luck| disk.sync(self.file, luck))
    }
}
