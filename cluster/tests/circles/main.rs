//! Circles of calls that go by way of several nodes, in the simulator: each ends at once and is named, and whatever webs
//! calls make, nobody waits for ever.

mod town;

use futures::future::{join, join_all};
use ravelin_core::{ActorRef, CallError, within};
use ravelin_sim::{Sim, World};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use town::{FOLK, Pass, Person, Step, Town, Walk};

const NODES: &[&str] = &["a", "b", "c"];

/// Longer than any walk takes: who waits so long waits for ever.
const FOR_EVER: Duration = Duration::from_secs(60);

async fn walk(world: &World, town: &Town, from: usize, way: Vec<Step>) -> Walk {
    let first: ActorRef<Person> = town.person(from);
    let call = first.call(Pass { way }).no_timeout();
    within(&**world.runtime(), FOR_EVER, call).await.expect("nobody waits for ever").unwrap()
}

fn to(who: usize) -> Step {
    Step { who, pause_ms: 0, is_two: false }
}

/// Person `n` lives on node `n % nodes`.
#[test]
fn a_circle_over_nodes_ends_at_once_and_names_its_actors_and_their_nodes() {
    // The nodes, the way from person 0, and whom the way leads through when it is closed.
    let rows: &[(usize, &[usize], &[usize])] = &[
        (2, &[1, 0], &[0, 1]),
        (3, &[1, 2, 0], &[0, 1, 2]),
        (3, &[1, 0], &[0, 1]),
        // Far and near: 0 and 3 live together, and so do 1 and 4, and 2 and 5.
        (3, &[3, 1, 4, 2, 5, 0], &[0, 3, 1, 4, 2, 5]),
        (3, &[1, 3, 0], &[0, 1, 3]),
        (3, &[3, 1, 0], &[0, 3, 1]),
        (3, &[1, 4, 5, 1], &[1, 4, 5]),
        (2, &[1, 3, 0], &[0, 1, 3]),
        (2, &[2, 1, 0], &[0, 2, 1]),
        (2, &[1, 2, 3, 0], &[0, 1, 2, 3]),
    ];
    for (nodes, way, circle) in rows {
        Sim::new().seeds(1).check(async move |world| {
            let town = Town::new(world, &NODES[..*nodes]).await;
            let begun = world.runtime().now();
            let walk = walk(world, &town, 0, way.iter().copied().map(to).collect()).await;
            assert!(world.runtime().now() - begun < Duration::from_secs(1), "{way:?}");
            assert_eq!((walk.circles.len(), walk.others), (1, 0), "{way:?}: {walk:?}");
            let told = &walk.circles[0];
            let (numbers, homes): (Vec<usize>, Vec<String>) = told.iter().cloned().unzip();
            assert_eq!(numbers.first(), numbers.last(), "{told:?}");
            let around = &numbers[1..];
            let at = circle.iter().position(|who| *who == numbers[0]).expect("it is of the circle");
            let expected: Vec<usize> = (1..=circle.len()).map(|n| circle[(at + n) % circle.len()]).collect();
            assert_eq!(around, expected, "{way:?}");
            for (number, home) in numbers.iter().zip(&homes) {
                assert_eq!(home, NODES[number % nodes], "{told:?}");
            }
        });
    }
}

#[test]
fn what_is_told_of_a_circle_over_nodes_can_be_read() {
    Sim::new().seeds(2).check(async |world| {
        let town = Town::new(world, &NODES[..2]).await;
        let walk = walk(world, &town, 0, vec![to(1), to(0)]).await;
        let [said] = &walk.said[..] else { panic!("{walk:?}") };
        let words: Vec<&str> = said.split(" waits for ").collect();
        // Who closes it is told.
        assert!(words[0].starts_with("deadlock: 1<") && words[0].ends_with(" on b"), "{said}");
        assert!(words[1].starts_with("0<") && words[1].ends_with(" on a"), "{said}");
        assert_eq!(words.len(), 3, "{said}");
    });
}

#[test]
fn two_nodes_whose_actors_call_each_other_at_once_do_not_wait_for_ever() {
    Sim::new().seeds(8).check(async |world| {
        let town = Town::new(world, &NODES[..2]).await;
        let (one, other) = join(walk(world, &town, 0, vec![to(1)]), walk(world, &town, 1, vec![to(0)])).await;
        let told = one.circles.len() + other.circles.len();
        assert!(told <= 2, "one of them, or both, if neither saw the other: {one:?} {other:?}");
        assert_eq!(one.others + other.others, 0);
    });
}

#[test]
fn a_way_over_nodes_that_is_no_circle_is_answered() {
    Sim::new().seeds(3).check(async |world| {
        let town = Town::new(world, NODES).await;
        for way in [&[1, 2, 3, 4, 5][..], &[1, 4, 3], &[5, 4, 3, 2, 1]] {
            let walk = walk(world, &town, 0, way.iter().copied().map(to).collect()).await;
            assert_eq!(walk, Walk::default(), "{way:?}");
        }
        for name in NODES {
            assert_eq!(town.system(name).waits(), []);
        }
    });
}

/// Some walks at once, by chance.
async fn walks(world: &World, nodes: &[&str]) -> Walk {
    let town = Town::new(world, nodes).await;
    let entropy = || (world.runtime().entropy() >> 8) as usize;
    let mut all = Vec::new();
    for _ in 0..6 {
        let way = (0..4).map(|_| Step {
            who: entropy() % FOLK,
            pause_ms: if entropy() % 3 == 0 { entropy() as u64 % 8 } else { 0 },
            is_two: entropy() % 4 == 0,
        });
        all.push(walk(world, &town, entropy() % FOLK, way.collect()));
    }
    let mut sum = Walk::default();
    join_all(all).await.into_iter().for_each(|each| sum.add(each));
    world.advance(Duration::from_secs(1)).await;
    for name in nodes {
        assert_eq!(town.system(name).waits(), []);
    }
    sum
}

#[test]
fn in_any_web_of_calls_over_nodes_nobody_waits_for_ever() {
    for nodes in [2, 3] {
        let circles = Arc::new(Mutex::new(0));
        let seen = circles.clone();
        Sim::new().seeds(5).alone().check(async move |world| {
            let walk = walks(world, &NODES[..nodes]).await;
            assert_eq!(walk.others, 0, "every call is answered, or was part of a circle: {walk:?}");
            *seen.lock().unwrap() += walk.circles.len();
        });
        assert!(*circles.lock().unwrap() > 5, "the webs make circles: {circles:?}");
    }
}

#[test]
fn calls_of_a_circle_over_nodes_end_with_a_node_that_is_lost() {
    Sim::new().seeds(3).check(async |world| {
        let town = Town::new(world, &NODES[..2]).await;
        // Person 1 takes its time before it closes the circle; its node does not live so long.
        let way = vec![Step { pause_ms: 500, ..to(1) }, to(0)];
        let first = town.person(0);
        let call = first.call(Pass { way }).no_timeout();
        let (outcome, ()) = join(within(&**world.runtime(), FOR_EVER, call), async {
            world.advance(Duration::from_millis(100)).await;
            world.crash("b");
        })
        .await;
        let walk: Result<Walk, CallError<Pass>> = outcome.expect("it ends");
        let walk = walk.unwrap();
        assert_eq!((walk.circles.len(), walk.others), (0, 1), "{walk:?}");
    });
}
