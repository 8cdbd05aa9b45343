//! `[pure]` What a disk is like: its size, its speed, and its faults, as values.

use crate::net::{Luck, Ppm};
use std::time::Duration;

/// The settings of a disk.
///
/// ```
/// use ravelin_sim::disk::{Faults, Settings};
/// let small = Settings { capacity: 1 << 20, faults: Faults::none(), ..Settings::default() };
/// assert!(small.directory_needs_sync);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Settings {
    /// The most bytes in all files together, as their lengths count them, holes too.
    pub capacity: u64,
    /// Whether a new, renamed or removed name is safe only after [`sync_dir`](super::Disk::sync_dir), as POSIX has
    /// it. If not, names are safe at once.
    pub directory_needs_sync: bool,
    /// What goes wrong.
    pub faults: Faults,
    /// How long things take.
    pub latency: Latency,
}

/// What goes wrong, and how often.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Faults {
    /// At a crash: how many of the changes that are not synced are lost.
    pub lost: Ppm,
    /// At a crash: how many of the other writes are torn at the edge of a sector: their front or their back is lost.
    pub torn: Ppm,
    /// How many crashes keep to the order: what survives is all up to some point, over all files. In the other
    /// crashes each change lives or dies by itself, so that a later one may survive an earlier.
    pub in_order: Ppm,
    /// How many syncs say yes and do nothing.
    pub sync_lies: Ppm,
    /// How many syncs fail. What was to be synced fares as in a crash, is still read back until there is one, and
    /// no later sync makes up for it: as on Linux.
    pub sync_fails: Ppm,
    /// How many reads fail. Nothing is changed; the next may succeed.
    pub read_fails: Ppm,
    /// How many writes fail. Some sectors of their front may be written.
    pub write_fails: Ppm,
    /// How many writes and changes of length find no space, besides those that really don't. Nothing is changed.
    pub no_space: Ppm,
    /// How many sectors get one wrong bit on their way to the medium. Read back after the next crash.
    pub bit_flips: Ppm,
    /// How many sectors get to another place of the same file on their way to the medium.
    pub misdirected: Ppm,
}

/// How long things take, in virtual time. Each operation's time is returned with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Latency {
    /// A read, besides its bytes.
    pub read: Duration,
    /// A write or a change of length, besides its bytes.
    pub write: Duration,
    /// A sync of a file or of the directory.
    pub sync: Duration,
    /// Opening, creating, renaming, removing.
    pub name: Duration,
    /// Up to this much is added to each.
    pub jitter: Duration,
    /// How many operations stall.
    pub stalls: Ppm,
    /// Up to this much is added to those.
    pub stall_max: Duration,
    /// How fast bytes are read and written; `None`: they take no time.
    pub bytes_per_second: Option<u64>,
}

impl Faults {
    /// A disk that keeps all it is told, synced or not.
    pub const fn none() -> Faults {
        Faults {
            lost: Ppm::NEVER,
            torn: Ppm::NEVER,
            in_order: Ppm::NEVER,
            sync_lies: Ppm::NEVER,
            sync_fails: Ppm::NEVER,
            read_fails: Ppm::NEVER,
            write_fails: Ppm::NEVER,
            no_space: Ppm::NEVER,
            bit_flips: Ppm::NEVER,
            misdirected: Ppm::NEVER,
        }
    }

    /// An honest disk on a machine that loses power: of what is not synced half is lost and one write in five torn,
    /// and one crash in five keeps to the order. No operation fails. The default.
    pub const fn power_loss() -> Faults {
        Faults {
            lost: Ppm::percent(50),
            torn: Ppm::percent(20),
            in_order: Ppm::percent(20),
            ..Faults::none()
        }
    }

    /// The same, and one in a hundred reads, writes and syncs fails, or finds no space. What was synced is still safe.
    pub const fn failing() -> Faults {
        Faults {
            sync_fails: Ppm::percent(1),
            read_fails: Ppm::percent(1),
            write_fails: Ppm::percent(1),
            no_space: Ppm::percent(1),
            ..Faults::power_loss()
        }
    }
}

impl Latency {
    /// No operation takes time.
    pub const fn none() -> Latency {
        Latency {
            read: Duration::ZERO,
            write: Duration::ZERO,
            sync: Duration::ZERO,
            name: Duration::ZERO,
            jitter: Duration::ZERO,
            stalls: Ppm::NEVER,
            stall_max: Duration::ZERO,
            bytes_per_second: None,
        }
    }

    /// A solid-state disk behind a page cache: writes 5 us, reads 50 us, syncs 1 ms, names 20 us, 1 GB/s, 20 us of
    /// jitter, and one operation in a thousand up to 50 ms late. The default.
    pub const fn ssd() -> Latency {
        Latency {
            read: Duration::from_micros(50),
            write: Duration::from_micros(5),
            sync: Duration::from_millis(1),
            name: Duration::from_micros(20),
            jitter: Duration::from_micros(20),
            stalls: Ppm::new(1_000),
            stall_max: Duration::from_millis(50),
            bytes_per_second: Some(1_000_000_000),
        }
    }

    /// How long one operation takes whose own time is `base`.
    pub(super) fn of(&self, base: Duration, len: usize, luck: &mut Luck) -> Duration {
        let (jitter, stalls, stall) =
            (luck.up_to(self.jitter), luck.hits(self.stalls), luck.up_to(self.stall_max));
        let nanos = self
            .bytes_per_second
            .map_or(0, |speed| (len as u128 * 1_000_000_000).div_ceil(u128::from(speed.max(1))));
        let bytes = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let late = if stalls { stall } else { Duration::ZERO };
        [jitter, late, bytes].into_iter().fold(base, Duration::saturating_add)
    }
}

impl Default for Settings {
    /// 256 MiB, names that need a sync, [`Faults::power_loss`], [`Latency::ssd`].
    fn default() -> Settings {
        Settings {
            capacity: 256 << 20,
            directory_needs_sync: true,
            faults: Faults::default(),
            latency: Latency::default(),
        }
    }
}

impl Default for Faults {
    fn default() -> Faults {
        Faults::power_loss()
    }
}

impl Default for Latency {
    fn default() -> Latency {
        Latency::ssd()
    }
}
