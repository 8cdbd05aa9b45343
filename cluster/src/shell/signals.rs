//! Signals between actors in their three shapes: core's, the bonds' and the wire's.

use crate::proto::bonds::{MonitorId, Signal};
use crate::proto::frame::Signal as Framed;
use crate::proto::{BarePid, NodeNumber, To, with_pids};
use ravelin_core::{DistSignal, Exit, MonitorRef, Pid};

/// A signal of the bonds with one peer; monitors aim at incarnations.
pub(crate) type Bond = Signal<Pid>;

/// As the bonds have it, of an actor of this node. Numbers are given by the bonds.
pub(crate) fn to_bond(signal: DistSignal) -> Option<Bond> {
    let monitor = |monitor: MonitorRef| MonitorId(monitor.as_u64());
    Some(match signal {
        DistSignal::Link { from, to } => Signal::Link { from, to },
        DistSignal::Unlink { from, to } => Signal::Unlink { from, to, id: 0 },
        DistSignal::LinkExit { from, to, reason } => Signal::LinkExit { from, to, reason },
        DistSignal::Exit { from, to, reason } => Signal::Exit { from, to, reason },
        DistSignal::Kill { from, to } => Signal::Kill { from, to },
        DistSignal::Monitor { from, to, monitor: id } => {
            Signal::Monitor { monitor: monitor(id), watcher: from, target: to }
        }
        DistSignal::Demonitor { from, to, monitor: id } => {
            Signal::Demonitor { monitor: monitor(id), watcher: from, target: to }
        }
        DistSignal::Down { from, to, monitor: id, reason } => {
            Signal::Down { monitor: monitor(id), watcher: to, target: from, reason }
        }
        _ => return None,
    })
}

/// The two ends of the link that a signal to an actor here is about, its own first.
pub(crate) fn link_of(signal: &Bond) -> Option<(Pid, Pid)> {
    match signal {
        Signal::Link { from, to } | Signal::Unlink { from, to, .. } | Signal::LinkExit { from, to, .. } => {
            Some((*to, *from))
        }
        _ => None,
    }
}

/// As core has it; `None` for what core does not know: acknowledgements.
pub(crate) fn to_core(signal: Bond) -> Option<DistSignal> {
    let monitor = |id: MonitorId| MonitorRef::from_u64(id.0);
    Some(match signal {
        Signal::Link { from, to } => DistSignal::Link { from, to },
        Signal::Unlink { from, to, .. } => DistSignal::Unlink { from, to },
        Signal::UnlinkAck { .. } => return None,
        Signal::LinkExit { from, to, reason } => DistSignal::LinkExit { from, to, reason },
        Signal::Exit { from, to, reason } => DistSignal::Exit { from, to, reason },
        Signal::Kill { from, to } => DistSignal::Kill { from, to },
        Signal::Monitor { monitor: id, watcher, target } => {
            DistSignal::Monitor { from: watcher, to: target, monitor: monitor(id) }
        }
        Signal::Demonitor { monitor: id, watcher, target } => {
            DistSignal::Demonitor { from: watcher, to: target, monitor: monitor(id) }
        }
        Signal::Down { monitor: id, watcher, target, reason } => {
            DistSignal::Down { from: target, to: watcher, monitor: monitor(id), reason }
        }
    })
}

/// The actor whose flow a signal belongs to.
pub(crate) fn sender(signal: &Bond) -> Pid {
    match signal {
        Signal::Link { from, .. }
        | Signal::Unlink { from, .. }
        | Signal::UnlinkAck { from, .. }
        | Signal::LinkExit { from, .. }
        | Signal::Exit { from, .. } => *from,
        Signal::Kill { from, to } => from.unwrap_or(*to),
        Signal::Monitor { watcher, .. } | Signal::Demonitor { watcher, .. } => *watcher,
        Signal::Down { target, .. } => *target,
    }
}

/// As a frame has it; `named` changes the pids inside of reasons to those of the link.
pub(crate) fn to_frame(signal: Bond, named: &mut dyn FnMut(Pid) -> Pid) -> Framed {
    let bare = BarePid::of;
    match signal {
        Signal::Link { from, to } => Framed::Link { from: bare(from), to: bare(to) },
        Signal::Unlink { from, to, id } => Framed::Unlink { id, from: bare(from), to: bare(to) },
        Signal::UnlinkAck { from, to, id } => Framed::UnlinkAck { id, from: bare(from), to: bare(to) },
        Signal::LinkExit { from, to, reason } => {
            Framed::LinkExit { from: bare(from), to: bare(to), reason: with_pids(&reason, named) }
        }
        Signal::Exit { from, to, reason } => {
            Framed::Exit { from: bare(from), to: bare(to), reason: with_pids(&reason, named) }
        }
        Signal::Kill { from, to } => Framed::Kill { from: from.map(bare), to: bare(to) },
        Signal::Monitor { monitor, watcher, target } => {
            Framed::Monitor { monitor: monitor.0, from: bare(watcher), to: To::Pid(bare(target)) }
        }
        Signal::Demonitor { monitor, .. } => Framed::Demonitor { monitor: monitor.0 },
        Signal::Down { monitor, watcher, target, reason } => {
            let reason = with_pids(&reason, named);
            Framed::Down { monitor: monitor.0, to: bare(watcher), from: Some(bare(target)), reason }
        }
    }
}

/// As the bonds have it, from the peer whose actors have the node number `peer`. `None`: it is no signal between actors,
/// or a monitor of something else than an incarnation.
pub(crate) fn from_frame(signal: Framed, peer: u32) -> Option<Bond> {
    let (there, here) = (|pid: BarePid| pid.at(peer), |pid: BarePid| pid.at(0));
    // Those of third nodes are not named in reasons.
    let named = |reason: &Exit| {
        with_pids(reason, &mut |pid| {
            let node = if pid.node() == NodeNumber::RECEIVER.0 { 0 } else { peer };
            Pid::from_parts(node, pid.slot(), pid.serial())
        })
    };
    Some(match signal {
        Framed::Link { from, to } => Signal::Link { from: there(from), to: here(to) },
        Framed::Unlink { id, from, to } => Signal::Unlink { from: there(from), to: here(to), id },
        Framed::UnlinkAck { id, from, to } => Signal::UnlinkAck { from: there(from), to: here(to), id },
        Framed::LinkExit { from, to, reason } => {
            Signal::LinkExit { from: there(from), to: here(to), reason: named(&reason) }
        }
        Framed::Exit { from, to, reason } => {
            Signal::Exit { from: there(from), to: here(to), reason: named(&reason) }
        }
        Framed::Kill { from, to } => Signal::Kill { from: from.map(there), to: here(to) },
        Framed::Monitor { monitor, from, to: To::Pid(target) } => {
            Signal::Monitor { monitor: MonitorId(monitor), watcher: there(from), target: here(target) }
        }
        // Of these only the number is believed.
        Framed::Demonitor { monitor } => {
            let (watcher, target) = (Pid::from_parts(peer, 0, 1), Pid::from_parts(0, 0, 1));
            Signal::Demonitor { monitor: MonitorId(monitor), watcher, target }
        }
        Framed::Down { monitor, to, from, reason } => {
            let target = from.map_or(Pid::from_parts(peer, 0, 1), there);
            Signal::Down { monitor: MonitorId(monitor), watcher: here(to), target, reason: named(&reason) }
        }
        _ => return None,
    })
}
