//! The scripted child: it says when it comes and goes, and how it ends follows its script.

use ravelin_core::{Actor, ActorRef, Cx, Exit, Handle, Message, Pid, TrapExits};
use ravelin_supervisor::{AutoShutdown, ChildSpec, Restart, Shutdown, child, exponential};
use std::collections::BTreeMap;
use std::future::{pending, poll_fn};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};
use std::time::Duration;

/// What happened, and who is who.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Noted>>);

#[derive(Default)]
struct Noted {
    events: Vec<String>,
    answers: Vec<String>,
    /// Incarnations by `id#attempt`.
    names: BTreeMap<Pid, String>,
    attempts: BTreeMap<String, usize>,
    places: BTreeMap<String, ActorRef<Part>>,
    /// Those that wait for a release.
    held: BTreeMap<String, Option<Waker>>,
}

impl Log {
    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(crate) fn add(&self, event: impl Into<String>) {
        self.noted().events.push(event.into());
    }

    pub(crate) fn answer(&self, answer: &str) {
        self.noted().answers.push(format!("= {answer}"));
    }

    /// All since the last call: what happened, in order, then the answers, sorted, for clients are concurrent.
    pub(crate) fn take(&self) -> String {
        let mut noted = self.noted();
        let (mut all, mut answers) = (std::mem::take(&mut noted.events), std::mem::take(&mut noted.answers));
        answers.sort();
        all.append(&mut answers);
        all.join("; ")
    }

    pub(crate) fn name(&self, pid: Pid) -> String {
        self.noted().names.get(&pid).cloned().unwrap_or_else(|| "?".into())
    }

    /// The place of the child that was last made with this id.
    pub(crate) fn place(&self, id: &str) -> ActorRef<Part> {
        self.noted().places.get(id).cloned().unwrap_or_else(|| panic!("no child {id}"))
    }

    /// Whether somebody waits for a release.
    pub(crate) fn is_held(&self) -> bool {
        !self.noted().held.is_empty()
    }

    pub(crate) fn release(&self, id: &str) {
        let waker = self.noted().held.remove(id).unwrap_or_else(|| panic!("{id} is not held"));
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    async fn hold(&self, id: &str) {
        self.noted().held.insert(id.into(), None);
        let held = Held(self, id);
        poll_fn(|cx| match self.noted().held.get_mut(id) {
            Some(waker) => {
                *waker = Some(cx.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        })
        .await;
        drop(held);
    }
}

/// Waits, or was cut off.
struct Held<'a>(&'a Log, &'a str);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.noted().held.remove(self.1);
    }
}

/// How a child behaves.
#[derive(Clone)]
pub(crate) struct Script {
    id: String,
    traps: bool,
    /// What becomes of the start attempts; the last entry stands for all further ones.
    init: Vec<String>,
    /// What it does when it is to end.
    end: String,
    log: Log,
}

/// The scripted child.
pub(crate) struct Part {
    script: Script,
    name: String,
    last_word: String,
}

#[derive(Debug)]
pub(crate) struct End(pub(crate) Exit);
impl Message for End {
    type Reply = ();
}

#[derive(Debug)]
pub(crate) struct Crash;
impl Message for Crash {
    type Reply = ();
}

pub(crate) struct Unlink(pub(crate) Pid);
impl Message for Unlink {
    type Reply = ();
}

impl Actor for Part {
    type Args = Script;

    async fn init(script: Script, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        cx.trap_exits(if script.traps { TrapExits::Yes } else { TrapExits::No });
        let (name, outcome) = {
            let mut noted = script.log.noted();
            let attempt = noted.attempts.entry(script.id.clone()).or_default();
            *attempt += 1;
            let (name, at) = (format!("{}#{attempt}", script.id), *attempt - 1);
            noted.names.insert(cx.pid(), name.clone());
            (name, script.init[at.min(script.init.len() - 1)].clone())
        };
        let outcome = match outcome.strip_prefix("hold:") {
            Some(then) => {
                script.log.hold(&script.id).await;
                then.to_string()
            }
            None => outcome,
        };
        let refused = |how: String| {
            script.log.add(format!("!{name} {how}"));
        };
        match outcome.split_once(':') {
            None if outcome == "ignore" => {
                refused(outcome);
                Err(Exit::Ignore)
            }
            Some(("fail", why)) => {
                refused(why.into());
                Err(reason(why))
            }
            Some(("panic", why)) => {
                refused(why.into());
                panic!("{why}")
            }
            None | Some(_) => {
                script.log.add(format!("+{name}"));
                Ok(Part { name, script, last_word: "cut".into() })
            }
        }
    }

