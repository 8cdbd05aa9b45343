//! Pools that requeue: jobs wait in the pool's own line, and a worker gets one at a time.

use crate::host::{Gauge, Log, everywhere, in_virtual_time, ms, until, up};
use crate::workers::{Break, WaitFor, Who, Worker, pool};
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{join as join_both, join_all};
use ravelin::pool::AtLimit;
use ravelin::prelude::*;
use ravelin::{Dispatch, Exit, Pool, PoolError, PoolRef, Requeue};

fn line(place: &PoolRef<Worker>, workers: usize) -> Pool<Worker> {
    pool(place).workers(workers).requeue(Requeue::Waiting)
}

#[test]
fn what_waits_is_not_lost_when_a_worker_ends_and_what_was_in_hand_is_told() {
    everywhere(async |system| {
        let place = PoolRef::place("pool");
        let app = up(&system, line(&place, 1)).await;
        let broken = place.call_one(Break).into_future();
        let waiting = (0..5).map(|_| place.call_one(Who).into_future());
        let killed = async {
            let (keep, wait) = oneshot::channel::<()>();
            let call = place.call_one(WaitFor(wait)).into_future();
            let kill = async {
                until(|| place.stats().busy == 1 && place.workers()[0].ledger().waiting == 1).await;
                until(|| place.workers()[0].pid().is_some_and(|pid| system.kill(pid))).await;
            };
            let (answer, ()) = join_both(call, kill).await;
            drop(keep);
            answer
        };
        let (broken, answers) = join_both(broken, join_all(waiting)).await;
        assert!(matches!(broken, Err(PoolError::Exited(Exit::Panic(_)))), "{broken:?}");
        assert!(answers.iter().all(|answer| matches!(answer, Ok(0))), "{answers:?}");
        let answer = killed.await;
        assert!(matches!(answer, Err(PoolError::Exited(Exit::Killed))), "{answer:?}");
        for _ in 0..3 {
            place.cast_one(Who).expect("it is let in");
        }
        until(|| place.stats().done == 8).await;
        let stats = place.stats();
        assert_eq!((stats.accepted, stats.lost, stats.queued, stats.busy), (10, 2, 0, 0));
        assert!(stats.is_balanced());
        app.stop().await;
    });
}

/// Says in which order its jobs come.
struct Scribe(usize, Log<(usize, u32)>);

#[derive(Clone, Message)]
struct Note(u32);

impl Actor for Scribe {
    type Args = (usize, Log<(usize, u32)>);
    async fn init((number, log): Self::Args, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Scribe(number, log))
    }
}
impl Handle<Note> for Scribe {
    async fn handle(&mut self, Note(n): Note, _: &mut Cx<Self>) {
        self.1.add((self.0, n));
        if n % 10 == 9 {
            panic!("a bad note");
        }
    }
}

#[test]
fn the_jobs_of_a_key_keep_their_order_over_restarts() {
    everywhere(async |system| {
        let (place, log) = (PoolRef::<Scribe>::place("pool"), Log::new());
        let told = log.clone();
        let scribes = Pool::new(&place, move |number| (number, told.clone()));
        let scribes = scribes.workers(3).intensity(100, ms(1000)).when_down(ravelin::pool::WhenDown::Wait);
        let app = up(&system, scribes.requeue(Requeue::Waiting).dispatch(Dispatch::ByKey)).await;
        // The keys are the tens.
        for n in 0..80_u32 {
            place.cast_by_key(&(n % 4), Note(n)).expect("it is let in");
        }
        until(|| place.stats().done + place.stats().lost == 80).await;
        let notes = log.take();
        assert_eq!(notes.len(), 80, "each was begun once");
        for key in 0..4 {
            let of_key: Vec<_> = notes.iter().filter(|(_, n)| n % 4 == key).collect();
            assert!(of_key.windows(2).all(|pair| pair[0].1 < pair[1].1), "{of_key:?}");
            assert!(of_key.iter().all(|(worker, _)| *worker == of_key[0].0), "{of_key:?}");
        }
        assert_eq!(place.stats().lost, 8);
        app.stop().await;
    });
}

#[test]
fn a_copy_is_tried_again_if_that_is_asked_for() {
    everywhere(async |system| {
        let place = PoolRef::place("pool");
        let app = up(&system, line(&place, 2)).await;
        let broken = place.call_one(Break).at_least_once(3).await;
        assert!(matches!(broken, Err(PoolError::Exited(_))), "{broken:?}");
        until(|| place.stats().restarted == 3).await;
        place.cast_at_least_once(Break, 2).expect("it is let in");
        until(|| place.stats().restarted == 5).await;
        let stats = place.stats();
        assert_eq!((stats.accepted, stats.lost), (2, 2));
        assert_eq!(place.call_one(Who).at_least_once(9).await.map(|_| ()).ok(), Some(()));
        app.stop().await;

        let (system, push) = (ravelin::System::new(system.runtime().clone()), PoolRef::place("pool"));
        let app = up(&system, pool(&push)).await;
        assert!(matches!(push.cast_at_least_once(Who, 2), Err(PoolError::NoRequeue(Who))));
        assert!(matches!(push.call_one(Who).at_least_once(2).await, Err(PoolError::NoRequeue(Who))));
        app.stop().await;
    });
}

