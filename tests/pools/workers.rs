//! Pools whose jobs go straight to a worker's mailbox.

use crate::host::{Log, everywhere, in_virtual_time, ms, pass, until, up};
use futures::channel::oneshot;
use futures::{FutureExt, future::join_all};
use ravelin::pool::{AtLimit, Dispatcher, Distributors, Job, Load, PoolStats, Rate, WhenDown};
use ravelin::prelude::*;
use ravelin::{
    Autoscale, Bounded, CallError, Dispatch, Exit, Overflow, Pool, PoolError, PoolRef, Requeue, StartError,
    SupervisorError, start_in,
};
use std::collections::BTreeMap;

/// A worker with a number.
pub(crate) struct Worker(pub(crate) usize);

/// Who are you?
#[derive(Clone, Message)]
#[message(reply = usize)]
pub(crate) struct Who;

/// Wait for this, then say who you are.
#[derive(Message)]
#[message(reply = usize)]
pub(crate) struct WaitFor(pub(crate) oneshot::Receiver<()>);

/// Panic.
#[derive(Clone, Message)]
#[message(reply = usize)]
pub(crate) struct Break;

impl Actor for Worker {
    type Args = usize;
    async fn init(number: usize, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Worker(number))
    }
}
impl Handle<Who> for Worker {
    async fn handle(&mut self, _: Who, _: &mut Cx<Self>) -> usize {
        self.0
    }
}
impl Handle<WaitFor> for Worker {
    async fn handle(&mut self, WaitFor(what): WaitFor, _: &mut Cx<Self>) -> usize {
        let _ = what.await;
        self.0
    }
}
impl Handle<Break> for Worker {
    async fn handle(&mut self, _: Break, _: &mut Cx<Self>) -> usize {
        panic!("worker {} breaks", self.0)
    }
}

pub(crate) fn pool(place: &PoolRef<Worker>) -> Pool<Worker> {
    Pool::new(place, |number| number).intensity(100, ms(1000))
}

/// Whether the only worker has begun with the only job.
fn has_one_in_hand(place: &PoolRef<Worker>) -> bool {
    let worker = &place.workers()[0];
    worker.mailbox_len() == 0 && worker.ledger().waiting == 1
}

async fn ask(place: &PoolRef<Worker>, times: usize) -> Vec<usize> {
    let mut told = Vec::new();
    for _ in 0..times {
        told.push(place.call_one(Who).await.expect("somebody answers"));
    }
    told
}

#[test]
fn a_pool_gives_its_jobs_to_one_after_the_other() {
    everywhere(async |system| {
        let place = PoolRef::place("pool");
        assert!(matches!(place.cast_one(Who), Err(PoolError::NoProc(Who))), "before it is up");
        let app = up(&system, pool(&place).workers(3)).await;
        assert_eq!(ask(&place, 7).await, [0, 1, 2, 0, 1, 2, 0]);
        for _ in 0..6 {
            place.cast_one(Who).expect("there is room");
            place.send_one(Who).await.expect("there is room");
        }
        let everyone = place.call_everyone(Who, ms(5000)).await;
        let told: Vec<_> =
            everyone.into_iter().map(|(number, told)| (number, told.expect("it answers"))).collect();
        assert_eq!(told, [(0, 0), (1, 1), (2, 2)]);
        assert!(place.cast_everyone(Who).iter().all(|(_, sent)| sent.is_ok()));
        let is_at_rest = |stats: PoolStats| stats.queued == 0 && stats.busy == 0;
        until(|| place.stats().done == 7 + 12 + 3 + 3 && is_at_rest(place.stats())).await;
        let stats = place.stats();
        assert!(stats.is_balanced(), "{stats:?}");
        assert_eq!((stats.workers, stats.up, stats.lost, stats.restarted), (3, 3, 0, 0));
        app.stop().await;
        assert!(matches!(place.call_one(Who).await, Err(PoolError::NoProc(Who))), "after it is down");
    });
}

