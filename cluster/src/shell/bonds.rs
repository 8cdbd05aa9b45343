//! The bonds with the actors of a peer: what they give out is sent, and delivered, one thread at a time.
//!
//! What is delivered may end actors, whose ends are signals again, for this peer or another. A thread that delivers does
//! not wait for bonds: it puts such a signal into the peer's queue, and whoever holds the bonds looks there before it lets
//! them go, and once more after.

use super::peer::{Peer, lock};
use super::signals::{Bond, from_frame, link_of, sender, to_bond, to_core, to_frame};
use crate::proto::BarePid;
use crate::proto::bonds::{Bonds, Output, TooManyBonds};
use crate::proto::frame::Signal as Framed;
use crate::proto::link::Flow;
use ravelin_core::{DistSignal, Exit, Pid, System};
use std::cell::Cell;

thread_local! {
    /// Whether this thread delivers signals just now.
    static DELIVERS: Cell<bool> = const { Cell::new(false) };
}

/// While it is there this thread delivers.
struct Delivering;

impl Delivering {
    fn begin() -> Delivering {
        DELIVERS.set(true);
        Delivering
    }
}

impl Drop for Delivering {
    fn drop(&mut self) {
        DELIVERS.set(false);
    }
}

impl Peer {
    /// A signal of a local actor to one of the peer.
    pub(crate) fn carry(&self, system: &System, signal: DistSignal) {
        if DELIVERS.get() {
            lock(&self.later).push_back(signal);
        } else {
            let mut bonds = lock(&self.bonds);
            if let Some(signal) = to_bond(signal) {
                bonds.handle_local(signal);
            }
            self.settle(system, &mut bonds);
        }
        self.catch_up(system);
    }

    /// A signal of an actor of the peer.
    pub(crate) fn hear(&self, system: &System, signal: Framed) -> Result<(), TooManyBonds> {
        let Some(bond) = from_frame(signal, self.number) else { return Ok(()) };
        let mut bonds = lock(&self.bonds);
        let heard = bonds.handle_remote(bond);
        self.settle(system, &mut bonds);
        drop(bonds);
        self.catch_up(system);
        heard
    }

    /// An actor of the peer monitors what is not there.
    pub(crate) fn nobody_to_watch(&self, monitor: u64, watcher: BarePid) {
        let down = Framed::Down { monitor, to: watcher, from: None, reason: Exit::NoProc };
        let pushed = self.gate().signal(Flow::Groups, &down);
        self.wake_if(pushed);
    }

    /// What came up while somebody delivered, unless somebody is at it: that one looks again.
    pub(super) fn catch_up(&self, system: &System) {
        while !lock(&self.later).is_empty() {
            let Ok(mut bonds) = self.bonds.try_lock() else { return };
            self.settle(system, &mut bonds);
        }
    }

    /// Does what the bonds give out, and takes what comes up meanwhile.
    pub(super) fn settle(&self, system: &System, bonds: &mut Bonds<Pid>) {
        let _delivering = Delivering::begin();
        loop {
            while let Some(output) = bonds.poll() {
                match output {
                    Output::Send(signal) => {
                        let flow = Flow::Actor(sender(&signal));
                        let signal = to_frame(signal, &mut |pid| self.named_to_peer(pid));
                        let pushed = self.gate().signal(flow, &signal);
                        self.wake_if(pushed);
                    }
                    Output::Deliver(signal) => self.deliver(system, bonds, signal),
                }
            }
            let Some(signal) = lock(&self.later).pop_front() else { return };
            if let Some(signal) = to_bond(signal) {
                bonds.handle_local(signal);
            }
        }
    }

    fn deliver(&self, system: &System, bonds: &mut Bonds<Pid>, signal: Bond) {
        let link = link_of(&signal);
        let Some(signal) = to_core(signal) else { return };
        match system.deliver(signal) {
            Ok(true) => {}
            Ok(false) => {
                if let Some((local, remote)) = link {
                    bonds.unchanged(local, remote);
                }
            }
            Err(why) => {
                tracing::debug!(target: "ravelin", node = %self.id, %why, "ravelin.cluster.misdirected");
            }
        }
    }
}
