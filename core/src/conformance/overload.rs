//! Overload by policy: who gets in when room is short, what is too old to be handled, and the figures.

use super::puppet::{begin, yield_now};
use crate::{
    Abandoned, Activity, Actor, ActorRef, Bounded, ByClass, CallError, Capacity, Class, Cx, Exit, Handle,
    Inbox, Ledger, Message, Overflow, SendError, System, Task, Unbounded, sleep,
};
use futures::channel::{mpsc, oneshot};
use futures::future::FutureExt;
use futures::stream::StreamExt;
use std::time::Duration;

/// How long what has a time to live is worth handling.
const TTL: Duration = Duration::from_millis(2);
/// Longer than that.
const LATE: Duration = Duration::from_millis(4);

macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident { $($constant:item)* })*) => { $(
        $(#[$doc])*
        #[derive(Debug, PartialEq)]
        struct $name(u32);
        impl Message for $name {
            type Reply = u32;
            $($constant)*
        }
        impl Handle<$name> for Desk {
            async fn handle(&mut self, m: $name, _: &mut Cx<Self>) -> u32 {
                let _ = self.log.unbounded_send(m.0);
                m.0
            }
        }
    )* };
}

messages! {
    /// Keeps the whole working.
    Order { const CLASS: Class = Class::Control; }
    /// As usual.
    Ask {}
    /// Can be done later.
    Report { const CLASS: Class = Class::Bulk; }
    /// Is soon too old.
    Quote { const TTL: Option<Duration> = Some(TTL); }
    /// Is soon too old, and would be handled if nobody waited.
    Must { const TTL: Option<Duration> = Some(TTL); const ABANDONED: Abandoned = Abandoned::Handle; }
    /// Can be done later, but not much.
    Stale { const CLASS: Class = Class::Bulk; const TTL: Option<Duration> = Some(TTL); }
}

/// Waits in its handler.
struct Hang(oneshot::Receiver<()>);
impl Message for Hang {
    type Reply = ();
}
impl Handle<Hang> for Desk {
    async fn handle(&mut self, Hang(gate): Hang, _: &mut Cx<Self>) {
        let _ = gate.await;
    }
}

/// Tells what it handles.
struct Desk {
    log: mpsc::UnboundedSender<u32>,
}

impl Actor for Desk {
    type Args = mpsc::UnboundedSender<u32>;
    async fn init(log: Self::Args, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Desk { log })
    }
}

/// A desk with this mailbox that is held up until the sender is dropped; what it has handled comes from the receiver.
async fn held(
    system: &System,
    capacity: impl Into<Capacity>,
) -> (ActorRef<Desk>, oneshot::Sender<()>, mpsc::UnboundedReceiver<u32>) {
    let (log, handled) = mpsc::unbounded();
    let desk = ActorRef::unnamed();
    let pid = system.start(&desk, log).mailbox(capacity.into()).await.unwrap();
    let (go_on, gate) = oneshot::channel();
    desk.cast(Hang(gate)).unwrap();
    while system.describe(pid).is_some_and(|it| it.activity != Activity::Waiting || it.mailbox_len > 0) {
        yield_now().await;
    }
    (desk, go_on, handled)
}

/// What a desk has handled, once it is at rest.
async fn handled(
    system: &System,
    desk: &ActorRef<Desk>,
    log: mpsc::UnboundedReceiver<u32>,
) -> (Vec<u32>, Ledger) {
    let pid = desk.pid().unwrap();
    while system.describe(pid).is_some_and(|it| it.activity != Activity::Idle) {
        yield_now().await;
    }
    let _ = system.stop(pid, Exit::Normal).await;
    (log.collect().await, desk.ledger())
}

