//! Every command, its errors, and pipelines.

use redis::Value;

use crate::server::{Server, ask, folder, told};

/// What is asked, and the answer. `{..}` keeps keys that are asked for together in one partition or, without it,
/// lets them lie anywhere.
const CONVERSATION: &[(&str, &str)] = &[
    ("PING", "+PONG"),
    ("PING hi", "hi"),
    ("ECHO hi", "hi"),
    ("SELECT 0", "+OK"),
    ("SELECT 1", "-ERR DB index is out of range"),
    ("GET none", "nil"),
    ("SET s 1", "+OK"),
    ("SET s 2 NX", "nil"),
    ("SET s 2 XX GET", "1"),
    ("GET s", "2"),
    ("APPEND s 34", ":3"),
    ("STRLEN s", ":3"),
    ("GETDEL s", "234"),
    ("EXISTS s", ":0"),
    ("INCR n", ":1"),
    ("INCRBY n 41", ":42"),
    ("DECR n", ":41"),
    ("DECRBY n 50", ":-9"),
    ("MSET a 1 b 2 c 3 d 4", "+OK"),
    ("MGET a b none c d", "[1 2 nil 3 4]"),
    ("EXISTS a b c none", ":3"),
    ("DEL a b none", ":2"),
    ("DBSIZE", ":3"),
    ("TYPE c", "+string"),
    ("TYPE none", "+none"),
    ("TTL c", ":-1"),
    ("TTL none", ":-2"),
    ("EXPIRE c 100", ":1"),
    ("TTL c", ":100"),
    ("SET c 3 KEEPTTL", "+OK"),
    ("PERSIST c", ":1"),
    ("PTTL c", ":-1"),
    ("PEXPIRE c 100000", ":1"),
    ("EXPIRE c -1", ":1"),
    ("EXISTS c", ":0"),
    ("SET t 1 EX 100", "+OK"),
    ("TTL t", ":100"),
    ("RPUSH l b c", ":2"),
    ("LPUSH l a", ":3"),
    ("LRANGE l 0 -1", "[a b c]"),
    ("LLEN l", ":3"),
    ("LPOP l", "a"),
    ("RPOP l 5", "[c b]"),
    ("LPOP l", "nil"),
    ("SADD m x y x", ":2"),
    ("SISMEMBER m x", ":1"),
    ("SCARD m", ":2"),
    ("SREM m x", ":1"),
    ("SMEMBERS m", "[y]"),
    ("HSET h f 1 g 2", ":2"),
    ("HGET h f", "1"),
    ("HGET h none", "nil"),
    ("HLEN h", ":2"),
    ("HDEL h f none", ":1"),
    ("HGETALL h", "[g 2]"),
    ("CLIENT SETNAME me", "+OK"),
    ("CLIENT GETNAME", "me"),
    ("CLIENT NO-EVICT on", "+OK"),
    ("CONFIG GET appendfsync", "[appendfsync everysec]"),
    ("COMMAND COUNT", ":52"),
    ("PUBLISH nobody hi", ":0"),
    ("HELLO 9", "-NOPROTO unsupported protocol version"),
    ("NONSENSE a b", "-ERR unknown command 'NONSENSE', with args beginning with: 'a' 'b' "),
    ("GET", "-ERR wrong number of arguments for 'get' command"),
    ("INCR h", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
    ("SET t x EX 0", "-ERR invalid expire time in 'set' command"),
    ("SET t x NX XX", "-ERR syntax error"),
    ("INCRBY n x", "-ERR value is not an integer or out of range"),
    ("LPOP l -1", "-ERR value is out of range, must be positive"),
    ("CONFIG SET a b", "-ERR unknown subcommand 'SET'. Try CONFIG HELP."),
    ("FLUSHALL", "+OK"),
    ("DBSIZE", ":0"),
];

#[track_caller]
fn check_conversation(options: &str) {
    let data = folder();
    let mut server = Server::start(&data, options);
    let mut client = server.client();
    for (line, expected) in CONVERSATION {
        assert_eq!(ask(&mut client, line), *expected, "{line}");
    }
    assert_eq!(ask(&mut client, "QUIT"), "+OK");
    assert!(server.stop().success());
}

#[test]
fn every_command_is_answered_as_redis_answers_it() {
    check_conversation("");
}

#[test]
fn every_command_is_answered_on_smol_too() {
    check_conversation("--runtime smol");
}

#[test]
fn one_partition_is_as_good_as_many() {
    check_conversation("--partitions 1");
}

#[test]
fn resp3_has_maps_and_sets() {
    let data = folder();
    let server = Server::start(&data, "");
    let mut client = server.client_of_resp3();
    for (line, expected) in [
        ("HSET h f 1", ":1"),
        ("HGETALL h", "(f=1)"),
        ("SADD s x", ":1"),
        ("SMEMBERS s", "{x}"),
        ("CONFIG GET appendfsync", "(appendfsync=everysec)"),
        ("GET none", "nil"),
    ] {
        assert_eq!(ask(&mut client, line), expected, "{line}");
    }
}

#[test]
fn a_pipeline_is_answered_in_order() {
    let data = folder();
    let server = Server::start(&data, "");
    let mut client = server.client();
    let mut pipe = redis::pipe();
    let mut expected = Vec::new();
    for n in 0..2000 {
        // Keys of all partitions, splits over them, errors, and commands that no partition sees.
        let key = format!("k{}", n % 50);
        pipe.cmd("INCR").arg(&key).cmd("MGET").arg(&key).arg("none").cmd("ECHO").arg(n);
        let count = n / 50 + 1;
        expected.extend([format!(":{count}"), format!("[{count} nil]"), n.to_string()]);
    }
    pipe.cmd("DBSIZE");
    expected.push(":50".to_owned());
    let values: Vec<Value> = pipe.query(&mut client).expect("answers");
    assert_eq!(values.iter().map(told).collect::<Vec<_>>(), expected);
}

#[test]
fn hello_changes_how_replies_look_from_there_on() {
    let data = folder();
    let server = Server::start(&data, "");
    let sent = "HSET h f v\r\nHGETALL h\r\nHELLO 3\r\nHGETALL h\r\nSUBSCRIBE c\r\nQUIT\r\n";
    let answer = crate::server::converse(server.stream(), sent.as_bytes());
    let (before, after) = answer.split_once("%7\r\n").expect("the answer to HELLO");
    assert_eq!(before, ":1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n");
    assert!(
        after.ends_with("%1\r\n$1\r\nf\r\n$1\r\nv\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n+OK\r\n"),
        "{after}"
    );
}

#[test]
fn keys_expire_whether_or_not_somebody_looks() {
    let data = folder();
    let server = Server::start(&data, "");
    let mut client = server.client();
    let mut pipe = redis::pipe();
    for n in 0..100 {
        pipe.cmd("SET").arg(format!("k{n}")).arg("x").arg("PX").arg(30);
    }
    pipe.exec(&mut client).expect("answers");
    assert_eq!(ask(&mut client, "SET looked-at x PX 20"), "+OK");
    while ask(&mut client, "GET looked-at") != "nil" {}
    // Nobody looks at the others; counting does not either.
    while ask(&mut client, "DBSIZE") != ":0" {}
}

#[test]
fn info_tells_of_the_server() {
    let data = folder();
    let server = Server::start(&data, "--partitions 3 --fsync no");
    let mut client = server.client();
    ask(&mut client, "SET a 1");
    ask(&mut client, "SET b 1 EX 100");
    let info = ask(&mut client, "INFO");
    for line in
        ["partitions:3", "connected_clients:1", "appendfsync:no", "actor_crashes:0", "db0:keys=2,expires=1"]
    {
        assert!(info.contains(line), "{line} is not in:\n{info}");
    }
    assert!(ask(&mut client, "INFO clients").starts_with("# Clients\r\n"));
}
