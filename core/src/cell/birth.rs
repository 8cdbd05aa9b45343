//! The beginning of an incarnation: its `init` is put where it is run.
//!
//! Proof: the folder's, in `mod.rs`; each block says which part of it it rests on.

use super::life::Control;
use super::local::{self, eject};
use super::run::run;
use super::watched::{self, Birth};
use super::{CellPtr, Slot};
use crate::exit::Exit;
use crate::id::Pid;
use crate::lifecycle::Stage;
use crate::panics;
use crate::reply::{Reply, reply};
use ravelin_mailbox::{Capacity, Cut};

/// Starts an incarnation whose `init` future `put` puts in the slot: on the spot where that is possible, else on the
/// executor. Gives the outcome of `init`, or where it will come.
///
/// # Safety
/// The caller owns the cell, freshly reopened as `pid`, and has a hold on it; what `put` puts in borrows nothing but
/// the cell.
pub(crate) unsafe fn start(
    cell: CellPtr,
    pid: Pid,
    capacity: Capacity,
    put: impl FnOnce(&mut Slot),
) -> Result<Result<Pid, Exit>, Reply<Result<Pid, Exit>>> {
    // SAFETY: the cell is owned until `run` or `eject`, and kept by the caller's hold.
    unsafe {
        let header = cell.header();
        let consumer = header.consumer.get();
        (*consumer).inner.stage = Stage::Starting;
        (*consumer).inner.publish_every = capacity.limit().map_or(32, |limit| (limit / 8).clamp(1, 32));
        let place = header.name().map(|name| &**name);
        let span = tracing::info_span!(target: "ravelin", "ravelin.actor", %pid, place);
        if !span.is_disabled() {
            (*consumer).inner.rare.get_or_insert_default().span = Some(span);
        }
        let host = header.host().filter(|host| local::may_enter(host));
        let birth = if header.is_watched() { watched::before_init(header) } else { Birth::Runs };
        let put = |slot: &mut Slot| match birth {
            Birth::Runs => put(slot),
            Birth::Panics => {
                drop(panics::isolate(|| drop(put)));
                slot.put(watched::panics_in_init());
            }
            Birth::Killed => {
                put(slot);
                header.signal(Some(pid), |_| Some((Control::Kill, Cut::Yes)));
            }
        };
        match host {
            Some(host) => local::enter(host, |local| {
                put(&mut (*local).slot);
                run(cell, local);
            }),
            None => {
                put(&mut (*consumer).slot);
                eject(cell);
            }
        }
        header.mailbox.with(|_, life| {
            if life.pid == Some(pid) && !life.is_up {
                let (starter, outcome) = reply();
                life.company().starter = Some(starter);
                Err(outcome)
            } else if life.pid == Some(pid) {
                Ok(Ok(pid))
            } else if life.had_come_up(pid) {
                // It came up and has ended since.
                Ok(Ok(pid))
            } else if life.is_ending() {
                // It is over, and will be gone soon: the starter learns of it then.
                let (starter, outcome) = reply();
                life.company().starter = Some(starter);
                Err(outcome)
            } else {
                Ok(Err(life.last_exit().unwrap_or(Exit::Killed)))
            }
        })
    }
}
