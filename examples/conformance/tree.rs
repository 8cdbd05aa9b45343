//! Specs from JSON. What JSON can say and a typed spec cannot (an unknown word, a negative number) becomes a spec that
//! the check refuses.

use crate::hub::{Hub, Who};
use crate::worker::{Part, Script, Worker};
use ravelin::{
    ActorRef, AutoShutdown, ChildSpec, Exit, Occasion, Pid, Restart, Shutdown, Supervisor, SupervisorRef,
    System, child,
};
use serde_json::Value;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

/// Makes specs whose starts and ends are recorded.
#[derive(Clone)]
pub(crate) struct Builder {
    pub(crate) system: System,
    pub(crate) hub: Hub,
}

pub(crate) fn word<'a>(spec: &'a Value, key: &str, default: &'a str) -> &'a str {
    match &spec[key] {
        Value::Null => default,
        value => value.as_str().unwrap_or("?"),
    }
}

/// A number, if it is one that OTP accepts there.
fn number(spec: &Value, key: &str, default: u64) -> Option<u64> {
    match &spec[key] {
        Value::Null => Some(default),
        value => value.as_u64(),
    }
}

pub(crate) fn is_supervisor(spec: &Value) -> bool {
    word(spec, "type", "worker") == "supervisor"
}

pub(crate) fn is_dynamic(spec: &Value) -> bool {
    word(spec, "strategy", "one_for_one") == "simple_one_for_one"
}

/// Notes the dynamic supervisors at a path and below.
pub(crate) fn note_templates(hub: &Hub, path: &str, spec: &Value) {
    hub.set_template(path, is_dynamic(spec).then(|| spec["template"].clone()));
    for child in spec["children"].as_array().into_iter().flatten() {
        note_templates(hub, &format!("{path}/{}", word(child, "id", "")), child);
    }
}

impl Builder {
    /// A child of the supervisor at `above`, that is known there as `id`.
    pub(crate) fn child(&self, above: &str, id: &str, spec: &Value) -> ChildSpec {
        let path: Arc<str> = format!("{above}/{id}").into();
        let (built, who) = if is_supervisor(spec) {
            let place = SupervisorRef::place(id);
            let built = self.supervisor(&path, spec).at(&place).id(id);
            (built, Who::Supervisor(place))
        } else {
            let place: ActorRef<Worker> = ActorRef::place(id);
            let built = self.worker(&path, &place, spec);
            (built, Who::Worker(place))
        };
        self.observe(policy(built, spec), path, who)
    }

    fn worker(&self, path: &Arc<str>, place: &ActorRef<Worker>, spec: &Value) -> ChildSpec {
        let (hub, path, script) = (self.hub.clone(), path.clone(), Script::read(spec));
        let part = move || Part { key: hub.attempted(&path), script: script.clone(), hub: hub.clone() };
        match spec["name"].as_str() {
            Some(name) => child(place, part).registered(name),
            None => child(place, part),
        }
    }

    /// The supervisor at `path`.
    pub(crate) fn supervisor(&self, path: &str, spec: &Value) -> Supervisor {
        let id = path.rsplit_once('/').map_or(path, |(_, id)| id);
        let mut is_faulty = false;
        let mut tree = match word(spec, "strategy", "one_for_one") {
            "one_for_one" => Supervisor::one_for_one(id),
            "one_for_all" => Supervisor::one_for_all(id),
            "rest_for_one" => Supervisor::rest_for_one(id),
            "simple_one_for_one" => Supervisor::dynamic(id),
            _ => {
                is_faulty = true;
                Supervisor::one_for_one(id)
            }
        };
        let auto_shutdown = match word(spec, "auto_shutdown", "never") {
            "any_significant" => AutoShutdown::AnySignificant,
            "all_significant" => AutoShutdown::AllSignificant,
            other => {
                is_faulty |= other != "never";
                AutoShutdown::Never
            }
        };
        tree = tree.auto_shutdown(auto_shutdown);
        let (restarts, period) = (number(spec, "intensity", 1), number(spec, "period_ms", 5000));
        match (restarts.and_then(|n| u32::try_from(n).ok()), period) {
            (Some(restarts), Some(ms)) => tree = tree.intensity(restarts, Duration::from_millis(ms)),
            _ => is_faulty = true,
        }
        if is_dynamic(spec) {
            // A dynamic supervisor has no template here. A faulty one ends it at its start, as in OTP.
            let template = self.child(path, word(&spec["template"], "id", "?"), &spec["template"]);
            is_faulty |= template.policy().check(template.name(), auto_shutdown).is_err();
        } else {
            let children = spec["children"].as_array().into_iter().flatten();
            tree = children.fold(tree, |tree, each| tree.child(self.child(path, word(each, "id", ""), each)));
        }
        // No restart would ever count: the check refuses that.
        if is_faulty { tree.intensity(1, Duration::ZERO) } else { tree }
    }

    /// Records what becomes of the child's starts.
    fn observe(&self, spec: ChildSpec, path: Arc<str>, who: Who) -> ChildSpec {
        let begin = {
            let (hub, path) = (self.hub.clone(), path.clone());
            move |_: &Occasion| hub.attempt(&path)
        };
        let up = {
            let (this, path) = (self.clone(), path.clone());
            move |occasion: &Occasion| {
                if let Some(pid) = occasion.pid {
                    this.up(&path, pid, who.clone());
                }
            }
        };
        let hub = self.hub.clone();
        let fail =
            move |occasion: &Occasion| hub.failed(&path, occasion.exit.as_ref().unwrap_or(&Exit::Lost));
        spec.before_start(begin.clone())
            .before_restart(begin)
            .after_start(up.clone())
            .after_restart(up)
            .after_failure(fail)
    }

    /// An actor is up: its end will be recorded.
    pub(crate) fn up(&self, path: &Arc<str>, pid: Pid, who: Who) {
        self.hub.started(path, pid, who);
        let (system, hub) = (self.system.clone(), self.hub.clone());
        let end = async move {
            let why = system.ended(pid).await;
            hub.ended(pid, &why);
        };
        let mut end = Box::pin(end);
        // The wait begins now, while the actor lives.
        if end.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            self.system.runtime().spawn("end", end);
        }
    }
}

/// The keys that every child has.
fn policy(built: ChildSpec, spec: &Value) -> ChildSpec {
    if !matches!(word(spec, "type", "worker"), "worker" | "supervisor") {
        return faulty(built);
    }
    let built = match word(spec, "restart", "permanent") {
        "permanent" => built.restart(Restart::Permanent),
        "transient" => built.restart(Restart::Transient),
        "temporary" => built.restart(Restart::Temporary),
        _ => return faulty(built),
    };
    let built = match &spec["shutdown"] {
        Value::Null => built,
        Value::String(word) if word == "infinity" => built.shutdown(Shutdown::Infinity),
        Value::String(word) if word == "brutal_kill" => built.shutdown(Shutdown::BrutalKill),
        value => match value.as_u64() {
            Some(ms) => built.shutdown(Duration::from_millis(ms)),
            None => return faulty(built),
        },
    };
    match &spec["significant"] {
        Value::Null | Value::Bool(false) => built,
        Value::Bool(true) => built.significant(),
        _ => faulty(built),
    }
}

/// A child that its check refuses.
fn faulty(built: ChildSpec) -> ChildSpec {
    built.permanent().significant()
}
