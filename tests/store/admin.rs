//! `ADMIN`: the actors, seen and stopped from outside.

use std::io::{BufRead, BufReader, Write};

use redis::{Connection, Value};

use crate::server::{Server, ask, folder};

/// The lines of an answer.
fn lines(client: &mut Connection, line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split(' ').collect();
    redis::cmd(words[0]).arg(&words[1..]).query(client).expect("lines")
}

#[test]
fn without_the_option_it_is_refused() {
    let data = folder();
    let server = Server::start(&data, "");
    let mut client = server.client();
    for line in ["ADMIN HELP", "ADMIN SUSPEND journal"] {
        assert_eq!(
            ask(&mut client, line),
            "-ERR ADMIN is not enabled: start the store with --admin",
            "{line}"
        );
    }
    assert_eq!(ask(&mut client, "SET k v"), "+OK");
}

#[test]
fn it_tells_who_does_what() {
    let data = folder();
    let server = Server::start(&data, "--admin --partitions 3");
    let mut client = server.client();
    assert_eq!(ask(&mut client, "SET {a}k v"), "+OK");
    let all = lines(&mut client, "ADMIN STATUS");
    for name in ["store", "storage", "journal", "partition-2", "hub", "front", "connection-1", "watchdog"] {
        assert!(all.iter().any(|line| line.starts_with(&format!("{name} <"))), "{name}: {all:?}");
    }
    assert_eq!(lines(&mut client, "ADMIN STATUS partition-").len(), 3);
    assert_eq!(lines(&mut client, "ADMIN TOP 2").len(), 2);
    assert_eq!(lines(&mut client, "ADMIN WAITS"), [""; 0]);
    assert_eq!(ask(&mut client, "ADMIN STATE hub"), "0 channels, 0 listeners");
    let states = (0..3).map(|n| ask(&mut client, &format!("ADMIN STATE partition-{n}")));
    assert_eq!(states.filter(|state| state.contains(", 1 keys, ")).count(), 1);

    let rows = [
        ("ADMIN STATE nobody", "-ERR noproc: no such actor"),
        ("ADMIN STATE store", "-ERR it does not show its state: give it an `Actor::inspect`"),
        ("ADMIN TOP 0", "-ERR value is out of range, must be positive"),
        ("ADMIN TOP x", "-ERR value is not an integer or out of range"),
        ("ADMIN TRACE journal", "-ERR wrong number of arguments for 'admin' command"),
        ("ADMIN SHUTDOWN", "-ERR unknown subcommand 'SHUTDOWN'. Try ADMIN HELP."),
    ];
    for (line, expected) in rows {
        assert_eq!(ask(&mut client, line), expected, "{line}");
    }
    let help = lines(&mut client, "ADMIN HELP");
    for word in ["STATUS", "TOP", "TRACE", "SUSPEND", "RESUME", "STATE", "WAITS"] {
        assert!(help.iter().any(|line| line.starts_with(word)), "{word}: {help:?}");
    }
}

#[test]
fn a_suspended_partition_keeps_its_clients_waiting_and_loses_nothing() {
    let data = folder();
    let server = Server::start(&data, "--admin --partitions 1");
    let mut admin = server.client();
    assert_eq!(ask(&mut admin, "ADMIN SUSPEND partition-0"), "+OK");
    assert!(lines(&mut admin, "ADMIN STATUS partition-0")[0].contains(" Suspended,"));
    let mut waits = server.stream();
    waits.write_all(b"INCR n\r\n").expect("room");
    // It is asked at last.
    while !lines(&mut admin, "ADMIN TOP 1")[0].starts_with("partition-0 ") {}
    while !lines(&mut admin, "ADMIN TOP 1")[0].contains(" 1 wait,") {}
    assert_eq!(ask(&mut admin, "ADMIN STATE partition-0"), "slots 0..16384, 0 keys, 0 batches to be kept");
    assert_eq!(ask(&mut admin, "ADMIN RESUME partition-0"), "+OK");
    let mut answer = String::new();
    BufReader::new(waits).read_line(&mut answer).expect("an answer");
    assert_eq!(answer, ":1\r\n");
    assert_eq!(ask(&mut admin, "GET n"), "1");
}

#[test]
fn a_trace_ends_by_itself() {
    let data = folder();
    let server = Server::start(&data, "--admin --partitions 1");
    let (mut admin, mut client) = (server.client(), server.client());
    let trace = std::thread::spawn(move || lines(&mut admin, "ADMIN TRACE partition 4"));
    let mut asked = 0;
    while !trace.is_finished() {
        asked += 1;
        assert_eq!(ask(&mut client, "INCR n"), format!(":{asked}"));
    }
    let events = trace.join().expect("an answer");
    assert_eq!(events.len(), 4, "{events:?}");
    assert!(events.iter().any(|event| event.contains("partition::Execute")), "{events:?}");
}

#[test]
fn clients_are_served_while_somebody_looks_and_actors_are_killed() {
    let data = folder();
    let server = Server::start(&data, "--admin --chaos 200/s");
    let mut client = server.client();
    for n in 1..=300 {
        assert_eq!(ask(&mut client, "INCR n"), format!(":{n}"));
        assert!(!lines(&mut client, "ADMIN STATUS").is_empty());
        let state: Value = redis::cmd("ADMIN").arg("TOP").arg(3).query(&mut client).expect("an answer");
        assert!(matches!(state, Value::Array(lines) if lines.len() == 3));
    }
}
