//! Handlers: how they come, are told, answer and go.

use crate::host::claims;
use ravelin_behaviours::event::{
    EventHandler, EventManager, EventManagerRef, HandleCall, Handlers, Removal, Then,
};
use ravelin_core::{ActorRef, Cx, Exit, Info, Message, Pid, System};
use std::sync::{Arc, Mutex};

pub(crate) type Log = Arc<Mutex<Vec<String>>>;

/// What has been told since the last look.
pub(crate) fn told(log: &Log) -> Vec<String> {
    std::mem::take(&mut *log.lock().unwrap())
}

/// Tells what happens to it, and does what the event says when it is meant: "b:crash" is for the one called b.
pub(crate) struct Spy {
    pub(crate) name: &'static str,
    pub(crate) log: Log,
    pub(crate) watches: Option<Pid>,
}

impl Spy {
    pub(crate) fn new(name: &'static str, log: &Log) -> Spy {
        Spy { name, log: log.clone(), watches: None }
    }

    fn tell(&self, what: impl std::fmt::Display) {
        self.log.lock().unwrap().push(format!("{} {what}", self.name));
    }

    fn do_it(&self, what: &str) -> Result<Then<String>, Exit> {
        match what.strip_prefix(self.name).unwrap_or("") {
            ":crash" => panic!("on purpose"),
            ":fail" => Err(Exit::error("no more")),
            ":remove" => Ok(Then::Remove),
            ":swap" => Ok(Then::swap("s", |old: Spy| Other { of: old.name, log: old.log })),
            ":swap to c" => Ok(Then::swap("c", |old: Spy| Spy { name: "cc", ..old })),
            _ => Ok(Then::Keep),
        }
    }
}

impl EventHandler<String> for Spy {
    fn init(&mut self, cx: &mut Cx<EventManager<String>>) -> Result<(), Exit> {
        if let Some(pid) = self.watches {
            cx.monitor(pid);
        }
        match self.name {
            "no" => Err(Exit::error("no")),
            "panics" => panic!("at once"),
            _ => Ok(()),
        }
    }

    fn handle_event(
        &mut self,
        event: &String,
        _: &mut Cx<EventManager<String>>,
    ) -> Result<Then<String>, Exit> {
        self.tell(event);
        self.do_it(event)
    }

    fn handle_info(&mut self, info: &Info, _: &mut Cx<EventManager<String>>) -> Result<Then<String>, Exit> {
        if let Info::Down { reason, .. } = info {
            self.tell(format_args!("down: {reason}"));
        }
        Ok(Then::Keep)
    }

    fn terminate(&mut self, why: &Removal, _: &mut Cx<EventManager<String>>) {
        match why {
            Removal::Failed(Exit::Panic(panic)) => self.tell(format_args!("ends: {}", panic.message)),
            why => self.tell(format_args!("ends: {why:?}")),
        }
    }
}

/// Made of a spy.
pub(crate) struct Other {
    pub(crate) of: &'static str,
    pub(crate) log: Log,
}

impl EventHandler<String> for Other {
    fn init(&mut self, _: &mut Cx<EventManager<String>>) -> Result<(), Exit> {
        self.log.lock().unwrap().push(format!("other of {}", self.of));
        if self.of == "bad" { Err(Exit::error("of a bad one")) } else { Ok(()) }
    }
    fn handle_event(
        &mut self,
        event: &String,
        _: &mut Cx<EventManager<String>>,
    ) -> Result<Then<String>, Exit> {
        self.log.lock().unwrap().push(format!("other {event}"));
        Ok(Then::Keep)
    }
}

/// Panics when it is dropped.
pub(crate) struct Bomb;

impl EventHandler<String> for Bomb {
    fn handle_event(
        &mut self,
        event: &String,
        _: &mut Cx<EventManager<String>>,
    ) -> Result<Then<String>, Exit> {
        match event.as_str() {
            "fail" => Err(Exit::error("no more")),
            _ => Ok(Then::Remove),
        }
    }
    fn terminate(&mut self, _: &Removal, _: &mut Cx<EventManager<String>>) {
        panic!("not now");
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("on dropping it");
    }
}

