//! An actor as a tower service, and a tower service behind an actor.

use crate::host::{Clock, on_each};
use ravelin_bridges::tower::{ActorService, ServiceActor, Supervised, SupervisedError};
use ravelin_core::{Actor, ActorRef, Bounded, CallError, Cx, Exit, Handle, Message, Overflow};
use ravelin_sim::{Faults, Sim};
use ravelin_supervisor::{Supervisor, child, start_in};
use std::future::{Ready, poll_fn, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;

/// What the actor and the service of these tests do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Order {
    Answer(u32),
    Fail,
    Panic,
    Hang,
    /// Be ready never again.
    Break,
}

impl Message for Order {
    type Reply = u32;
}

struct Worker;

impl Actor for Worker {
    type Args = ();
    async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Worker)
    }
}

impl Handle<Order> for Worker {
    async fn handle(&mut self, order: Order, _: &mut Cx<Self>) -> u32 {
        match order {
            Order::Answer(answer) => answer,
            Order::Panic => panic!("on demand"),
            _ => std::future::pending().await,
        }
    }
}

#[test]
fn an_actor_is_a_service_whose_responses_always_come_or_are_errors() {
    on_each(Clock::Virtual, async |system| {
        let worker = ActorRef::<Worker>::place("worker");
        let mailbox = Bounded(4).on_full(Overflow::Refuse);
        let tree = Supervisor::one_for_one("app").child(child(&worker, || ()).mailbox(mailbox));
        let app = start_in(&system, tree).await.unwrap();
        let mut service = ActorService::new(&worker.recipient()).timeout(Duration::from_millis(50));
        poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
        assert_eq!(service.call(Order::Answer(3)).await.unwrap(), 3);
        assert!(matches!(service.call(Order::Panic).await, Err(CallError::Exited(Exit::Panic(_)))));
        worker.ready().await;
        assert_eq!(
            service.call(Order::Answer(4)).await.unwrap(),
            4,
            "the same service, the next incarnation"
        );
        let late = service.call(Order::Hang).await;
        assert!(matches!(late, Err(CallError::Timeout)), "{late:?}");
        while worker.cast(Order::Hang).is_ok() {}
        let refused = service.clone().call(Order::Answer(5)).await;
        assert!(matches!(refused, Err(CallError::Full(Order::Answer(5)))), "{refused:?}");
        app.stop().await;
        assert!(matches!(service.call(Order::Fail).await, Err(CallError::NoProc(Order::Fail))));
    });
}

/// Ready every second time that it is asked; it must be ready before each call.
struct Fickle {
    made: u32,
    asked: u32,
    state: State,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    NotReady,
    Ready,
    Broken,
}

impl Service<Order> for Fickle {
    type Response = u32;
    type Error = &'static str;
    type Future = Ready<Result<u32, &'static str>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        self.asked += 1;
        match self.state {
            State::Broken => Poll::Ready(Err("worn out")),
            _ if self.asked % 2 == 1 => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            _ => {
                self.state = State::Ready;
                Poll::Ready(Ok(()))
            }
        }
    }

    fn call(&mut self, order: Order) -> Self::Future {
        assert_eq!(std::mem::replace(&mut self.state, State::NotReady), State::Ready);
        ready(match order {
            Order::Answer(answer) => Ok(100 * self.made + answer),
            Order::Panic => panic!("on demand"),
            Order::Break => {
                self.state = State::Broken;
                Ok(0)
            }
            Order::Fail | Order::Hang => Err("no"),
        })
    }
}

#[test]
fn a_service_behind_an_actor_is_asked_when_it_is_ready_and_made_anew_when_it_breaks() {
    on_each(Clock::Virtual, async |system| {
        let place = ActorRef::<ServiceActor<Fickle, Order>>::place("fickle");
        let made = Arc::new(AtomicU32::new(0));
        let make = move || Fickle { made: made.fetch_add(1, SeqCst) + 1, asked: 0, state: State::NotReady };
        let tree =
            Supervisor::one_for_one("app").intensity(5, Duration::from_secs(5)).child(child(&place, make));
        let app = start_in(&system, tree).await.unwrap();
        let mut service = Supervised::new(&place).timeout(Duration::from_secs(1));
        assert_eq!(service.call(Order::Answer(1)).await.unwrap(), 101);
        assert_eq!(service.clone().call(Order::Answer(2)).await.unwrap(), 102);
        assert!(matches!(service.call(Order::Fail).await, Err(SupervisedError::Service("no"))));
        let broken = service.call(Order::Panic).await;
        assert!(
            matches!(broken, Err(SupervisedError::Call(CallError::Exited(Exit::Panic(_))))),
            "{broken:?}"
        );
        place.ready().await;
        assert_eq!(service.call(Order::Answer(3)).await.unwrap(), 203);
        service.call(Order::Break).await.unwrap();
        let end = system.ended(place.pid().unwrap());
        assert!(matches!(service.call(Order::Answer(4)).await, Err(SupervisedError::Service("worn out"))));
        assert_eq!(end.await, Exit::error("the service is broken: worn out"));
        place.ready().await;
        assert_eq!(service.call(Order::Answer(5)).await.unwrap(), 305);
        app.stop().await;
    });
}

#[test]
fn each_request_to_a_supervised_service_ends_whatever_befalls_it() {
    let faults = Faults::none().kills("fickle", 4).at_awaits_of("fickle", 4).over(Duration::from_millis(50));
    Sim::new().seeds(25).faults(faults).check(async |world| {
        let place = ActorRef::<ServiceActor<Fickle, Order>>::place("fickle");
        let make = || Fickle { made: 0, asked: 0, state: State::NotReady };
        let tree =
            Supervisor::one_for_one("app").intensity(1000, Duration::from_secs(1)).child(child(&place, make));
        if start_in(world.system(), tree).await.is_err() {
            return;
        }
        let mut service = Supervised::new(&place).timeout(Duration::from_secs(1));
        for number in 0..50 {
            match service.call(Order::Answer(number)).await {
                Ok(answer) => assert_eq!(answer, number),
                Err(SupervisedError::Call(CallError::Exited(_) | CallError::NoProc(_))) => {}
                Err(error) => panic!("{error:?}"),
            }
            world.advance(Duration::from_millis(1)).await;
        }
        world.calm();
        place.ready().await;
        assert_eq!(service.call(Order::Answer(7)).await.unwrap(), 7);
    });
}
