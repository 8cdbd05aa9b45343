//! `[pure]` One file: what its user sees, what is on the medium, and the changes between the two.

use super::content::{Change, Content, Landing, SECTOR};
use super::outcome::Counters;
use super::settings::Faults;
use crate::net::Luck;

/// A file, whatever its name.
#[derive(Clone, Debug, Default)]
pub(super) struct File {
    /// What reads and writes see.
    pub(super) cache: Content,
    /// What a crash leaves if all that is pending is lost.
    durable: Content,
    /// The changes since the last honest sync, oldest first, each with its number on the disk.
    pending: Vec<(u64, Change)>,
}

impl File {
    pub(super) fn changed(&mut self, number: u64, change: Change) {
        self.pending.push((number, change));
    }

    /// The numbers of the pending changes, oldest first.
    pub(super) fn pending(&self) -> impl Iterator<Item = u64> {
        self.pending.iter().map(|(number, _)| *number)
    }

    /// All that is pending lands.
    pub(super) fn sync(&mut self, faults: &Faults, luck: &mut Luck, counters: &mut Counters) {
        for (_, change) in std::mem::take(&mut self.pending) {
            self.land(&change, Landing::Whole, faults, luck, counters);
        }
    }

    /// What is pending lands as far as `fate` says, which is asked once for each, oldest first; `None`: it is lost.
    pub(super) fn settle(
        &mut self,
        faults: &Faults,
        luck: &mut Luck,
        counters: &mut Counters,
        mut fate: impl FnMut(u64, &Change, &mut Luck) -> Option<Landing>,
    ) {
        let mut is_behind = false;
        for (number, change) in std::mem::take(&mut self.pending) {
            let landing = fate(number, &change, luck);
            match landing {
                None => counters.lost += 1,
                Some(Landing::Whole) => counters.kept += 1,
                Some(Landing::Front { .. } | Landing::Back { .. }) => counters.torn += 1,
            }
            counters.reordered += u64::from(is_behind && landing.is_some());
            is_behind |= landing.is_none();
            if let Some(landing) = landing {
                self.land(&change, landing, faults, luck, counters);
            }
        }
    }

    /// After a crash, when nothing is pending any more: the user sees what is on the medium.
    pub(super) fn forget_cache(&mut self) {
        debug_assert!(self.pending.is_empty(), "a change that neither survived nor was lost");
        self.durable.resize(self.durable.len);
        self.cache = self.durable.clone();
    }

    /// Turns bits over, in the cache and on the medium.
    pub(super) fn corrupt(&mut self, offset: u64, mask: u8) {
        let (sector, byte) = (offset / SECTOR as u64, offset % SECTOR as u64);
        for bit in (0..8).filter(|bit| mask & (1 << bit) != 0) {
            self.cache.flip(sector, byte * 8 + bit);
            self.durable.flip(sector, byte * 8 + bit);
        }
    }

    fn land(
        &mut self,
        change: &Change,
        landing: Landing,
        faults: &Faults,
        luck: &mut Luck,
        counters: &mut Counters,
    ) {
        // A row of its own: what the medium does wrong leaves the other chances as they were.
        let mut luck = Luck::new(luck.draw());
        let landed = change.landed(landing);
        let strays: Vec<_> = landed
            .clone()
            .filter(|_| luck.hits(faults.misdirected))
            .map(|sector| (sector, self.durable.sector(sector)))
            .collect();
        self.durable.land(change, landing);
        let sectors = self.durable.len.div_ceil(SECTOR as u64);
        for (sector, before) in strays {
            let written = self.durable.sector(sector);
            self.durable.put(sector, before);
            self.durable.put(luck.below(sectors), written);
            counters.misdirected += 1;
        }
        for sector in landed {
            if luck.hits(faults.bit_flips) {
                self.durable.flip(sector, luck.below(SECTOR as u64 * 8));
                counters.bit_flips += 1;
            }
        }
    }
}
