//! What goes to other nodes, and comes from them: links, monitors, exit signals, as values.
//!
//! A [`Pid`] whose node is not 0 names an actor of another node. What an actor here does to one there is handed to the
//! [`Distribution`]; what one there does to an actor here comes in through `System::deliver`. Both systems apply the
//! same laws, so the two of them behave as one, as far as the carrier keeps what it promises.

use crate::exit::Exit;
use crate::id::{MonitorRef, Pid};
use std::fmt;

/// Who carries signals to other nodes: a cluster, or a test.
///
/// # What a carrier promises
/// * **Order.** Signals from one actor to another arrive in the order in which they were carried, each once, and after
///   all the messages from the one to the other that were sent before.
/// * **Translation.** A pid's node means something on one node only. Here `from` has the node 0 and `to` another one;
///   in what is [delivered](crate::System::deliver) it is the other way round. A number of a node is never used for
///   another life of it.
/// * **Loss.** When a node is lost it delivers, for each actor of that node and each one here, as its last signals: a
///   [`LinkExit`](DistSignal::LinkExit) for each link and a [`Down`](DistSignal::Down) for each monitor that goes from
///   here to there, both with [`Exit::NoConnection`]; an [`Unlink`](DistSignal::Unlink) or the same `LinkExit`, and a
///   [`Demonitor`](DistSignal::Demonitor), for those that go from there to here. So it knows the bonds that it carried.
///   What is carried to a node that is lost is answered in the same way.
/// * **Crossings.** A `LinkExit` or an `Unlink` that was sent before the other node had learned of the newest
///   [`Link`](DistSignal::Link) is about an older link, and not delivered; nor is a `Link` that left before the other
///   node had learned of an `Unlink`. (BEAM numbers each unlink and has it acknowledged for that.) One that is
///   delivered all the same does harm only when the pair is linked again: where there is no link it does nothing.
///
/// What it need not see to: a second `Down` for a monitor, and one for a monitor that was ended, reach nobody; signals
/// to the dead do nothing.
pub trait Distribution: Send + Sync + 'static {
    /// Takes a signal to another node. Never blocks, never fails; called by any thread, no lock of the framework being
    /// held, also from inside of [`System::deliver`](crate::System::deliver): so it puts the signal into a queue. It
    /// may call `deliver` itself.
    fn carry(&self, signal: DistSignal);

    /// An actor here began to wait for one that waits, itself or through others here, for other nodes, under these
    /// numbers: a circle by way of these may be closed now. Called as `carry` is; a hint that costs nothing to ignore
    /// but that such circles end with their time.
    #[doc(hidden)]
    fn lead_to(&self, numbers: &[u32]) {
        let _ = numbers;
    }
}

/// A signal between actors of two nodes. Source: the distribution protocol's control messages.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DistSignal {
    /// `from` links itself with `to`. Answered with `LinkExit` and `NoProc` by the node of one that is dead. Carried
    /// when there was no link yet.
    Link {
        /// Who links.
        from: Pid,
        /// With whom.
        to: Pid,
    },
    /// `from` takes the link away. Carried when there was one.
    Unlink {
        /// Who unlinks.
        from: Pid,
        /// From whom.
        to: Pid,
    },
    /// `from` watches `to`. Answered with `Down` and `NoProc` by the node of one that is dead.
    Monitor {
        /// Who watches.
        from: Pid,
        /// Whom.
        to: Pid,
        /// By which monitor; the watcher's node chose it, and other nodes may use the same.
        monitor: MonitorRef,
    },
    /// `from` watches no longer, or has ended.
    Demonitor {
        /// Who watched.
        from: Pid,
        /// Whom.
        to: Pid,
        /// By which monitor.
        monitor: MonitorRef,
    },
    /// An exit signal: `exit/2`.
    Exit {
        /// Who sends it, as far as its sender says.
        from: Pid,
        /// To whom.
        to: Pid,
        /// The reason.
        reason: Exit,
    },
    /// The kill signal.
    Kill {
        /// Who sends it, if that is an actor.
        from: Option<Pid>,
        /// To whom.
        to: Pid,
    },
    /// `from`, which was linked with `to`, has ended. Comes after all else that `from` sent.
    LinkExit {
        /// Who has ended.
        from: Pid,
        /// Who was linked with it.
        to: Pid,
        /// Why it ended.
        reason: Exit,
    },
    /// `from`, which `to` watches, has ended. Comes after all else that `from` sent.
    Down {
        /// Who has ended.
        from: Pid,
        /// Who watches.
        to: Pid,
        /// By which monitor; the watcher's node chose it.
        monitor: MonitorRef,
        /// Why it ended.
        reason: Exit,
    },
}

impl DistSignal {
    /// Whose signal it is; `None` for a kill by no actor.
    pub fn from(&self) -> Option<Pid> {
        match self {
            DistSignal::Link { from, .. }
            | DistSignal::Unlink { from, .. }
            | DistSignal::Monitor { from, .. }
            | DistSignal::Demonitor { from, .. }
            | DistSignal::Exit { from, .. }
            | DistSignal::LinkExit { from, .. }
            | DistSignal::Down { from, .. } => Some(*from),
            DistSignal::Kill { from, .. } => *from,
        }
    }

    /// Whom it is for.
    pub fn to(&self) -> Pid {
        match self {
            DistSignal::Link { to, .. }
            | DistSignal::Unlink { to, .. }
            | DistSignal::Monitor { to, .. }
            | DistSignal::Demonitor { to, .. }
            | DistSignal::Exit { to, .. }
            | DistSignal::Kill { to, .. }
            | DistSignal::LinkExit { to, .. }
            | DistSignal::Down { to, .. } => *to,
        }
    }
}

/// A signal was not delivered, because it does not come from another node to this one. Nothing happened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Misdirected {
    /// It says that it comes from this actor, which is one of this node.
    FromHere(Pid),
    /// It is for this actor, which is none of this node.
    ToElsewhere(Pid),
}

impl fmt::Display for Misdirected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misdirected::FromHere(pid) => {
                write!(f, "{pid} is of this node: its signals do not come from another")
            }
            Misdirected::ToElsewhere(pid) => write!(f, "{pid} is of another node: deliver its signals there"),
        }
    }
}

impl std::error::Error for Misdirected {}

/// The system has a distribution already, and keeps it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AlreadyDistributed;

impl fmt::Display for AlreadyDistributed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the system has a distribution already: a system is one node of one cluster")
    }
}

impl std::error::Error for AlreadyDistributed {}
