//! Random worlds: three to seven nodes, folk on each, all that can go wrong between them; then calm, a stated time, and
//! a look at what is left. The seed says all.
//!
//! `RAVELIN_SEEDS=100000 cargo test --release -p ravelin-cluster --test nodes any_world` runs many.

use crate::book::{Book, Who};
use crate::folk::{Do, End, Folk, GROUPS, Habits, NAMES, group};
use crate::house::at;
use ravelin_cluster::transport::SimTransport;
use ravelin_cluster::{Config, Incarnation, Node};
use ravelin_core::{ActorRef, Bounded, Exit, Overflow, Pid, sleep};
use ravelin_sim::net::{Link, Settings};
use ravelin_sim::{Faults, Sim, World};
use ravelin_supervisor::{Supervisor, child, start_in};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const ALL: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];
/// How long there is trouble.
const TROUBLE: Duration = Duration::from_secs(10);
/// Within this time after the trouble all is as it should be.
const WHOLE: Duration = Duration::from_secs(12);

/// The present life of a node, and its folk.
#[derive(Clone)]
struct Home {
    node: Node,
    folk: Vec<ActorRef<Folk>>,
}

#[derive(Clone, Default)]
struct Town {
    homes: Arc<Mutex<BTreeMap<String, Home>>>,
    book: Book,
    is_quiet: Arc<AtomicBool>,
}

impl Town {
    fn homes(&self) -> BTreeMap<String, Home> {
        self.homes.lock().unwrap().clone()
    }

    /// A life of a node: a cluster's node, its folk, and somebody who tells them what to do.
    async fn life(self, sim: ravelin_sim::Node, count: usize) {
        let mut config = Config::new(sim.name().parse().unwrap(), &at(sim.name()).0);
        // From a disk, as it were: the wall clock jumps.
        config.incarnation = Some(Incarnation(u64::from(sim.incarnation())));
        config.seeds = vec![at(ALL[0]), at(ALL[1])];
        config.limits.queue_bytes_max = 128 << 10;
        let transport = Arc::new(SimTransport::new(sim.net().clone()));
        let node = Node::start(sim.system(), config, transport).await.unwrap();
        let folk: Vec<_> = (0..count).map(|n| ActorRef::<Folk>::place(format!("folk-{n}"))).collect();
        let mut tree = Supervisor::one_for_one("folk").intensity(10_000, Duration::from_secs(1));
        for place in &folk {
            let habits = Habits { node: node.clone(), book: self.book.clone(), place: place.clone() };
            tree =
                tree.child(child(place, move || habits.clone()).mailbox(Bounded(16).on_full(Overflow::Wait)));
        }
        node.accept::<Folk>();
        let _app = start_in(sim.system(), tree).await.unwrap();
        self.homes.lock().unwrap().insert(sim.name().to_owned(), Home { node, folk: folk.clone() });
        let runtime = sim.runtime();
        while !self.is_quiet.load(Ordering::Relaxed) {
            let luck = runtime.entropy();
            // tidy: virtual time
            sleep(&**runtime, Duration::from_micros(luck % 60_000 + 1)).await;
            let _ = folk[(luck >> 32) as usize % folk.len()].cast(Do(runtime.entropy()));
        }
        std::future::pending::<()>().await;
    }

    fn who(&self, node: &Node, pid: Pid) -> Option<Who> {
        let life = node.node_of(pid)?;
        self.book.open().find(&life, pid)
    }

    async fn assert_reached(&self) {
        let homes = self.homes();
        for (name, home) in &homes {
            let mut reached = home.node.nodes().await;
            reached.push(home.node.id().clone());
            reached.sort();
            let all: Vec<_> = homes.values().map(|home| home.node.id().clone()).collect();
            assert_eq!(reached, all, "{name} reaches not all");
        }
    }

    /// Groups and names are the same everywhere, of living actors, and what each node says of its own.
    fn assert_equal(&self) {
        let homes = self.homes();
        for at in 0..GROUPS.len() {
            let group = group(at);
            let people = |node: &Node, pids: Vec<Pid>| -> Vec<Option<Who>> {
                let mut people: Vec<_> = pids.into_iter().map(|pid| self.who(node, pid)).collect();
                people.sort_unstable();
                people
            };
            let mut truth: Vec<_> =
                homes.values().flat_map(|home| people(&home.node, home.node.local_members(&group))).collect();
            truth.sort_unstable();
            for (name, home) in &homes {
                assert_eq!(people(&home.node, home.node.members(&group)), truth, "{group:?} on {name}");
            }
            let pages = self.book.open();
            for who in truth {
                assert!(who.is_some_and(|who| pages.people[who].is_alive), "{who:?} of {group:?} is dead");
            }
        }
        for name in NAMES {
            let owners: BTreeSet<_> = homes
                .values()
                .map(|home| home.node.whereis(name).map(|pid| self.who(&home.node, pid)))
                .collect();
            assert_eq!(owners.len(), 1, "`{name}`: {owners:?}");
            for owner in owners.into_iter().flatten() {
                let pages = self.book.open();
                assert!(owner.is_some_and(|who| pages.people[who].is_alive), "`{name}`: {owner:?} is dead");
            }
        }
    }

