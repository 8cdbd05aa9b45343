//! A partition: owns a range of keys and executes all commands on them.
//!
//! It executes at once, in memory, and a reply leaves when what it shows is kept:
//! * an errand that changed something goes to the journal with its effects, and is answered there;
//! * one that comes while such effects are on their way may show them, so it takes the same way;
//! * all others are answered here.
//!
//! When effects are not kept the keys in memory are wrong. Then the partition ends, and its next incarnation loads
//! them from the journal.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ravelin::{Actor, Cx, Exit, Handle, Message, TimerRef, within};

use super::House;
use super::journal::{Commit, Load};
use crate::command::KeyCommand;
use crate::effect::Effect;
use crate::journal::{Batch, Ticket};
use crate::keyspace::Keyspace;
use crate::line::{Done, Errand};

/// How many keys that have expired are dropped in one go, so that clients don't wait long.
const SWEPT_AT_ONCE: usize = 1000;
/// How long a start waits for a journal. Short: a supervisor that stops the partitions waits as long.
const JOURNAL_WAIT: Duration = Duration::from_millis(20);

/// Execute this.
#[derive(Message)]
pub struct Execute(pub Errand<KeyCommand>);

/// What became of a batch.
#[derive(Message)]
pub struct Kept {
    pub ticket: Ticket,
    pub is_kept: bool,
}

/// Keys have expired.
#[derive(Message)]
struct Sweep;

pub struct Partition {
    number: usize,
    house: Arc<House>,
    keyspace: Keyspace,
    ticket: Ticket,
    /// How many batches are on their way to the journal.
    batches: usize,
    /// When the next `Sweep` comes.
    sweep: Option<(u64, TimerRef)>,
}

impl Actor for Partition {
    type Args = (usize, Arc<House>);

    async fn init((number, house): Self::Args, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        let journal = &house.journal;
        if within(house.runtime(), JOURNAL_WAIT, journal.ready()).await.is_none() {
            return Err(no_journal("it is not there"));
        }
        let loaded = journal.call(Load(house.config.partitions.slots(number))).no_timeout().await;
        let (keyspace, ticket) = loaded.map_err(no_journal)?.map_err(no_journal)?;
        let mut partition = Partition { number, house, keyspace, ticket, batches: 0, sweep: None };
        partition.take_stock(cx);
        Ok(partition)
    }

    /// What it has, and not what is in it: that is the clients'.
    fn inspect(&self) -> Option<String> {
        let (slots, keys) = (self.house.config.partitions.slots(self.number), self.keyspace.len());
        Some(format!("slots {slots:?}, {keys} keys, {} batches to be kept", self.batches))
    }
}

impl Handle<Execute> for Partition {
    async fn handle(&mut self, Execute(errand): Execute, cx: &mut Cx<Self>) {
        let now = self.house.now_ms();
        let mut effects = Vec::new();
        let done = errand.execute(|command| self.keyspace.apply(now, command, &mut effects));
        // What only dropped expired keys shows nothing that a reload would not show.
        let waits = self.batches > 0 || !effects.is_empty() && done.commands().any(KeyCommand::writes);
        if waits {
            self.commit(effects, Some(done), cx);
        } else {
            done.answer();
            if !effects.is_empty() {
                self.commit(effects, None, cx);
            }
        }
        self.take_stock(cx);
    }
}

impl Handle<Kept> for Partition {
    async fn handle(&mut self, kept: Kept, cx: &mut Cx<Self>) {
        if kept.ticket != self.ticket {
            return; // of a predecessor's batch
        }
        if !kept.is_kept {
            cx.stop(Exit::error("the journal took another ticket for these keys"));
        }
        self.batches -= 1;
    }
}

impl Handle<Sweep> for Partition {
    async fn handle(&mut self, _: Sweep, cx: &mut Cx<Self>) {
        self.sweep = None;
        let mut effects = Vec::new();
        if self.keyspace.expire_some(self.house.now_ms(), SWEPT_AT_ONCE, &mut effects) > 0 {
            self.commit(effects, None, cx);
        }
        self.take_stock(cx);
    }
}

impl Partition {
    fn commit(&mut self, effects: Vec<Effect>, done: Option<Done<KeyCommand>>, cx: &mut Cx<Self>) {
        let batch = Batch { ticket: self.ticket, effects };
        self.batches += 1;
        if self.house.journal.cast(Commit { partition: self.number, batch, done }).is_err() {
            cx.stop(no_journal("it is not there"));
        }
    }

    /// After a change: what there is to tell, and when the next key expires.
    fn take_stock(&mut self, cx: &mut Cx<Self>) {
        let (keys, expiring) = &self.house.counters.keys[self.number];
        keys.store(self.keyspace.len(), Relaxed);
        expiring.store(self.keyspace.expiring(), Relaxed);
        let Some(due) = self.keyspace.next_expiry() else { return };
        match self.sweep {
            Some((planned, _)) if planned <= due => return,
            Some((_, timer)) => drop(cx.cancel(timer)),
            None => {}
        }
        let wait = Duration::from_millis(due.saturating_sub(self.house.now_ms()));
        self.sweep = Some((due, cx.send_after(wait, Sweep)));
    }
}

/// The end of a partition that has nothing to report: the journal had.
fn no_journal(why: impl fmt::Display) -> Exit {
    Exit::shutdown_with(Exit::error(format!("no journal: {why}")))
}
