//! Several stores: what is published on one is heard on all, and nothing else is shared.

use redis::{Connection, Msg};

use crate::server::{Server, ask, folder};

fn heard(message: &Msg) -> (Option<String>, String, String) {
    let pattern = message.get_pattern().expect("it may be there");
    (pattern, message.get_channel_name().to_owned(), message.get_payload().expect("text"))
}

/// Asks until the store knows so many others.
fn await_peers(client: &mut Connection, count: usize) {
    while !ask(client, "INFO cluster").contains(&format!("cluster_peers:{count}\r")) {}
}

#[test]
fn what_is_published_on_one_store_is_heard_on_all_until_one_is_lost() {
    let (data, other) = (folder(), folder());
    let certs = data.path().join("certs");
    let certs = certs.display();
    let mut first = Server::start(&data, &format!("--cluster-port 0 --certs {certs}"));
    let join = first.endpoint();
    let mut second = Server::start(&other, &format!("--join {join} --runtime smol --certs {certs}"));
    let (mut here, mut there) = (first.client(), second.client());
    await_peers(&mut here, 1);
    await_peers(&mut there, 1);

    let (mut one, mut two) = (first.client(), second.client());
    let (mut by_name, mut by_pattern) = (one.as_pubsub(), two.as_pubsub());
    by_name.subscribe("news").expect("an answer");
    by_pattern.psubscribe("n?ws").expect("an answer");
    let row =
        |pattern: Option<&str>, text: &str| (pattern.map(str::to_owned), "news".to_owned(), text.to_owned());
    // Each store counts those who listen to it.
    assert_eq!(ask(&mut there, "PUBLISH news 1"), ":1");
    assert_eq!(heard(&by_name.get_message().expect("a message")), row(None, "1"));
    assert_eq!(heard(&by_pattern.get_message().expect("a message")), row(Some("n?ws"), "1"));
    assert_eq!(ask(&mut here, "PUBLISH other 2"), ":0");
    assert_eq!(ask(&mut here, "PUBLISH news 3"), ":1");
    assert_eq!(heard(&by_name.get_message().expect("a message")), row(None, "3"));
    assert_eq!(heard(&by_pattern.get_message().expect("a message")), row(Some("n?ws"), "3"));

    assert_eq!(ask(&mut here, "SET k v"), "+OK");
    assert_eq!(ask(&mut there, "GET k"), "nil");

    second.kill();
    await_peers(&mut here, 0);
    assert_eq!(ask(&mut here, "PUBLISH news 4"), ":1");
    assert_eq!(heard(&by_name.get_message().expect("a message")), row(None, "4"));
    drop(by_name);
    drop((one, here));
    assert!(first.stop().success());
}

#[test]
fn a_store_that_leaves_is_gone_and_one_that_is_alone_has_no_cluster() {
    let (data, other, alone) = (folder(), folder(), folder());
    let certs = data.path().join("certs");
    let certs = certs.display();
    let first = Server::start(&data, &format!("--cluster-port 0 --node a --certs {certs}"));
    let join = first.endpoint();
    let mut second = Server::start(&other, &format!("--join {join} --node b --certs {certs}"));
    let mut here = first.client();
    await_peers(&mut here, 1);
    assert!(second.stop().success());
    await_peers(&mut here, 0);

    let alone = Server::start(&alone, "");
    assert!(ask(&mut alone.client(), "INFO cluster").contains("cluster_enabled:0\r"));
}