pub async fn bulk_finds_a_mailbox_full_at_its_half_and_control_beyond_its_limit(system: System) {
    let (desk, gate, log) = held(&system, Bounded(8).on_full(Overflow::Refuse)).await;
    (0..4).for_each(|n| desk.cast(Report(n)).unwrap());
    assert!(matches!(desk.cast(Report(4)), Err(SendError::Full(Report(4)))));
    (10..14).for_each(|n| desk.cast(Ask(n)).unwrap());
    assert!(matches!(desk.cast(Ask(14)), Err(SendError::Full(Ask(14)))));
    assert!(matches!(desk.cast(Report(5)), Err(SendError::Full(Report(5)))));
    (20..36).for_each(|n| desk.cast(Order(n)).unwrap());
    let past = desk.call(Order(36)).await;
    assert!(matches!(past, Err(CallError::Full(Order(36)))), "{past:?}");
    let pressure = desk.pressure();
    assert_eq!((pressure.waiting, pressure.limit), (24, Some(8)));
    assert_eq!(pressure.shed.refused, ByClass { control: 1, interactive: 1, bulk: 2 });
    drop(gate);
    let (said, ledger) = handled(&system, &desk, log).await;
    let expect: Vec<u32> = (0..4).chain(10..14).chain(20..36).collect();
    assert_eq!(said, expect, "class does not change the order");
    assert_eq!((ledger.accepted, ledger.discarded, ledger.is_balanced()), (25, 0, true));
    assert_eq!(system.ledger().shed.refused.total(), 4, "of all, also of those that are gone");
}

pub async fn a_full_mailbox_sheds_bulk_first_and_never_control(system: System) {
    let (desk, gate, log) = held(&system, Bounded(4).on_full(Overflow::DropOldest)).await;
    desk.cast(Order(1)).unwrap();
    desk.cast(Report(2)).unwrap();
    // At its half: a report goes for a report, and only for one.
    desk.cast(Report(3)).unwrap();
    desk.cast(Ask(4)).unwrap();
    desk.cast(Ask(5)).unwrap();
    desk.cast(Ask(6)).unwrap();
    desk.cast(Report(7)).unwrap();
    desk.cast(Ask(8)).unwrap();
    desk.cast(Order(9)).unwrap();
    assert_eq!(desk.pressure().shed.discarded, ByClass { control: 0, interactive: 1, bulk: 3 });
    drop(gate);
    let (said, ledger) = handled(&system, &desk, log).await;
    assert_eq!(said, [1, 5, 6, 8, 9]);
    assert_eq!((ledger.discarded, ledger.is_balanced()), (4, true));

    let (desk, gate, log) = held(&system, Bounded(2).on_full(Overflow::DropNewest)).await;
    desk.cast(Report(1)).unwrap();
    let call = desk.call(Report(2)).await;
    assert!(matches!(call, Err(CallError::Discarded)), "{call:?}");
    desk.cast(Ask(3)).unwrap();
    desk.cast(Ask(4)).unwrap();
    desk.cast(Order(5)).unwrap();
    drop(gate);
    let (said, ledger) = handled(&system, &desk, log).await;
    assert_eq!(said, [1, 3, 5]);
    assert_eq!(ledger.shed.discarded, ByClass { control: 0, interactive: 1, bulk: 1 });
}

pub async fn a_bulk_sender_waits_behind_all_others(system: System) {
    // Room for one at a time: what is said shows the order in which room was given.
    let said = said_by_those_who_waited(&system, 1).await;
    assert_eq!(said, [40, 20, 21, 22, 10, 12]);
    // Room for two: it is given to two at once, and which of them comes first is their executor's affair.
    let said = said_by_those_who_waited(&system, 2).await;
    assert_eq!((said[0], &said[4..]), (40, &[10, 12][..]), "{said:?}");
}

