//! Those who live in a random world: they do to each other what actors can do, and write down what comes of it.

use crate::book::{Book, Who};
use futures::future::{Either, select};
use ravelin_cluster::proto::groups::Group;
use ravelin_cluster::proto::names::Resolve;
use ravelin_cluster::{Accepts, Addr, Bincode, Node, Remote, Wire};
use ravelin_core::{
    Actor, ActorRef, Cx, Exit, Handle, Info, Message, MonitorRef, Pid, ReplyTo, SendError, Serve, TrapExits,
    sleep,
};
use ravelin_sim::Seed;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

pub(crate) const GROUPS: [&str; 3] = ["all", "some", "few"];
pub(crate) const NAMES: [&str; 4] = ["chief", "clerk", "cook", "king"];

pub(crate) fn group(at: usize) -> Group {
    Group::new("", GROUPS[at]).unwrap()
}

/// A number of a row; each row rises.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Num {
    from: Who,
    row: u64,
    n: u64,
    padding: Vec<u8>,
}

/// There is somebody of this pid.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Meet {
    who: Who,
    pid: Pid,
}

/// Have somebody else answer.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Relay {
    n: u64,
    by: Pid,
}

/// Answer this for me.
#[derive(Deserialize, Serialize)]
pub(crate) struct Land {
    n: u64,
    reply: ReplyTo<u64>,
}

