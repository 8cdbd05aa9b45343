//! One message for many.

use super::crossing::is_bound;
use super::hub::{Hub, Toward};
use super::peer::{Aim, Letter, NotSent, Payload};
use crate::wire::Wire;
use bytes::Bytes;
use ravelin_core::Pid;

impl Hub {
    /// Casts to each of these, which are sorted by node. Gives how many it went to.
    ///
    /// It is written once: for all nodes, if nothing is in it that means something to one node only, as a pid does; else
    /// for each node.
    pub(crate) fn broadcast<M: Wire + Clone>(&self, to: &[Pid], message: &M) -> usize {
        let mut same: Option<Bytes> = None;
        to.chunk_by(|a, b| a.node() == b.node())
            .map(|on_one| match on_one[0].node() {
                0 => on_one.iter().filter(|pid| self.cast_here(**pid, message.clone())).count(),
                node => self.broadcast_to(node, on_one, message, &mut same),
            })
            .sum()
    }

    fn cast_here<M: Wire>(&self, pid: Pid, message: M) -> bool {
        let mut message = Some(message);
        let row = |of| self.row(of, M::NAME);
        self.find(Toward::Pid(pid), row, |target, row| (row.here)(target, &mut message)).is_ok()
    }

    fn broadcast_to<M: Wire>(&self, node: u32, to: &[Pid], message: &M, same: &mut Option<Bytes>) -> usize {
        let Some(peer) = self.peer(node).filter(|peer| peer.reads::<M>().is_ok()) else { return 0 };
        let flow = ravelin_core::running();
        let cast = |payload: &Payload<'_>| {
            let aims = to.iter().map(|pid| Aim::Pid(*pid));
            aims.filter(|aim| {
                let payload = payload.clone();
                peer.cast(Letter { flow, aim, name: M::NAME, payload }).is_ok()
            })
            .count()
        };
        if let Some(bytes) = same {
            return cast(&Payload::of(bytes));
        }
        let (sent, is_bound) = is_bound(|| {
            peer.write(message, |payload| match cast(&payload) {
                // So that what was kept for it is given up.
                0 => Err(NotSent::Full),
                sent => Ok((sent, payload.into_bytes())),
            })
        });
        match sent {
            Ok((sent, bytes)) => {
                *same = (!is_bound).then_some(bytes);
                sent
            }
            Err(_) => 0,
        }
    }
}
