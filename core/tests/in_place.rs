//! A call to an idle actor with short handlers is answered in the caller's own poll, and costs nobody else his turn.

use futures::channel::oneshot;
use futures::future::{BoxFuture, FutureExt};
use ravelin_core::runtimes::Local;
use ravelin_core::{
    Actor, ActorRef, Cx, Exit, Handle, InPlace, Message, Runtime, System, TaskName, Time, Timer,
};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, SystemTime};

struct Short;
impl Message for Short {
    type Reply = u32;
}

/// Takes longer than a short handler does.
struct Long;
impl Message for Long {
    type Reply = u32;
}

/// Waits for a word of the caller's.
struct Wait(oneshot::Receiver<()>);
impl Message for Wait {
    type Reply = u32;
}

/// A single-threaded executor whose clock is moved by hand.
struct ByHand {
    under: Arc<Local>,
    now_ns: Arc<AtomicU64>,
}

impl Runtime for ByHand {
    fn name(&self) -> &'static str {
        "by hand"
    }
    fn spawn(&self, name: TaskName, fut: BoxFuture<'static, ()>) {
        self.under.spawn(name, fut);
    }
    fn now(&self) -> Time {
        Time::from_nanos(self.now_ns.load(SeqCst))
    }
    fn system_time(&self) -> SystemTime {
        self.under.system_time()
    }
    fn timer(&self, at: Time) -> Pin<Box<dyn Timer>> {
        self.under.timer(at)
    }
    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send>) {
        self.under.spawn_blocking(job);
    }
    fn entropy(&self) -> u64 {
        self.under.entropy()
    }
    fn is_current(&self) -> bool {
        self.under.is_current()
    }
}

/// Moves the clock when it is asked for something long.
struct Clerk(Arc<AtomicU64>);

impl Actor for Clerk {
    type Args = Arc<AtomicU64>;
    async fn init(now_ns: Arc<AtomicU64>, _: &mut Cx<Self>) -> Result<Clerk, Exit> {
        Ok(Clerk(now_ns))
    }
}

impl Handle<Short> for Clerk {
    async fn handle(&mut self, _: Short, _: &mut Cx<Self>) -> u32 {
        1
    }
}

impl Handle<Long> for Clerk {
    async fn handle(&mut self, _: Long, _: &mut Cx<Self>) -> u32 {
        self.0.fetch_add(50_000, SeqCst);
        2
    }
}

impl Handle<Wait> for Clerk {
    async fn handle(&mut self, Wait(word): Wait, _: &mut Cx<Self>) -> u32 {
        word.await.map_or(0, |()| 3)
    }
}

/// Wants a task of its own.
struct Recluse;

impl Actor for Recluse {
    type Args = ();
    const IN_PLACE: InPlace = InPlace::Never;
    async fn init((): (), _: &mut Cx<Self>) -> Result<Recluse, Exit> {
        Ok(Recluse)
    }
}

impl Handle<Short> for Recluse {
    async fn handle(&mut self, _: Short, _: &mut Cx<Self>) -> u32 {
        1
    }
}

/// Asks a clerk, in its own handler.
struct Chief(ActorRef<Clerk>);

impl Actor for Chief {
    type Args = ActorRef<Clerk>;
    async fn init(clerk: ActorRef<Clerk>, _: &mut Cx<Self>) -> Result<Chief, Exit> {
        Ok(Chief(clerk))
    }
}

impl Handle<Short> for Chief {
    async fn handle(&mut self, _: Short, _: &mut Cx<Self>) -> u32 {
        self.0.call(Short).await.unwrap() + 10
    }
}

/// Runs `test` as a task of the executor; it gets a clerk and a hold on the clock.
fn in_a_task<F: Future<Output = ()> + Send + 'static>(test: impl FnOnce(System, ActorRef<Clerk>) -> F) {
    let local = Local::new();
    let now_ns = Arc::new(AtomicU64::new(1));
    let system = System::new(Arc::new(ByHand { under: local.clone(), now_ns: now_ns.clone() }));
    let (done, finished) = oneshot::channel();
    let clerk = local.block_on(system.spawn::<Clerk>(now_ns)).unwrap();
    let test = test(system.clone(), clerk);
    let task = async move {
        test.await;
        let _ = done.send(());
    };
    system.runtime().spawn("test", Box::pin(task));
    local.block_on(async move {
        finished.await.expect("the test ran to its end");
        assert!(system.ledger().is_balanced());
        system.shut_down_all(Duration::from_secs(1)).await;
    });
}

#[test]
fn a_call_to_an_idle_actor_is_answered_in_the_callers_poll() {
    in_a_task(async |system: System, clerk: ActorRef<Clerk>| {
        assert_eq!(clerk.call(Short).now_or_never().unwrap().unwrap(), 1);
        let chief = system.spawn::<Chief>(clerk).await.unwrap();
        assert_eq!(chief.call(Short).now_or_never().unwrap().unwrap(), 11, "inside one another");
    });
}

#[test]
fn a_call_in_place_waits_where_its_handler_does() {
    in_a_task(async |_, clerk: ActorRef<Clerk>| {
        let (word, heard) = oneshot::channel();
        let mut call = clerk.call(Wait(heard));
        assert!((&mut call).now_or_never().is_none());
        word.send(()).unwrap();
        assert_eq!(call.await.unwrap(), 3);
    });
}

#[test]
fn an_actor_that_wants_its_own_task_is_not_run_in_place() {
    in_a_task(async |system: System, _| {
        let recluse = system.spawn::<Recluse>(()).await.unwrap();
        assert!(recluse.call(Short).now_or_never().is_none());
        assert_eq!(recluse.call(Short).await.unwrap(), 1);
    });
}

#[test]
fn an_actor_that_holds_its_caller_for_long_is_left_to_its_own_task() {
    in_a_task(async |_, clerk: ActorRef<Clerk>| {
        assert_eq!(clerk.call(Long).now_or_never().unwrap().unwrap(), 2, "nobody knows it yet");
        for _ in 0..200 {
            let mut call = clerk.call(Short);
            assert!((&mut call).now_or_never().is_none());
            assert_eq!(call.await.unwrap(), 1);
        }
    });
}

#[test]
fn a_caller_in_a_loop_gives_way_to_other_tasks() {
    in_a_task(async |_, clerk: ActorRef<Clerk>| {
        let mut gave_way = 0;
        for _ in 0..10_000 {
            let mut call = clerk.call(Short);
            match (&mut call).now_or_never() {
                Some(answer) => assert_eq!(answer.unwrap(), 1),
                None => {
                    gave_way += 1;
                    assert_eq!(call.await.unwrap(), 1);
                }
            }
        }
        assert!((10..1000).contains(&gave_way), "others had {gave_way} turns in ten thousand calls");
    });
}
