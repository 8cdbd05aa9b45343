//! The journal's actor: gathers what waits, and keeps it as one group.
//!
//! The first batch of a group makes it send `Flush` to itself. That comes behind all that waits in the mailbox by
//! then, so the busier the store, the larger the groups: nothing waits for a timer, and an fsync is shared by all
//! who ask for one.
//!
//! It works on the file where it may block. Such a job is not cut off by a kill: what it began it finishes, and
//! answers. The next incarnation gets the file after that.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use ravelin::{Actor, Cx, Exit, Handle, Message, blocking};

use super::House;
use super::partition::Kept;
use crate::command::KeyCommand;
use crate::journal::{Batch, Journal, JournalError, Ticket};
use crate::keyspace::Keyspace;
use crate::line::Done;
use crate::reply::Reply;

/// A partition's effects, to be kept. The errand that had them is answered then.
#[derive(Message)]
pub struct Commit {
    pub partition: usize,
    pub batch: Batch,
    /// `None`: nobody waits for it.
    pub done: Option<Done<KeyCommand>>,
}

/// A partition wants the keys of its slots.
#[derive(Message)]
#[message(reply = Result<(Keyspace, Ticket), JournalError>)]
pub struct Load(pub Range<u16>);

/// Keeps what was gathered.
#[derive(Message)]
struct Flush;

/// Puts what was kept on the disk, if it is time.
#[derive(Message)]
struct Sync;

pub struct JournalKeeper {
    house: Arc<House>,
    /// `None` only while a job has it.
    journal: Option<Journal>,
    group: Vec<Commit>,
    /// Whether a `Sync` is on its way.
    will_sync: bool,
}

impl Actor for JournalKeeper {
    type Args = Arc<House>;

    async fn init(house: Arc<House>, _: &mut Cx<Self>) -> Result<Self, Exit> {
        // Waits for a job that a predecessor left behind.
        let (store, mode) = (house.store.clone(), house.config.fsync);
        let journal = blocking(house.runtime(), move || Journal::new(store, mode)).await?;
        Ok(JournalKeeper { house, journal: Some(journal), group: Vec::new(), will_sync: false })
    }

    fn inspect(&self) -> Option<String> {
        let is_synced = self.journal.as_ref().is_some_and(|journal| journal.sync_at().is_none());
        Some(format!("{} batches gathered, all else is on the disk: {is_synced}", self.group.len()))
    }
}

impl Handle<Commit> for JournalKeeper {
    async fn handle(&mut self, commit: Commit, cx: &mut Cx<Self>) {
        self.group.push(commit);
        if self.group.len() == 1 {
            // To itself, without a limit on the mailbox: it can't be refused.
            let _ = cx.me().cast(Flush);
        }
    }
}

impl Handle<Flush> for JournalKeeper {
    async fn handle(&mut self, _: Flush, cx: &mut Cx<Self>) {
        let flushed = self.flush().await;
        stop_on_error(flushed, cx);
        self.plan_sync(cx);
    }
}

impl Handle<Load> for JournalKeeper {
    async fn handle(
        &mut self,
        Load(slots): Load,
        cx: &mut Cx<Self>,
    ) -> Result<(Keyspace, Ticket), JournalError> {
        // All that the partition's predecessor sent is in before its successor reads.
        let flushed = self.flush().await;
        stop_on_error(flushed, cx);
        self.work(move |journal| journal.load(slots)).await
    }
}

impl Handle<Sync> for JournalKeeper {
    async fn handle(&mut self, _: Sync, cx: &mut Cx<Self>) {
        self.will_sync = false;
        let now = self.house.uptime_ms();
        if self.journal.as_ref().and_then(Journal::sync_at).is_some_and(|due| due <= now) {
            let synced = self.work(Journal::sync).await;
            stop_on_error(synced, cx);
        }
        self.plan_sync(cx);
    }
}

impl JournalKeeper {
    async fn flush(&mut self) -> Result<(), JournalError> {
        let group = std::mem::take(&mut self.group);
        if group.is_empty() {
            return Ok(());
        }
        let house = self.house.clone();
        self.work(move |journal| keep(journal, &house, group)).await
    }

    /// Does something with the journal, where it may block. A panic there is a panic here.
    async fn work<T: Send + 'static>(&mut self, job: impl FnOnce(&mut Journal) -> T + Send + 'static) -> T {
        let mut journal = self.journal.take().expect("one job at a time, and none after a panic");
        let worked = blocking(self.house.runtime(), move || {
            let done = job(&mut journal);
            (journal, done)
        });
        let (journal, done) = worked.await.unwrap_or_else(|exit| panic!("the journal's job: {exit}"));
        self.journal = Some(journal);
        done
    }

    fn plan_sync(&mut self, cx: &mut Cx<Self>) {
        let due = self.journal.as_ref().and_then(Journal::sync_at);
        if let (Some(due), false) = (due, self.will_sync) {
            self.will_sync = true;
            cx.send_after(Duration::from_millis(due.saturating_sub(self.house.uptime_ms())), Sync);
        }
    }
}

fn stop_on_error(outcome: Result<(), JournalError>, cx: &mut Cx<JournalKeeper>) {
    if let Err(error) = outcome {
        cx.stop(Exit::error(error));
    }
}

/// Keeps a group and answers its errands; those that were not kept go back. There is no await in here: nothing
/// comes between the two.
fn keep(journal: &mut Journal, house: &House, group: Vec<Commit>) -> Result<(), JournalError> {
    let apart = |Commit { partition, batch, done }| ((partition, batch.ticket, done), batch);
    let (rest, batches): (Vec<_>, Vec<_>) = group.into_iter().map(apart).unzip();
    let committed = match journal.commit(house.uptime_ms(), &batches) {
        Ok(committed) => committed,
        Err(error) => {
            // To send these again would not help. The partitions load again what there was before.
            let why = Reply::error(format!("MISCONF Errors writing to the journal: {error}"));
            rest.into_iter().filter_map(|(_, _, done)| done).for_each(|done| done.refuse(&why));
            return Err(error);
        }
    };
    for ((partition, ticket, done), is_kept) in rest.into_iter().zip(committed.kept) {
        // A partition that is not there any more need not know.
        let _ = house.partition(partition).cast(Kept { ticket, is_kept });
        if let Some(done) = done.filter(|_| is_kept) {
            done.answer();
        }
    }
    Ok(())
}