#[test]
fn a_worker_that_ends_comes_back_with_its_number_and_its_caller_is_told() {
    everywhere(async |system| {
        let place = PoolRef::place("pool");
        let app = up(&system, pool(&place).workers(2)).await;
        let broken = place.call_one(Break).await;
        assert!(matches!(broken, Err(PoolError::Exited(Exit::Panic(_)))), "{broken:?}");
        place.workers()[0].ready().await;
        let mut told = ask(&place, 4).await;
        told.sort();
        assert_eq!(told, [0, 0, 1, 1]);
        until(|| place.stats().restarted == 1).await;
        assert_eq!(place.stats().lost, 1);
        app.stop().await;
    });
}

#[test]
fn a_key_has_one_worker_and_moves_only_to_one_that_comes() {
    everywhere(async |system| {
        let mut before = BTreeMap::new();
        for workers in [4, 5] {
            let place = PoolRef::place("pool");
            let app = up(&system, pool(&place).workers(workers).dispatch(Dispatch::ByKey)).await;
            for key in 0..40_u32 {
                let told = place.call_by_key(&key, Who).await.expect("it answers");
                place.send_by_key(&key, Who).await.expect("there is room");
                place.cast_by_key(&key, Who).expect("there is room");
                assert_eq!(place.call_by_key(&key, Who).await.expect("it answers"), told);
                let was = before.insert(key, told);
                assert!(was.is_none_or(|was| was == told || told == 4), "{key} moved from {was:?} to {told}");
            }
            // The system lives on.
            let root = app.root().pid().expect("it lives");
            system.shut_down(root, Exit::Shutdown, None).await;
        }
        let moved = before.values().filter(|worker| **worker == 4).count();
        assert!((1..16).contains(&moved), "{moved} of 40 moved");
    });
}

#[test]
fn the_least_loaded_worker_gets_the_next_job() {
    everywhere(async |system| {
        let place = PoolRef::place("pool");
        let app = up(&system, pool(&place).workers(3).dispatch(Dispatch::LeastLoaded)).await;
        let (first, wait) = oneshot::channel();
        let mut busy = place.call_one(WaitFor(wait)).into_future();
        assert!((&mut busy).now_or_never().is_none());
        until(|| place.workers().iter().filter(|worker| worker.ledger().waiting > 0).count() == 1).await;
        // One after the other: a worker that has answered and not come back from its handler has its job yet.
        let mut told = Vec::new();
        for asked in 1..=6 {
            told.extend(ask(&place, 1).await);
            until(|| place.stats().done == asked).await;
        }
        first.send(()).expect("it waits");
        let waited = busy.await.expect("it answers");
        assert!(!told.contains(&waited), "{waited} was busy: {told:?}");
        app.stop().await;
    });
}

#[test]
fn a_dispatcher_of_ones_own_decides() {
    /// The last one, and nobody for a key.
    #[derive(Debug)]
    struct Last;
    impl Dispatcher for Last {
        fn choose(&self, job: &Job, workers: &[Load]) -> Option<usize> {
            workers.last().filter(|_| job.key.is_none()).map(|load| load.worker)
        }
    }
    everywhere(async |system| {
        let place = PoolRef::place("pool");
        let app = up(&system, pool(&place).workers(3).dispatch(Dispatch::own(Last))).await;
        assert_eq!(ask(&place, 3).await, [2, 2, 2]);
        assert!(matches!(place.cast_by_key("k", Who), Err(PoolError::NoProc(Who))));
        app.stop().await;
    });
}

