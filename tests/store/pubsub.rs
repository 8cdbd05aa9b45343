//! Messages between clients.

use crate::server::{Server, ask, converse, folder};

#[test]
fn what_is_published_reaches_who_listens_and_nobody_else() {
    let data = folder();
    let server = Server::start(&data, "");
    let (mut publisher, mut first, mut second) = (server.client(), server.client(), server.client());
    let mut listener = first.as_pubsub();
    listener.subscribe(&["a", "b"]).expect("an answer");
    let mut other = second.as_pubsub();
    other.subscribe("b").expect("an answer");

    assert_eq!(ask(&mut publisher, "PUBLISH a 1"), ":1");
    assert_eq!(ask(&mut publisher, "PUBLISH b 2"), ":2");
    assert_eq!(ask(&mut publisher, "PUBLISH c 3"), ":0");
    for (channel, text) in [("a", "1"), ("b", "2")] {
        let message = listener.get_message().expect("a message");
        assert_eq!(
            (message.get_channel_name(), message.get_payload::<String>().unwrap().as_str()),
            (channel, text)
        );
    }
    assert_eq!(other.get_message().expect("a message").get_payload::<String>().unwrap(), "2");

    listener.unsubscribe("b").expect("an answer");
    assert_eq!(ask(&mut publisher, "PUBLISH b 4"), ":1");
    drop((listener, other));
    drop((first, second));
    // Once their ends are noticed, nobody listens.
    while ask(&mut publisher, "PUBLISH a 5") != ":0" {}
}

#[test]
fn a_client_that_listens_may_do_little_else() {
    let data = folder();
    let server = Server::start(&data, "");
    let answer =
        converse(server.stream(), b"SUBSCRIBE c\r\nGET k\r\nPING\r\nUNSUBSCRIBE\r\nGET k\r\nQUIT\r\n");
    let expected = "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n\
        -ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n\
        *2\r\n$4\r\npong\r\n$0\r\n\r\n\
        *3\r\n$11\r\nunsubscribe\r\n$1\r\nc\r\n:0\r\n\
        $-1\r\n\
        +OK\r\n";
    assert_eq!(answer, expected);
}

#[test]
fn a_pattern_is_for_all_channels_whose_names_match() {
    let data = folder();
    let server = Server::start(&data, "");
    let answer = converse(
        server.stream(),
        b"HELLO 3\r\nSUBSCRIBE c1\r\nPSUBSCRIBE c[12] x*\r\nPUBLISH c1 m\r\nUNSUBSCRIBE\r\nPUNSUBSCRIBE x*\r\n\
          PUBLISH c2 n\r\nPUBLISH c3 n\r\nPUNSUBSCRIBE\r\nPUBLISH c1 n\r\nQUIT\r\n",
    );
    let told = answer.replace("\r\n", " ");
    let parts = [
        "$9 subscribe $2 c1 :1",
        "$10 psubscribe $5 c[12] :2",
        "$10 psubscribe $2 x* :3",
        "$7 message $2 c1 $1 m",
        "$8 pmessage $5 c[12] $2 c1 $1 m",
        "$11 unsubscribe $2 c1 :2",
        "$12 punsubscribe $2 x* :1",
        "$8 pmessage $5 c[12] $2 c2 $1 n",
        "$12 punsubscribe $5 c[12] :0",
    ];
    for part in parts {
        assert_eq!(told.matches(part).count(), 1, "{part} in {told}");
    }
    assert_eq!(told.matches("message").count(), 3, "{told}");
}
