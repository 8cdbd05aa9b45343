//! Clients that misbehave: what it costs, and who notices.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use crate::server::{Server, ask, converse, folder, peak_memory};

/// More than a store needs that has hardly any keys, less than what the clients here would like it to hold.
const MEMORY_LIMIT: usize = 128 << 20;

#[test]
fn who_does_not_speak_the_protocol_is_told_and_cut_off() {
    let data = folder();
    let server = Server::start(&data, "");
    let mut bystander = server.client();
    let mut line_without_end = vec![b'x'; 1 << 20];
    line_without_end.extend(b"PING");
    let mut endless_bulk = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$33554433\r\n".to_vec();
    endless_bulk.resize(8 << 20, b'v');
    let rows: [(&[u8], &str); 6] = [
        (b"*1\r\nx\r\n", "-ERR Protocol error: expected '$', got 'x'\r\n"),
        (b"*x\r\n", "-ERR Protocol error: invalid multibulk length\r\n"),
        (b"*1\r\n$x\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
        (b"\"open\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"),
        (&line_without_end, "-ERR Protocol error: too big inline request\r\n"),
        (&endless_bulk, "-ERR Protocol error: invalid bulk length\r\n"),
    ];
    for (bytes, expected) in rows {
        assert_eq!(converse(server.stream(), bytes), expected);
        assert_eq!(ask(&mut bystander, "PING"), "+PONG");
    }
    // What came before the error is done and answered.
    let answer = converse(server.stream(), b"SET k v\r\nGET k\r\n*x\r\nSET k w\r\n");
    assert_eq!(answer, "+OK\r\n$1\r\nv\r\n-ERR Protocol error: invalid multibulk length\r\n");
    assert_eq!(ask(&mut bystander, "GET k"), "v");
    assert!(peak_memory(server.pid()) < MEMORY_LIMIT);
}

#[test]
fn a_client_that_does_not_read_its_replies_is_not_read_from() {
    let data = folder();
    let server = Server::start(&data, "");
    let mut bystander = server.client();
    assert_eq!(ask(&mut bystander, &format!("SET big {}", "x".repeat(100_000))), "+OK");
    let mut slow = server.stream();
    slow.set_write_timeout(Some(Duration::from_millis(100))).expect("a time limit");
    let requests = b"GET big\r\n".repeat(1000);
    let sent = loop {
        if let Err(error) = slow.write_all(&requests) {
            break error;
        }
        assert_eq!(ask(&mut bystander, "PING"), "+PONG");
    };
    assert!(matches!(sent.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{sent}");
    assert_eq!(ask(&mut bystander, "STRLEN big"), ":100000");
    assert!(peak_memory(server.pid()) < MEMORY_LIMIT);
    // It is not lost: when it reads, it is served.
    let mut start = [0; 9];
    slow.read_exact(&mut start).expect("an answer");
    assert_eq!(&start, b"$100000\r\n");
}

#[test]
fn a_listener_that_does_not_read_is_told_and_cut_off() {
    let data = folder();
    let server = Server::start(&data, "");
    let mut slow = server.stream();
    slow.write_all(b"SUBSCRIBE news\r\n").expect("room");
    let mut start = [0; 4];
    slow.read_exact(&mut start).expect("an answer");
    let (mut publisher, mut second) = (server.client(), server.client());
    let mut listener = second.as_pubsub();
    listener.subscribe("news").expect("an answer");
    let publish = format!("PUBLISH news {}", "x".repeat(100_000));
    let mut published = 0;
    while ask(&mut publisher, &publish) == ":2" {
        published += 1;
        assert_eq!(listener.get_message().expect("a message").get_payload_bytes().len(), 100_000);
    }
    let mut rest = Vec::new();
    slow.read_to_end(&mut rest).expect("an end");
    let rest = String::from_utf8_lossy(&rest);
    assert!(rest.ends_with("-ERR closing: this client reads too slowly, its output buffer is full\r\n"));
    assert!(rest.len() < published * 100_000, "something was left out");
    assert!(peak_memory(server.pid()) < MEMORY_LIMIT);
}

#[test]
fn too_many_clients_are_turned_away() {
    let data = folder();
    let server = Server::start(&data, "--max-clients 2");
    let (mut first, second) = (server.client(), server.client());
    // One that is let in says nothing, and is answered nothing.
    let knock = || {
        let stream = server.stream();
        stream.shutdown(Shutdown::Write).expect("a connection");
        converse(stream, b"")
    };
    assert_eq!(knock(), "-ERR max number of clients reached\r\n");
    assert_eq!(ask(&mut first, "PING"), "+PONG");
    drop(second);
    // Its place is free as soon as its end is noticed.
    while !knock().is_empty() {}
}

#[test]
fn a_full_disk_is_an_error_and_nothing_else_is_lost() {
    let data = folder();
    let server = Server::start_with_file_limit(&data, 8 << 10, "--fsync always");
    let mut client = server.client();
    let value = "x".repeat(100_000);
    let kept = (0..).position(|n| {
        let answer = ask(&mut client, &format!("SET k{n} {value}"));
        assert!(answer == "+OK" || answer.starts_with("-MISCONF Errors writing to the journal"), "{answer}");
        answer != "+OK"
    });
    let kept = kept.expect("an end");
    assert!(kept > 0);
    assert_eq!(ask(&mut client, &format!("EXISTS k{kept}")), ":0");
    for n in 0..kept {
        assert_eq!(ask(&mut client, &format!("STRLEN k{n}")), ":100000");
    }
}