/// What a desk with so much room handles of those who wait before it, three of them of the class bulk, of which one
/// gives up, and of one of the class control that comes last.
async fn said_by_those_who_waited(system: &System, limit: u32) -> Vec<u32> {
    let (desk, gate, log) = held(system, Bounded(limit)).await;
    (0..limit).for_each(|n| desk.cast(Ask(n)).unwrap());
    let mut bulk: Vec<_> = (10..13).map(|n| Box::pin(desk.send(Report(n)))).collect();
    for send in &mut bulk {
        assert!(begin(send).await.is_pending());
    }
    let mut usual: Vec<_> = (20..23).map(|n| Box::pin(desk.send(Ask(n)))).collect();
    for send in &mut usual {
        assert!(begin(send).await.is_pending());
    }
    let gives_up = bulk.remove(1);
    drop(gives_up);
    assert!(matches!(desk.cast(Report(30)), Err(SendError::Full(_))));
    desk.send(Order(40)).await.unwrap();
    drop(gate);
    let usual = futures::future::join_all(usual.into_iter().map(|send| send.map(|sent| sent.is_ok())));
    let bulk = futures::future::join_all(bulk.into_iter().map(|send| send.map(|sent| sent.is_ok())));
    let (usual, bulk) = futures::future::join(usual, bulk).await;
    assert!(usual.into_iter().chain(bulk).all(|is_ok| is_ok));
    let (said, _) = handled(system, &desk, log).await;
    let (held_up, said) = said.split_at(limit as usize);
    assert!(held_up.iter().copied().eq(0..limit), "{held_up:?}");
    said.to_vec()
}

pub async fn bulk_senders_learn_of_the_end(system: System) {
    let (desk, _gate, _log) = held(&system, Bounded(2)).await;
    desk.cast(Ask(0)).unwrap();
    let mut send = Box::pin(desk.send(Report(1)));
    let mut call = Box::pin(desk.call(Report(2)));
    assert!(begin(&mut send).await.is_pending() && begin(&mut call).await.is_pending());
    assert!(system.kill(desk.pid().unwrap()));
    assert!(matches!(send.await, Err(SendError::NoProc(Report(1)))));
    assert!(matches!(call.await, Err(CallError::NoProc(Report(2)))));
}

pub async fn class_means_nothing_where_there_is_no_limit(system: System) {
    let (desk, gate, log) = held(&system, Unbounded).await;
    (0..3000).for_each(|n| desk.cast(Report(n)).unwrap());
    desk.cast(Order(3000)).unwrap();
    assert_eq!((desk.pressure().waiting, desk.pressure().limit), (3001, None));
    drop(gate);
    let (said, ledger) = handled(&system, &desk, log).await;
    assert_eq!(said, (0..=3000).collect::<Vec<_>>());
    assert_eq!(ledger.shed, Default::default());
}

pub async fn what_is_too_old_is_not_handled(system: System) {
    let (desk, gate, log) = held(&system, Unbounded).await;
    let recipient = desk.recipient::<Quote>();
    desk.cast(Quote(1)).unwrap();
    recipient.cast(Quote(2)).unwrap();
    desk.send(Stale(3)).await.unwrap();
    desk.cast(Ask(4)).unwrap();
    let mut call = Box::pin(desk.call(Quote(5)).no_timeout());
    let mut must = Box::pin(desk.call(Must(6)));
    assert!(begin(&mut call).await.is_pending() && begin(&mut must).await.is_pending());
    sleep(&**system.runtime(), LATE).await;
    desk.cast(Quote(7)).unwrap();
    drop(gate);
    let (call, must) = futures::future::join(call, must).await;
    assert!(matches!(call, Err(CallError::Discarded)), "{call:?}");
    assert!(matches!(must, Err(CallError::Discarded)), "{must:?}");
    let (said, ledger) = handled(&system, &desk, log).await;
    assert_eq!(said[..1], [4]);
    assert!(said.len() <= 2, "{said:?}");
    assert_eq!(ledger.shed.expired.bulk, 1);
    assert_eq!(ledger.expired, ledger.shed.expired.total());
    assert_eq!(ledger.expired, 7 - said.len() as u64);
    assert!(ledger.is_balanced(), "{ledger:?}");
}

