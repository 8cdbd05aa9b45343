//! A hand on the actors: who is stopped for a while delays his clients, and nothing else.

use std::future::poll_fn;
use std::time::Duration;

use ravelin::sim::Sim;
use ravelin::sim::disk::{Latency, Settings};
use ravelin::within;

use crate::bugs::{SECOND, STRICT, ask};
use crate::config::Config;
use crate::host::Host;
use crate::journal::Mode;
use crate::route::Partitions;

#[test]
fn whoever_is_suspended_each_count_is_answered_once_when_all_are_resumed() {
    Sim::new().seeds(10).check(async |world| {
        let partitions = Partitions::new(2).expect("a number of partitions");
        let config = Config { fsync: Mode::Always, admin: true, partitions, ..Config::default() };
        let settings = Settings { faults: STRICT, latency: Latency::ssd(), ..Settings::default() };
        let host = Host::boot(world, config, settings);
        let mut luck = world.random("admin");
        assert_eq!(ask(world, &host, "PING").await, "+PONG");
        let mut socket = host.port.connect().expect("it listens");
        for count in 1..=20 {
            let names = ["journal", "partition-0", "partition-1", "hub", "partitions", "storage", "store"];
            let name = names[luck.below(names.len() as u64) as usize];
            assert_eq!(ask(world, &host, &format!("ADMIN SUSPEND {name}")).await, "+OK", "{name}");
            poll_fn(|cx| socket.poll_write(cx, b"INCR n\r\n")).await.expect("it is there");
            world.advance(Duration::from_micros(luck.below(2000))).await;
            assert_eq!(ask(world, &host, &format!("ADMIN RESUME {name}")).await, "+OK", "{name}");
            let mut chunk = [0; 64];
            let answer = within(&**world.runtime(), SECOND, poll_fn(|cx| socket.poll_read(cx, &mut chunk)));
            let read = answer.await.expect("an answer").expect("it is there");
            assert_eq!(String::from_utf8_lossy(&chunk[..read]), format!(":{count}\r\n"), "{name}");
        }
    });
}