/// Does what it says, and tells who did.
pub(crate) struct Ask(pub(crate) &'static str);
impl Message for Ask {
    type Reply = &'static str;
}

impl HandleCall<String, Ask> for Spy {
    fn handle_call(
        &mut self,
        Ask(what): Ask,
        _: &mut Cx<EventManager<String>>,
    ) -> Result<(&'static str, Then<String>), Exit> {
        let then = self.do_it(what)?;
        Ok((self.name, then))
    }
}

pub(crate) type Manager = EventManagerRef<String>;

/// A manager with these spies, each under its own name.
pub(crate) async fn manager(system: &System, names: &[&'static str]) -> (Manager, Log) {
    let log = Log::default();
    let manager = Manager::from(system.spawn(Handlers::none()).await.unwrap());
    for name in names {
        manager.add_handler(*name, Spy::new(name, &log)).await.unwrap();
    }
    (manager, log)
}

pub(crate) async fn ids(manager: &Manager) -> Vec<String> {
    manager.which_handlers().await.unwrap().iter().map(|key| key.id().to_owned()).collect()
}

mod cases {
    use super::*;
    use ravelin_behaviours::event::{HandlerError, HandlerId};
    use ravelin_core::StartError;

    pub(super) async fn handlers_are_told_one_after_the_other_as_they_were_added(system: System) {
        let (manager, log) = manager(&system, &["a", "b"]).await;
        manager.notify("one".to_owned()).unwrap();
        manager.sync_notify("two".to_owned()).await.unwrap();
        assert_eq!(told(&log), ["a one", "b one", "a two", "b two"], "all have had their turn");
        assert_eq!(ids(&manager).await, ["a", "b"]);
        assert!(manager.which_handlers().await.unwrap()[0].to_string().ends_with("Spy a"));
    }

    pub(super) async fn a_handler_that_fails_is_removed_and_the_others_go_on(system: System) {
        let (manager, log) = manager(&system, &["a", "b", "c"]).await;
        let pid = manager.pid();
        manager.sync_notify("b:crash".to_owned()).await.unwrap();
        assert_eq!(told(&log), ["a b:crash", "b b:crash", "b ends: on purpose", "c b:crash"]);
        manager.sync_notify("c:fail".to_owned()).await.unwrap();
        assert_eq!(told(&log), ["a c:fail", "c c:fail", "c ends: Failed(Error(\"no more\"))"]);
        assert_eq!(ids(&manager).await, ["a"]);
        assert_eq!(manager.pid(), pid);
    }

    pub(super) async fn an_init_that_fails_keeps_the_handler_out(system: System) {
        let (manager, log) = manager(&system, &["a"]).await;
        let error = manager.add_handler("n", Spy::new("no", &log)).await.unwrap_err();
        assert!(matches!(error, HandlerError::Init(why) if why == Exit::error("no")));
        let error = manager.add_handler("n", Spy::new("panics", &log)).await.unwrap_err();
        assert!(matches!(error, HandlerError::Init(Exit::Panic(panic)) if panic.message == "at once"));
        assert_eq!(ids(&manager).await, ["a"]);
    }

    pub(super) async fn several_of_a_type_have_ids(system: System) {
        let (manager, log) = manager(&system, &["a", "b"]).await;
        let again = manager.add_handler("a", Spy::new("twin", &log)).await.unwrap_err();
        let HandlerError::AlreadyInstalled(twin) = again else { panic!("{again}") };
        let lone = manager.add_handler(HandlerId::lone(), twin).await.unwrap();
        manager.add_handler("a", Other { of: "nobody", log: log.clone() }).await.unwrap();
        assert_eq!(ids(&manager).await, ["a", "b", "", "a"], "another type is another handler");
        assert_eq!(manager.call_handler(&lone, Ask("")).await.unwrap(), "twin");
    }

    pub(super) async fn a_deleted_handler_is_given_back(system: System) {
        let (manager, log) = manager(&system, &["a", "b"]).await;
        let spy = manager.delete_handler::<Spy>("a").await.unwrap();
        assert_eq!((spy.name, told(&log)), ("a", vec!["a ends: Deleted".to_owned()]));
        let error = manager.delete_handler::<Spy>("a").await.err();
        assert!(matches!(error, Some(HandlerError::NotInstalled(()))));
        assert_eq!(ids(&manager).await, ["b"]);
    }

    pub(super) async fn a_request_is_answered_by_the_handler_it_is_for(system: System) {
        let (manager, log) = manager(&system, &["a", "b", "c"]).await;
        assert_eq!(manager.call_handler::<Spy, _>("b", Ask("")).await.unwrap(), "b");
        let error = manager.call_handler::<Spy, _>("z", Ask("back")).await.unwrap_err();
        assert!(matches!(error, HandlerError::NotInstalled(Ask("back"))));
        let error = manager.call_handler::<Spy, _>("b", Ask("b:crash")).await.unwrap_err();
        assert!(matches!(error, HandlerError::Failed(Exit::Panic(_))));
        assert_eq!(manager.call_handler::<Spy, _>("c", Ask("c:remove")).await.unwrap(), "c");
        assert_eq!(told(&log), ["b ends: on purpose", "c ends: Asked"]);
        assert_eq!(ids(&manager).await, ["a"]);
    }

    pub(super) async fn a_swap_hands_the_old_handler_over(system: System) {
        let (manager, log) = manager(&system, &["a", "b", "c"]).await;
        let make = |log: &Log| {
            let log = log.clone();
            move |old: Option<Spy>| Other { of: old.map_or("nobody", |old| old.name), log }
        };
        manager.swap_handler("b", "o", make(&log)).await.unwrap();
        assert_eq!(told(&log), ["b ends: Swapped", "other of b"]);
        assert_eq!(ids(&manager).await, ["a", "o", "c"], "in its place");
        manager.swap_handler("gone", "p", make(&log)).await.unwrap();
        assert_eq!(told(&log), ["other of nobody"]);
        assert_eq!(ids(&manager).await, ["a", "o", "c", "p"], "behind the others");
        let taken = manager.swap_handler("a", "o", make(&log)).await.unwrap_err();
        assert!(matches!(taken, HandlerError::AlreadyInstalled(())));
        assert_eq!(ids(&manager).await, ["a", "o", "c", "p"], "nothing has changed");
        let made_anew =
            manager.swap_handler("a", "a", |old: Option<Spy>| Spy { name: "aa", ..old.unwrap() }).await;
        assert_eq!(manager.call_handler(&made_anew.unwrap(), Ask("")).await.unwrap(), "aa");
    }

    pub(super) async fn a_swap_whose_new_handler_does_not_start_leaves_neither(system: System) {
        let (manager, log) = manager(&system, &["a", "bad", "c"]).await;
        let kept = log.clone();
        let make = move |old: Option<Spy>| Other { of: old.unwrap().name, log: kept };
        let error = manager.swap_handler("bad", "o", make).await.unwrap_err();
        assert!(matches!(error, HandlerError::Init(why) if why == Exit::error("of a bad one")));
        let error =
            manager.swap_handler("c", "o", |_: Option<Spy>| -> Other { panic!("cannot") }).await.unwrap_err();
        assert!(matches!(error, HandlerError::Init(Exit::Panic(_))));
        assert_eq!(ids(&manager).await, ["a"]);
    }

    pub(super) async fn a_handler_may_remove_or_swap_itself(system: System) {
        let (manager, log) = manager(&system, &["a", "b", "c"]).await;
        manager.sync_notify("b:swap".to_owned()).await.unwrap();
        assert_eq!(told(&log), ["a b:swap", "b b:swap", "b ends: Swapped", "other of b", "c b:swap"]);
        assert_eq!(ids(&manager).await, ["a", "s", "c"]);
        manager.sync_notify("a:remove".to_owned()).await.unwrap();
        assert_eq!(told(&log), ["a a:remove", "a ends: Asked", "other a:remove", "c a:remove"]);
        manager.add_handler("a", Spy::new("a", &log)).await.unwrap();
        manager.sync_notify("a:swap to c".to_owned()).await.unwrap();
        assert_eq!(ids(&manager).await, ["s", "c"], "there is a c already, so it failed");
    }

    pub(super) async fn a_handler_that_panics_while_it_ends_harms_nobody(system: System) {
        let (manager, log) = manager(&system, &["a"]).await;
        let pid = manager.pid();
        for event in ["fail", "remove"] {
            manager.add_handler(event, Bomb).await.unwrap();
            manager.sync_notify(event.to_owned()).await.unwrap();
            assert_eq!((ids(&manager).await, told(&log)), (vec!["a".to_owned()], vec![format!("a {event}")]));
        }
        assert_eq!(manager.pid(), pid);
    }

    pub(super) async fn a_notice_reaches_all_handlers(system: System) {
        let (manager, log) = manager(&system, &["a"]).await;
        let watches = Some(Pid::from_parts(0, 9_999, 9));
        manager.add_handler("b", Spy { watches, ..Spy::new("b", &log) }).await.unwrap();
        manager.sync_notify("x".to_owned()).await.unwrap();
        assert_eq!(told(&log), ["a down: noproc", "b down: noproc", "a x", "b x"]);
    }

    pub(super) async fn a_manager_begins_with_the_handlers_it_was_given(system: System) {
        let (place, log) = (ActorRef::<EventManager<String>>::place("events"), Log::default());
        for _ in 0..2 {
            let handlers = Handlers::none().with("a", Spy::new("a", &log)).with("b", Spy::new("b", &log));
            let pid = system.start(&place, handlers).await.unwrap();
            assert_eq!(ids(&Manager::from(place.clone())).await, ["a", "b"]);
            system.stop(pid, Exit::Shutdown).await.unwrap();
            assert_eq!(told(&log), ["a ends: ManagerEnds(Shutdown)", "b ends: ManagerEnds(Shutdown)"]);
        }
        let broken = Handlers::none().with("n", Spy::new("no", &log));
        let StartError::Init(Exit::StartFailed(failed)) = system.start(&place, broken).await.unwrap_err()
        else {
            panic!("no start error");
        };
        assert_eq!((failed.child.ends_with("Spy n"), &failed.reason), (true, &Exit::error("no")));
        let twins = Handlers::none().with("a", Spy::new("a", &log)).with("a", Spy::new("a", &log));
        assert!(matches!(system.start(&place, twins).await, Err(StartError::Init(Exit::InvalidSpec(_)))));
    }
}

claims! {
    everywhere:
        handlers_are_told_one_after_the_other_as_they_were_added,
        a_handler_that_fails_is_removed_and_the_others_go_on, an_init_that_fails_keeps_the_handler_out,
        several_of_a_type_have_ids, a_deleted_handler_is_given_back, a_request_is_answered_by_the_handler_it_is_for,
        a_swap_hands_the_old_handler_over, a_swap_whose_new_handler_does_not_start_leaves_neither,
        a_handler_may_remove_or_swap_itself, a_notice_reaches_all_handlers,
        a_handler_that_panics_while_it_ends_harms_nobody,
        a_manager_begins_with_the_handlers_it_was_given;
}
