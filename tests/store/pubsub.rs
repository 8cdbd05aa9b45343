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
