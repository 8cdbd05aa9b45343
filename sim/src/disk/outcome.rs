//! `[pure]` What an operation on the disk gives: a result, and how long it took.

use std::fmt;
use std::time::Duration;

/// What became of an operation. It took its time also when it failed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub struct Done<T> {
    /// What it gave.
    pub result: Result<T, DiskError>,
    /// How long it took, in virtual time.
    pub took: Duration,
}

/// Why the disk did not do it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum DiskError {
    /// The file was closed, or a crash closed it. Nothing was changed.
    Closed,
    /// There is a file of that name. Nothing was changed.
    Exists,
    /// The medium failed (EIO). The operation says what may have changed.
    Io,
    /// No space is left (ENOSPC). Nothing was changed.
    NoSpace,
    /// There is no file of that name. Nothing was changed.
    NotFound,
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DiskError::Closed => "the file is closed",
            DiskError::Exists => "the file exists",
            DiskError::Io => "the disk failed",
            DiskError::NoSpace => "no space is left on the disk",
            DiskError::NotFound => "there is no such file",
        })
    }
}

impl std::error::Error for DiskError {}

/// What happened on a disk, in numbers: a fault that never fires is seen.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Counters {
    /// Reads, failed ones too.
    pub reads: u64,
    /// Writes and changes of length, failed ones too.
    pub writes: u64,
    /// Syncs of files and of the directory, failed and lying ones too.
    pub syncs: u64,
    /// Reads that failed.
    pub read_fails: u64,
    /// Writes that failed.
    pub write_fails: u64,
    /// Writes and changes of length that found no space, real or not.
    pub no_space: u64,
    /// Syncs that failed.
    pub sync_fails: u64,
    /// Syncs that said yes and did nothing.
    pub sync_lies: u64,
    /// Crashes.
    pub crashes: u64,
    /// Changes not synced that a crash, or a failed sync, let survive whole.
    pub kept: u64,
    /// Changes that it lost.
    pub lost: u64,
    /// Writes that it tore.
    pub torn: u64,
    /// Changes that survived while one before them did not.
    pub reordered: u64,
    /// Changes of names that a crash lost.
    pub names_lost: u64,
    /// Sectors that got a wrong bit.
    pub bit_flips: u64,
    /// Sectors that got to a wrong place.
    pub misdirected: u64,
}
