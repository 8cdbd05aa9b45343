//! The operations of a scenario: what each does, and what the reply is.

use crate::hub::{Hub, Node, Who};
use crate::reason;
use crate::tree::{Builder, note_templates, word};
use crate::worker::{Ask, Bond, Crash, End, Worker};
use ravelin::{
    Actor, ActorRef, CallError, ChildError, ChildInfo, ChildKind, ChildSpec, Cx, Exit, Handle, Message, Pid,
    Shutdown, Status, SupervisorError, SupervisorRef, System,
};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// The runner as an actor: the parent of the root, and whom signals come from.
pub(crate) struct Holder;

/// The order to the root to shut down.
#[derive(Message)]
#[message(reply = Exit)]
struct ShutDown(Pid);

impl Actor for Holder {
    type Args = ();

    async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Holder)
    }
}

impl Handle<ShutDown> for Holder {
    async fn handle(&mut self, ShutDown(root): ShutDown, cx: &mut Cx<Self>) -> Exit {
        cx.system().shut_down(root, Exit::Shutdown, None).await
    }
}

/// What operations work on.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) system: System,
    pub(crate) hub: Hub,
    pub(crate) builder: Builder,
    pub(crate) holder: ActorRef<Holder>,
    pub(crate) root: Arc<Value>,
}

impl World {
    pub(crate) fn root_path(&self) -> &str {
        word(&self.root, "id", "root")
    }

    /// Starts the root.
    pub(crate) async fn start_root(&self) -> String {
        let path: Arc<str> = self.root_path().into();
        note_templates(&self.hub, &path, &self.root);
        self.hub.attempt(&path);
        let place = SupervisorRef::place(path.clone());
        let tree = self.builder.supervisor(&path, &self.root);
        match tree.start_at(&self.system, &place).await {
            Ok(pid) => {
                self.builder.up(&path, pid, Who::Supervisor(place));
                format!("ok {}", self.hub.name(pid))
            }
            Err(error) => {
                let why = error.into_exit();
                self.hub.failed(&path, &why);
                format!("error start_failed {}", reason::show(&why, &self.hub))
            }
        }
    }

    /// Does one step; gives its reply.
    pub(crate) async fn act(&self, step: &Value) -> String {
        let done = match word(step, "op", "") {
            "multi" => Ok(self.multi(step)),
            "exit" | "crash" | "kill" | "signal" => self.at_once(step),
            "shutdown" => self.shutdown().await,
            "stop" => self.stop(step).await,
            "call" => self.call(step).await,
            "monitor" | "demonitor" | "link" | "unlink" | "trap" => self.bond(step).await,
            "release" => Ok(self.release(step)),
            "whereis" => Ok(self.whereis(step)),
            "sleep" => {
                let wait = Duration::from_millis(step["ms"].as_u64().unwrap_or(0));
                ravelin::sleep(&**self.system.runtime(), wait).await;
                Ok("ok".into())
            }
            _ => self.request(step).await,
        };
        done.unwrap_or_else(String::from)
    }

