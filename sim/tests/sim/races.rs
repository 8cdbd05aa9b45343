//! What an order finds that another one never shows.

use ravelin_core::{ActorRef, Inbox, Message, NoMessage, Task, TaskArgs};
use ravelin_sim::{Failure, Found, Order, Sim, World};
use std::time::Duration;

struct News(&'static str);
impl Message for News {
    type Reply = ();
}

/// `one` tells `all`, and tells `other`, who tells `all`: nobody promised that `all` hears of it in this order.
async fn a_tells_b_by_two_ways(world: &mut World) {
    let mut all = world.probe::<News>("all").await;
    let (other, to) = (ActorRef::<Task<News>>::place("other"), all.recipient());
    let relay = {
        let to = to.clone();
        TaskArgs::once(move |mut inbox: Inbox<News>| async move {
            while inbox.recv().await.is_some() {
                let _ = to.cast(News("second"));
            }
        })
    };
    world.system().start(&other, relay).await.unwrap();
    let one = TaskArgs::once(move |_: Inbox<NoMessage>| async move {
        let _ = other.cast(News("go"));
        let mut has_yielded = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut has_yielded, true) {
                return std::task::Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
        let _ = to.cast(News("first"));
    });
    let place = ActorRef::<Task<NoMessage>>::place("one");
    world.system().start(&place, one).await.unwrap();
    let heard = [all.expect(Duration::from_secs(1)).await.0, all.expect(Duration::from_secs(1)).await.0];
    assert_eq!(heard, ["second", "first"]);
}

fn search(order: Order) -> Result<(), Box<Found>> {
    Sim::new().alone().seeds(100).order(order).run(a_tells_b_by_two_ways).map(drop)
}

#[test]
fn an_order_that_nobody_promised_holds_in_turn_and_not_in_random_order() {
    search(Order::Fifo).unwrap();
    for order in [Order::Random, Order::Bounded { preemptions: 2 }] {
        let found = search(order).unwrap_err();
        assert!(matches!(&found.failure, Failure::Panic { .. }), "{found}");
        assert_ne!(found.order, Order::Fifo, "the simplest order does not show it");
    }
}
