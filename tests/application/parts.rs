//! What the applications of these tests are made of.

use ravelin::application::Application;
use ravelin::prelude::*;
use ravelin::{ChildSpec, TrapExits};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What happened, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, what: impl Into<String>) {
        self.0.lock().expect("no panic while it is held").push(what.into());
    }

    pub(crate) fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().expect("no panic while it is held")).join(" ")
    }
}

/// How a part behaves.
#[derive(Clone, Default)]
pub(crate) struct Ways {
    pub(crate) init_fails: bool,
    /// How long it takes to clean up.
    pub(crate) cleans_up_for: Duration,
}

/// Says when it comes and goes.
pub(crate) struct Part {
    name: Arc<str>,
    log: Log,
    ways: Ways,
}

/// Ends the part that gets it, with this reason.
#[derive(Message)]
pub(crate) struct End(pub(crate) Exit);

impl Actor for Part {
    type Args = (Arc<str>, Log, Ways);
    async fn init((name, log, ways): Self::Args, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        cx.trap_exits(TrapExits::Yes);
        if ways.init_fails {
            return Err(Exit::error("no disk"));
        }
        log.add(format!("+{name}"));
        Ok(Part { name, log, ways })
    }
    async fn terminate(&mut self, _: &Exit, cx: &mut Cx<Self>) {
        if self.ways.cleans_up_for > Duration::ZERO {
            cx.sleep(self.ways.cleans_up_for).await; // tidy: virtual time
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.log.add(format!("-{}", self.name));
    }
}

impl Handle<End> for Part {
    async fn handle(&mut self, End(exit): End, cx: &mut Cx<Self>) {
        cx.stop(exit);
    }
}

pub(crate) fn part(name: &str, log: &Log, ways: Ways) -> ChildSpec {
    part_at(&ActorRef::place(name), log, ways)
}

pub(crate) fn part_at(place: &ActorRef<Part>, log: &Log, ways: Ways) -> ChildSpec {
    let (name, log) = (place.name().expect("it has one").clone(), log.clone());
    child(place, move || (name.clone(), log.clone(), ways.clone())).shutdown(ravelin::Shutdown::Infinity)
}

/// An application of one part, called as it is.
pub(crate) fn app(name: &str, log: &Log) -> Application {
    Application::new(name, Supervisor::one_for_one(name).child(part(name, log, Ways::default())))
}

/// An application of one part, which ends when the part does.
pub(crate) fn app_at(place: &ActorRef<Part>, log: &Log) -> Application {
    let name = place.name().expect("it has one");
    let part = part_at(place, log, Ways::default()).transient().significant();
    let tree = Supervisor::one_for_one(name.clone()).intensity(0, Duration::from_secs(1));
    Application::new(name.clone(), tree.auto_shutdown(ravelin::AutoShutdown::AnySignificant).child(part))
}