    /// The newest incarnation at a path, if it lives.
    fn living(&self, path: &str) -> Result<Node, &'static str> {
        let node = self.hub.newest(path).ok_or("undefined")?;
        if self.system.is_alive(node.pid) { Ok(node) } else { Err("noproc") }
    }

    fn worker(&self, path: &str) -> Result<ActorRef<Worker>, &'static str> {
        match self.living(path)?.who {
            Who::Worker(place) => Ok(place),
            Who::Supervisor(_) => Err("not a worker"),
        }
    }

    /// Several at once. Who is to end himself has something to do before that, so the others come first.
    fn multi(&self, step: &Value) -> String {
        let ops: Vec<&Value> = step["ops"].as_array().into_iter().flatten().collect();
        let mut replies = vec![String::new(); ops.len()];
        for exits in [false, true] {
            for (op, reply) in ops.iter().zip(&mut replies) {
                if (word(op, "op", "") == "exit") == exits {
                    *reply = self.at_once(op).unwrap_or_else(String::from);
                }
            }
        }
        replies.join(" ")
    }

    /// What takes no time.
    fn at_once(&self, step: &Value) -> Result<String, &'static str> {
        let path = word(step, "target", "");
        let why = word(step, "reason", "");
        match word(step, "op", "") {
            "exit" => drop(self.worker(path)?.cast(End(reason::read(why)))),
            "crash" => drop(self.worker(path)?.cast(Crash(why.into()))),
            "kill" => drop(self.system.kill(self.living(path)?.pid)),
            "signal" => {
                let to = self.living(path)?.pid;
                let from = self.holder.pid().ok_or("no runner")?;
                match why {
                    "kill" => drop(self.system.kill(to)),
                    why => self.system.exit(from, to, reason::read(why)),
                }
            }
            _ => return Err("unknown operation"),
        }
        Ok("ok".into())
    }

    async fn shutdown(&self) -> Result<String, &'static str> {
        let root = self.hub.newest(self.root_path()).ok_or("noproc")?.pid;
        let end = self.holder.call(ShutDown(root)).no_timeout().await;
        Ok(if end.ok() == Some(Exit::NoProc) { "noproc".into() } else { "ok".into() })
    }

    async fn stop(&self, step: &Value) -> Result<String, &'static str> {
        let target = self.living(word(step, "target", ""))?.pid;
        match self.system.stop(target, reason::read(word(step, "reason", ""))).await {
            Ok(()) => Ok("ok".into()),
            Err(Exit::NoProc) => Err("noproc"),
            Err(why) => Ok(format!("exit {}", reason::show(&why, &self.hub))),
        }
    }

    async fn call(&self, step: &Value) -> Result<String, &'static str> {
        let place = match self.worker(word(step, "target", "")) {
            Err("noproc") => return Err("exit noproc"),
            place => place?,
        };
        let limit = Duration::from_millis(step["timeout_ms"].as_u64().unwrap_or(10_000));
        match place.call(Ask(word(step, "req", "").into())).timeout(limit).await {
            Ok(answer) => Ok(answer),
            Err(CallError::Timeout) => Err("timeout"),
            Err(CallError::NoProc(_)) => Err("exit noproc"),
            Err(CallError::Exited(why)) => Ok(format!("exit {}", reason::show(&why, &self.hub))),
            Err(other) => Ok(format!("?{other}")),
        }
    }

    async fn bond(&self, step: &Value) -> Result<String, &'static str> {
        let place = self.worker(word(step, "target", ""))?;
        let other = || self.hub.newest(word(step, "other", "")).map(|node| node.pid).ok_or("undefined");
        let bond = match word(step, "op", "") {
            "monitor" => Bond::Monitor(other()?),
            "demonitor" => Bond::Demonitor(other()?),
            "link" => Bond::Link(other()?),
            "unlink" => Bond::Unlink(other()?),
            _ => Bond::Trap(step["value"].as_bool().unwrap_or(true)),
        };
        match place.call(bond).no_timeout().await {
            Ok(()) => Ok("ok".into()),
            Err(_) => Err("noproc"),
        }
    }

    fn release(&self, step: &Value) -> String {
        let released = self.hub.release(word(step, "target", ""));
        if released { "ok".into() } else { "not_blocked".into() }
    }

    fn whereis(&self, step: &Value) -> String {
        let pid = self.system.whereis(word(step, "name", ""));
        pid.map_or("undefined".into(), |pid| self.hub.name(pid))
    }

    /// What is asked of a supervisor.
    async fn request(&self, step: &Value) -> Result<String, &'static str> {
        let path = word(step, "sup", "");
        let op = word(step, "op", "");
        if op == "start_child" && !step["child"].is_null() {
            let below = format!("{path}/{}", word(&step["child"], "id", ""));
            note_templates(&self.hub, &below, &step["child"]);
        }
        let instance = match step["as"].as_str() {
            Some(id) if op == "terminate_child" => Some(self.living(&format!("{path}/{id}"))?.pid),
            _ => None,
        };
        let Who::Supervisor(sup) = self.living(path)?.who else { return Err("not a supervisor") };
        let id = word(step, "id", "");
        let done = match (op, instance) {
            ("start_child", _) => {
                let spec = self.spec_of(path, step);
                return Ok(self.started(sup.start_child(spec).await));
            }
            ("restart_child", _) => return Ok(self.started(sup.restart_child(id).await)),
            ("terminate_child", Some(pid)) => sup.terminate_pid(pid).await.map(|()| "ok".into()),
            ("terminate_child", None) => sup.terminate_child(id).await.map(|()| "ok".into()),
            ("delete_child", _) => sup.delete_child(id).await.map(|()| "ok".into()),
            ("get_childspec", _) => self.childspec(path, &sup, id).await,
            ("which_children", _) => self.listed(path, &sup).await,
            ("count_children", _) => sup.count_children().await.map(|counts| {
                let ravelin::Counts { specs, active, supervisors, workers } = counts;
                format!("ok specs={specs} active={active} supervisors={supervisors} workers={workers}")
            }),
            _ => return Err("unknown operation"),
        };
        Ok(done.unwrap_or_else(|error| self.refused(error)))
    }

    /// The child that a `start_child` is about.
    fn spec_of(&self, path: &str, step: &Value) -> ChildSpec {
        let Some(id) = step["as"].as_str() else {
            return self.builder.child(path, word(&step["child"], "id", ""), &step["child"]);
        };
        let mut spec = self.hub.template(path).unwrap_or(Value::Null);
        for (key, value) in step["with"].as_object().into_iter().flatten() {
            spec[key] = value.clone();
        }
        self.builder.child(path, id, &spec)
    }

    async fn childspec(&self, path: &str, sup: &SupervisorRef, id: &str) -> Result<String, SupervisorError> {
        let spec = match sup.get_childspec(id).await {
            Err(SupervisorError::Child(ChildError::NotFound)) => {
                // A dynamic supervisor's only spec is its template.
                let template = self.hub.template(path).filter(|template| word(template, "id", "") == id);
                let Some(template) = template else { return Err(ChildError::NotFound.into()) };
                self.builder.child(path, id, &template)
            }
            spec => spec?,
        };
        let policy = spec.policy();
        let shutdown = match policy.shutdown {
            Shutdown::BrutalKill => "brutal_kill".into(),
            Shutdown::Infinity => "infinity".into(),
            Shutdown::Timeout(limit) => limit.as_millis().to_string(),
        };
        let (restart, kind, significant) = (policy.restart, policy.kind, policy.significant);
        Ok(format!("ok restart={restart} shutdown={shutdown} type={kind} significant={significant}"))
    }

    async fn listed(&self, path: &str, sup: &SupervisorRef) -> Result<String, SupervisorError> {
        let is_dynamic = self.hub.is_dynamic(path);
        let line = |info: &ChildInfo| format!(" {}:{}", self.child_text(info, is_dynamic), info.kind);
        let mut lines: Vec<String> = sup.which_children().await?.iter().map(line).collect();
        if is_dynamic {
            lines.sort();
        }
        Ok(format!("ok{}", lines.concat()))
    }

    fn child_text(&self, info: &ChildInfo, is_dynamic: bool) -> String {
        match info.status {
            Status::Running(pid) => self.hub.key(pid).map_or("?".into(), |key| key.last()),
            Status::Restarting if is_dynamic => "?=restarting".into(),
            Status::Restarting => format!("{}=restarting", info.id),
            Status::Stopped => format!("{}=-", info.id),
        }
    }

    fn started(&self, started: Result<Option<Pid>, SupervisorError>) -> String {
        match started {
            Ok(Some(pid)) => format!("ok {}", self.hub.name(pid)),
            Ok(None) => "ok undefined".into(),
            Err(error) => self.refused(error),
        }
    }

    fn refused(&self, error: SupervisorError) -> String {
        match error {
            SupervisorError::NoProc => "noproc".into(),
            SupervisorError::Exited(why) => format!("exit {}", reason::show(&why, &self.hub)),
            SupervisorError::Child(error) => match error {
                ChildError::AlreadyPresent => "error already_present".into(),
                ChildError::AlreadyStarted(pid) => format!("error already_started {}", self.hub.name(pid)),
                ChildError::InvalidSpec(_) => "error invalid_spec".into(),
                ChildError::StartFailed(why) => {
                    format!("error start_failed {}", reason::show(&why, &self.hub))
                }
                other => format!("error {other}"),
            },
            other => format!("?{other}"),
        }
    }

    /// The tree as the supervisors report it.
    pub(crate) async fn tree(&self) -> String {
        match self.hub.newest(self.root_path()) {
            None => "none".into(),
            Some(Node { pid, .. }) if !self.system.is_alive(pid) => "dead".into(),
            Some(Node { pid, who: Who::Supervisor(sup) }) => Box::pin(self.branch(pid, &sup)).await,
            Some(Node { who: Who::Worker(_), .. }) => "?".into(),
        }
    }

    async fn branch(&self, pid: Pid, sup: &SupervisorRef) -> String {
        let Some(key) = self.hub.key(pid) else { return "?".into() };
        let is_dynamic = self.hub.is_dynamic(&key.path);
        let mut items = Vec::new();
        for info in sup.which_children().await.unwrap_or_default() {
            let below = match (info.kind, info.status) {
                (ChildKind::Supervisor, Status::Running(pid)) => self.hub.node(pid),
                _ => None,
            };
            items.push(match below {
                Some(Node { pid, who: Who::Supervisor(sup) }) => Box::pin(self.branch(pid, &sup)).await,
                _ => self.child_text(&info, is_dynamic),
            });
        }
        if is_dynamic {
            items.sort();
        }
        format!("{}({})", key.last(), items.join(" "))
    }
}