#[test]
fn no_more_are_in_flight_than_may_be_and_who_waits_is_let_in_turn() {
    in_virtual_time(async |system| {
        let place = PoolRef::place("pool");
        let app = up(&system, line(&place, 2).limit(3, AtLimit::Wait)).await;
        let (open, gate): (Vec<_>, Vec<_>) = (0..3).map(|_| oneshot::channel()).unzip();
        let mut held: Vec<_> =
            gate.into_iter().map(|gate| place.call_one(WaitFor(gate)).into_future()).collect();
        for call in &mut held {
            assert!(call.now_or_never().is_none());
        }
        assert!(matches!(place.cast_one(Who), Err(PoolError::Limit(Who))), "a cast does not wait");
        let log = Log::new();
        let waiting = (0..5).map(|n| {
            let (place, log) = (&place, log.clone());
            async move {
                let told = place.call_one(Who).await;
                log.add(n);
                told
            }
        });
        let late = place.call_one(Who).timeout(ms(10));
        let late = late.await;
        assert!(matches!(late, Err(PoolError::Timeout)), "{late:?}");
        let let_go = async {
            open.into_iter().for_each(|open| open.send(()).expect("it waits"));
            join_all(held).await
        };
        let (answers, held) = join_both(join_all(waiting), let_go).await;
        assert!(answers.iter().all(Result::is_ok) && held.iter().all(Result::is_ok));
        for _ in 0..4 {
            place.call_one(Who).timeout(ms(10)).await.expect("all places are free again");
        }
        let stats = place.stats();
        assert_eq!((stats.accepted, stats.done, stats.refused_limit), (12, 12, 1), "{stats:?}");
        app.stop().await;
    });
}

#[test]
fn a_job_whose_caller_has_gone_is_not_handled() {
    // In the pool's own line, and in the mailbox of a worker.
    in_virtual_time(async |system| {
        for of in [line, |place: &_, workers| pool(place).workers(workers)] {
            let place = PoolRef::place("pool");
            let app = up(&system, of(&place, 1)).await;
            let (open, gate) = oneshot::channel();
            let mut held = place.call_one(WaitFor(gate)).into_future();
            assert!((&mut held).now_or_never().is_none());
            let late = place.call_one(Break).timeout(ms(10)).await;
            assert!(matches!(late, Err(PoolError::Timeout)), "{late:?}");
            open.send(()).expect("it waits");
            assert_eq!(held.await.expect("it answers"), 0);
            until(|| place.stats().expired == 1 && place.stats().busy == 0).await;
            let stats = place.stats();
            assert!(stats.is_balanced() && stats.restarted == 0, "{stats:?}");
            app.stop().await;
        }
    });
}

#[test]
fn a_call_that_waits_ends_when_the_pool_does() {
    everywhere(async |system| {
        let place = PoolRef::place("pool");
        let app = up(&system, line(&place, 1)).await;
        let (_keep, gate) = oneshot::channel::<()>();
        let mut held = place.call_one(WaitFor(gate)).no_timeout().into_future();
        let mut waiting = place.call_one(Who).no_timeout().into_future();
        assert!((&mut held).now_or_never().is_none() && (&mut waiting).now_or_never().is_none());
        until(|| place.stats().busy == 1).await;
        app.stop().await;
        let (held, waiting) = (held.await, waiting.await);
        assert!(matches!(held, Err(PoolError::Exited(_))), "{held:?}");
        assert!(matches!(waiting, Err(PoolError::Exited(Exit::Shutdown))), "{waiting:?}");
        assert!(matches!(place.cast_one(Who), Err(PoolError::NoProc(Who))));
    });
}

#[test]
fn what_waits_survives_a_restart_of_the_pool_and_all_workers_work_at_a_time() {
    /// Waits until three have been at work at a time.
    struct Busy(Gauge);
    #[derive(Message)]
    struct Together;
    impl Actor for Busy {
        type Args = Gauge;
        async fn init(gauge: Gauge, _: &mut Cx<Self>) -> Result<Self, Exit> {
            Ok(Busy(gauge))
        }
    }
    impl Handle<Together> for Busy {
        async fn handle(&mut self, _: Together, _: &mut Cx<Self>) {
            let _at_work = self.0.begin();
            until(|| self.0.most() == 3).await;
        }
    }
    everywhere(async |system| {
        let (place, gauge) = (PoolRef::<Busy>::place("pool"), Gauge::default());
        let mark = gauge.clone();
        let busy = Pool::new(&place, move |_| mark.clone()).workers(3).requeue(Requeue::Waiting);
        let app = up(&system, busy).await;
        for _ in 0..60 {
            place.cast_one(Together).expect("it is let in");
        }
        until(|| place.stats().done >= 10).await;
        assert!(system.kill(place.supervisor().pid().expect("it lives")));
        until(|| place.stats().done + place.stats().lost == 60).await;
        let stats = place.stats();
        assert!(stats.lost <= 3 && stats.is_balanced(), "{stats:?}");
        assert_eq!(gauge.most(), 3);
        app.stop().await;
    });
}
