//! Requests as rows: the words, and what they mean or the error in Redis's words.

use super::*;

fn request(line: &str) -> Vec<Bytes> {
    line.split_whitespace().map(|word| Bytes::from(word.to_owned())).collect()
}

fn key() -> Bytes {
    Bytes::from_static(b"k")
}

fn word(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn on(act: OnKey) -> KeyCommand {
    KeyCommand::On(key(), act)
}

fn set(expiry: Expiry, when: SetWhen, get: bool) -> KeyCommand {
    on(OnKey::Set(SetCommand { value: word("v"), expiry, when, get }))
}

fn expire(after_ms: i64, when: ExpireWhen) -> KeyCommand {
    on(OnKey::Expire { after_ms, when, name: "expire" })
}

#[test]
fn commands_on_keys() {
    use KeyCommand as K;
    let rows = [
        ("GET k", on(OnKey::Get)),
        ("gEt k", on(OnKey::Get)),
        ("set k v", set(Expiry::Never, SetWhen::Always, false)),
        ("set k v ex 10 nx", set(Expiry::After(10_000), SetWhen::Missing, false)),
        ("set k v XX PX 10 GET", set(Expiry::After(10), SetWhen::Present, true)),
        ("set k v EXAT 10", set(Expiry::At(10_000), SetWhen::Always, false)),
        ("set k v PXAT 10", set(Expiry::At(10), SetWhen::Always, false)),
        ("set k v KEEPTTL", set(Expiry::Keep, SetWhen::Always, false)),
        ("getdel k", on(OnKey::GetDel)),
        ("mget k k", K::MGet(vec![key(), key()])),
        ("mset k 1 k 2", K::MSet(vec![(key(), word("1")), (key(), word("2"))])),
        ("del k", K::Del(vec![key()])),
        ("exists k k", K::Exists(vec![key(), key()])),
        ("incr k", on(OnKey::IncrBy(1))),
        ("decr k", on(OnKey::IncrBy(-1))),
        ("incrby k -5", on(OnKey::IncrBy(-5))),
        ("decrby k 5", on(OnKey::IncrBy(-5))),
        ("append k v", on(OnKey::Append(word("v")))),
        ("expire k 10", expire(10_000, ExpireWhen::Always)),
        ("expire k -1 nx", expire(-1000, ExpireWhen::Unset)),
        ("expire k 1 xx gt", expire(1000, ExpireWhen::Set { and: Some(Compare::Later) })),
        ("expire k 1 lt xx", expire(1000, ExpireWhen::Set { and: Some(Compare::Earlier) })),
        ("expire k 1 lt", expire(1000, ExpireWhen::If(Compare::Earlier))),
        ("ttl k", on(OnKey::Ttl(Unit::Seconds))),
        ("pttl k", on(OnKey::Ttl(Unit::Millis))),
        ("flushall", K::FlushAll),
        ("flushall async", K::FlushAll),
        ("lpush k a b", on(OnKey::Push(End::Left, vec![word("a"), word("b")]))),
        ("rpop k", on(OnKey::Pop(End::Right, None))),
        ("lpop k 0", on(OnKey::Pop(End::Left, Some(0)))),
        ("lrange k 0 -1", on(OnKey::LRange(0, -1))),
        ("hset k f v", on(OnKey::HSet(vec![(word("f"), word("v"))]))),
        ("hdel k f", on(OnKey::HDel(vec![word("f")]))),
    ];
    for (line, expected) in rows {
        assert_eq!(parse(request(line)), Ok(Command::Keys(expected)), "{line}");
    }
}

#[test]
fn commands_of_the_connection_and_the_broker() {
    let hello = |version, name| Command::Local(Local::Hello(Hello { version, name }));
    let rows = [
        ("ping", Command::Local(Local::Ping(None))),
        ("ping x", Command::Local(Local::Ping(Some(word("x"))))),
        ("select 0", Command::Local(Local::Select)),
        ("hello", hello(None, None)),
        ("hello 3", hello(Some(Version::Resp3), None)),
        ("hello 2 auth default x setname me", hello(Some(Version::Resp2), Some(word("me")))),
        ("client id", Command::Local(Local::Client(Client::Id))),
        ("client setname me", Command::Local(Local::Client(Client::SetName(word("me"))))),
        (
            "client setinfo lib-ver 1",
            Command::Local(Local::Client(Client::SetInfo(LibraryInfo::Version, word("1")))),
        ),
        ("client no-evict on", Command::Local(Local::Client(Client::Ignored))),
        ("command", Command::Local(Local::CommandAll)),
        ("command count", Command::Local(Local::CommandCount)),
        ("command docs get", Command::Local(Local::CommandDocs(vec![word("get")]))),
        ("config get save", Command::Local(Local::ConfigGet(vec![word("save")]))),
        ("quit now", Command::Local(Local::Quit)),
        ("publish c m", Command::PubSub(PubSub::Publish(word("c"), word("m")))),
        ("subscribe a b", Command::PubSub(PubSub::Subscribe(Kind::Channel, vec![word("a"), word("b")]))),
        ("psubscribe a*", Command::PubSub(PubSub::Subscribe(Kind::Pattern, vec![word("a*")]))),
        ("unsubscribe", Command::PubSub(PubSub::Unsubscribe(Kind::Channel, vec![]))),
        ("punsubscribe", Command::PubSub(PubSub::Unsubscribe(Kind::Pattern, vec![]))),
    ];
    for (line, expected) in rows {
        assert_eq!(parse(request(line)), Ok(expected), "{line}");
    }
}

#[test]
fn errors_are_worded_as_redis_words_them() {
    const ARITY: &str = "ERR wrong number of arguments for";
    const INTEGER: &str = "ERR value is not an integer or out of range";
    const SYNTAX: &str = "ERR syntax error";
    let rows = [
        ("foo", "ERR unknown command 'foo', with args beginning with: ".into()),
        ("foo a b", "ERR unknown command 'foo', with args beginning with: 'a' 'b' ".into()),
        ("get", format!("{ARITY} 'get' command")),
        ("GET a b", format!("{ARITY} 'get' command")),
        ("ping a b", format!("{ARITY} 'ping' command")),
        ("mset a", format!("{ARITY} 'mset' command")),
        ("mset a 1 b", format!("{ARITY} 'mset' command")),
        ("hset k f v g", format!("{ARITY} 'hset' command")),
        ("lpop k 1 2", format!("{ARITY} 'lpop' command")),
        ("config get", format!("{ARITY} 'config|get' command")),
        ("client setname", format!("{ARITY} 'client|setname' command")),
        ("client foo", "ERR unknown subcommand 'foo'. Try CLIENT HELP.".into()),
        ("config set a b", "ERR unknown subcommand 'set'. Try CONFIG HELP.".into()),
        ("client setinfo x y", "ERR Unrecognized option 'x'".into()),
        ("client no-evict maybe", SYNTAX.into()),
        ("set k v foo", SYNTAX.into()),
        ("set k v nx xx", SYNTAX.into()),
        ("set k v ex 1 px 1", SYNTAX.into()),
        ("set k v ex 1 keepttl", SYNTAX.into()),
        ("set k v ex", SYNTAX.into()),
        ("set k v ex x", INTEGER.into()),
        ("set k v ex 0", "ERR invalid expire time in 'set' command".into()),
        ("set k v px -1", "ERR invalid expire time in 'set' command".into()),
        ("set k v ex 9223372036854775807", "ERR invalid expire time in 'set' command".into()),
        ("expire k 9223372036854775807", "ERR invalid expire time in 'expire' command".into()),
        ("expire k x", INTEGER.into()),
        ("expire k 1 foo", "ERR Unsupported option foo".into()),
        ("expire k 1 nx gt", "ERR NX and XX, GT or LT options at the same time are not compatible".into()),
        ("expire k 1 lt gt", "ERR GT and LT options at the same time are not compatible".into()),
        ("incrby k 1.5", INTEGER.into()),
        ("decrby k -9223372036854775808", "ERR decrement would overflow".into()),
        ("lrange k 0 x", INTEGER.into()),
        ("lpop k -1", "ERR value is out of range, must be positive".into()),
        ("lpop k x", "ERR value is out of range, must be positive".into()),
        ("flushall now", SYNTAX.into()),
        ("select 1", "ERR DB index is out of range".into()),
        ("select x", INTEGER.into()),
        ("hello 4", "NOPROTO unsupported protocol version".into()),
        ("hello x", "ERR Protocol version is not an integer or out of range".into()),
        ("hello 3 foo", "ERR Syntax error in HELLO option 'foo'".into()),
        ("hello 3 auth root x", "WRONGPASS invalid username-password pair or user is disabled.".into()),
    ];
    for (line, expected) in rows {
        assert_eq!(parse(request(line)), Err(Reply::error(expected)), "{line}");
    }
}

#[test]
fn what_an_error_quotes_is_bounded() {
    let long = "x".repeat(10_000);
    for line in
        [long.clone(), format!("foo {long} {long}"), format!("expire k 1 {long}"), format!("hello 3 {long}")]
    {
        let Err(Reply::Error(text)) = parse(request(&line)) else { panic!("no error") };
        assert!(text.len() < 400, "{} bytes", text.len());
    }
}

#[test]
fn names_that_would_break_a_listing_are_refused() {
    for name in ["a b", "a\nb", "\u{e9}", "\u{7f}"] {
        let request = ["client", "setname", name].map(|word| Bytes::from(word.to_owned())).to_vec();
        let expected = "ERR Client names cannot contain spaces, newlines or special characters.";
        assert_eq!(parse(request), Err(Reply::error(expected)), "{name:?}");
    }
}
