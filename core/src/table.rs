//! The living: from a pid to its cell.
//!
//! Sharded, so that many threads can start and end actors at once; the shard of a new actor is chosen by counting,
//! so that pids do not depend on anything but the order of starts. Start, end and look-up are O(1).

use crate::cell::CellRef;
use crate::id::Pid;
use crate::ledger::Ledger;
use ravelin_mailbox::Lock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

const SHARDS: u32 = 16;
/// With so many actors memory matters more than the time to make a task.
const CROWD: usize = 4096;

struct Entry {
    /// Of the incarnation that is there, or of the last one.
    serial: u64,
    cell: Option<CellRef>,
}

#[derive(Default)]
struct Shard {
    entries: Vec<Entry>,
    free: Vec<u32>,
    /// The counts of those who are gone.
    retired: Ledger,
    /// Those among them whose cell lives again, and is counted with the living.
    revived: Ledger,
}

pub(crate) struct Table {
    shards: [Lock<Shard>; SHARDS as usize],
    turn: AtomicU32,
    is_crowded: AtomicBool,
}

impl Table {
    pub(crate) fn new() -> Table {
        Table {
            shards: std::array::from_fn(|_| Lock::new(Shard::default())),
            turn: AtomicU32::new(0),
            is_crowded: AtomicBool::new(false),
        }
    }

    fn shard(&self, slot: u32) -> &Lock<Shard> {
        &self.shards[(slot % SHARDS) as usize]
    }

    /// A pid for a new incarnation in this cell.
    pub(crate) fn insert(&self, cell: CellRef) -> Pid {
        let shard_index = self.turn.fetch_add(1, Relaxed) % SHARDS;
        let mut shard = self.shards[shard_index as usize].lock();
        let index = match shard.free.pop() {
            Some(index) => index,
            None => {
                shard.entries.push(Entry { serial: 0, cell: None });
                if shard.entries.len() == CROWD / SHARDS as usize {
                    self.is_crowded.store(true, Relaxed);
                }
                shard.entries.len() as u32 - 1
            }
        };
        let entry = &mut shard.entries[index as usize];
        entry.serial += 1;
        entry.cell = Some(cell);
        Pid::from_parts(0, index * SHARDS + shard_index, entry.serial)
    }

    /// The cell of a living incarnation.
    pub(crate) fn get(&self, pid: Pid) -> Option<CellRef> {
        if pid.node() != 0 {
            return None;
        }
        let shard = self.shard(pid.slot()).lock();
        let entry = shard.entries.get((pid.slot() / SHARDS) as usize)?;
        if entry.serial == pid.serial() { entry.cell.clone() } else { None }
    }

    /// The cell of whoever lives in this slot.
    pub(crate) fn at(&self, slot: u32) -> Option<CellRef> {
        self.shard(slot).lock().entries.get((slot / SHARDS) as usize)?.cell.clone()
    }

    /// The incarnation is over; `counts` are those of all who lived in its cell.
    pub(crate) fn remove(&self, pid: Pid, counts: Ledger) {
        let mut shard = self.shard(pid.slot()).lock();
        let index = pid.slot() / SHARDS;
        let Some(entry) = shard.entries.get_mut(index as usize) else { return };
        if entry.serial != pid.serial() {
            return;
        }
        let cell = entry.cell.take();
        if cell.is_some() {
            shard.free.push(index);
            shard.retired += counts;
        }
        drop(shard);
        drop(cell);
    }

    /// So many of the messages that waited when this incarnation ended are dead letters now.
    pub(crate) fn buried(&self, pid: Pid, buried: u64) {
        let mut shard = self.shard(pid.slot()).lock();
        shard.retired.waiting = shard.retired.waiting.saturating_sub(buried);
        shard.retired.dead_lettered += buried;
    }

    /// The counts of a cell whose actors are gone are counted with the living from now on.
    pub(crate) fn revive(&self, pid: Pid, counts: Ledger) {
        self.shard(pid.slot()).lock().revived += counts;
    }

    /// The counts of all who are gone.
    pub(crate) fn retired(&self) -> Ledger {
        // In this order: who lives again was gone before.
        let revived = self.sum(|shard| shard.revived);
        self.sum(|shard| shard.retired).without(&revived)
    }

    fn sum(&self, of: impl Fn(&Shard) -> Ledger) -> Ledger {
        self.shards.iter().fold(Ledger::default(), |sum, shard| sum + of(&shard.lock()))
    }

    /// Whether about `CROWD` actors lived at a time, ever.
    pub(crate) fn is_crowded(&self) -> bool {
        self.is_crowded.load(Relaxed)
    }

    /// From now on it is as if many had lived.
    #[cfg(feature = "conformance")]
    pub(crate) fn be_crowded(&self) {
        self.is_crowded.store(true, Relaxed);
    }

    /// How many live.
    pub(crate) fn len(&self) -> usize {
        let shards = self.shards.iter().map(|shard| shard.lock());
        shards.map(|shard| shard.entries.len() - shard.free.len()).sum()
    }

    /// All that live, by shards.
    pub(crate) fn all(&self) -> Vec<(Pid, CellRef)> {
        let mut all = Vec::with_capacity(self.len());
        for (shard, which) in self.shards.iter().zip(0..) {
            all.extend(shard.lock().entries.iter().zip(0..).filter_map(|(entry, index)| {
                let pid = Pid::from_parts(0, index * SHARDS + which, entry.serial);
                Some((pid, entry.cell.clone()?))
            }));
        }
        all
    }
}