pub async fn a_message_in_time_is_handled_however_long_its_handler_takes(system: System) {
    let hour = Duration::from_secs(3600);
    struct Slowly(oneshot::Receiver<()>);
    impl Message for Slowly {
        type Reply = ();
        const TTL: Option<Duration> = Some(Duration::from_secs(3600));
    }
    impl Handle<Slowly> for Desk {
        async fn handle(&mut self, Slowly(gate): Slowly, cx: &mut Cx<Self>) {
            cx.sleep(LATE).await;
            let _ = gate.await;
        }
    }
    let (log, _handled) = mpsc::unbounded();
    let desk = system.spawn::<Desk>(log).await.unwrap();
    let (go_on, gate) = oneshot::channel();
    drop(go_on);
    desk.call(Slowly(gate)).timeout(hour).await.unwrap();
    assert_eq!(desk.ledger().expired, 0);
}

pub async fn the_time_that_a_sender_waits_for_room_counts(system: System) {
    let (desk, gate, log) = held(&system, Bounded(1)).await;
    desk.cast(Ask(0)).unwrap();
    let mut send = Box::pin(desk.send(Quote(1)));
    let mut call = Box::pin(desk.call(Quote(2)));
    assert!(begin(&mut send).await.is_pending() && begin(&mut call).await.is_pending());
    sleep(&**system.runtime(), LATE).await;
    drop(gate);
    send.await.unwrap();
    let call = call.await;
    assert!(matches!(call, Err(CallError::Discarded)), "{call:?}");
    let (said, ledger) = handled(&system, &desk, log).await;
    assert_eq!((said, ledger.expired), (vec![0], 2));
}

pub async fn a_task_does_not_receive_what_is_too_old(system: System) {
    let (go_on, gate) = oneshot::channel::<()>();
    let (tell, mut told) = mpsc::unbounded();
    let task: ActorRef<Task<Quote>> = system
        .spawn_task(move |mut inbox: Inbox<Quote>| async move {
            // The first two are looked at and left.
            let third = inbox.recv_matching(|quote| quote.0 == 3).await;
            let _ = tell.unbounded_send(third);
            let _ = gate.await;
            let _ = tell.unbounded_send(inbox.recv_matching(|_| true).await);
        })
        .await
        .unwrap();
    let mut end = Box::pin(system.ended(task.pid().unwrap()));
    task.cast(Quote(1)).unwrap();
    task.cast(Quote(2)).unwrap();
    // On a slow machine some of these are too old as well.
    let third = loop {
        task.cast(Quote(3)).unwrap();
        sleep(&**system.runtime(), TTL).await;
        if let Some(Some(quote)) = told.next().now_or_never() {
            break quote;
        }
    };
    assert_eq!(third, Some(Quote(3)));
    let mut call = Box::pin(task.call(Quote(4)));
    assert!(begin(&mut call).await.is_pending());
    sleep(&**system.runtime(), LATE).await;
    drop(go_on);
    while begin(&mut end).await.is_pending() {
        let _ = task.cast(Quote(5));
        sleep(&**system.runtime(), TTL / 2).await;
    }
    let call = call.await;
    assert!(matches!(call, Err(CallError::Discarded)), "{call:?}");
    assert_eq!(told.next().await, Some(Some(Quote(5))), "neither those that were left nor one that waited");
    let ledger = task.ledger();
    assert!(ledger.expired >= 3 && ledger.expired == ledger.shed.expired.interactive, "{ledger:?}");
}

pub async fn what_an_actor_gives_itself_has_no_age(system: System) {
    struct Plan;
    impl Message for Plan {
        type Reply = ();
    }
    impl Handle<Plan> for Desk {
        async fn handle(&mut self, _: Plan, cx: &mut Cx<Self>) {
            cx.continue_with(Quote(1));
            cx.send_after(Duration::ZERO, Quote(2));
            cx.sleep(LATE).await;
        }
    }
    let (log, mut told) = mpsc::unbounded();
    let desk = system.spawn::<Desk>(log).await.unwrap();
    desk.cast(Plan).unwrap();
    assert_eq!((told.next().await, told.next().await), (Some(1), Some(2)));
    assert_eq!(desk.ledger().expired, 0);
}
