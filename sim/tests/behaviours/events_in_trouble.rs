//! An event manager and one who depends on it, in all kinds of trouble: what is tied together goes together, and comes
//! back.

use ravelin_behaviours::event::{EventHandler, EventManager, EventManagerRef, HandlerExit, Handlers, Then};
use ravelin_core::{Actor, ActorRef, Cx, Exit, Handle, Message, TrapExits};
use ravelin_sim::{Faults, Sim};
use ravelin_supervisor::{Supervisor, child};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

/// Fails at thirteen.
struct Count(Arc<AtomicU32>);

impl EventHandler<u32> for Count {
    fn handle_event(&mut self, event: &u32, _: &mut Cx<EventManager<u32>>) -> Result<Then<u32>, Exit> {
        assert_ne!(*event, 13);
        self.0.fetch_add(1, SeqCst);
        Ok(Then::Keep)
    }
}

/// Ends when its handler goes, and is started again with a new one.
struct Owner;

impl Actor for Owner {
    type Args = (EventManagerRef<u32>, Arc<AtomicU32>);
    async fn init((events, counted): Self::Args, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        cx.trap_exits(TrapExits::Yes);
        let added = events.add_sup_handler("count", Count(counted), cx.me().recipient()).await;
        added.map(|_| Owner).map_err(Exit::error)
    }
    async fn handle_info(&mut self, _: ravelin_core::Info, cx: &mut Cx<Self>) {
        cx.stop(Exit::error("the manager is gone"));
    }
}

impl Handle<HandlerExit> for Owner {
    async fn handle(&mut self, exit: HandlerExit, cx: &mut Cx<Self>) {
        cx.stop(Exit::error(format_args!("{:?}", exit.reason)));
    }
}

/// Answered when all before it is done.
struct Fence;
impl Message for Fence {
    type Reply = ();
}
impl Handle<Fence> for Owner {
    async fn handle(&mut self, _: Fence, _: &mut Cx<Self>) {}
}

#[test]
fn a_handler_and_its_owner_keep_together_in_all_kinds_of_trouble() {
    let second = Duration::from_secs(1);
    let faults = Faults::none().kills("events", 3).kills("owner", 3).at_messages_of("events", 3).over(second);
    Sim::new().seeds(20).faults(faults).check(async |world| {
        let events = EventManagerRef::<u32>::place("events");
        let owner = ActorRef::<Owner>::place("owner");
        let counted = Arc::new(AtomicU32::new(0));
        let args = (events.clone(), counted.clone());
        let tree = Supervisor::one_for_one("app")
            .intensity(1000, second)
            .child(child(&events, Handlers::none))
            .child(child(&owner, move || args.clone()));
        let Ok(app) = world.start(tree).await else { return };
        for event in 0..20 {
            let _ = events.notify(event);
            world.advance(second / 20).await;
            let _ = owner.call(Fence).timeout(second / 100).await;
        }
        world.calm();
        world.advance(second).await;
        let before = counted.load(SeqCst);
        events.sync_notify(14).await.unwrap();
        assert_eq!(counted.load(SeqCst), before + 1, "exactly one handler is there");
        let Ok(before) = events.which_handlers().await else { panic!("no answer") };
        assert_eq!(before.len(), 1);
        app.stop().await;
    });
}
