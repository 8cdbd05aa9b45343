//! What the simulator found in the store, each with the faults that show it.

use std::future::poll_fn;
use std::time::Duration;

use ravelin::sim::Ppm;
use ravelin::sim::disk::{self, Latency, Settings};
use ravelin::sim::{Fault, Sim, World};
use ravelin::{sleep, within};

use crate::config::Config;
use crate::host::Host;
use crate::journal::Mode;

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Nothing that is not synced survives a power cut.
pub(crate) const STRICT: disk::Faults = disk::Faults { lost: Ppm::ALWAYS, ..disk::Faults::none() };

pub(crate) fn store(world: &World, fsync: Mode) -> Host {
    let settings = Settings { faults: STRICT, latency: Latency::none(), ..Settings::default() };
    Host::boot(world, Config { fsync, ..Config::default() }, settings)
}

/// Says one line, and what is answered; says it again to the next server when one goes away.
pub(crate) async fn ask(world: &World, host: &Host, line: &str) -> String {
    let runtime = world.runtime();
    let dialogue = async {
        loop {
            if let Some(mut socket) = host.port.connect() {
                let line = format!("{line}\r\n");
                let sent = poll_fn(|cx| socket.poll_write(cx, line.as_bytes())).await;
                let mut chunk = [0; 1024];
                let count = poll_fn(|cx| socket.poll_read(cx, &mut chunk)).await.unwrap_or(0);
                if sent.is_ok() && count > 0 {
                    return String::from_utf8_lossy(&chunk[..count]).trim_end().to_owned();
                }
            }
            sleep(&**runtime, Duration::from_millis(1)).await; // tidy: virtual time
        }
    };
    let answer = within(&**runtime, 20 * SECOND, Box::pin(dialogue)).await;
    answer.unwrap_or_else(|| panic!("no answer to {line}; {:?}", host.notes))
}

pub(crate) async fn lose_power(world: &World) {
    world.crash("store");
    world.advance(Duration::from_millis(10)).await;
    world.boot("store");
}

/// The file was synced, but not the folder that has its name.
#[test]
fn a_power_cut_does_not_take_the_new_journal_away_with_its_name() {
    Sim::new().seeds(5).check(async |world| {
        let host = store(world, Mode::Always);
        assert_eq!(ask(world, &host, "SET k v").await, "+OK");
        lose_power(world).await;
        assert_eq!(ask(world, &host, "GET k").await, "$1\r\nv");
    });
}

/// A file without its first bytes was taken for a foreign one, at each start from then on.
#[test]
fn a_first_start_can_be_cut_off_at_any_operation_on_the_disk() {
    Sim::new().seeds(30).twice_every(0).check(async |world| {
        let host = store(world, Mode::Always);
        host.disk.cut_power_after(world.seed().0, Duration::from_millis(10));
        let first = ask(world, &host, "SET k v");
        let first = within(&**world.runtime(), SECOND, Box::pin(first)).await;
        world.calm();
        assert_eq!(ask(world, &host, "SET k w").await, "+OK", "{first:?}");
        lose_power(world).await;
        assert_eq!(ask(world, &host, "GET k").await, "$1\r\nw");
    });
}

/// The same, where the disk fails in place of the power.
#[test]
fn a_first_start_may_fail_on_a_failing_disk_and_the_next_does_not() {
    Sim::new().seeds(12).twice_every(0).check(async |world| {
        let host = store(world, Mode::Always);
        host.disk.set_faults(disk::Faults {
            write_fails: Ppm::percent(30),
            no_space: Ppm::percent(5),
            ..STRICT
        });
        world.advance(SECOND).await;
        host.disk.set_faults(STRICT);
        assert_eq!(ask(world, &host, "SET k v").await, "+OK");
    });
}

/// What a failed sync left unwritten was read back as if it were there, and built upon.
#[test]
fn after_a_failed_sync_nothing_is_built_on_pages_that_are_not_on_the_disk() {
    Sim::new().seeds(3).twice_every(0).check(async |world| {
        let host = store(world, Mode::Always);
        // So many pages that not every commit writes all of them.
        let value = "v".repeat(500);
        for n in 0..40 {
            assert_eq!(ask(world, &host, &format!("SET k{n} {value}")).await, "+OK");
        }
        host.disk.set_faults(disk::Faults { sync_fails: Ppm::percent(50), ..STRICT });
        for n in 0..6 {
            let _ = ask(world, &host, &format!("SET more{n} {value}")).await;
        }
        host.disk.set_faults(STRICT);
        assert_eq!(ask(world, &host, "SET after 2").await, "+OK");
        lose_power(world).await;
        for n in 0..40 {
            assert_eq!(ask(world, &host, &format!("GET k{n}")).await, format!("$500\r\n{value}"));
        }
        assert_eq!(ask(world, &host, "GET after").await, "$1\r\n2");
    });
}

/// When the next sync is due was told by the wall clock.
#[test]
fn with_everysec_a_wall_clock_that_jumps_back_does_not_put_the_sync_off() {
    Sim::new().seeds(10).check(async |world| {
        let host = store(world, Mode::EverySecond);
        assert_eq!(ask(world, &host, "SET first v").await, "+OK");
        let by = Duration::from_secs(3600);
        world.advance(2 * SECOND).await;
        assert_eq!(ask(world, &host, "SET second v").await, "+OK");
        world.inject(Fault::ClockJump { node: "store".into(), at: world.elapsed(), by, ahead: false });
        world.advance(SECOND / 2).await;
        assert_eq!(ask(world, &host, "SET third v").await, "+OK");
        world.advance(2 * SECOND).await;
        lose_power(world).await;
        assert_eq!(ask(world, &host, "GET third").await, "$1\r\nv");
    });
}
