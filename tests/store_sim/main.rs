//! The store's tree in the simulator: its actors unchanged, a network and a disk that are not there, and all that can
//! go wrong with them. What clients were told is held against what they find later.
//!
//! `RAVELIN_SEEDS=10000 cargo test --release --test store_sim` for a long run.

#![allow(dead_code, unused_imports, unreachable_pub, missing_docs, reason = "parts of a program")]

macro_rules! parts {
    ($($part:ident at $path:literal;)*) => {$( #[path = $path] mod $part; )*};
}

parts! {
    reply at "../../examples/store/reply.rs";
    number at "../../examples/store/number.rs";
    protocol at "../../examples/store/protocol/mod.rs";
    command at "../../examples/store/command/mod.rs";
    route at "../../examples/store/route.rs";
    effect at "../../examples/store/effect.rs";
    keyspace at "../../examples/store/keyspace/mod.rs";
    journal at "../../examples/store/journal/mod.rs";
    config at "../../examples/store/config.rs";
    info at "../../examples/store/info.rs";
    session at "../../examples/store/session.rs";
    topic at "../../examples/store/topic.rs";
    line at "../../examples/store/line/mod.rs";
    actors at "../../examples/store/actors/mod.rs";
}

/// In the place of the sockets.
mod net;

mod admin;
mod bugs;
mod client;
mod disk;
mod ends;
mod host;
mod model;
mod runs;
