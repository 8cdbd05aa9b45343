//! What an event through a state machine allocates, beside the same message to a plain actor; exactly, for allocations
//! do not depend on the machine.
//!
//! On `Local`, so that all of it happens on the thread that counts.

#[path = "../../mailbox/tests/counted/mod.rs"]
mod counted;

use ravelin_behaviours::event::{EventHandler, EventManager, EventManagerRef, Handlers, Then};
use ravelin_behaviours::statem::{Event, HandleEvent, Machine, Next, StateCx, StateMachine};
use ravelin_core::runtimes::Local;
use ravelin_core::{Actor, ActorRef, Cx, Exit, Handle, Message, Runtime, Serve, System, Unbounded};
use smol::future::yield_now;
use std::future::Future;
use std::time::Duration;

macro_rules! messages {
    ($($name:ident => $reply:ty),*) => { $(struct $name; impl Message for $name { type Reply = $reply; })* };
}
messages! { Push => (), Get => u64, Flip => (), Kept => (), Inserts => (), Inserted => (), Arms => () }

struct Plain(u64);
impl Actor for Plain {
    type Args = ();
    async fn init((): (), _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Plain(0))
    }
}
impl Handle<Push> for Plain {
    async fn handle(&mut self, _: Push, _: &mut Cx<Self>) {
        self.0 += 1;
    }
}
impl Handle<Get> for Plain {
    async fn handle(&mut self, _: Get, _: &mut Cx<Self>) -> u64 {
        self.0
    }
}

struct Turnstile(u64);
#[derive(Clone, Copy)]
enum State {
    Locked,
    Open,
}
impl StateMachine for Turnstile {
    type Args = ();
    type State = State;
    async fn init((): (), _: &mut StateCx<'_, Self>) -> Result<(Self, State), Exit> {
        Ok((Turnstile(0), State::Locked))
    }
}

macro_rules! does {
    ($($message:ident: |$data:ident, $state:ident, $event:ident, $cx:ident| $body:expr;)*) => { $(
        impl HandleEvent<$message> for Turnstile {
            async fn handle_event(
                &mut self,
                $state: &mut State,
                $event: Event<$message>,
                $cx: &mut StateCx<'_, Self>,
            ) -> Next<State> {
                let ($data, _, _) = (self, &$event, &$cx);
                $body
            }
        }
    )* };
}
does! {
    Push: |data, state, event, cx| { data.0 += 1; let _ = state; Next::Keep };
    Get: |data, state, event, cx| { event.reply.send(data.0); let _ = state; Next::Keep };
    Flip: |data, state, event, cx| {
        data.0 += 1;
        Next::Change(if let State::Open = state { State::Locked } else { State::Open })
    };
    Kept: |data, state, event, cx| {
        data.0 += 1;
        if let State::Locked = state { cx.postpone(event) }
        Next::Keep
    };
    Inserts: |data, state, event, cx| { let _ = (data, state); cx.next_event(Inserted); Next::Keep };
    Inserted: |data, state, event, cx| { data.0 += 1; let _ = state; Next::Keep };
    Arms: |data, state, event, cx| {
        let _ = (data, state);
        cx.state_timeout(Duration::from_secs(3600), Inserted);
        Next::Keep
    };
}

struct Counter(u64);
impl EventHandler<Push> for Counter {
    fn handle_event(&mut self, _: &Push, _: &mut Cx<EventManager<Push>>) -> Result<Then<Push>, Exit> {
        self.0 += 1;
        Ok(Then::Keep)
    }
}

const ROUNDS: usize = 100;

/// The allocations of `ROUNDS` times this, in one stretch; the second time, the first is to warm up.
async fn rounds<F: Future>(mut round: impl FnMut() -> F) -> usize {
    let mut allocations = 0;
    for _ in 0..2 {
        let before = counted::allocations();
        for _ in 0..ROUNDS {
            round().await;
        }
        allocations = counted::allocations() - before;
    }
    allocations
}

fn measure<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    measure: impl FnOnce(System) -> F + Send + 'static,
) -> T {
    let local = Local::new();
    let system = System::new(local.clone());
    let (done, outcome) = futures::channel::oneshot::channel();
    let task = async move {
        let allocations = measure(system.clone()).await;
        system.shut_down_all(Duration::from_secs(1)).await;
        let _ = done.send(allocations);
    };
    local.spawn("measure", Box::pin(task));
    let allocations = local.block_on(outcome).unwrap();
    local.shutdown();
    allocations
}

async fn casts<A: Actor + Serve<M>, M: Message>(actor: &ActorRef<A>, message: impl Fn() -> M) -> usize {
    rounds(|| {
        let _ = actor.cast(message());
        yield_now()
    })
    .await
}

#[test]
fn an_event_that_is_not_kept_allocates_nothing() {
    let (casts, calls) = measure(|system| async move {
        let plain = system.spawn::<Plain>(()).mailbox(Unbounded).await.unwrap();
        let machine = system.spawn::<Machine<Turnstile>>(()).mailbox(Unbounded).await.unwrap();
        let casts =
            [casts(&plain, || Push).await, casts(&machine, || Push).await, casts(&machine, || Flip).await];
        let calls = [rounds(|| plain.call(Get)).await, rounds(|| machine.call(Get)).await];
        (casts, calls)
    });
    assert_eq!(casts, [0, 0, 0], "to an actor, to a machine, with a change of the state");
    assert_eq!(calls[0], calls[1], "to an actor and to a machine");
}

#[test]
fn an_event_that_is_kept_costs_as_many_allocations_as_the_docs_say() {
    let [inserted, kept, armed] = measure(|system| async move {
        let machine = system.spawn::<Machine<Turnstile>>(()).mailbox(Unbounded).await.unwrap();
        let inserted = casts(&machine, || Inserts).await;
        let kept = rounds(|| {
            let _ = (machine.cast(Kept), machine.cast(Flip), machine.cast(Flip));
            yield_now()
        })
        .await;
        let armed = casts(&machine, || Arms).await;
        [inserted, kept, armed]
    });
    assert_eq!([inserted, kept, armed].map(|all| all / ROUNDS), [3, 3, 2]);
}

#[test]
fn an_event_to_handlers_allocates_nothing() {
    let allocations = measure(|system| async move {
        let handlers = Handlers::none().with("a", Counter(0)).with("b", Counter(0));
        let manager = EventManagerRef::from(system.spawn::<EventManager<Push>>(handlers).await.unwrap());
        rounds(|| {
            let _ = manager.notify(Push);
            yield_now()
        })
        .await
    });
    assert_eq!(allocations, 0);
}
