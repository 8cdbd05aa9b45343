//! Tasks and pools in the simulator, while their actors are killed.

use crate::host::{Gauge, Log, ms};
use futures::StreamExt;
use ravelin::prelude::*;
use ravelin::sim::{Faults, Sim, World};
use ravelin::tasks::{TaskError, TaskFailed};
use ravelin::{
    Autoscale, Dispatch, Exit, NoMessage, Outside, Pool, PoolError, PoolRef, Requeue, TaskSupervisor,
};
use std::collections::BTreeMap;
use std::time::Duration;

const SEEDS: u64 = 10;
const SECOND: Duration = Duration::from_secs(1);

/// Writes down what it begins.
struct Scribe(Log<u32>);

#[derive(Clone, Message)]
#[message(reply = u32)]
struct Note(u32);

impl Actor for Scribe {
    type Args = Log<u32>;
    async fn init(log: Log<u32>, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Scribe(log))
    }
}
impl Handle<Note> for Scribe {
    async fn handle(&mut self, Note(n): Note, cx: &mut Cx<Self>) -> u32 {
        self.0.add(n);
        cx.sleep(ms(u64::from(n % 4))).await; // tidy: virtual time
        n
    }
}

/// What came of a call.
#[derive(Clone, Copy, Debug)]
enum Told {
    Answered,
    Ended,
    Refused,
}

/// Four clients call and cast, with keys and without, for a second; gives what each of the calls was told.
async fn traffic(world: &World, place: &PoolRef<Scribe>) -> Log<(u32, Told)> {
    let told = Log::new();
    for client in 0..4_u32 {
        let (place, told) = (place.clone(), told.clone());
        let mut luck = world.random(&format!("client {client}"));
        let client = world.system().spawn_task(move |inbox: Inbox<NoMessage>| async move {
            for n in 0..40 {
                let n = client * 1000 + n;
                let note = match luck.below(3) {
                    0 => {
                        let refused = place.cast_one(Note(n)).is_err();
                        told.add((n, if refused { Told::Refused } else { Told::Ended }));
                        continue;
                    }
                    1 => place.call_one(Note(n)).no_timeout().await,
                    _ => place.call_by_key(&(n % 5), Note(n)).no_timeout().await,
                };
                told.add((
                    n,
                    match note {
                        Ok(answer) => {
                            assert_eq!(answer, n);
                            Told::Answered
                        }
                        Err(PoolError::Exited(_)) => Told::Ended,
                        Err(error) => {
                            assert!(error.into_message().is_some(), "what was refused comes back");
                            Told::Refused
                        }
                    },
                ));
                inbox.sleep(ms(luck.below(20))).await; // tidy: virtual time
            }
        });
        client.await.expect("it starts");
    }
    told
}

fn faults() -> Faults {
    let faults = Faults::none().kills("pool/0", 3).kills("pool/1", 3).kills("pool/3", 2);
    faults.at_awaits_of("pool/2", 3).at_messages_of("pool/1", 2).over(SECOND / 2)
}

/// A pool lives through the faults of the seed, and comes to rest.
async fn live(
    world: &mut World,
    pool: impl Fn(Pool<Scribe>) -> Pool<Scribe>,
) -> Option<(PoolRef<Scribe>, Log<u32>, Vec<(u32, Told)>)> {
    let (place, begun) = (PoolRef::<Scribe>::place("pool"), Log::new());
    let log = begun.clone();
    let pool = pool(Pool::new(&place, move |_| log.clone()).workers(3).intensity(1000, SECOND));
    let tree = Supervisor::one_for_one("app").intensity(1000, SECOND).child(pool);
    // Somebody may be killed in the first `init`.
    world.start(tree).await.ok()?;
    let told = traffic(world, &place).await;
    world.advance(SECOND).await;
    world.calm();
    world.advance(SECOND * 2).await;
    assert_eq!(told.len(), 160, "every call has ended");
    Some((place, begun, told.take()))
}