    async fn terminate(&mut self, why: &Exit, cx: &mut Cx<Self>) {
        self.last_word = match why {
            Exit::Panic(panic) => format!("panic {}", panic.message),
            why => why.to_string(),
        };
        match self.script.end.split_once('=') {
            // tidy: virtual time
            Some(("slow", ms)) => cx.sleep(millis(ms)).await,
            Some(("else", why)) => panic!("{why}"),
            None if self.script.end == "hang" => {
                self.last_word = "hung".into();
                pending().await
            }
            None if self.script.end == "hold" => self.script.log.hold(&self.script.id).await,
            None | Some(_) => {}
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.script.log.add(format!("-{} {}", self.name, self.last_word));
    }
}

impl Handle<End> for Part {
    async fn handle(&mut self, End(why): End, cx: &mut Cx<Self>) {
        cx.stop(why);
    }
}

impl Handle<Unlink> for Part {
    async fn handle(&mut self, Unlink(other): Unlink, cx: &mut Cx<Self>) {
        cx.unlink(other);
    }
}

impl Handle<Crash> for Part {
    async fn handle(&mut self, _: Crash, _: &mut Cx<Self>) {
        panic!("boom");
    }
}

pub(crate) fn millis(text: &str) -> Duration {
    Duration::from_millis(text.parse().unwrap_or_else(|_| panic!("{text:?} is no number")))
}

pub(crate) fn reason(text: &str) -> Exit {
    match text {
        "normal" => Exit::Normal,
        "shutdown" => Exit::Shutdown,
        "killed" => Exit::Killed,
        text => match text.strip_prefix("shutdown:") {
            Some(inner) => Exit::shutdown_with(reason(inner)),
            None => Exit::error(text),
        },
    }
}

/// A spec from its text: `id` or `id(word word=value ...)`.
pub(crate) fn spec(text: &str, log: &Log) -> ChildSpec {
    let (id, words) = text.split_once('(').unwrap_or((text, ")"));
    let place = ActorRef::place(id);
    log.noted().places.insert(id.into(), place.clone());
    let mut script =
        Script { id: id.into(), traps: true, init: vec!["ok".into()], end: "ok".into(), log: log.clone() };
    let words: Vec<&str> = words.trim_end_matches(')').split_whitespace().collect();
    for word in &words {
        match word.split_once('=').unwrap_or((word, "")) {
            ("deaf", "") => script.traps = false,
            ("hang" | "hold", "") | ("slow" | "else", _) => script.end = (*word).into(),
            ("init", outcomes) => script.init = outcomes.split('/').map(str::to_string).collect(),
            _ => {}
        }
    }
    let mut spec = child(&place, move || script.clone());
    for word in words {
        spec = match word.split_once('=').unwrap_or((word, "")) {
            ("transient", "") => spec.restart(Restart::Transient),
            ("temporary", "") => spec.restart(Restart::Temporary),
            ("significant", "") => spec.significant(),
            ("kill", "") => spec.shutdown(Shutdown::BrutalKill),
            ("infinity", "") => spec.shutdown(Shutdown::Infinity),
            ("timeout", ms) => spec.shutdown(millis(ms)),
            ("tries", n) => spec.tries(n.parse().expect("a number")),
            ("name", name) => spec.registered(name),
            ("backoff", range) => {
                let (first, cap) = range.split_once("..").expect("a range");
                spec.backoff(exponential(millis(first), millis(cap)))
            }
            ("deaf" | "hang" | "hold", "") | ("slow" | "else" | "init", _) => spec,
            (word, _) => panic!("unknown word {word:?}"),
        };
    }
    spec
}

pub(crate) fn auto_shutdown(word: &str) -> AutoShutdown {
    match word {
        "any" => AutoShutdown::AnySignificant,
        "all" => AutoShutdown::AllSignificant,
        _ => AutoShutdown::Never,
    }
}
