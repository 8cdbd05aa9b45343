//! The end that somebody asked for: who waits is answered, and what was answered is on the disk.

use std::future::poll_fn;

use ravelin::sim::disk::{Latency, Settings};
use ravelin::sim::{Sim, World};
use ravelin::{ShutdownReport, sleep, within};

use crate::bugs::{SECOND, STRICT, ask, lose_power, store};
use crate::config::Config;
use crate::host::Host;
use crate::journal::Mode;

/// Ends the store, unless it is ending, and waits for that.
async fn end(world: &World, host: &Host) -> ShutdownReport {
    host.end();
    loop {
        if let Some(report) = host.reports().pop() {
            return report;
        }
        sleep(&**world.runtime(), SECOND / 10_000).await; // tidy: virtual time
    }
}

#[test]
fn an_end_in_good_order_puts_everything_on_the_disk() {
    Sim::new().seeds(10).check(async |world| {
        let host = store(world, Mode::No);
        assert_eq!(ask(world, &host, "SET k v").await, "+OK");
        let report = end(world, &host).await;
        assert!(report.is_orderly(), "{report}");
        lose_power(world).await;
        assert_eq!(ask(world, &host, "GET k").await, "$1\r\nv");
    });
}

/// A client that would have had to guess has no reason to.
#[test]
fn at_an_end_in_good_order_all_that_was_done_is_answered() {
    Sim::new().seeds(20).check(async |world| {
        let settings = Settings { faults: STRICT, latency: Latency::ssd(), ..Settings::default() };
        let host = Host::boot(world, Config { fsync: Mode::Always, ..Config::default() }, settings);
        assert_eq!(ask(world, &host, "PING").await, "+PONG");
        // The start is over, too.
        world.advance(SECOND / 1000).await;
        let mut socket = host.port.connect().expect("it listens");
        let last = world.random("end").below(60);
        for asked in 0..60 {
            if asked == last {
                host.end();
            }
            // After the end nobody takes it.
            let _ = poll_fn(|cx| socket.poll_write(cx, b"INCR n\r\n")).await;
            world.advance(SECOND / 50_000).await;
        }
        let runtime = world.runtime();
        let answers = within(&**runtime, SECOND, async {
            let (mut answers, mut chunk) = (Vec::new(), [0; 1024]);
            while let Ok(read @ 1..) = poll_fn(|cx| socket.poll_read(cx, &mut chunk)).await {
                answers.extend(&chunk[..read]);
            }
            String::from_utf8(answers).expect("text")
        });
        let answers = answers
            .await
            .unwrap_or_else(|| panic!("an end of the stream: last {last}, {:?}", host.reports()));
        let done = answers.lines().count();
        assert_eq!(answers, (1..=done).map(|n| format!(":{n}\r\n")).collect::<String>());
        let report = end(world, &host).await;
        assert!(report.is_orderly(), "{report}");
        let expected =
            if done == 0 { "$-1".to_owned() } else { format!("${}\r\n{done}", done.to_string().len()) };
        assert_eq!(ask(world, &host, "GET n").await, expected);
    });
}
