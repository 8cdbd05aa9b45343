//! `[pure]` The bytes of one file by sectors, the changes made to them, and how a change lands on another copy, in part
//! or whole.
//!
//! A sector is written whole or not at all. A change holds its sectors as the cache had them after it, with what
//! earlier changes had put there: so bytes written one by one into one sector never survive with a hole between them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// The bytes that a disk writes as one, whole or not at all.
pub const SECTOR: usize = 512;

pub(super) type Sector = Arc<[u8; SECTOR]>;

/// The bytes of a file. Sectors that are not there are zero, and so are bytes from `len` on.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pub(super) len: u64,
    sectors: BTreeMap<u64, Sector>,
}

/// One write or change of length.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// Bytes that became zero because the file grew over them.
    gap: Range<u64>,
    /// The length that it gave the file, if it changed it.
    new_len: Option<u64>,
    /// The end of the bytes written; 0 when none were.
    end: u64,
    /// The number of the first sector, and the sectors as they were after it.
    first: u64,
    sectors: Vec<Sector>,
}

/// How much of a change lands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Landing {
    Whole,
    /// So many sectors from the front, and the length either in full or as far as they go.
    Front {
        sectors: usize,
        is_grown: bool,
    },
    /// All but so many sectors from the front.
    Back {
        without: usize,
    },
}

impl Change {
    /// How many sectors it wrote.
    pub(super) fn sectors(&self) -> usize {
        self.sectors.len()
    }

    /// Which of its sectors land.
    pub(super) fn landed(&self, landing: Landing) -> Range<u64> {
        let all = self.sectors.len();
        let (from, to) = match landing {
            Landing::Whole => (0, all),
            Landing::Front { sectors, .. } => (0, sectors.min(all)),
            Landing::Back { without } => (without.min(all), all),
        };
        self.first + from as u64..self.first + to as u64
    }
}

impl Content {
    /// Reads as many bytes of `out` as there are from `offset` on; how many.
    pub(super) fn read(&self, offset: u64, out: &mut [u8]) -> usize {
        let there = self.len.saturating_sub(offset);
        let len = out.len().min(usize::try_from(there).unwrap_or(usize::MAX));
        for (sector, inside, range) in pieces(offset, len) {
            match self.sectors.get(&sector) {
                Some(bytes) => out[range].copy_from_slice(&bytes[inside]),
                None => out[range].fill(0),
            }
        }
        len
    }

    /// Writes `bytes`, which are not empty, at `offset`.
    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) -> Change {
        let end = offset + bytes.len() as u64;
        let gap = self.len.min(offset)..offset;
        let new_len = (end > self.len).then_some(end);
        let mut sectors = Vec::new();
        for (sector, inside, range) in pieces(offset, bytes.len()) {
            let slot = self.sectors.entry(sector).or_insert_with(zeros);
            Arc::make_mut(slot)[inside].copy_from_slice(&bytes[range]);
            sectors.push(Arc::clone(slot));
        }
        self.len = self.len.max(end);
        Change { gap, new_len, end, first: offset / SECTOR as u64, sectors }
    }

    /// Cuts the file off, or lengthens it with zeros.
    pub(super) fn set_len(&mut self, len: u64) -> Change {
        let gap = self.len.min(len)..len;
        self.resize(len);
        Change { gap, new_len: Some(len), end: 0, first: 0, sectors: Vec::new() }
    }

    /// Does to this copy what `change` did to the one that it was made on, as far as it lands.
    pub(super) fn land(&mut self, change: &Change, landing: Landing) {
        let landed = change.landed(landing);
        let is_grown = !matches!(landing, Landing::Front { is_grown: false, .. });
        let end = if landed.is_empty() { 0 } else { change.end.min(landed.end * SECTOR as u64) };
        self.zero(change.gap.clone());
        for (sector, bytes) in (change.first..).zip(&change.sectors) {
            if landed.contains(&sector) {
                self.sectors.insert(sector, Arc::clone(bytes));
            }
        }
        match change.new_len {
            Some(len) if is_grown => self.resize(len),
            Some(_) | None => self.len = self.len.max(end),
        }
    }

    /// Turns over one bit of a sector. One that is not there is zero.
    pub(super) fn flip(&mut self, sector: u64, bit: u64) {
        let bytes = Arc::make_mut(self.sectors.entry(sector).or_insert_with(zeros));
        bytes[bit as usize / 8 % SECTOR] ^= 1 << (bit % 8);
    }

    /// A sector as it is now, to be put back, or put elsewhere, later.
    pub(super) fn sector(&self, sector: u64) -> Option<Sector> {
        self.sectors.get(&sector).cloned()
    }

    pub(super) fn put(&mut self, at: u64, sector: Option<Sector>) {
        match sector {
            Some(sector) => self.sectors.insert(at, sector),
            None => self.sectors.remove(&at),
        };
    }

    /// Sets the length; what is beyond it is zero.
    pub(super) fn resize(&mut self, len: u64) {
        self.sectors.split_off(&len.div_ceil(SECTOR as u64));
        if !len.is_multiple_of(SECTOR as u64)
            && let Some(last) = self.sectors.get_mut(&(len / SECTOR as u64))
        {
            Arc::make_mut(last)[(len % SECTOR as u64) as usize..].fill(0);
        }
        self.len = len;
    }

    fn zero(&mut self, range: Range<u64>) {
        // Only sectors that are there: a gap may be long.
        let (from, to) = (range.start / SECTOR as u64, range.end.div_ceil(SECTOR as u64));
        if from >= to {
            return;
        }
        for (number, sector) in self.sectors.range_mut(from..to) {
            let starts_at = number * SECTOR as u64;
            let inside = |at: u64| at.saturating_sub(starts_at).min(SECTOR as u64) as usize;
            Arc::make_mut(sector)[inside(range.start)..inside(range.end)].fill(0);
        }
    }
}

