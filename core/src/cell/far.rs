//! Waits for answers of other nodes, among those of actors here; and where waits here lead to them.
//!
//! Only the node that has a question knows whether it is certain. What is posted here says that its asker waits for it.
//!
//! # Proof
//!
//! As for a `Posted`, see `waits`: a `FarPosted` owns the reply, and takes its head off the list before it drops it. The
//! cell that it is posted with is the one that runs on this thread, which is there and has a seat.

use super::local::{self, running};
use super::waits::{FAR, NODES_MAX, take_back, way_back};
use super::{CellPtr, CellRef, Header, Host};
use crate::error::Hop;
use crate::reply::Reply;
use std::sync::Arc;

/// The ways are looked at so often, if they change meanwhile.
const LOOKS_MAX: usize = 4;

/// A way to a wait for another node.
#[doc(hidden)]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FarWait {
    /// To each the one that it waits for; the last one waits for the other node.
    pub path: Vec<Hop>,
    /// The number of that wait, as whoever carries it gave it.
    pub number: u32,
}

/// A wait for an answer of another node, which may be posted with the actor that waits.
pub(crate) struct FarPosted<R> {
    pub(crate) host: Arc<dyn Host>,
    /// The actor that waits, once it is posted.
    with: Option<CellPtr>,
    /// Where who waits sits.
    seat: u32,
    pub(crate) reply: Reply<R>,
}

impl<R: Send + 'static> FarPosted<R> {
    pub(crate) fn new(host: Arc<dyn Host>, reply: Reply<R>) -> FarPosted<R> {
        FarPosted { host, with: None, seat: 0, reply }
    }

    /// The actor of this system that runs here, if one does, begins to wait: posts it under this number.
    pub(crate) fn post(&mut self, number: u32) {
        let (None, Some(me)) = (self.with, running()) else { return };
        // SAFETY: the cell that is being run is there.
        let mine = unsafe { me.header() };
        let is_ours = mine.host().is_some_and(|host| Arc::ptr_eq(host, &self.host));
        if !is_ours || mine.seat() == 0 || number >= FAR {
            return;
        }
        let head = self.reply.head();
        head.asks(FAR | number);
        (self.with, self.seat) = (Some(me), mine.seat());
        mine.waits.add(head);
    }
}

impl<R> Drop for FarPosted<R> {
    fn drop(&mut self) {
        let Some(with) = self.with.take() else { return };
        if local::is_running(with) {
            // SAFETY: the cell that is being run is there.
            unsafe { with.header() }.waits.remove(self.reply.head());
        } else {
            take_back(&self.host, self.seat, with, self.reply.head());
        }
    }
}

/// All that the waits of this actor lead to on other nodes. Each way was there as a whole: it was looked at twice,
/// backwards the second time.
pub(crate) fn far_waits(from: &CellRef) -> Vec<FarWait> {
    let Some(host) = from.header().host() else { return Vec::new() };
    for _ in 0..LOOKS_MAX {
        let (seen, found) = reached(&**host, from);
        let count = found.len();
        let ways = found.into_iter().filter_map(|(at, number)| {
            let mut path = way_back(&seen, at, FAR | number)?;
            path.reverse();
            Some(FarWait { path, number })
        });
        let ways: Vec<FarWait> = ways.collect();
        if ways.len() == count {
            return ways;
        }
        // Somebody went on. What is left may be reached by another way.
    }
    Vec::new()
}

/// Those that are waited for, each with where it was come from; and which of them wait for other nodes.
type Reached = (Vec<(CellRef, usize)>, Vec<(usize, u32)>);

/// Those that are waited for, each with where it was come from, and which of them wait for other nodes.
fn reached(host: &dyn Host, from: &CellRef) -> Reached {
    let (mut seen, mut found) = (vec![(from.clone(), 0)], Vec::new());
    let mut at = 0;
    while at < seen.len() && seen.len() < NODES_MAX {
        for seat in seen[at].0.header().waits.seats() {
            if seat & FAR != 0 {
                found.push((at, seat & !FAR));
            } else if let Some(cell) = host.at_seat(seat)
                && seen.iter().all(|(each, _)| each.ptr() != cell.ptr())
            {
                seen.push((cell, at));
            }
        }
        at += 1;
    }
    (seen, found)
}

/// Who waits here began to wait for this actor: whoever carries to other nodes learns where that leads.
pub(super) fn tell(mine: &Header, asked: &CellRef) {
    let Some(host) = mine.host() else { return };
    let (_, found) = reached(&**host, asked);
    if !found.is_empty() {
        let numbers: Vec<u32> = found.into_iter().map(|(_, number)| number).collect();
        host.lead_afar(&numbers);
    }
}