#[test]
fn a_worker_that_is_down_is_passed_over_or_waited_for() {
    in_virtual_time(async |system| {
        for when_down in [WhenDown::PassOver, WhenDown::Wait] {
            let place = PoolRef::place("pool");
            let slow = |spec: ravelin::ChildSpec| spec.backoff(ravelin::linear(ms(100), ms(100)));
            let app = up(
                &system,
                pool(&place).workers(2).worker(slow).dispatch(Dispatch::ByKey).when_down(when_down),
            )
            .await;
            let owner = place.call_by_key("k", Who).await.expect("it answers");
            assert!(place.call_by_key("k", Break).await.is_err());
            until(|| place.stats().up == 1).await;
            let begun = system.runtime().now();
            let cast = place.cast_by_key("k", Who);
            let told = place.call_by_key("k", Who).await.expect("somebody answers");
            let took = system.runtime().now() - begun;
            match when_down {
                WhenDown::PassOver => {
                    assert!(cast.is_ok() && told != owner && took < ms(50), "{told} after {took:?}");
                }
                WhenDown::Wait => {
                    assert!(matches!(cast, Err(PoolError::NoProc(Who))), "a cast does not wait");
                    assert!(told == owner && took >= ms(99), "{told} after {took:?}");
                    assert!(place.call_by_key("k", Break).await.is_err());
                    until(|| place.stats().up == 1).await;
                    let late = place.call_by_key("k", Who).timeout(ms(10)).await;
                    assert!(matches!(late, Err(PoolError::Timeout)), "{late:?}");
                    pass(&system, ms(200)).await;
                    place.send_by_key("k", Who).await.expect("it is up again");
                }
            }
            let root = app.root().pid().expect("it lives");
            system.shut_down(root, Exit::Shutdown, None).await;
        }
    });
}

#[test]
fn the_door_hands_back_what_is_too_much_and_counts_it() {
    in_virtual_time(async |system| {
        let place = PoolRef::place("pool");
        let refuse = |spec: ravelin::ChildSpec| spec.mailbox(Bounded(2).on_full(Overflow::Refuse));
        let limited = pool(&place).workers(1).worker(refuse).limit(2, AtLimit::Refuse);
        let rate = Rate { per_second: 10, burst: 5 };
        let app = up(&system, limited.rate(rate, AtLimit::Refuse)).await;
        let (first, wait) = oneshot::channel();
        place.cast_one(WaitFor(wait)).expect("it is let in");
        until(|| has_one_in_hand(&place)).await;
        place.cast_one(Who).expect("it is let in");
        assert!(matches!(place.cast_one(Who), Err(PoolError::Limit(Who))));
        assert!(matches!(place.call_one(Who).await, Err(PoolError::Limit(Who))));
        assert!(matches!(place.send_one(Who).await, Err(PoolError::Limit(Who))));
        first.send(()).expect("it waits");
        until(|| place.stats().done == 2).await;
        for _ in 0..3 {
            place.call_one(Who).await.expect("the burst is not used up");
        }
        assert!(matches!(place.call_one(Who).await, Err(PoolError::Rate(Who))));
        pass(&system, ms(100)).await;
        place.call_one(Who).await.expect("there is a token again");
        let stats = place.stats();
        assert_eq!((stats.refused_limit, stats.refused_rate, stats.refused_full), (3, 1, 0));
        app.stop().await;
    });
}

#[test]
fn who_waits_at_the_rate_is_let_in_when_it_allows() {
    in_virtual_time(async |system| {
        let place = PoolRef::place("pool");
        let rate = Rate { per_second: 100, burst: 1 };
        let app = up(&system, pool(&place).rate(rate, AtLimit::Wait)).await;
        let begun = system.runtime().now();
        let calls = join_all((0..11).map(|_| place.call_one(Who).into_future())).await;
        assert!(calls.iter().all(Result::is_ok));
        let took = system.runtime().now() - begun;
        assert!((ms(100)..ms(115)).contains(&took), "{took:?}");
        assert!(matches!(place.cast_one(Who), Err(PoolError::Rate(Who))), "a cast does not wait");
        let late = place.call_one(Who).timeout(ms(2)).await;
        assert!(matches!(late, Err(PoolError::Timeout)), "{late:?}");
        app.stop().await;
    });
}

#[test]
fn a_full_mailbox_that_refuses_hands_the_job_back() {
    everywhere(async |system| {
        let place = PoolRef::place("pool");
        let refuse = |spec: ravelin::ChildSpec| spec.mailbox(Bounded(1).on_full(Overflow::Refuse));
        let app = up(&system, pool(&place).workers(1).worker(refuse)).await;
        let (first, wait) = oneshot::channel();
        place.cast_one(WaitFor(wait)).expect("there is room");
        until(|| has_one_in_hand(&place)).await;
        place.cast_one(Who).expect("there is room for one");
        assert!(matches!(place.cast_one(Who), Err(PoolError::Full(Who))));
        assert!(matches!(place.call_one(Who).await, Err(PoolError::Full(Who))));
        assert!(matches!(place.cast_everyone(Who)[..], [(0, Err(PoolError::Full(Who)))]));
        let everyone = place.call_everyone(Who, ms(10)).await;
        assert!(matches!(everyone[..], [(0, Err(CallError::Full(Who)))]));
        assert_eq!(place.stats().refused_full, 2);
        first.send(()).expect("it waits");
        app.stop().await;
    });
}

