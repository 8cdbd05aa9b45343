//! Who registers in these tests.

use ravelin::prelude::*;
use ravelin::registry::{Duplicate, Registry};
use ravelin::{Pid, System};
use std::time::Duration;

/// Rooms by name.
pub(crate) type Rooms = Registry<String, ActorRef<Room>>;

/// Actors by topic, each with a number.
pub(crate) type Topics = Registry<&'static str, u32, Duplicate>;

/// Registers itself in its `init`, under as many names as it is given.
pub(crate) struct Room {
    name: &'static str,
}

#[derive(Message)]
#[message(reply = &'static str)]
pub(crate) struct Name;

impl Actor for Room {
    type Args = (Rooms, &'static str);
    async fn init((rooms, name): Self::Args, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        rooms.register(cx, name, cx.me())?;
        Ok(Room { name })
    }
}

impl Handle<Name> for Room {
    async fn handle(&mut self, _: Name, _: &mut Cx<Self>) -> &'static str {
        self.name
    }
}

/// Does what it is told, as itself.
pub(crate) struct Puppet;

/// What a puppet does.
type Deed = Box<dyn FnOnce(&Cx<Puppet>) + Send>;

#[derive(Message)]
pub(crate) struct Do(pub(crate) Deed);

impl Actor for Puppet {
    type Args = ();
    async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Puppet)
    }
}

impl Handle<Do> for Puppet {
    async fn handle(&mut self, Do(deed): Do, cx: &mut Cx<Self>) {
        deed(cx);
    }
}

pub(crate) async fn puppet(system: &System) -> (ActorRef<Puppet>, Pid) {
    let place = system.spawn::<Puppet>(()).await.expect("it starts");
    let pid = place.pid().expect("it lives");
    (place, pid)
}

/// Lets a puppet do something, and waits until it has.
pub(crate) async fn tell(puppet: &ActorRef<Puppet>, deed: impl FnOnce(&Cx<Puppet>) + Send + 'static) {
    puppet.call(Do(Box::new(deed))).await.expect("it does it");
}

/// Kills somebody, and waits until it is gone.
pub(crate) async fn kill(system: &System, pid: Pid) {
    let end = system.ended(pid);
    system.kill(pid);
    end.await;
}

pub(crate) async fn end(system: &System) {
    system.shut_down_all(Duration::from_secs(1)).await;
    assert!(system.is_empty() && system.ledger().is_balanced());
}
