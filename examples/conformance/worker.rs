//! The scripted worker.

use crate::hub::{Hub, Key};
use crate::reason;
use ravelin::{
    Abandoned, Actor, Cx, Exit, Handle, Info, Message, MonitorRef, Pid, ReplyTo, Serve, TrapExits,
};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// What a worker does, and when.
pub(crate) struct Script {
    traps: bool,
    init: Vec<String>,
    terminate: String,
}

impl Script {
    pub(crate) fn read(spec: &Value) -> Arc<Script> {
        let words = |list: &Vec<Value>| list.iter().filter_map(Value::as_str).map(Into::into).collect();
        Arc::new(Script {
            traps: spec["trap"].as_bool().unwrap_or(true),
            init: spec["init"].as_array().map_or(vec!["ok".into()], words),
            terminate: spec["terminate"].as_str().unwrap_or("ok").into(),
        })
    }
}

/// What an incarnation starts with.
pub(crate) struct Part {
    pub(crate) key: Key,
    pub(crate) script: Arc<Script>,
    pub(crate) hub: Hub,
}

/// The scripted worker.
pub(crate) struct Worker {
    part: Part,
    monitors: Vec<(Pid, MonitorRef)>,
    /// Calls that get no answer, or none before the end. Dropped, they would end at once.
    unanswered: Vec<ReplyTo<String>>,
    last_words: Option<ReplyTo<String>>,
}

/// Ends itself with the reason.
#[derive(Message)]
pub(crate) struct End(pub(crate) Exit);

/// Panics with the message.
#[derive(Message)]
pub(crate) struct Crash(pub(crate) String);

/// A request of a client, in the scenario's words.
pub(crate) struct Ask(pub(crate) String);

impl Message for Ask {
    type Reply = String;
    // As in OTP: whether or not the client still waits.
    const ABANDONED: Abandoned = Abandoned::Handle;
}

/// What a worker does to its bonds.
#[derive(Message)]
pub(crate) enum Bond {
    Monitor(Pid),
    Demonitor(Pid),
    Link(Pid),
    Unlink(Pid),
    Trap(bool),
}

fn trap(traps: bool) -> TrapExits {
    if traps { TrapExits::InTurn } else { TrapExits::No }
}

impl Actor for Worker {
    type Args = Part;

    async fn init(part: Part, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        part.hub.introduce(cx.pid(), part.key.clone());
        cx.trap_exits(trap(part.script.traps));
        let last = part.script.init.len().saturating_sub(1);
        let at = last.min(part.key.n.saturating_sub(1) as usize);
        let script = part.script.clone();
        let mut outcome = script.init.get(at).map_or("ok", String::as_str);
        while let Some(then) = outcome.strip_prefix("block:") {
            part.hub.block(part.key.clone(), "init").await;
            outcome = then;
        }
        match outcome.split_once(':') {
            None if outcome == "ignore" => Err(Exit::Ignore),
            Some(("fail", why)) => Err(reason::read(why)),
            Some(("crash", why)) => panic!("{why}"),
            None | Some(_) => {
                Ok(Worker { part, monitors: Vec::new(), unanswered: Vec::new(), last_words: None })
            }
        }
    }

    async fn terminate(&mut self, why: &Exit, cx: &mut Cx<Self>) {
        if matches!(why, Exit::Panic(_)) {
            return;
        }
        let Part { key, script, hub } = &self.part;
        hub.event(key.clone(), format!("terminate {key} {}", reason::show(why, hub)));
        match script.terminate.split_once(':') {
            Some(("delay", ms)) => {
                let _busy = hub.busy();
                cx.sleep(millis(ms)).await;
            }
            None if script.terminate == "hang" => {
                let _busy = hub.busy();
                std::future::pending().await
            }
            None if script.terminate == "block" => hub.block(key.clone(), "terminate").await,
            None | Some(_) => {}
        }
        if let Some(reply) = self.last_words.take() {
            reply.send(self.pong());
        }
    }

    async fn handle_info(&mut self, info: Info, _: &mut Cx<Self>) {
        let hub = &self.part.hub;
        let (what, pid, why) = match info {
            Info::Down { pid, reason, .. } => ("DOWN", pid, reason),
            Info::Exit { from, reason } => ("EXIT", from, reason),
            _ => return,
        };
        let text = format!("{what} {} {}", hub.name(pid), reason::show(&why, hub));
        hub.got(self.part.key.clone(), text);
    }
}

impl Worker {
    fn pong(&self) -> String {
        format!("pong {}", self.part.key)
    }
}

impl Handle<End> for Worker {
    async fn handle(&mut self, End(why): End, cx: &mut Cx<Self>) {
        cx.stop(why);
    }
}

impl Handle<Crash> for Worker {
    async fn handle(&mut self, Crash(why): Crash, _: &mut Cx<Self>) {
        panic!("{why}");
    }
}

impl Handle<Bond> for Worker {
    async fn handle(&mut self, bond: Bond, cx: &mut Cx<Self>) {
        match bond {
            Bond::Monitor(other) => self.monitors.push((other, cx.monitor(other))),
            Bond::Demonitor(other) => self.monitors.retain(|(pid, monitor)| {
                let is_it = *pid == other;
                if is_it {
                    cx.demonitor(*monitor);
                }
                !is_it
            }),
            Bond::Link(other) => cx.link(other),
            Bond::Unlink(other) => cx.unlink(other),
            Bond::Trap(traps) => drop(cx.trap_exits(trap(traps))),
        }
    }
}

impl Serve<Ask> for Worker {
    async fn serve(&mut self, Ask(request): Ask, reply: ReplyTo<String>, cx: &mut Cx<Self>) {
        let mut request = &*request;
        while let Some(then) = request.strip_prefix("block:") {
            self.part.hub.block(self.part.key.clone(), "call").await;
            request = then;
        }
        match request.split_once(':') {
            None if request == "ping" => reply.send(self.pong()),
            Some(("late", ms)) => {
                let busy = self.part.hub.busy();
                cx.sleep(millis(ms)).await;
                drop(busy);
                reply.send(self.pong());
            }
            Some(("stop", why)) => {
                self.unanswered.push(reply);
                cx.stop(reason::read(why));
            }
            Some(("reply_stop", why)) => {
                // As in OTP the answer goes out after the terminate callback.
                self.last_words = Some(reply);
                cx.stop(reason::read(why));
            }
            Some(("crash", why)) => {
                self.unanswered.push(reply);
                panic!("{why}");
            }
            None | Some(_) => self.unanswered.push(reply),
        }
    }
}

fn millis(text: &str) -> Duration {
    Duration::from_millis(text.parse().unwrap_or(0))
}
