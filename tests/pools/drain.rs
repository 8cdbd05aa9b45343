//! Pools that grow and shrink: within their bounds, and nothing is lost.

use crate::host::{Log, in_virtual_time, ms, pass, up};
use ravelin::prelude::*;
use ravelin::{Autoscale, Dispatch, Exit, NoMessage, Pool, PoolRef, Requeue, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Takes thirteen milliseconds for a job, which fits into no look of the keeper's.
struct Slow(Log<u32>);

#[derive(Message)]
#[message(reply = u32)]
struct Work(u32);

impl Actor for Slow {
    type Args = Log<u32>;
    async fn init(log: Log<u32>, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Slow(log))
    }
}
impl Handle<Work> for Slow {
    async fn handle(&mut self, Work(n): Work, cx: &mut Cx<Self>) -> u32 {
        cx.sleep(ms(13)).await; // tidy: virtual time
        self.0.add(n);
        n
    }
}

const SCALE: Autoscale = Autoscale { every: ms(20), cool_down: ms(40), step: 2, ..Autoscale::between(2, 7) };

async fn slow_pool(
    system: &System,
    requeue: Requeue,
    dispatch: Dispatch,
) -> (PoolRef<Slow>, Log<u32>, ravelin::App) {
    let (place, log) = (PoolRef::<Slow>::place("pool"), Log::new());
    let told = log.clone();
    let pool = Pool::new(&place, move |_| told.clone()).workers(3).requeue(requeue).dispatch(dispatch);
    let app = up(system, pool.autoscale(SCALE)).await;
    (place, log, app)
}

#[test]
fn a_pool_grows_under_load_shrinks_after_it_stays_in_its_bounds_and_loses_nothing() {
    in_virtual_time(async |system| {
        for requeue in [Requeue::Never, Requeue::Waiting] {
            let system = System::new(system.runtime().clone());
            let (place, log, app) = slow_pool(&system, requeue, Dispatch::RoundRobin).await;
            (0..300).for_each(|n| place.cast_one(Work(n)).expect("there is room"));
            let (mut most, mut least) = (0, usize::MAX);
            for look in 0..300 {
                // After the rush a little goes on, so that those who leave are at work.
                if (100..200).contains(&look) {
                    place.cast_one(Work(200 + look)).expect("there is room");
                }
                pass(&system, ms(9)).await;
                let workers = place.stats().workers;
                (most, least) = (most.max(workers), least.min(workers));
            }
            assert_eq!((most, least), (7, 2), "{requeue:?}");
            let stats = place.stats();
            assert_eq!((stats.workers, stats.done, stats.lost), (2, 400, 0), "{stats:?}");
            assert!(stats.grown >= 4 && stats.shrunk == stats.grown + 1, "{stats:?}");
            let mut done = log.take();
            done.sort();
            assert_eq!(done, (0..400).collect::<Vec<_>>());
            app.stop().await;
            assert!(system.is_empty());
        }
    });
}

/// Calls and casts of many go on while workers leave: each of the calls is answered, each cast done.
#[test]
fn who_sends_while_a_worker_leaves_loses_nothing() {
    in_virtual_time(async |system| {
        for (requeue, dispatch) in [
            (Requeue::Never, Dispatch::RoundRobin),
            (Requeue::Never, Dispatch::LeastLoaded),
            (Requeue::Waiting, Dispatch::ByKey),
        ] {
            let system = System::new(system.runtime().clone());
            let (place, log, app) = slow_pool(&system, requeue, dispatch).await;
            (0..200).for_each(|n| place.cast_one(Work(n)).expect("there is room"));
            let answered = Arc::new(AtomicUsize::new(0));
            for client in 0..4_u32 {
                let (place, answered) = (place.clone(), answered.clone());
                let client = system.spawn_task(move |inbox: Inbox<NoMessage>| async move {
                    for n in 0..50_u32 {
                        let told = place.call_by_key(&n, Work(1000 * (client + 1) + n)).no_timeout().await;
                        answered.fetch_add(usize::from(told.is_ok()), SeqCst);
                        inbox.sleep(ms(u64::from(n % 3) * 5)).await; // tidy: virtual time
                    }
                });
                client.await.expect("it starts");
            }
            pass(&system, ms(3000)).await;
            let stats = place.stats();
            assert!(stats.grown >= 2 && stats.shrunk >= 2, "{stats:?}");
            assert_eq!((answered.load(SeqCst), log.len(), stats.lost), (200, 400, 0), "{stats:?}");
            app.stop().await;
        }
    });
}

#[test]
fn a_worker_that_owes_an_answer_stays_until_it_gave_it() {
    /// Answers half a second later, and is free meanwhile.
    struct Later;
    #[derive(Message)]
    #[message(reply = u32)]
    struct Ask(u32);
    #[derive(Message)]
    struct Answer(u32, ReplyTo<u32>);
    impl Actor for Later {
        type Args = ();
        async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> {
            Ok(Later)
        }
    }
    impl Serve<Ask> for Later {
        async fn serve(&mut self, Ask(n): Ask, reply: ReplyTo<u32>, cx: &mut Cx<Self>) {
            cx.send_after(ms(500), Answer(n, reply));
        }
    }
    impl Handle<Answer> for Later {
        async fn handle(&mut self, Answer(n, reply): Answer, _: &mut Cx<Self>) {
            reply.send(n);
        }
    }
    in_virtual_time(async |system| {
        let place = PoolRef::<Later>::place("pool");
        let pool = Pool::new(&place, |_| ()).workers(2).autoscale(Autoscale { min: 1, ..SCALE });
        let app = up(&system, pool).await;
        let (one, other) = (place.call_one(Ask(1)).into_future(), place.call_one(Ask(2)).into_future());
        let look = async {
            pass(&system, ms(300)).await;
            (place.workers().len(), place.stats().workers)
        };
        let (one, other, (staying, there)) = futures::future::join3(one, other, look).await;
        assert_eq!((one.ok(), other.ok()), (Some(1), Some(2)));
        assert_eq!((staying, there), (1, 2), "one is about to leave, and has not left");
        pass(&system, ms(300)).await;
        assert_eq!((place.stats().workers, place.stats().shrunk), (1, 1));
        app.stop().await;
    });
}