macro_rules! wire {
    ($($name:literal $message:ty => $reply:ty;)*) => {$(
        impl Message for $message { type Reply = $reply; }
        impl Wire for $message { const NAME: &'static str = $name; type Codec = Bincode; }
    )*};
}

wire! {
    "world.num" Num => u64;
    "world.meet" Meet => ();
    "world.relay" Relay => u64;
    "world.land" Land => ();
}

/// Do something, as this number says.
pub(crate) struct Do(pub(crate) u64);
impl Message for Do {
    type Reply = ();
}

/// Join the group of all.
struct Begin;
impl Message for Begin {
    type Reply = ();
}

/// End.
pub(crate) struct End;
impl Message for End {
    type Reply = ();
}

#[derive(Clone)]
pub(crate) struct Habits {
    pub(crate) node: Node,
    pub(crate) book: Book,
    pub(crate) place: ActorRef<Folk>,
}

pub(crate) struct Folk {
    habits: Habits,
    who: Who,
    rows: BTreeMap<Pid, (u64, u64)>,
    monitors: Vec<MonitorRef>,
    known: Vec<Pid>,
}

impl Drop for Folk {
    fn drop(&mut self) {
        self.habits.book.open().died(self.who);
    }
}

impl Actor for Folk {
    type Args = Habits;

    async fn init(habits: Habits, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        cx.trap_exits(TrapExits::Yes);
        let who = habits.book.open().born(habits.node.id(), cx.pid());
        let _ = habits.place.cast(Begin);
        Ok(Folk { habits, who, rows: BTreeMap::new(), monitors: Vec::new(), known: Vec::new() })
    }

    async fn handle_info(&mut self, info: Info, _: &mut Cx<Self>) {
        match info {
            Info::Down { pid, monitor, reason } => {
                let about = self.who_is(pid);
                self.habits.book.open().down(self.who, monitor.as_u64(), about, &reason);
            }
            Info::Exit { from, reason } => match reason.to_string() {
                text if text.contains("signal-") => self.habits.book.open().signalled(&text),
                _ => {
                    let Some(other) = self.who_is(from) else { return };
                    self.habits.book.open().link_ended(self.who, other, &reason);
                }
            },
            _ => {}
        }
    }
}

impl Folk {
    fn who_is(&self, pid: Pid) -> Option<Who> {
        let life = self.habits.node.node_of(pid)?;
        self.habits.book.open().find(&life, pid)
    }

    fn pick(&self, random: &mut ravelin_sim::Random) -> Option<Pid> {
        let mut all = self.habits.node.members(&group(0));
        if random.chance(800_000) {
            all.retain(|pid| pid.node() != 0);
        }
        all.extend(&self.known);
        let at = random.below(all.len() as u64) as usize;
        all.get(at).copied()
    }

    fn num(&mut self, to: Pid, large: bool) -> Num {
        let fresh = || (self.habits.book.open().fresh(), 0);
        let (row, n) = self.rows.entry(to).or_insert_with(fresh);
        *n += 1;
        let padding = if large { vec![7; 20_000 + (*n as usize * 7919) % 150_000] } else { Vec::new() };
        Num { from: self.who, row: *row, n: *n, padding }
    }

    fn to(&self, pid: Pid) -> Addr<Folk> {
        self.habits.node.at(pid)
    }

    async fn call<M: Wire<Reply = u64> + Sync>(
        &mut self,
        to: Pid,
        message: M,
        n: u64,
        limit: Duration,
        cx: &Cx<Self>,
    ) where
        Folk: Serve<M>,
    {
        let call = self.habits.book.open().call(self.who, cx.now(), Some(limit));
        let outcome = self.to(to).call(message).timeout(limit).await;
        let mut pages = self.habits.book.open();
        pages.call_ended(call, cx.now(), outcome.is_ok());
        match outcome {
            Ok(answer) if answer != n => pages.wrong_answer(self.who, n, answer),
            Ok(_) => {}
            // It may still be on its way, and what follows may come before it.
            Err(_) => drop(self.rows.remove(&to)),
        }
    }

    /// A call by a task, that takes as long as it takes.
    fn call_apart(&self, to: Pid, cx: &Cx<Self>) {
        let (book, addr, who, runtime) =
            (self.habits.book.clone(), self.to(to), self.who, cx.runtime().clone());
        let row = book.open().fresh();
        let call = book.open().call(who, cx.now(), None);
        cx.runtime().spawn(
            "apart",
            Box::pin(async move {
                let outcome = addr.call(Num { from: who, row, n: 1, padding: Vec::new() }).no_timeout().await;
                book.open().call_ended(call, runtime.now(), outcome.is_ok());
            }),
        );
    }

    async fn send(&mut self, to: Pid, large: bool, cx: &Cx<Self>) {
        let num = self.num(to, large);
        let addr = self.to(to);
        // tidy: virtual time
        let limit = pin!(sleep(&**cx.runtime(), Duration::from_secs(1)));
        let sent = pin!(addr.send(num));
        let is_sent = matches!(select(sent, limit).await, Either::Left((Ok(()), _)));
        if !is_sent {
            self.rows.remove(&to);
        }
    }

    fn cast(&mut self, to: Pid, times: u64, large: bool) {
        for _ in 0..times {
            let num = self.num(to, large);
            if let Err(SendError::Full(_)) = self.to(to).cast(num) {
                self.habits.book.open().count.full += 1;
            }
        }
    }

    fn bond(&mut self, to: Pid, kind: u64, cx: &mut Cx<Self>) {
        let Some(other) = self.who_is(to).filter(|other| *other != self.who) else { return };
        match kind {
            0..=2 => {
                let monitor = cx.monitor(to);
                self.monitors.push(monitor);
                self.habits.book.open().monitored(self.who, monitor.as_u64(), Some(other));
            }
            3 => {
                self.habits.book.open().linked(self.who, other);
                cx.link(to);
            }
            4 => {
                cx.unlink(to);
                self.habits.book.open().unlinked(self.who, other);
            }
            5 => {
                let text = format!("signal-{}", self.habits.book.open().fresh());
                cx.exit(to, Exit::error(text));
            }
            _ => drop(cx.system().kill(to)),
        }
    }

    async fn act(&mut self, random: &mut ravelin_sim::Random, cx: &mut Cx<Self>) {
        let Some(to) = self.pick(random) else { return };
        let is_large = random.chance(60_000);
        match random.below(100) {
            0..=24 => self.cast(to, random.below(4) + 1, is_large),
            25..=34 => self.send(to, is_large, cx).await,
            35..=44 => {
                let limit = Duration::from_micros(random.below(1_500_000) + 1_000);
                let num = self.num(to, is_large);
                let n = num.n;
                self.call(to, num, n, limit, cx).await;
            }
            45..=49 => self.call_apart(to, cx),
            50..=54 => {
                let Some(by) = self.pick(random) else { return };
                let (n, limit) = (random.next() >> 1, Duration::from_millis(random.below(1_500) + 1));
                self.call(to, Relay { n, by }, n, limit, cx).await;
            }
            55..=79 => self.bond(to, random.below(6), cx),
            80..=84 if !self.monitors.is_empty() => {
                let at = random.below(self.monitors.len() as u64) as usize;
                let monitor = self.monitors.swap_remove(at);
                cx.demonitor(monitor);
                self.habits.book.open().demonitored(self.who, monitor.as_u64());
            }
            85..=88 => {
                let _ = self.habits.node.join(&group(1 + random.below(2) as usize), &self.habits.place).await;
            }
            89 => drop(self.habits.node.leave_group(&group(1 + random.below(2) as usize), cx.pid())),
            90..=92 => {
                let name = NAMES[random.below(NAMES.len() as u64) as usize];
                let resolve =
                    [Resolve::KeepOlder, Resolve::KeepNewer, Resolve::KeepNone][random.below(3) as usize];
                let _ = self.habits.node.register(name, &self.habits.place, resolve).await;
            }
            93..=96 => {
                let Some(pid) = self.pick(random) else { return };
                let Some(who) = self.who_is(pid) else { return };
                let _ = self.to(to).cast(Meet { who, pid });
            }
            97 => self.bond(to, 6, cx),
            98 => cx.stop(Exit::error("its own end")),
            _ => {}
        }
    }
}

impl Handle<Do> for Folk {
    async fn handle(&mut self, Do(luck): Do, cx: &mut Cx<Self>) {
        self.act(&mut Seed(luck).random("act"), cx).await;
    }
}

impl Handle<Begin> for Folk {
    async fn handle(&mut self, _: Begin, _: &mut Cx<Self>) {
        let _ = self.habits.node.join(&group(0), &self.habits.place).await;
    }
}

impl Handle<End> for Folk {
    async fn handle(&mut self, _: End, cx: &mut Cx<Self>) {
        cx.stop(Exit::error("told to"));
    }
}

impl Handle<Num> for Folk {
    async fn handle(&mut self, num: Num, _: &mut Cx<Self>) -> u64 {
        self.habits.book.open().heard(num.from, num.row, self.who, num.n);
        num.n
    }
}

impl Handle<Meet> for Folk {
    async fn handle(&mut self, meet: Meet, _: &mut Cx<Self>) {
        let found = self.who_is(meet.pid);
        self.habits.book.open().met(self.who, meet.who, found);
        self.known.push(meet.pid);
    }
}

impl Serve<Relay> for Folk {
    async fn serve(&mut self, relay: Relay, reply: ReplyTo<u64>, _: &mut Cx<Self>) {
        // One that can not be sent goes here, and the caller is told that there is no answer.
        let _ = self.to(relay.by).cast(Land { n: relay.n, reply });
    }
}

impl Handle<Land> for Folk {
    async fn handle(&mut self, land: Land, _: &mut Cx<Self>) {
        land.reply.send(land.n);
    }
}

impl Remote for Folk {
    fn accepts(messages: &mut Accepts<Folk>) {
        messages.add::<Num>().add::<Meet>().add::<Relay>().add::<Land>();
    }
}
