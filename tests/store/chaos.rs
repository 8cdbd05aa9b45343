//! Actors are killed while clients work, and then the process.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use redis::{Connection, RedisResult};

use crate::server::{Server, ask, folder};

const CLIENTS: usize = 4;
const PIPELINE: i64 = 8;

/// What a client knows for sure: the store answered.
#[derive(Default)]
struct Acknowledged {
    count: i64,
    keys: i64,
}

/// Counts, and writes keys, as long as it may: each answer must be what it would be if nothing were ever killed.
fn work(client: &mut Connection, name: usize, may_go_on: &AtomicBool) -> (Acknowledged, RedisResult<()>) {
    let mut known = Acknowledged::default();
    while may_go_on.load(Relaxed) {
        let mut pipe = redis::pipe();
        for n in 0..PIPELINE {
            let key = known.keys + n;
            pipe.cmd("INCR")
                .arg(format!("count{name}"))
                .cmd("SET")
                .arg(format!("k{name}:{key}"))
                .arg(key)
                .ignore();
        }
        let counts: Vec<i64> = match pipe.query(client) {
            Ok(counts) => counts,
            Err(error) => return (known, Err(error)),
        };
        let expected: Vec<i64> = (1..=PIPELINE).map(|n| known.count + n).collect();
        assert_eq!(counts, expected, "client {name}: each is counted once");
        known = Acknowledged { count: known.count + PIPELINE, keys: known.keys + PIPELINE };
    }
    (known, Ok(()))
}

/// Lets clients work while actors are killed, and calls `end` after so many kills.
fn suffer(
    server: &mut Server,
    kills: usize,
    end: impl FnOnce(&mut Server, &AtomicBool),
) -> Vec<(Acknowledged, RedisResult<()>)> {
    let may_go_on = AtomicBool::new(true);
    let clients: Vec<Connection> = (0..CLIENTS).map(|_| server.client()).collect();
    thread::scope(|scope| {
        let may_go_on = &may_go_on;
        let working = clients
            .into_iter()
            .enumerate()
            .map(|(name, mut client)| scope.spawn(move || work(&mut client, name, may_go_on)));
        let working: Vec<_> = working.collect();
        for _ in 0..kills {
            let line = server.line();
            assert!(line.starts_with("chaos: killed "), "{line}");
        }
        end(server, may_go_on);
        working.into_iter().map(|work| work.join().expect("what a client asserts holds")).collect()
    })
}

#[track_caller]
fn check_chaos(options: &str) {
    let data = folder();
    let mut server = Server::start(&data, options);
    for (name, (known, outcome)) in
        suffer(&mut server, 150, |_, go_on| go_on.store(false, Relaxed)).into_iter().enumerate()
    {
        outcome.expect("no client notices anything");
        assert!(known.count > 0);
        let count = ask(&mut server.client(), &format!("GET count{name}"));
        assert_eq!(count, known.count.to_string());
    }
    assert!(server.stop().success());
}

#[test]
fn clients_do_not_notice_that_actors_are_killed() {
    check_chaos("--chaos 200/s");
}

#[test]
fn clients_do_not_notice_that_actors_are_killed_on_smol() {
    check_chaos("--chaos 200/s --runtime smol --partitions 2");
}

#[test]
fn what_was_acknowledged_survives_kills_of_actors_and_of_the_process() {
    let data = folder();
    let mut server = Server::start(&data, "--chaos 200/s --fsync always");
    let worked = suffer(&mut server, 60, |server, _| server.kill());
    let server = Server::start(&data, "--fsync always");
    let mut client = server.client();
    for (name, (known, outcome)) in worked.into_iter().enumerate() {
        assert!(outcome.is_err(), "the process was killed");
        let count: i64 = ask(&mut client, &format!("GET count{name}")).parse().unwrap_or(0);
        let possible = known.count..=known.count + PIPELINE;
        assert!(possible.contains(&count), "client {name}: {count} is not in {possible:?}");
        for key in 0..known.keys {
            assert_eq!(ask(&mut client, &format!("GET k{name}:{key}")), key.to_string(), "client {name}");
        }
    }
}

#[test]
fn a_listener_gets_every_message_once_although_the_hub_is_killed() {
    let data = folder();
    let server = Server::start(&data, "--chaos 200/s");
    let (mut publisher, mut listening) = (server.client(), server.client());
    let mut listener = listening.as_pubsub();
    listener.subscribe("news").expect("an answer");
    for n in 0..2000 {
        assert_eq!(ask(&mut publisher, &format!("PUBLISH news {n}")), ":1");
        let message = listener.get_message().expect("a message");
        assert_eq!(message.get_payload::<i64>().expect("a number"), n);
    }
}