#[test]
fn under_kills_a_pool_that_requeues_loses_only_what_was_in_hand() {
    let scale = Autoscale { every: ms(10), cool_down: ms(20), grow_above: 2, ..Autoscale::between(2, 4) };
    for (dispatch, scale) in [(Dispatch::RoundRobin, None), (Dispatch::ByKey, Some(scale))] {
        Sim::new().seeds(SEEDS).faults(faults()).check(async |world| {
            let made = live(world, |pool| {
                let pool = pool.requeue(Requeue::Waiting).dispatch(dispatch.clone());
                scale.map_or(pool.clone(), |scale| pool.autoscale(scale))
            });
            let Some((place, begun, told)) = made.await else { return };
            let stats = place.stats();
            assert!(stats.is_balanced() && stats.queued == 0 && stats.busy == 0, "{stats:?}");
            assert_eq!(stats.accepted, stats.done + stats.lost, "{stats:?}");
            assert!(stats.lost <= stats.restarted, "each end loses one job at most: {stats:?}");
            let mut times: BTreeMap<u32, u32> = BTreeMap::new();
            begun.take().into_iter().for_each(|n| *times.entry(n).or_default() += 1);
            assert!(times.values().all(|times| *times == 1), "no job is begun twice");
            for (n, what) in &told {
                match what {
                    Told::Answered => assert!(times.contains_key(n), "{n} was answered by nobody"),
                    Told::Refused => assert!(!times.contains_key(n), "{n} was refused, and begun"),
                    Told::Ended => {}
                }
            }
            let accepted = told.iter().filter(|(_, told)| !matches!(told, Told::Refused)).count();
            assert_eq!(accepted as u64, stats.accepted);
        });
    }
}

#[test]
fn every_job_has_one_fate_whoever_of_the_pool_is_killed() {
    for requeue in [Requeue::Never, Requeue::Waiting] {
        let faults = faults().kills("keeper", 1).kills("pool", 1).kills("pool/workers", 1);
        Sim::new().seeds(SEEDS).faults(faults).check(async |world| {
            let Some((place, begun, told)) = live(world, |pool| pool.requeue(requeue)).await else { return };
            let stats = place.stats();
            assert!(stats.is_balanced() && stats.queued == 0 && stats.busy == 0, "{stats:?}");
            let mut begun = begun.take();
            let all = begun.len();
            begun.sort();
            begun.dedup();
            assert_eq!(begun.len(), all, "no job is begun twice");
            for (n, what) in told {
                match what {
                    Told::Answered => assert!(begun.binary_search(&n).is_ok()),
                    Told::Refused => assert!(begun.binary_search(&n).is_err()),
                    Told::Ended => {}
                }
            }
        });
    }
}

#[test]
fn under_kills_a_stream_of_tasks_keeps_its_order_and_its_bound_and_leaves_nobody() {
    Sim::new().seeds(SEEDS).faults(Faults::none().kills("tasks", 2).over(SECOND / 4)).check(async |world| {
        let tasks = TaskSupervisor::place("tasks").intensity(100, SECOND);
        let tree = Supervisor::one_for_one("app").intensity(100, SECOND).child(&tasks);
        if world.start(tree).await.is_err() {
            return;
        }
        let (gauge, mut luck) = (Gauge::default(), world.random("test"));
        let (mark, system) = (gauge.clone(), world.system().clone());
        let mut work = tasks
            .async_stream(&Outside, 0..60_u64, move |n| {
                let (mark, runtime) = (mark.clone(), system.runtime().clone());
                async move {
                    let _at_work = mark.begin();
                    ravelin::sleep(&*runtime, ms(n * 7 % 13)).await; // tidy: virtual time
                    n
                }
            })
            .max_concurrency(4)
            .zip_input_on_exit();
        let stop_at = luck.below(80);
        for n in 0..60 {
            if n == stop_at {
                break;
            }
            if luck.chance(200_000)
                && let Ok(running) = tasks.children().await
                && let Some(victim) = running.get(luck.below(4) as usize)
            {
                world.system().kill(*victim);
            }
            match work.next().await {
                Some(Ok(got)) => assert_eq!(got, n),
                Some(Err(TaskFailed { input: Some(input), why })) => {
                    assert_eq!(input, n);
                    assert!(!matches!(why, TaskError::Timeout), "{why:?}");
                }
                other => panic!("{other:?}"),
            }
            assert!(gauge.now() <= 4);
        }
        assert!(gauge.most() <= 4);
        drop(work);
        world.settle().await;
        assert_eq!(gauge.now(), 0, "no task outlives its stream");
        world.calm();
        world.advance(SECOND).await;
        assert_eq!(tasks.children().await, Ok(vec![]));
    });
}
