//! The tests inside the parts of `examples/store`. The example itself is built as the program that `tests/store`
//! runs, so its parts get a root for testing here.

#![allow(dead_code, unused_imports, unreachable_pub, missing_docs, reason = "parts of a program")]

macro_rules! parts {
    ($($part:ident at $path:literal;)*) => {$( #[path = $path] mod $part; )*};
}

parts! {
    reply at "../examples/store/reply.rs";
    number at "../examples/store/number.rs";
    protocol at "../examples/store/protocol/mod.rs";
    command at "../examples/store/command/mod.rs";
    route at "../examples/store/route.rs";
    effect at "../examples/store/effect.rs";
    keyspace at "../examples/store/keyspace/mod.rs";
    journal at "../examples/store/journal/mod.rs";
    config at "../examples/store/config.rs";
    info at "../examples/store/info.rs";
    session at "../examples/store/session.rs";
    topic at "../examples/store/topic.rs";
    net at "../examples/store/net.rs";
    line at "../examples/store/line/mod.rs";
}
