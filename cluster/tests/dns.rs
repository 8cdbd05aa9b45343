//! Nodes by DNS, of a name server that answers on this machine.
#![allow(
    clippy::disallowed_methods,
    reason = "the name server is no part of what is tested: it has a thread"
)]

use ravelin_cluster::discovery::{Discovery, Dns, SystemDns};
use std::net::{SocketAddr, UdpSocket};
use std::thread;

const A: u16 = 1;
const SRV: u16 = 33;
const NOT_THERE: u8 = 3;
const FAILED: u8 = 2;

/// The labels of a name, as they go over the wire.
fn labels(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.') {
        bytes.push(label.len() as u8);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

fn service(port: u16, target: &str) -> Vec<u8> {
    let mut bytes = vec![0, 10, 0, 5];
    bytes.extend(port.to_be_bytes());
    bytes.extend(labels(target));
    bytes
}

/// What there is of this name and type.
fn records(name: &[u8], of: u16) -> Result<Vec<Vec<u8>>, u8> {
    let is = |text: &str| labels(text).eq_ignore_ascii_case(name);
    match of {
        A if is("chat.test") => Ok(vec![vec![10, 0, 0, 1], vec![10, 0, 0, 2]]),
        SRV if is("_ravelin._tcp.chat.test") => {
            Ok(vec![service(4370, "one.chat.test"), service(4371, "two.chat.test")])
        }
        _ if is("chat.test") => Ok(Vec::new()),
        _ if is("ill.test") => Err(FAILED),
        _ => Err(NOT_THERE),
    }
}

fn answer(query: &[u8]) -> Vec<u8> {
    let name_len = query[12..].iter().position(|byte| *byte == 0).expect("a name ends") + 1;
    let (name, rest) = query[12..].split_at(name_len);
    let of = u16::from_be_bytes([rest[0], rest[1]]);
    let found = records(name, of);
    let (code, found) = match found {
        Ok(found) => (0, found),
        Err(code) => (code, Vec::new()),
    };
    let mut bytes = query[..2].to_vec();
    bytes.extend([0x81, 0x80 | code, 0, 1, 0, found.len() as u8, 0, 0, 0, 0]);
    bytes.extend(name);
    bytes.extend(&rest[..4]);
    for record in found {
        // The name of the question, class IN, an hour.
        bytes.extend([0xc0, 12]);
        bytes.extend(of.to_be_bytes());
        bytes.extend([0, 1, 0, 0, 14, 16]);
        bytes.extend((record.len() as u16).to_be_bytes());
        bytes.extend(record);
    }
    bytes
}

/// Answers as long as the process lives.
fn name_server() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((len, from)) = socket.recv_from(&mut query) {
            socket.send_to(&answer(&query[..len]), from).unwrap();
        }
    });
    at
}

fn find(names: &[&str]) -> Result<Vec<String>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let resolver = SystemDns::with_servers([name_server()]).unwrap();
        let dns = Dns::new(resolver, names.iter().map(|name| name.parse().unwrap()));
        let found = dns.find().await.map_err(|why| why.to_string())?;
        Ok(found.into_iter().map(|endpoint| endpoint.to_string()).collect())
    })
}

#[test]
fn the_addresses_of_a_host_and_the_targets_of_a_service_are_found() {
    let rows: [(&[&str], &[&str]); 4] = [
        (&["chat.test:4370"], &["10.0.0.1:4370", "10.0.0.2:4370"]),
        (&["srv:_ravelin._tcp.chat.test"], &["one.chat.test:4370", "two.chat.test:4371"]),
        (&["nobody.test:4370"], &[]),
        (&["srv:_ravelin._tcp.nobody.test", "chat.test:1"], &["10.0.0.1:1", "10.0.0.2:1"]),
    ];
    for (names, found) in rows {
        assert_eq!(find(names).unwrap(), found, "{names:?}");
    }
}

#[test]
fn a_name_server_that_fails_is_an_error_if_nothing_else_is_found() {
    let why = find(&["ill.test:4370"]).unwrap_err();
    assert!(why.contains("ill.test"), "{why}");
    assert_eq!(find(&["ill.test:4370", "chat.test:1"]).unwrap(), ["10.0.0.1:1", "10.0.0.2:1"]);
}
