//! `[pure]` A simulated disk: files with a volatile cache over a durable medium, and all that goes wrong with both.
//!
//! Operations and random numbers in; results, and how long they took, out. It knows no clock, no executor and no
//! actor: whoever has these drives [`Disk`] through them. Settings are values ([`Settings`], [`Faults`], [`Latency`]),
//! so are counts ([`Counters`]).
//!
//! What is promised:
//!
//! * the same calls with the same numbers give the same disk, on every machine;
//! * after a crash everything that an honest sync covered is there, byte for byte, unless bit flips or misdirected
//!   writes are asked for: both are off by default, lying syncs too;
//! * of what was written since, each sector is as it was at the sync, or as it was after one of the writes since;
//! * the length is one that the file had since, or at the edge of a sector between two of them;
//! * names survive a crash in the order in which they were changed, from [`Disk::sync_dir`] on for certain.
//!
//! A sync happens at once: a crash in the midst of one is a crash before it. What is not modelled: folders in folders,
//! links, permissions, two disks that fail together.

mod settings;
mod outcome;
mod content;
mod file;
mod names;
mod store;

pub use content::SECTOR;
pub use outcome::{Counters, DiskError, Done};
pub use settings::{Faults, Latency, Settings};
pub use store::{Disk, FileId};
