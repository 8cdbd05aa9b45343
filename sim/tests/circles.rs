//! Random webs of calls without a time limit: whatever circles they make, nobody waits for ever, each circle that is
//! named is one, and each call has one outcome.

use futures::future::join_all;
use ravelin_core::{Actor, ActorRef, CallError, Cx, Exit, Handle, Message};
use ravelin_sim::{Faults, Sim, World};
use ravelin_supervisor::{Supervisor, child};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const FOLK: usize = 6;

type Folk = Arc<[ActorRef<Person>]>;

struct Person {
    number: usize,
    folk: Folk,
    /// Who is in a handler, and whom it has called, by number.
    asked: Arc<Mutex<Vec<Vec<usize>>>>,
}

impl Actor for Person {
    type Args = (usize, Folk, Arc<Mutex<Vec<Vec<usize>>>>);
    async fn init((number, folk, asked): Self::Args, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Person { number, folk, asked })
    }
}

/// Goes on along this way, some steps at the same time.
#[derive(Clone)]
struct Pass {
    way: Vec<u64>,
}

/// What came of a walk: circles that were named, and calls that ended otherwise.
#[derive(Clone, Debug, Default)]
struct Walk {
    circles: usize,
    others: usize,
}

impl Message for Pass {
    type Reply = Walk;
}

impl Handle<Pass> for Person {
    async fn handle(&mut self, Pass { way }: Pass, cx: &mut Cx<Self>) -> Walk {
        let mut walk = Walk::default();
        let Some((step, rest)) = way.split_first() else { return walk };
        if step % 3 == 0 {
            cx.sleep(Duration::from_millis(step % 5)).await; // tidy: virtual time
        }
        let width = if step % 4 == 0 { 2 } else { 1 };
        let calls = (0..width).map(|n| {
            let to = ((step / 16) as usize + n) % self.folk.len();
            let call = self.folk[to].call(Pass { way: rest.to_vec() }).no_timeout();
            let (asked, me) = (&self.asked, self.number);
            async move {
                asked.lock().unwrap()[me].push(to);
                let outcome = call.await;
                let mut asked = asked.lock().unwrap();
                let at = asked[me].iter().position(|each| *each == to);
                at.map(|at| asked[me].swap_remove(at));
                match outcome {
                    Ok(walk) => walk,
                    Err(CallError::Deadlock { path, .. }) => {
                        assert!(path.len() >= 2 && path[0] == path[path.len() - 1], "{path:?}");
                        let number =
                            |at: usize| path[at].place.as_deref().and_then(|name| name.parse::<usize>().ok());
                        for at in 1..path.len() - 1 {
                            let (from, to) = (number(at).unwrap(), number(at + 1).unwrap());
                            assert!(asked[from].contains(&to), "{from} does not wait for {to}: {path:?}");
                        }
                        Walk { circles: 1, others: 0 }
                    }
                    Err(_) => Walk { circles: 0, others: 1 },
                }
            }
        });
        for each in join_all(calls.collect::<Vec<_>>()).await {
            walk.circles += each.circles;
            walk.others += each.others;
        }
        walk
    }
}

async fn walks(world: &mut World) -> Walk {
    let folk: Folk = (0..FOLK).map(|n| ActorRef::place(n.to_string())).collect();
    let asked = Arc::new(Mutex::new(vec![Vec::new(); FOLK]));
    let mut tree = Supervisor::one_for_one("town").intensity(1000, Duration::from_secs(1));
    for (n, place) in folk.iter().enumerate() {
        let (everybody, asked) = (folk.clone(), asked.clone());
        tree = tree.child(child(place, move || {
            asked.lock().unwrap()[n].clear();
            (n, everybody.clone(), asked.clone())
        }));
    }
    let Ok(app) = world.start(tree).await else { return Walk::default() }; // struck in its first `init`
    let mut all = Vec::new();
    for _ in 0..8 {
        let way: Vec<u64> = (0..4).map(|_| world.runtime().entropy() >> 8).collect();
        let first = (world.runtime().entropy() % FOLK as u64) as usize;
        all.push(folk[first].call(Pass { way }).no_timeout());
    }
    let mut sum = Walk::default();
    for outcome in join_all(all).await {
        match outcome {
            Ok(walk) => {
                sum.circles += walk.circles;
                sum.others += walk.others;
            }
            Err(_) => sum.others += 1,
        }
    }
    // What those who were killed had begun goes on, and comes to its end.
    world.advance(Duration::from_secs(1)).await;
    assert_eq!(world.system().waits(), []);
    app.stop().await;
    sum
}

#[test]
fn in_any_web_of_calls_nobody_waits_for_ever_and_each_circle_that_is_named_is_one() {
    Sim::new().seeds(150).check(async move |world| {
        let walk = walks(world).await;
        assert_eq!(walk.others, 0, "every call is answered, or was part of a circle");
    });
}

#[test]
fn the_webs_make_circles() {
    let circles = Arc::new(Mutex::new(0));
    let seen = circles.clone();
    Sim::new()
        .alone()
        .seeds(20)
        .check(async move |world| *seen.lock().unwrap() += walks(world).await.circles);
    assert!(*circles.lock().unwrap() > 10, "{circles:?}");
}

#[test]
fn under_kills_and_panics_a_web_of_calls_comes_to_rest_too() {
    let second = Duration::from_secs(1);
    let faults = Faults::none().kills("0", 2).kills("1", 2).at_awaits(5).over(second / 50);
    Sim::new().seeds(100).faults(faults).check(async |world| {
        walks(world).await;
    });
}
