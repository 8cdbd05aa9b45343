//! The stand-in: a worker that does what the seed says, and tells the tape.

use super::tape::{Path, Stay, Tape};
use ravelin_core::{Actor, ActorRef, Cx, Exit, Handle, Message, TrapExits};
use ravelin_supervisor::policy::{ChildPolicy, Shutdown};
use ravelin_supervisor::{ChildSpec, child};
use std::future::pending;
use std::time::Duration;

/// What a stand-in is told.
#[derive(Clone)]
pub(crate) struct Habits {
    tape: Tape,
    path: Path,
    policy: ChildPolicy,
    traps: bool,
}

/// The stand-in. Each thing it may do wrong is a named point.
pub(crate) struct Part {
    stay: Stay,
    habits: Habits,
}

/// Something may go wrong now.
struct Tick;
impl Message for Tick {
    type Reply = ();
}

/// A stand-in for the worker at this path, with this policy.
pub(crate) fn stand_in(tape: &Tape, path: &Path, policy: &ChildPolicy, traps: bool) -> ChildSpec {
    let habits = Habits { tape: tape.clone(), path: path.clone(), policy: *policy, traps };
    child(&ActorRef::<Part>::place(path.clone()), move || habits.clone())
}

/// How long: mostly short, and never a round number.
fn some_time(cx: &Cx<Part>, at_most: u64) -> Duration {
    Duration::from_micros(cx.runtime().entropy() % (at_most * 1000) + 1)
}

impl Part {
    fn next(cx: &mut Cx<Self>) {
        let wait = some_time(cx, 80);
        cx.send_after(wait, Tick);
    }
}

impl Actor for Part {
    type Args = Habits;

    async fn init(habits: Habits, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        let stay = habits.tape.enter(&habits.path, cx);
        cx.trap_exits(if habits.traps { TrapExits::Yes } else { TrapExits::No });
        let goes_wrong = |point| habits.tape.system.buggify(point);
        if goes_wrong("init takes its time") {
            cx.sleep(some_time(cx, 40)).await;
        }
        if goes_wrong("init declines") {
            return Err(Exit::Ignore);
        }
        if goes_wrong("init fails") {
            stay.ends_itself();
            return Err(Exit::error("no start"));
        }
        if goes_wrong("init panics") {
            stay.ends_itself();
            panic!("no start");
        }
        Part::next(cx);
        Ok(Part { stay, habits })
    }

    async fn terminate(&mut self, why: &Exit, cx: &mut Cx<Self>) {
        self.stay.told(why);
        let goes_wrong = |point| cx.system().buggify(point);
        if goes_wrong("terminate takes its time") {
            cx.sleep(some_time(cx, 300)).await;
        }
        if matches!(self.habits.policy.shutdown, Shutdown::Timeout(_))
            && *why == Exit::Shutdown
            && goes_wrong("terminate hangs")
        {
            pending::<()>().await;
        }
    }
}

impl Handle<Tick> for Part {
    async fn handle(&mut self, _: Tick, cx: &mut Cx<Self>) {
        let goes_wrong = |point| cx.system().buggify(point);
        if goes_wrong("it panics") {
            self.stay.ends_itself();
            panic!("boom");
        }
        for (point, why) in [
            ("it is done", Exit::Normal),
            ("it shuts down", Exit::Shutdown),
            ("it fails", Exit::error("out of order")),
        ] {
            if cx.system().buggify(point) {
                self.stay.ends_itself();
                return cx.stop(why);
            }
        }
        if cx.system().buggify("it is killed") {
            self.habits.tape.kill(&self.habits.path);
        }
        Part::next(cx);
    }
}
