//! The file.
//!
//! A `Store` outlives the actors that use it: killing the journal actor neither closes the file nor loses
//! what it committed. After an error the file is closed, because redb refuses all further work on it; the
//! next use opens it again. So the supervisor's ordinary restart is the whole of the recovery.
//!
//! Each time it is opened the whole file is written again in place before it is read. It has to be: after a
//! failed sync what is read is not what is on the disk, no later sync makes up for that, and a power cut after
//! the next commit would leave a file that can't be opened any more.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::{Builder, Database, DatabaseError, ReadableDatabase, StorageError, TableDefinition};

use super::medium::{Medium, OnDisk};
use super::transact;

/// What the journal can't do, and why, with the file's name.
#[derive(Clone, Debug)]
pub struct JournalError {
    name: Arc<str>,
    what: String,
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "journal {}: {}", self.name, self.what)
    }
}

impl std::error::Error for JournalError {}

pub(super) const ROWS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("rows");
const META: TableDefinition<&str, u64> = TableDefinition::new("meta");

/// The layout of `rows`.
const LAYOUT: u64 = 1;

/// The memory redb may use for pages of the file. The keys themselves live in the partitions.
const CACHE: usize = 256 << 20;

/// One journal file, shared by all incarnations of the actor that owns it.
#[derive(Clone)]
pub struct Store {
    name: Arc<str>,
    medium: Arc<dyn Medium>,
    held: Arc<Mutex<Held>>,
}

/// What one has in hand while working on the file.
#[derive(Default)]
struct Held {
    /// `None` after an error, until the next use.
    database: Option<Database>,
    tickets: Tickets,
}

/// Names one loading of a range of slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

/// Who may write: the tickets that are not void, with their slots. They are kept beside the file, under its
/// lock, so that not even a commit that a dead journal left running on some thread can get past a newer one.
#[derive(Default)]
pub(super) struct Tickets {
    valid: BTreeMap<Ticket, Range<u16>>,
    next: u64,
}

impl Tickets {
    /// A ticket for these slots; older ones for any of them become void.
    pub(super) fn issue(&mut self, slots: Range<u16>) -> Ticket {
        self.valid.retain(|_, held| held.end <= slots.start || slots.end <= held.start);
        self.next += 1;
        self.valid.insert(Ticket(self.next), slots);
        Ticket(self.next)
    }

    /// The slots of a ticket that is not void.
    pub(super) fn slots(&self, ticket: Ticket) -> Option<Range<u16>> {
        self.valid.get(&ticket).cloned()
    }
}

impl Store {
    /// Opens the file, or makes it, with its folder. Writes and reads all of it to see that it is whole, so that
    /// damage is an error now and not a wrong answer later: a start takes as long as that.
    pub fn open(path: impl Into<PathBuf>) -> Result<Store, JournalError> {
        let path = path.into();
        Store::on(path.display().to_string(), OnDisk::at(path))
    }

    /// As `open`, wherever the file is.
    pub fn on(name: impl Into<Arc<str>>, medium: impl Medium) -> Result<Store, JournalError> {
        let store = Store { name: name.into(), medium: Arc::new(medium), held: Arc::default() };
        store.with(|_, _| Ok(()))?;
        Ok(store)
    }

    /// Works on the file, one at a time. An error closes it and makes all tickets void.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&Database, &mut Tickets) -> Result<T, redb::Error>,
    ) -> Result<T, JournalError> {
        let mut held = self.lock();
        let database = match held.database.take() {
            Some(database) => database,
            None => self.open_file()?,
        };
        match work(&database, &mut held.tickets) {
            Ok(done) => {
                held.database = Some(database);
                Ok(done)
            }
            Err(error) => {
                held.tickets.valid.clear();
                Err(self.error(error))
            }
        }
    }

    /// Puts all that was committed on the disk, and closes the file.
    pub fn close(&self) -> Result<(), JournalError> {
        let mut held = self.lock();
        let Some(database) = held.database.take() else { return Ok(()) };
        transact(&database, true, |_| Ok(())).map_err(|error| self.error(error))?;
        database.close().map_err(|error| self.error(cause(error)))
    }

    /// Makes all tickets void.
    pub(super) fn revoke(&self) {
        self.lock().tickets.valid.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(|poisoned| {
            // Somebody panicked with the file in hand, and `with` had taken it out: it is closed already.
            let mut held = PoisonError::into_inner(poisoned);
            held.tickets.valid.clear();
            self.held.clear_poison();
            held
        })
    }

    pub(super) fn error(&self, what: impl fmt::Display) -> JournalError {
        JournalError { name: self.name.clone(), what: what.to_string() }
    }

    fn open_file(&self) -> Result<Database, JournalError> {
        let mut builder = Builder::new();
        builder.set_cache_size(CACHE).set_check_integrity_on_open(true);
        let io = |error: io::Error| self.error(format!("can't open it: {error}"));
        if !self.medium.is_there().map_err(io)? {
            // Cut off half-way a file could not be told from a foreign one, so it gets its name when it is whole.
            let made = self.medium.make(&builder).map_err(|error| self.error(cause(error)))?;
            lay_out(&made).map_err(|error| self.error(error))?;
            made.close().map_err(|error| self.error(cause(error)))?;
            self.medium.finish().map_err(io)?;
        }
        // Whoever had it before, here or in another process, may have met a failed sync.
        self.medium.rewrite().map_err(io)?;
        let database = self.medium.open(&builder).map_err(|error| self.error(cause(error)))?;
        match layout(&database).map_err(|error| self.error(error))? {
            LAYOUT => {}
            other => return Err(self.error(format!("it has layout {other}, this program knows {LAYOUT}"))),
        }
        self.medium.keep_name().map_err(|error| self.error(format!("can't sync its folder: {error}")))?;
        Ok(database)
    }
}

/// Makes the tables of a new file.
fn lay_out(database: &Database) -> Result<(), redb::Error> {
    let write = database.begin_write()?;
    write.open_table(META)?.insert("layout", LAYOUT)?;
    write.open_table(ROWS)?;
    Ok(write.commit()?)
}

fn layout(database: &Database) -> Result<u64, redb::Error> {
    let meta = database.begin_read()?.open_table(META)?;
    Ok(meta.get("layout")?.map_or(0, |layout| layout.value()))
}

fn cause(error: DatabaseError) -> String {
    match error {
        DatabaseError::DatabaseAlreadyOpen => "another process has it open".to_owned(),
        DatabaseError::UpgradeRequired(version) => {
            format!("it was written by an old redb (format {version})")
        }
        DatabaseError::Storage(StorageError::Corrupted(how)) => format!("it is damaged: {how}"),
        DatabaseError::Storage(StorageError::Io(error)) => format!("can't open it: {error}"),
        other => other.to_string(),
    }
}
