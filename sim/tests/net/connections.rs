//! Connections: order, limits, half-open ends, resets.

use crate::world::{A, B, Patience, World, bytes, ms, quiet};
use ravelin_sim::net::{Bandwidth, Broken, Crash, Event, Link, NetError, Ppm, Settings};
use std::time::Duration;

#[test]
fn a_connection_carries_bytes_both_ways_in_order_and_ends() {
    let rough = Link { jitter: ms(30), loss: Ppm::percent(20), ..Link::perfect(ms(10)) };
    for link in [Link::perfect(ms(10)), rough] {
        let mut world = World::new(Settings { link, ..Settings::default() });
        let (near, far) = world.connected(A, B);
        let (there, back) = (bytes(200_000, 1), bytes(1_000, 2));
        let heard = world.exchange((near, &there), (far, &back));
        assert!(heard == (there, back), "{link:?}");
        assert_eq!(world.streams(), [0, 0], "both ends are gone once closed");
    }
}

#[test]
fn a_connection_is_refused_where_nobody_listens() {
    let mut world = World::new(quiet());
    let near = world.connect(A, B.at(81));
    assert_eq!(world.write(near, b"x"), Err(NetError::WouldBlock));
    world.run();
    assert_eq!(world.events, [Event::Closed { stream: near, reason: Broken::Refused }]);
    assert_eq!(world.write(near, b"x"), Err(NetError::Broken(Broken::Refused)));
    world.close(near);
    assert_eq!(world.write(near, b"x"), Err(NetError::NotRunning));

    let host = world.host(B);
    assert_eq!(world.net.listen(host, World::PORT), Err(NetError::InUse));
    world.net.unlisten(host, World::PORT);
    let near = world.connect(A, B.at(World::PORT));
    world.run();
    assert_eq!(world.events.last(), Some(&Event::Closed { stream: near, reason: Broken::Refused }));
}

#[test]
fn a_writer_waits_for_a_reader() {
    let mut settings = quiet();
    settings.streams.buffer_len_max = 100;
    let mut world = World::new(settings);
    let (near, far) = world.connected(A, B);
    assert_eq!(world.write(near, &[1; 250]), Ok(100));
    assert_eq!(world.write(near, &[1; 150]), Err(NetError::WouldBlock));
    world.run();
    assert!(!world.events.contains(&Event::Writable { stream: near }), "arrived, but not read");
    assert_eq!(world.read(far, 30).map(|bytes| bytes.len()), Ok(30));
    world.run();
    assert!(world.events.contains(&Event::Writable { stream: near }));
    assert_eq!(world.write(near, &[1; 150]), Ok(30));
}

#[test]
fn reads_and_writes_are_short_as_often_as_the_settings_say() {
    for (short, expect) in [(Ppm::NEVER, 1), (Ppm::ALWAYS, 20)] {
        let mut settings = quiet();
        settings.streams.short = short;
        let mut world = World::new(settings);
        let (near, far) = world.connected(A, B);
        let (mut calls, mut left) = (0, 60_000);
        while left > 0 {
            left -= world.write(near, &vec![0; left]).unwrap();
            world.run();
            calls += 1;
            while world.read(far, 60_000).is_ok() {
                calls += 1;
            }
            world.run();
        }
        assert!(calls >= expect && (short != Ppm::NEVER || calls == 2), "{short}: {calls} calls");
    }
}

#[test]
fn a_cut_connection_is_half_open_until_it_heals_or_the_one_who_sent_gives_up() {
    for (one_way, patience, heals) in [
        (false, Patience::Short, false),
        (false, Patience::Long, true),
        (true, Patience::Short, false), // the bytes arrive, the sign that they did does not
        (true, Patience::Long, true),
    ] {
        let mut settings = quiet();
        settings.streams.give_up_after = patience.duration();
        let mut world = World::new(settings);
        let (near, far) = world.connected(A, B);
        if one_way {
            world.net.cut(&[B], &[A]);
        } else {
            world.net.partition(&[A], &[B]);
        }
        world.write(near, b"hello").unwrap();
        world.run_for(ms(500));
        assert!(world.closed().is_empty(), "no error yet");
        assert_eq!(world.read(far, 9).is_ok(), one_way);
        if heals {
            world.heal(&[A], &[B]);
            world.heal(&[B], &[A]);
        }
        world.run();
        let expect = if heals { vec![] } else { vec![(near, Broken::TimedOut)] };
        assert_eq!(world.closed(), expect, "one way: {one_way}; the other end never learns");
        if heals && !one_way {
            assert_eq!(world.read(far, 9), Ok(b"hello".to_vec()));
        }
    }
}

#[test]
fn a_connection_that_nobody_answers_times_out() {
    let mut world = World::new(quiet());
    world.net.cut(&[B], &[A]);
    let near = world.connect(A, B.at(World::PORT));
    world.run();
    assert!(world.closed().contains(&(near, Broken::TimedOut)));
    assert_eq!(
        world.now - ravelin_core::Time::EPOCH,
        Duration::from_secs(20) + ms(10),
        "B gives up too, later"
    );
}

