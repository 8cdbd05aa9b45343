//! Those who live in the tree: they send each other numbers, call each other, watch each other, and come to grief.

use crate::town::{Town, Who};
use ravelin_core::{Actor, CallError, Cx, Exit, Handle, Info, Message, TrapExits};
use ravelin_sim::{Stay, Tape};
use ravelin_supervisor::{ChildSpec, Shutdown, child};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone)]
pub(crate) struct Habits {
    tape: Tape,
    town: Town,
    path: Arc<str>,
    shutdown: Shutdown,
    traps: bool,
}

pub(crate) struct Folk {
    stay: Stay,
    habits: Habits,
    said: u64,
}

pub(crate) struct Tick;
impl Message for Tick {
    type Reply = ();
}

pub(crate) struct Number {
    from: Who,
    n: u64,
}
impl Message for Number {
    type Reply = ();
}

pub(crate) struct Greet;
impl Message for Greet {
    type Reply = u32;
}

/// A worker at this path, with the time limit of the spec that it stands for.
pub(crate) fn folk(tape: &Tape, town: &Town, path: &Arc<str>, spec: &ChildSpec, traps: bool) -> ChildSpec {
    let shutdown = spec.policy().shutdown;
    let habits = Habits { tape: tape.clone(), town: town.clone(), path: path.clone(), shutdown, traps };
    child(&town.settle(path), move || habits.clone())
}

impl Folk {
    fn who(&self) -> Who {
        (self.habits.path.clone(), self.stay.attempt())
    }

    fn some_time(cx: &Cx<Self>, ms_max: u64) -> Duration {
        Duration::from_micros(cx.runtime().entropy() % (ms_max * 1000) + 1)
    }

    fn next(cx: &mut Cx<Self>) {
        let wait = Folk::some_time(cx, 100);
        cx.send_after(wait, Tick);
    }

    async fn traffic(&mut self, cx: &mut Cx<Self>) {
        let luck = cx.runtime().entropy();
        let Some(peer) = self.habits.town.anybody(luck >> 8) else { return };
        match luck % 8 {
            0 if peer.pid() != Some(cx.pid()) => {
                let (calling, began) = (self.habits.town.call(self.who()), cx.now());
                let limit = Folk::some_time(cx, 60);
                let answer = peer.call(Greet).timeout(limit).await;
                drop(calling);
                let took = cx.now() - began;
                if took > limit + Duration::from_millis(1) {
                    self.habits.town.wrong(format!("a call with {limit:?} took {took:?}: {answer:?}"));
                }
                if let Err(CallError::Timeout) = answer
                    && took < limit
                {
                    self.habits.town.wrong(format!("a call timed out after {took:?} of {limit:?}"));
                }
            }
            1 => {
                if let Some(target) = peer.pid() {
                    let monitor = cx.monitor(target);
                    self.habits.town.monitors(cx.pid(), target, monitor);
                }
            }
            _ => {
                for _ in 0..luck % 4 {
                    self.said += 1;
                    let _ = peer.cast(Number { from: self.who(), n: self.said });
                }
            }
        }
    }
}

impl Actor for Folk {
    type Args = Habits;

    async fn init(habits: Habits, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        let stay = habits.tape.enter(&habits.path, cx);
        cx.trap_exits(if habits.traps { TrapExits::Yes } else { TrapExits::No });
        if cx.system().buggify("init takes its time") {
            cx.sleep(Folk::some_time(cx, 40)).await; // tidy: virtual time
        }
        if cx.system().buggify("init declines") {
            return Err(Exit::Ignore);
        }
        if cx.system().buggify("init fails") {
            stay.ends_itself();
            return Err(Exit::error("no start"));
        }
        Folk::next(cx);
        Ok(Folk { stay, habits, said: 0 })
    }

    async fn terminate(&mut self, why: &Exit, cx: &mut Cx<Self>) {
        self.stay.told(why);
        if cx.system().buggify("terminate takes its time") {
            cx.sleep(Folk::some_time(cx, 200)).await; // tidy: virtual time
        }
        let is_limited = matches!(self.habits.shutdown, Shutdown::Timeout(_)) && *why == Exit::Shutdown;
        if is_limited && cx.system().buggify("terminate hangs") {
            pending::<()>().await;
        }
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) {
        if let Info::Down { pid, monitor, .. } = info {
            self.habits.town.down(cx.pid(), pid, monitor);
        }
    }
}

impl Handle<Tick> for Folk {
    async fn handle(&mut self, _: Tick, cx: &mut Cx<Self>) {
        if cx.system().buggify("it panics") {
            self.stay.ends_itself();
            panic!("boom");
        }
        for (point, why) in [("it is done", Exit::Normal), ("it fails", Exit::error("out of order"))] {
            if cx.system().buggify(point) {
                self.stay.ends_itself();
                return cx.stop(why);
            }
        }
        self.traffic(cx).await;
        Folk::next(cx);
    }
}

impl Handle<Number> for Folk {
    async fn handle(&mut self, Number { from, n }: Number, cx: &mut Cx<Self>) {
        if cx.system().buggify("a number takes its time") {
            cx.sleep(Folk::some_time(cx, 30)).await; // tidy: virtual time
        }
        self.habits.town.heard(from, self.who(), n);
    }
}

impl Handle<Greet> for Folk {
    async fn handle(&mut self, _: Greet, cx: &mut Cx<Self>) -> u32 {
        if cx.system().buggify("a greeting takes its time") {
            cx.sleep(Folk::some_time(cx, 80)).await; // tidy: virtual time
        }
        self.stay.attempt()
    }
}
