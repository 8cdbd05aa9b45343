//! A system's dealings with other nodes: signals that go there, and those that come from there.

use crate::bonds::{Bonds, Signal};
use crate::cell::running_pid;
use crate::distribution::{AlreadyDistributed, DistSignal, Distribution, Misdirected};
use crate::exit::Exit;
use crate::id::Pid;
use crate::info::Info;
use crate::system::System;
use std::sync::Arc;

/// The incarnation whose code runs on this thread just now, if one's does: whose messages they are that are sent here.
/// Two atomic loads. Source: `erlang:self/0`.
pub fn running() -> Option<Pid> {
    running_pid()
}

impl System {
    /// From now on signals to other nodes go there. Without a distribution every other node is lost: a monitor fires
    /// with [`Exit::NoConnection`], a link is an exit signal with the same reason, and other signals reach nobody.
    ///
    /// The system keeps it until it is gone itself: one that holds a `System`, or an `ActorRef` of it, keeps both for
    /// ever.
    ///
    /// # Errors
    /// It has one already, which it keeps.
    pub fn set_distribution(&self, distribution: Arc<dyn Distribution>) -> Result<(), AlreadyDistributed> {
        self.0.distribution.set(distribution).map_err(|_| AlreadyDistributed)
    }

    /// Applies a signal that came from another node. What the laws answer it with ([`Exit::NoProc`], to who links with
    /// the dead or watches them) is carried before this returns. To the dead nothing happens, nor for a link or a
    /// monitor that is not there: a `Down` or a `LinkExit` that comes twice, or late, reaches nobody.
    ///
    /// Never blocks. Whoever calls it from several threads has no order between them.
    ///
    /// Gives whether a link was made or undone, for who keeps count of links; yes for a link with the dead, who answer it,
    /// and for every signal that is none about a link.
    ///
    /// # Errors
    /// The signal does not go from another node to this one; nothing happened.
    pub fn deliver(&self, signal: DistSignal) -> Result<bool, Misdirected> {
        let (from, to) = (signal.from(), signal.to());
        if let Some(from) = from.filter(|from| from.node() == 0) {
            return Err(Misdirected::FromHere(from));
        }
        if to.node() != 0 {
            return Err(Misdirected::ToElsewhere(to));
        }
        let shared = &self.0;
        match signal {
            DistSignal::Link { from, to } => {
                let is_new = shared.with_bonds(to, |bonds| bonds.links.insert(from));
                if is_new.is_none() {
                    shared.carry(DistSignal::LinkExit { from: to, to: from, reason: Exit::NoProc });
                }
                return Ok(is_new.unwrap_or(true));
            }
            DistSignal::Unlink { from, to } => {
                let was_there = shared.with_known_bonds(to, |bonds| bonds.links.remove(&from));
                return Ok(was_there.unwrap_or(false));
            }
            DistSignal::Monitor { from, to, monitor } => {
                if shared.with_bonds(to, |bonds| bonds.watchers.insert((monitor, from))).is_none() {
                    shared.carry(DistSignal::Down { from: to, to: from, monitor, reason: Exit::NoProc });
                }
            }
            DistSignal::Demonitor { from, to, monitor } => {
                shared.with_known_bonds(to, |bonds| bonds.watchers.remove(&(monitor, from)));
            }
            DistSignal::Exit { from, to, reason } => {
                shared.signal(to, &Signal::Exit { from, reason });
            }
            DistSignal::Kill { to, .. } => {
                shared.signal(to, &Signal::Kill);
            }
            DistSignal::LinkExit { from, to, reason } => return Ok(shared.link_broken(to, from, reason)),
            DistSignal::Down { from, to, monitor, reason } => {
                let fires = |bonds: &mut Bonds| {
                    let watched = bonds.watching.get_mut(&monitor).filter(|watched| **watched == from)?;
                    // From now on it watches nobody, until it is handled or taken back: it fires once.
                    *watched = to;
                    Some(())
                };
                if shared.with_known_bonds(to, fires).flatten().is_some() {
                    shared.inform(to, Info::Down { pid: from, monitor, reason });
                }
            }
        }
        Ok(true)
    }
}