#[test]
fn a_pool_that_makes_no_sense_is_refused_before_anything_starts() {
    everywhere(async |system| {
        let place = PoolRef::place("pool");
        let p = || pool(&place);
        let inits = Log::new();
        for (pool, field) in [
            (p().workers(0), "workers = 0"),
            (p().limit(0, AtLimit::Refuse), "limit = 0"),
            (p().limit(5, AtLimit::Wait), "limit = 5"),
            (p().rate(Rate { per_second: 0, burst: 1 }, AtLimit::Wait), "rate = "),
            (p().requeue(Requeue::Waiting).dispatch(Dispatch::LeastLoaded), "dispatch = LeastLoaded"),
            (p().autoscale(Autoscale::between(0, 5)), "autoscale.min = 0"),
            (p().workers(9).autoscale(Autoscale::between(1, 5)), "workers = 9"),
            (p().worker(|spec| spec.tries(0)), "tries = 0"),
        ] {
            let told = inits.clone();
            let before = ravelin::task("before", move || {
                told.add(());
                std::future::pending::<()>()
            });
            let tree = Supervisor::one_for_one("app").child(before).child(pool);
            let Err(StartError::Init(why)) = start_in(&system, tree).await else {
                panic!("{field} is faulty")
            };
            assert!(why.to_string().contains(field), "{why}");
            assert_eq!(inits.len(), 0);
        }
        assert!(system.is_empty());
    });
}

#[test]
fn more_restarts_than_a_pool_bears_end_it_once() {
    everywhere(async |system| {
        for requeue in [Requeue::Never, Requeue::Waiting] {
            let place = PoolRef::<Worker>::place("pool");
            let fragile =
                Pool::new(&place, |number| number).workers(2).intensity(1, ms(60_000)).requeue(requeue);
            let app = up(&system, ravelin::ChildSpec::from(fragile).transient()).await;
            for _ in 0..2 {
                place.supervisor().ready().await;
                while !matches!(place.call_one(Break).await, Err(PoolError::Exited(_))) {}
            }
            until(|| place.supervisor().pid().is_none()).await;
            assert_eq!(place.supervisor().last_exit(), Some(Exit::Shutdown), "{requeue:?}");
            assert_eq!(place.supervisor().count_children().await, Err(SupervisorError::NoProc));
            let root = app.root().pid().expect("it lives");
            system.shut_down(root, Exit::Shutdown, None).await;
        }
    });
}

#[test]
fn a_pool_is_found_by_its_name_and_the_type_of_its_jobs() {
    everywhere(async |system| {
        let (pools, place) = (Distributors::new(), PoolRef::<Worker>::place("pool"));
        assert!(pools.list::<Who>(place.distributor()).is_none());
        assert!(pools.find::<Break>("pool").is_none() && pools.find::<Who>("pond").is_none());
        let found = pools.find::<Who>("pool").expect("it is listed");
        assert!(matches!(found.call_one(Who).await, Err(PoolError::NoProc(Who))), "it is not up yet");
        let app = up(&system, pool(&place).workers(3).dispatch(Dispatch::ByKey)).await;
        let owner = found.call_by_key("k", Who).await.expect("it answers");
        assert_eq!(place.call_by_key("k", Who).await.expect("it answers"), owner);
        found.cast_one(Who).expect("there is room");
        found.cast_by_key("k", Who).expect("there is room");
        found.send_one(Who).await.expect("there is room");
        assert!(found.call_one_within(Some(ms(5000)), Who).await.is_ok());
        until(|| found.stats().done == 6).await;
        assert!(pools.unlist::<Who>("pool").is_some() && pools.find::<Who>("pool").is_none());
        app.stop().await;
    });
}
