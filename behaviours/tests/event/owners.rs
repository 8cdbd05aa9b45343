//! Handlers that are tied to an actor.

use crate::handlers::{Log, Spy, ids, manager, told};
use crate::host::claims;
use futures::channel::oneshot;
use ravelin_behaviours::event::HandlerExit;
use ravelin_core::{Actor, ActorRef, Bounded, Cx, Exit, Handle, Info, Message, System, TrapExits};

/// Tells which of its handlers went, and which exit signals came.
struct Owner(Log);

struct Wait(oneshot::Receiver<()>);
impl Message for Wait {
    type Reply = ();
}

impl Actor for Owner {
    type Args = Log;
    async fn init(log: Log, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        cx.trap_exits(TrapExits::Yes);
        Ok(Owner(log))
    }
    async fn handle_info(&mut self, info: Info, _: &mut Cx<Self>) {
        if let Info::Exit { reason, .. } = info {
            self.0.lock().unwrap().push(format!("signal: {reason}"));
        }
    }
}

impl Handle<HandlerExit> for Owner {
    async fn handle(&mut self, HandlerExit { handler, reason }: HandlerExit, _: &mut Cx<Self>) {
        let reason = format!("{reason:?}");
        let kind = reason.split('(').next().unwrap_or("");
        self.0.lock().unwrap().push(format!("lost {}: {kind}", handler.id()));
    }
}

impl Handle<Wait> for Owner {
    async fn handle(&mut self, Wait(gate): Wait, _: &mut Cx<Self>) {
        let _ = gate.await;
    }
}

/// Returns when the owner has handled all that it has been sent.
async fn caught_up(owner: &ActorRef<Owner>) {
    let (open, gate) = oneshot::channel();
    open.send(()).unwrap();
    owner.call(Wait(gate)).await.unwrap();
}

async fn owner(system: &System) -> (ActorRef<Owner>, Log) {
    let log = Log::default();
    (system.spawn::<Owner>(log.clone()).await.unwrap(), log)
}

mod cases {
    use super::*;
    use crate::handlers::Other;
    use futures::FutureExt;
    use ravelin_behaviours::event::HandlerError;
    use ravelin_core::Overflow;

    pub(super) async fn a_handler_goes_with_the_actor_it_is_tied_to(system: System) {
        for why in [Exit::Normal, Exit::error("gone")] {
            let (manager, log) = manager(&system, &["a"]).await;
            let (owner, seen) = owner(&system).await;
            manager.add_sup_handler("b", Spy::new("b", &log), owner.recipient()).await.unwrap();
            manager.add_sup_handler("c", Spy::new("c", &log), owner.recipient()).await.unwrap();
            system.stop(owner.pid().unwrap(), why.clone()).await.unwrap();
            manager.sync_notify("x".to_owned()).await.unwrap();
            let ends = |name: &str| {
                format!("{name} ends: {:?}", ravelin_behaviours::event::Removal::OwnerExited(why.clone()))
            };
            assert_eq!(told(&log), [ends("b"), ends("c"), "a x".to_owned()]);
            assert!(told(&seen).is_empty());
            let dead =
                manager.add_sup_handler("d", Spy::new("d", &log), owner.recipient()).await.unwrap_err();
            assert!(matches!(dead, HandlerError::NoOwner(Spy { name: "d", .. })));
        }
    }

    pub(super) async fn an_owner_learns_why_its_handler_went(system: System) {
        let (manager, log) = manager(&system, &[]).await;
        let (owner, seen) = owner(&system).await;
        let names = ["a", "b", "c", "d", "e"];
        for name in names {
            manager.add_sup_handler(name, Spy::new(name, &log), owner.recipient()).await.unwrap();
        }
        drop(manager.delete_handler::<Spy>("a").await.unwrap());
        manager.sync_notify("b:remove".to_owned()).await.unwrap();
        manager.sync_notify("c:crash".to_owned()).await.unwrap();
        let kept = log.clone();
        manager
            .swap_handler("d", "o", |old: Option<Spy>| Other { of: old.unwrap().name, log: kept })
            .await
            .unwrap();
        system.stop(manager.pid().unwrap(), Exit::Normal).await.unwrap();
        caught_up(&owner).await;
        let seen = told(&seen);
        let all = [
            "lost a: Normal",
            "lost b: Normal",
            "lost c: Failed",
            "lost d: Swapped",
            "lost o: Shutdown",
            "lost e: Shutdown",
        ];
        assert_eq!(seen, all, "the new one is tied as the old one was");
    }

    pub(super) async fn an_owner_gets_the_exit_signal_of_a_manager_that_is_killed(system: System) {
        let (manager, log) = manager(&system, &[]).await;
        let (owner, seen) = owner(&system).await;
        manager.add_sup_handler("a", Spy::new("a", &log), owner.recipient()).await.unwrap();
        let pid = manager.pid().unwrap();
        system.kill(pid);
        system.ended(pid).await;
        caught_up(&owner).await;
        assert_eq!(told(&seen), ["signal: killed"]);
    }

    pub(super) async fn an_owner_without_handlers_is_not_linked(system: System) {
        let (manager, log) = manager(&system, &["s"]).await;
        let (owner, seen) = owner(&system).await;
        manager.add_sup_handler("a", Spy::new("a", &log), owner.recipient()).await.unwrap();
        let take = |old: Option<Spy>| Spy { name: "ss", ..old.unwrap() };
        manager.swap_sup_handler("s", "ss", take, owner.recipient()).await.unwrap();
        drop(manager.delete_handler::<Spy>("a").await.unwrap());
        assert_eq!(ids(&manager).await, ["ss"]);
        drop(manager.delete_handler::<Spy>("ss").await.unwrap());
        let pid = manager.pid().unwrap();
        system.kill(pid);
        system.ended(pid).await;
        caught_up(&owner).await;
        assert_eq!(told(&seen), ["lost a: Normal", "lost ss: Normal"]);
    }

    pub(super) async fn an_owner_with_a_full_mailbox_learns_of_it_later(system: System) {
        let (manager, log) = manager(&system, &[]).await;
        let seen = Log::default();
        let mailbox = Bounded(1).on_full(Overflow::Wait);
        let owner = system.spawn::<Owner>(seen.clone()).mailbox(mailbox).await.unwrap();
        manager.add_sup_handler("a", Spy::new("a", &log), owner.recipient()).await.unwrap();
        let (open, gate) = oneshot::channel();
        let (next, last) = oneshot::channel();
        owner.send(Wait(gate)).await.unwrap();
        owner.send(Wait(last)).await.unwrap(); // waits in the mailbox, or for the first one to be begun
        drop(manager.delete_handler::<Spy>("a").await.unwrap());
        assert!(told(&seen).is_empty());
        open.send(()).unwrap();
        next.send(()).unwrap();
        while told(&seen).is_empty() {
            caught_up(&owner).await;
        }
        let _ = owner.call(Wait(oneshot::channel().1)).now_or_never();
    }
}

claims! {
    everywhere:
        a_handler_goes_with_the_actor_it_is_tied_to, an_owner_learns_why_its_handler_went,
        an_owner_gets_the_exit_signal_of_a_manager_that_is_killed, an_owner_without_handlers_is_not_linked,
        an_owner_with_a_full_mailbox_learns_of_it_later;
}