fn zeros() -> Sector {
    Arc::new([0; SECTOR])
}

/// `len` bytes at `offset` by sectors: the sector, the bytes inside it, and which of the `len` they are.
fn pieces(offset: u64, len: usize) -> impl Iterator<Item = (u64, Range<usize>, Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done == len {
            return None;
        }
        let at = offset + done as u64;
        let from = (at % SECTOR as u64) as usize;
        let step = (SECTOR - from).min(len - done);
        done += step;
        Some((at / SECTOR as u64, from..from + step, done - step..done))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(content: &Content) -> Vec<u8> {
        let mut out = vec![9; content.len as usize + 10];
        let len = content.read(0, &mut out);
        assert_eq!(len as u64, content.len);
        out.truncate(len);
        out
    }

    /// 1,300 bytes of 1 on the medium, and a write of 2 over bytes 100 to 1,700.
    fn write() -> (Content, Change) {
        let mut durable = Content::default();
        durable.write(0, &[1; 1300]);
        let change = durable.clone().write(100, &[2; 1600]);
        (durable, change)
    }

    #[test]
    fn a_write_lands_by_sectors() {
        let whole = [vec![1; 100], vec![2; 1600]].concat();
        let rows = [
            (Landing::Whole, whole.clone()),
            (Landing::Front { sectors: 0, is_grown: false }, vec![1; 1300]),
            (Landing::Front { sectors: 1, is_grown: false }, [&whole[..512], &[1; 788]].concat()),
            (Landing::Front { sectors: 3, is_grown: false }, whole[..1536].to_vec()),
            (Landing::Front { sectors: 3, is_grown: true }, [&whole[..1536], &[0; 164]].concat()),
            (Landing::Back { without: 1 }, [&[1; 512], &whole[512..]].concat()),
            (Landing::Back { without: 4 }, [&[1; 1300][..], &[0; 400]].concat()),
        ];
        for (landing, expect) in rows {
            let (mut durable, change) = write();
            durable.land(&change, landing);
            assert_eq!(all(&durable), expect, "{landing:?}");
        }
    }

    #[test]
    fn bytes_written_one_by_one_into_a_sector_survive_without_a_hole() {
        let (mut cache, mut durable) = (Content::default(), Content::default());
        let _lost = cache.write(0, &[1; 100]);
        let kept = cache.write(100, &[2; 100]);
        durable.land(&kept, Landing::Whole);
        assert_eq!(all(&durable), all(&cache));
    }

    #[test]
    fn a_file_that_was_cut_off_and_lengthened_is_zero_there_though_the_cut_was_lost() {
        let mut cache = Content::default();
        cache.write(0, &[1; 2000]);
        let mut durable = cache.clone();
        let _lost = cache.set_len(700);
        let kept = cache.set_len(1800);
        assert_eq!(all(&cache), [vec![1; 700], vec![0; 1100]].concat());
        durable.land(&kept, Landing::Whole);
        assert_eq!(all(&durable), all(&cache));
    }

    #[test]
    fn a_hole_reads_as_zeros() {
        let mut content = Content::default();
        content.write(3000, &[5]);
        assert_eq!(all(&content), [vec![0; 3000], vec![5]].concat());
        content.set_len(1 << 40);
        let mut out = [9; 4];
        assert_eq!(content.read((1 << 40) - 2, &mut out), 2);
        assert_eq!((out, content.sectors.len()), ([0, 0, 9, 9], 1));
    }
}
