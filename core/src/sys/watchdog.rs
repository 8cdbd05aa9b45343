//! The watchdog: an actor that looks at all the others, from outside, and names those that are stuck.

use super::stretch::{Limits, Sight, Stretches, Stuck, StuckIn};
use crate::actor::{Actor, Handle};
use crate::cell::CellRef;
use crate::cx::Cx;
use crate::exit::Exit;
use crate::id::Pid;
use crate::message::Message;
use crate::system::System;
use crate::time::Time;
use ravelin_mailbox::Phase;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What a watchdog looks for, and how often.
///
/// ```
/// # use ravelin_core::{ActorRef, System, runtimes::Local, sys::{Watch, Watchdog}};
/// # use std::time::Duration;
/// # let local = Local::new();
/// # let system = System::new(local.clone());
/// # local.block_on(async move {
/// let watch = Watch::every(Duration::from_secs(1)).sits_in_handler(Duration::from_secs(30));
/// system.start(&ActorRef::<Watchdog>::place("watchdog"), watch).await.unwrap();
/// # system.shut_down_all(Duration::from_secs(1)).await;
/// # });
/// ```
#[derive(Clone)]
pub struct Watch {
    period: Duration,
    limits: Limits,
    system: Option<System>,
    subscriber: Option<Arc<Subscriber>>,
}

type Subscriber = dyn Fn(&Finding) + Send + Sync;

/// An actor that is stuck.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// When it was seen, on the clock of the watched system.
    pub at: Time,
    /// Which incarnation.
    pub pid: Pid,
    /// The name of its place, if it has one.
    pub place: Option<Arc<str>>,
    /// The name of its type.
    pub actor: &'static str,
    /// The name of the type of the message that it handles; `None`: it is in `init`, in `terminate`, or a task in its own
    /// function.
    pub message: Option<&'static str>,
    /// How it is stuck, and for how long.
    pub stuck: StuckIn,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place.as_deref().unwrap_or(self.actor);
        let message = self.message.unwrap_or("no message");
        let how = match self.stuck.how {
            Stuck::HoldsThread => "holds its thread",
            Stuck::SitsInHandler => "sits in its handler",
        };
        write!(f, "`{place}` {} {how} for {:?} or longer, with {message}", self.pid, self.stuck.at_least)
    }
}

impl Watch {
    /// Looks once in each `period`: for actors that hold their thread for a period, and for those that sit in one handler
    /// for ten seconds, twice what a call waits.
    pub fn every(period: Duration) -> Watch {
        let limits =
            Limits { holds_thread: Some(period), sits_in_handler: Some(Duration::from_secs(10).max(period)) };
        Watch { period, limits, system: None, subscriber: None }
    }

    /// Names an actor that does not come back to an await for so long.
    pub fn holds_thread(mut self, limit: Duration) -> Watch {
        self.limits.holds_thread = Some(limit);
        self
    }

    /// Names an actor whose handler, `init` or `terminate` does not end for so long.
    pub fn sits_in_handler(mut self, limit: Duration) -> Watch {
        self.limits.sits_in_handler = Some(limit);
        self
    }

    /// Names nobody who waits in a handler, however long: for systems whose handlers may.
    pub fn any_handler(mut self) -> Watch {
        self.limits.sits_in_handler = None;
        self
    }

    /// Looks at this system, and not at the one that the watchdog lives in.
    ///
    /// A watchdog can not run while all threads of its executor are held, and so never sees who holds the only one. To
    /// see that too, have it live in a second system, whose runtime has a thread of its own.
    pub fn of(mut self, system: &System) -> Watch {
        self.system = Some(system.clone());
        self
    }

    /// Calls `subscriber` with each finding, beside the event `ravelin.stuck`; in the watchdog's handler, so be short.
    pub fn tell(mut self, subscriber: impl Fn(&Finding) + Send + Sync + 'static) -> Watch {
        self.subscriber = Some(Arc::new(subscriber));
        self
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("period", &self.period).field("limits", &self.limits).finish()
    }
}

/// An actor that looks at all others of its system once in a period, and names those that hold their thread or sit in one
/// handler for too long: as the event `ravelin.stuck`, and to whom its [`Watch`] says. Start it as any other, best as a
/// supervised child.
///
/// A stretch is named once it has lasted for the limit, and again each time that it has doubled since. No actor does
/// anything for it: what has not changed since the watchdog first looked has lasted at least so long, and a stretch may
/// have begun up to a period before. When one actor calls another [in place](crate::Actor::IN_PLACE), both hold the
/// thread. A look costs two locks for each living actor, some 100 ns.
#[derive(Debug)]
pub struct Watchdog {
    watch: Watch,
    stretches: Stretches,
}

#[derive(Clone)]
struct Look;

impl Message for Look {
    type Reply = ();
}

impl Actor for Watchdog {
    type Args = Watch;

    async fn init(watch: Watch, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        if watch.period.is_zero() {
            return Err(Exit::invalid_spec("watchdog: it cannot look once in no time"));
        }
        cx.every(watch.period, Look);
        Ok(Watchdog { watch, stretches: Stretches::default() })
    }
}

impl Handle<Look> for Watchdog {
    async fn handle(&mut self, _: Look, cx: &mut Cx<Self>) {
        let system = self.watch.system.as_ref().unwrap_or(cx.system());
        let at = system.runtime().now();
        let cells = system.cells();
        let seen = cells.iter().filter_map(|(pid, cell)| Some((*pid, sight(*pid, cell)?)));
        for (pid, stuck) in self.stretches.look(at, &self.watch.limits, seen) {
            let Some(cell) = system.cell(pid) else { continue };
            let header = cell.header();
            let finding = Finding {
                at,
                pid,
                place: header.name().cloned(),
                actor: header.type_name(),
                message: header.look().message,
                stuck,
            };
            finding.log();
            if let Some(subscriber) = &self.watch.subscriber {
                subscriber(&finding);
            }
        }
    }
}

/// What is to be seen of an incarnation.
fn sight(pid: Pid, cell: &CellRef) -> Option<Sight> {
    let header = cell.header();
    let look = header.look();
    header.mailbox.with(|phase, life| {
        (life.pid == Some(pid)).then(|| Sight {
            begun: look.begun,
            waits: look.waits,
            is_running: phase == Phase::Running,
            is_busy: look.message.is_some() || !life.is_up || life.is_closing(),
        })
    })
}

impl Finding {
    fn log(&self) {
        let how = match self.stuck.how {
            Stuck::HoldsThread => "holds_thread",
            Stuck::SitsInHandler => "sits_in_handler",
        };
        tracing::warn!(
            target: "ravelin",
            pid = %self.pid,
            place = self.place.as_deref(),
            actor = self.actor,
            message_type = self.message,
            how,
            at_least_ms = self.stuck.at_least.as_millis() as u64,
            "ravelin.stuck"
        );
    }
}
