//! Keeps what partitions did, in one redb file.
//!
//! Batches of effects from all partitions go into the file as *one* transaction: a group shares the cost of
//! one fsync, and after a crash either all of it is there or none. When a commit is durable is the `Mode`'s
//! choice.
//!
//! Three rules make a reply to a write worth something:
//! - A batch is all the effects of whole commands, and a client is answered when `commit` has returned.
//! - A partition takes part with the `Ticket` it got when it loaded its slots. Loading makes older tickets
//!   void, and a new `Journal` knows none. So a batch made on top of effects that never arrived (the journal
//!   was killed with them in its mailbox) or by a dead incarnation of the partition is refused, not written
//!   over a gap: the partition loads again and goes on from what was really kept.
//! - After an error every ticket is void. Whether the group was written is known when the file is opened again:
//!   all of it or nothing, and with `everysec` and `no` perhaps not what came in the last second, or since the
//!   last sync, either. A client that was told of the error does not know; that is what it was told.

mod medium;
mod rows;
mod store;

use std::fmt;
use std::ops::Range;

use redb::{Database, Durability, ReadableDatabase, Table, WriteTransaction};

use crate::effect::Effect;
use crate::keyspace::{Inconsistent, Keyspace};
#[allow(unused_imports, reason = "for whoever brings a disk of his own")]
pub use medium::Medium;
use rows::{Change, Names};
pub use store::{JournalError, Store, Ticket};
use store::{ROWS, Tickets};

/// When what was committed is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Before `commit` returns: an acknowledged write survives a kill of the process and a power cut.
    Always,
    /// About a second later: a kill of the process, or a disk that fails, loses at most that second. Killed actors
    /// lose nothing.
    EverySecond,
    /// Now and then, and when the store is closed.
    No,
}

impl Mode {
    /// How long a commit may wait to become durable.
    fn patience_ms(self) -> u64 {
        match self {
            Mode::Always => 0,
            Mode::EverySecond => 1_000,
            Mode::No => 30_000,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mode::Always => "always",
            Mode::EverySecond => "everysec",
            Mode::No => "no",
        })
    }
}

/// The effects of some commands of one partition, in their order.
#[derive(Clone, Debug)]
pub struct Batch {
    pub ticket: Ticket,
    pub effects: Vec<Effect>,
}

/// What became of a group.
#[derive(Debug, PartialEq, Eq)]
pub struct Committed {
    /// For each batch whether it was kept; one that was not has a void ticket.
    pub kept: Vec<bool>,
    /// Whether the group is on the disk already.
    pub durable: bool,
}

/// The writer. One at a time: the actor that owns it makes it anew in each incarnation, from the same
/// `Store`.
pub struct Journal {
    store: Store,
    mode: Mode,
    /// When the oldest commit was made that is not durable yet.
    undurable_since: Option<u64>,
}

impl Journal {
    /// A journal on this file. What earlier ones had in hand is refused from now on.
    pub fn new(store: Store, mode: Mode) -> Journal {
        store.revoke();
        // A predecessor may have left commits behind that are not durable yet; 0 makes that overdue.
        Journal { store, mode, undurable_since: Some(0) }
    }

    /// The keys of these slots, and the ticket for committing to them. Call it where commits are made, so
    /// that every batch sent before is in.
    pub fn load(&self, slots: Range<u16>) -> Result<(Keyspace, Ticket), JournalError> {
        let loaded = self.store.with(|database, tickets| {
            let loaded = read(database, &slots)?;
            Ok(loaded.map(|keyspace| (keyspace, tickets.issue(slots))))
        })?;
        loaded.map_err(|damage| self.store.error(damage))
    }

    /// Keeps a group of batches. `now_ms` is of a clock that never jumps: else a commit could wait for ever.
    pub fn commit(&mut self, now_ms: u64, batches: &[Batch]) -> Result<Committed, JournalError> {
        let since = self.undurable_since.unwrap_or(now_ms);
        let durable = now_ms.saturating_sub(since) >= self.mode.patience_ms();
        let kept = self.store.with(|database, tickets| {
            transact(database, durable, |write| {
                let mut table = write.open_table(ROWS)?;
                let mut names = Names::default();
                batches.iter().map(|batch| keep(&mut table, &mut names, batch, tickets)).collect()
            })
        })?;
        self.undurable_since = if durable { None } else { Some(since) };
        Ok(Committed { kept, durable })
    }

    /// When `sync` is due, if anything waits for it.
    pub fn sync_at(&self) -> Option<u64> {
        self.undurable_since.map(|since| since + self.mode.patience_ms())
    }

    /// Puts all that was committed on the disk.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        if self.undurable_since.is_some() {
            self.store.with(|database, _| transact(database, true, |_| Ok(())))?;
            self.undurable_since = None;
        }
        Ok(())
    }
}

fn transact<T>(
    database: &Database,
    durable: bool,
    work: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>,
) -> Result<T, redb::Error> {
    let mut write = database.begin_write()?;
    write.set_durability(if durable { Durability::Immediate } else { Durability::None })?;
    let done = work(&write)?;
    write.commit()?;
    Ok(done)
}

/// Writes a batch, unless its ticket is void.
fn keep(
    table: &mut Table<&[u8], &[u8]>,
    names: &mut Names,
    batch: &Batch,
    tickets: &Tickets,
) -> Result<bool, redb::Error> {
    let Some(slots) = tickets.slots(batch.ticket) else { return Ok(false) };
    for effect in &batch.effects {
        perform(table, names.change(effect), &slots)?;
    }
    Ok(true)
}

/// Reads a range of slots. The inner error is of a file that is whole, but says what cannot be.
fn read(database: &Database, slots: &Range<u16>) -> Result<Result<Keyspace, Inconsistent>, redb::Error> {
    let table = database.begin_read()?.open_table(ROWS)?;
    let (first, last) = (rows::slot_bound(slots.start), rows::slot_bound(slots.end));
    let mut keyspace = Keyspace::new();
    for row in table.range(&first[..]..&last[..])? {
        let (name, value) = row?;
        let effect = rows::effect_of(name.value(), value.value());
        let effect = effect.ok_or_else(|| Inconsistent::new("a strange row", name.value()));
        if let Err(damage) = effect.and_then(|effect| keyspace.replay(effect)) {
            return Ok(Err(damage));
        }
    }
    Ok(Ok(keyspace))
}

fn perform(table: &mut Table<&[u8], &[u8]>, change: Change, slots: &Range<u16>) -> Result<(), redb::Error> {
    match change {
        Change::Put(name, value) => {
            table.insert(name, value)?;
        }
        Change::Remove(name) => {
            table.remove(name)?;
        }
        Change::RemoveRange(first, last) => table.retain_in(first..last, |_, _| false)?,
        Change::RemoveSlots => {
            let (first, last) = (rows::slot_bound(slots.start), rows::slot_bound(slots.end));
            table.retain_in(&first[..]..&last[..], |_, _| false)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
