//! Overload under faults: a desk that can not keep up, clients of all classes, kills, panics, delays and mailboxes that
//! say they are full. Whoever asked knows what became of it, and the accounts agree.

use futures::future::join_all;
use ravelin_core::{
    Actor, ActorRef, Bounded, CallError, Class, Cx, Exit, Handle, Message, Overflow, SendError, Time,
};
use ravelin_sim::{Faults, Sim, World};
use ravelin_supervisor::{Supervisor, child};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const TTL: Duration = Duration::from_millis(20);
const CLIENTS: u64 = 4;
const EACH: u64 = 40;

/// What became of messages, as their senders and the desk know it.
#[derive(Debug, Default)]
struct Account {
    begun: u64,
    refused: u64,
    accepted: u64,
    /// Orders for which there was no room.
    orders_refused: u64,
}

type Shared = Arc<Mutex<Account>>;

struct Desk(Shared);

impl Actor for Desk {
    type Args = Shared;
    async fn init(account: Shared, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Desk(account))
    }
}

macro_rules! messages {
    ($($name:ident { $($constant:item)* })*) => { $(
        struct $name(Time);
        impl Message for $name {
            type Reply = ();
            $($constant)*
        }
        impl Handle<$name> for Desk {
            async fn handle(&mut self, m: $name, cx: &mut Cx<Self>) {
                self.work(m.0, <$name as Message>::TTL, cx).await;
            }
        }
    )* };
}

messages! {
    Order { const CLASS: Class = Class::Control; }
    Ask {}
    Quote { const TTL: Option<Duration> = Some(TTL); }
    Report { const CLASS: Class = Class::Bulk; }
    Stale { const CLASS: Class = Class::Bulk; const TTL: Option<Duration> = Some(TTL); }
}

impl Desk {
    async fn work(&mut self, sent: Time, ttl: Option<Duration>, cx: &mut Cx<Self>) {
        self.0.lock().unwrap().begun += 1;
        if let Some(ttl) = ttl {
            let age = cx.now() - sent;
            assert!(age <= ttl, "handled when it was {age:?} old");
        }
        cx.sleep(Duration::from_millis(2)).await; // tidy: virtual time
    }
}

/// Sends one of them, and says what came of it.
async fn one(desk: &ActorRef<Desk>, kind: u64, now: Time, account: &Shared) {
    fn cast<M: Message>(desk: &ActorRef<Desk>, message: M) -> Option<SendError<M>>
    where
        Desk: Handle<M>,
    {
        desk.cast(message).err()
    }
    let refused = match kind % 6 {
        0 => cast(desk, Order(now))
            .inspect(|why| {
                if matches!(why, SendError::Full(_)) {
                    account.lock().unwrap().orders_refused += 1;
                }
            })
            .is_some(),
        1 => cast(desk, Report(now)).is_some(),
        2 => cast(desk, Stale(now)).is_some(),
        3 => cast(desk, Quote(now)).is_some(),
        4 => desk.send(Ask(now)).await.is_err(),
        _ => {
            let outcome = desk.call(Ask(now)).timeout(Duration::from_millis(50)).await;
            matches!(outcome, Err(CallError::Full(_) | CallError::NoProc(_)))
        }
    };
    let mut account = account.lock().unwrap();
    if refused { account.refused += 1 } else { account.accepted += 1 }
}

async fn rush(world: &World, policy: Overflow) {
    let account = Shared::default();
    let desk = ActorRef::<Desk>::place("desk");
    let capacity = Bounded(8).on_full(policy);
    let accounts = account.clone();
    let tree = Supervisor::one_for_one("app")
        .intensity(100, Duration::from_secs(1))
        .child(child(&desk, move || accounts.clone()).mailbox(capacity));
    // A fault may hit the very start; that is another test's.
    let Ok(app) = world.start(tree).await else { return };
    let clients = (0..CLIENTS).map(|client| {
        let (desk, account, mut random) =
            (desk.clone(), account.clone(), world.random(&format!("client {client}")));
        async move {
            for _ in 0..EACH {
                let kind = random.next();
                one(&desk, kind, world.now(), &account).await;
                world.advance(Duration::from_micros(random.next() % 3000)).await;
            }
        }
    });
    join_all(clients).await;
    world.advance(Duration::from_secs(1)).await;
    app.stop().await;
    let (ledger, known) = (desk.ledger(), account.lock().unwrap());
    assert!(ledger.is_balanced(), "{ledger:?}");
    assert_eq!(ledger.waiting, 0, "{ledger:?}");
    assert_eq!(known.accepted + known.refused, CLIENTS * EACH);
    // One that is interrupted was begun, or was about to be.
    let done = ledger.handled + ledger.answered;
    assert!((done..=done + ledger.interrupted).contains(&known.begun), "{ledger:?} {known:?}");
    assert_eq!(known.orders_refused, 0, "there was room for orders");
}

#[test]
fn everybody_knows_what_became_of_a_message_when_there_is_too_much() {
    for policy in [Overflow::Refuse, Overflow::Wait, Overflow::DropOldest, Overflow::DropNewest] {
        let faults = Faults::none()
            .kills("desk", 2)
            .at_awaits_of("desk", 2)
            .at_messages_of("desk", 2)
            .over(Duration::from_millis(100));
        Sim::new().seeds(30).faults(faults).check(async |world| rush(world, policy).await);
    }
}