    /// Whoever ended was told to all that watch, and whoever is told of lives no more; as was checked when it was told.
    fn assert_told(&self) {
        let pages = self.book.open();
        for ((watcher, _), monitor) in &pages.monitors {
            let Some(target) = monitor.target else { continue };
            if monitor.is_taken_back || monitor.fired.is_some() || !pages.people[*watcher].is_alive {
                continue;
            }
            assert!(pages.people[target].is_alive, "{watcher} was not told of the end of {target}");
        }
        for ((one, other), bond) in &pages.bonds {
            let unlinks = bond.unlinks + pages.bonds.get(&(*other, *one)).map_or(0, |bond| bond.unlinks);
            if bond.is_held && unlinks == 0 && pages.people[*one].is_alive {
                assert!(
                    pages.people[*other].is_alive,
                    "{one} was not told of the end of {other}, who was linked"
                );
            }
        }
    }

    /// Nobody waits for anything, and nothing is kept for nobody.
    fn assert_at_rest(&self) {
        let open = self.book.open().open_calls();
        let homes = self.homes();
        let figures: BTreeMap<_, _> = homes.iter().map(|(name, home)| (name, home.node.figures())).collect();
        assert!(open.is_empty(), "calls that never ended: {open:?}; {figures:#?}");
        let mut watching = BTreeMap::new();
        let mut watched = BTreeMap::new();
        for (name, home) in &homes {
            for figures in home.node.figures() {
                let pair = (name.clone(), figures.peer.name.to_string());
                assert_eq!((figures.calls, figures.replies), (0, 0), "waits of {pair:?}: {figures:?}");
                assert_eq!(figures.in_hand, 0, "requests in hand of {pair:?}: {figures:?}");
                assert!(figures.queued_bytes < 1 << 10, "queued for {pair:?}: {figures:?}");
                let is_there = homes[&pair.1].node.id() == &figures.peer;
                if !is_there {
                    let bonds = (figures.links, figures.watching, figures.watched);
                    assert_eq!(bonds, (0, 0, 0), "bonds with a dead life: {figures:?}");
                    continue;
                }
                watching.insert(pair.clone(), (figures.links, figures.watching));
                watched.insert((pair.1, pair.0), (figures.links, figures.watched));
            }
        }
        assert_eq!(watching, watched, "the two sides do not have the same bonds");
    }
}

fn trouble() -> Faults {
    let mut faults = Faults::none().over(TROUBLE).partitions(3).cuts(3).clogs(2).bad_links(3).severs(4);
    for node in ALL {
        faults = faults.crashes(node, 1).power_losses(node, 1).stalls(node, 1).clock_jumps(node, 2);
    }
    faults.kills("link-2", 1).kills("link-3", 1).kills("link-7", 1)
}

/// One run.
async fn life(world: &mut World) {
    let mut random = world.random("world");
    let names = &ALL[..3 + random.below(5) as usize];
    let link = if random.chance(300_000) { Link::wan() } else { Link::lan() };
    world.set_network(Settings { link, ..Settings::default() });
    let town = Town::default();
    for name in names {
        let (town, count) = (town.clone(), 1 + random.below(3) as usize);
        world.node(*name, move |sim| town.clone().life(sim, count));
    }
    world.advance(TROUBLE).await;
    world.calm();
    // Some who talk go on a little while all comes back.
    world.advance(Duration::from_secs(2)).await;
    town.is_quiet.store(true, Ordering::Relaxed);
    world.advance(WHOLE).await;
    town.book.assert_kept();
    town.assert_reached().await;
    town.assert_equal();
    town.assert_told();
    town.assert_at_rest();
    part(world, &town).await;
}

/// The folk of every other node end, then all others: each end is told, with its reason.
async fn part(world: &World, town: &Town) {
    let homes: Vec<Home> = town.homes().into_values().collect();
    for half in 0..2 {
        for place in homes.iter().skip(half).step_by(2).flat_map(|home| &home.folk) {
            place.cast(End).ok().unwrap();
        }
        world.advance(Duration::from_secs(2)).await;
        town.book.assert_kept();
        town.assert_equal();
        town.assert_told();
        town.assert_at_rest();
    }
    for (name, home) in town.homes() {
        for figures in home.node.figures() {
            let bonds = (figures.links, figures.watching, figures.watched);
            assert_eq!(bonds, (0, 0, 0), "bonds of the dead on {name}: {figures:?}");
        }
    }
    let lost = |why: &Exit| *why == Exit::NoConnection;
    let pages = town.book.open();
    let lost = pages.monitors.values().filter(|it| it.fired.as_ref().is_some_and(lost)).count();
    world.note(format_args!("{:?}, {lost} monitors lost", pages.count));
}

/// The rule that is left out knows not that a `ReplyTo` may cross to another node, and its callee end before it is
/// answered there. That calls end is in the book.
fn sim() -> Sim {
    let twice_every = if cfg!(debug_assertions) { 0 } else { 200 };
    Sim::new().twice_every(twice_every).faults(trouble()).except("a call always ends")
}

#[test]
fn any_world_keeps_its_promises_and_is_whole_again_after_trouble() {
    // Unoptimised a world takes seconds.
    let seeds = if cfg!(debug_assertions) { 1 } else { 50 };
    sim().seeds(seeds).threads(2).check(life);
}