#[test]
fn a_crash_resets_connections_at_once_or_leaves_them_hanging() {
    let mut world = World::new(quiet());
    let (near, _) = world.connected(A, B);
    world.crash(B, Crash::Reset);
    world.run();
    assert_eq!(world.closed(), [(near, Broken::Reset)]);

    let mut world = World::new(quiet());
    let (near, far) = world.connected(A, B);
    world.crash(B, Crash::Silent);
    world.run();
    assert_eq!(world.closed(), [], "it hangs");
    assert_eq!(world.read(far, 1), Err(NetError::NotRunning));
    world.write(near, b"x").unwrap();
    world.run_for(ms(100));
    assert_eq!(world.closed(), []);
    world.boot(B);
    world.run();
    assert_eq!(world.closed(), [(near, Broken::Reset)], "the new incarnation knows nothing of it");

    let mut world = World::new(quiet());
    let (near, _) = world.connected(A, B);
    world.crash(B, Crash::Silent);
    world.write(near, b"x").unwrap();
    world.run();
    assert_eq!(world.closed(), [(near, Broken::TimedOut)]);
}

#[test]
fn a_severed_connection_is_over_for_both_and_what_had_arrived_can_be_read() {
    let mut world = World::new(quiet());
    let (near, far) = world.connected(A, B);
    world.write(near, b"early").unwrap();
    world.run();
    world.write(near, b"late").unwrap();
    world.net.sever(near);
    world.run();
    assert_eq!(world.closed(), [(near, Broken::Reset), (far, Broken::Reset)]);
    assert_eq!(world.read(far, 99), Ok(b"early".to_vec()));
    assert_eq!(world.read(far, 99), Err(NetError::Broken(Broken::Reset)));
}

#[test]
fn closing_with_bytes_unread_resets_the_other_and_without_ends_it_in_good_order() {
    for (reads, expect) in [(true, vec![]), (false, vec![Broken::Reset])] {
        let mut world = World::new(quiet());
        let (near, far) = world.connected(A, B);
        world.write(near, b"hello").unwrap();
        world.run();
        if reads {
            world.read(far, 99).unwrap();
        }
        world.close(far);
        world.run();
        assert!(world.closed().iter().map(|(_, reason)| *reason).eq(expect), "reads: {reads}");
        if reads {
            assert_eq!(world.read(near, 9), Ok(vec![]));
            world.write(near, b"nobody reads this").unwrap();
            world.run();
            assert_eq!(world.closed(), [(near, Broken::Reset)]);
        }
    }
}

#[test]
fn one_side_may_finish_and_go_on_reading() {
    let mut world = World::new(quiet());
    let (near, far) = world.connected(A, B);
    world.write(near, b"question").unwrap();
    for _ in 0..2 {
        assert_eq!(world.net.finish(world.now, near, 0), Ok(()));
    }
    assert_eq!(world.write(near, b"x"), Err(NetError::Finished));
    world.run();
    assert_eq!(world.read(far, 99), Ok(b"question".to_vec()));
    assert_eq!(world.read(far, 99), Ok(vec![]));
    world.write(far, b"answer").unwrap();
    world.close(far);
    world.run();
    assert_eq!(world.read(near, 99), Ok(b"answer".to_vec()));
    assert_eq!(world.read(near, 99), Ok(vec![]));
    world.close(near);
    assert_eq!((world.closed(), world.streams()), (vec![], [0, 0]));
}

#[test]
fn an_end_gives_up_when_it_has_seen_no_progress_for_so_long_whatever_it_sends_meanwhile() {
    let mut settings = quiet();
    settings.streams.give_up_after = Patience::Short.duration();
    let mut world = World::new(settings);
    let (near, _) = world.connected(A, B);
    let began = world.now;
    world.net.cut(&[A], &[B]);
    for _ in 0..3 {
        world.write(near, b"x").unwrap();
        world.run_for(ms(300));
    }
    assert_eq!(world.closed(), []);
    world.run();
    assert_eq!((world.closed(), world.now - began), (vec![(near, Broken::TimedOut)], ms(1_000)));

    // 30 bytes, 100 ms each: slow, but it goes on.
    let bandwidth = Some(Bandwidth { bytes_per_second: 10, backlog_max: ms(0) });
    settings.link.bandwidth = bandwidth;
    settings.streams.segment_len_max = 1;
    let mut world = World::new(settings);
    let (near, far) = world.connected(A, B);
    world.write(near, &[7; 30]).unwrap();
    world.run();
    assert_eq!((world.closed(), world.read(far, 99)), (vec![], Ok(vec![7; 30])));
}

#[test]
fn a_host_that_is_gone_is_told_nothing() {
    let mut world = World::new(quiet());
    let (near, _) = world.connected(A, B);
    world.write(near, b"x").unwrap();
    world.send_each(A, B, [1]);
    let _asked = world.connect(A, B.at(World::PORT));
    // All arrives, and before anybody looks, the power fails.
    let at = world.now + ms(10);
    world.net.handle_timeout(at);
    world.crash(B, Crash::Silent);
    assert_eq!(world.net.poll_event(), None);
    world.boot(B);
    assert_eq!(world.net.poll_event(), None);
}
