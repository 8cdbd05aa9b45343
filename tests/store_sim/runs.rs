//! Runs: clients, faults, and what must hold in the end.

use std::time::Duration;

use ravelin::sim::Ppm;
use ravelin::sim::disk::{self, Latency, Settings};
use ravelin::sim::{Faults, Sim, World};

use crate::client::{Board, Client, look};
use crate::config::Config;
use crate::host::Host;
use crate::journal::Mode;
use crate::route::Partitions;

const SECOND: Duration = Duration::from_secs(1);
const CLIENTS: usize = 3;
/// How long clients work.
const WORK: Duration = Duration::from_secs(4);

/// What a run is like.
#[derive(Clone, Copy)]
struct Plan {
    fsync: Mode,
    /// What may be undone by a crash.
    forgets: Duration,
    disk: disk::Faults,
    /// How often at most the power fails in the midst of an operation on the disk.
    cuts: u64,
    /// How often at most somebody ends the store in good order.
    ends: u64,
}

fn plan(fsync: Mode) -> Plan {
    let forgets = match fsync {
        Mode::Always => Duration::ZERO,
        // A second, and how long the sync itself may wait and take.
        Mode::EverySecond => SECOND + SECOND / 2,
        Mode::No => SECOND * 3600,
    };
    Plan { fsync, forgets, disk: disk::Faults::power_loss(), cuts: 2, ends: 1 }
}

/// Kills, panics at awaits, failed starts: of every part of the tree.
fn blows() -> Faults {
    let mut faults = Faults::none().after(Duration::from_millis(200)).over(WORK).at_awaits(4);
    for place in ["journal", "partition-0", "partition-1", "partition-2", "hub", "acceptor"] {
        faults =
            faults.kills(place, 3).at_awaits_of(place, 2).at_messages_of(place, 2).failed_inits_of(place, 1);
    }
    for place in
        ["storage", "partitions", "front", "connections", "connection-1", "connection-2", "connection-3"]
    {
        faults = faults.kills(place, 2);
    }
    faults
}

fn settings(faults: disk::Faults) -> Settings {
    Settings { faults, latency: Latency { stalls: Ppm::new(100), ..Latency::ssd() }, ..Settings::default() }
}

async fn run(world: &mut World, plan: Plan) {
    let partitions = Partitions::new(3).expect("a number of partitions");
    let config = Config { fsync: plan.fsync, partitions, ..Config::default() };
    let host = Host::boot(world, config, settings(disk::Faults::power_loss()));
    let mut luck = world.random("disk");
    if luck.chance(500_000) {
        host.disk.set_faults(plan.disk);
    }
    let (board, runtime) = (Board::default(), world.runtime().clone());
    let end = world.now() + WORK;
    let clients = (0..CLIENTS).map(|name| {
        let random = world.random(&format!("client.{name}"));
        let (host, board) = (host.clone(), board.clone());
        Client::new(name, CLIENTS, runtime.clone(), host, board, random, plan.forgets)
    });
    let mut working = Vec::new();
    for mut client in clients {
        let (done, waits) = futures::channel::oneshot::channel();
        working.push(waits);
        let work = async move {
            client.work(end).await;
            let _ = done.send(client);
        };
        runtime.spawn("client", Box::pin(work));
    }
    for _ in 0..luck.below(plan.cuts + 1) {
        world.advance(Duration::from_micros(luck.below(WORK.as_micros() as u64 / 2))).await;
        let down = Duration::from_millis(luck.below(500));
        host.disk.cut_power_after(luck.below(60), down);
    }
    for _ in 0..luck.below(plan.ends + 1) {
        world.advance(Duration::from_micros(luck.below(WORK.as_micros() as u64 / 2))).await;
        host.end();
    }
    world.advance(end - world.now().min(end)).await;
    world.calm();
    host.disk.set_faults(disk::Faults::power_loss());
    for client in working {
        client.await.expect("it works until the end").verify().await;
    }
    let board = look(&board);
    let counters = host.disk.counters();
    world.note(format!("{} answers, {} errors, {counters:?}", board.answers, board.errors));
}

/// Half as many unoptimised.
#[track_caller]
fn check(name: &str, seeds: u64, faults: Faults, plan: Plan) {
    let seeds = if cfg!(debug_assertions) { seeds.div_ceil(2) } else { seeds };
    let passed = Sim::new().name(name).seeds(seeds).faults(faults).run(async |world| run(world, plan).await);
    match passed {
        Ok(passed) => println!("{passed:?}"),
        Err(found) => panic!("{found}"),
    }
}

#[test]
fn no_acknowledged_write_is_lost_whoever_is_killed_and_whenever_the_power_fails() {
    let faults = blows().crashes("store", 2).stalls("store", 1).clock_jumps("store", 2);
    check("no_acknowledged_write_is_lost", 8, faults, plan(Mode::Always));
}

#[test]
fn no_acknowledged_write_is_lost_on_a_disk_that_fails() {
    let faults = blows().crashes("store", 2).stalls("store", 1);
    let failing = disk::Faults { sync_fails: Ppm::percent(5), ..disk::Faults::failing() };
    let plan = Plan { disk: failing, cuts: 4, ..plan(Mode::Always) };
    check("no_acknowledged_write_is_lost_on_a_disk_that_fails", 4, faults, plan);
}

#[test]
fn with_everysec_a_crash_undoes_no_more_than_the_last_second() {
    let faults = blows().crashes("store", 2).clock_jumps("store", 2);
    check("with_everysec_a_crash", 6, faults, plan(Mode::EverySecond));
}

#[test]
fn without_fsync_a_crash_leads_back_to_a_state_that_was() {
    check("without_fsync_a_crash", 4, blows().crashes("store", 2), plan(Mode::No));
}

#[test]
fn no_end_in_good_order_loses_anything_whoever_is_killed_and_without_fsync() {
    let plan = Plan { forgets: Duration::ZERO, cuts: 0, ends: 3, ..plan(Mode::No) };
    check("no_end_in_good_order_loses_anything", 4, blows(), plan);
}
