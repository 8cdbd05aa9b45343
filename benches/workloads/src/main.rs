//! Eleven workloads on ravelin, one JSON line each: one more column beside the peers that other frameworks are measured by.
//!
//! `workloads WORKLOAD [--n N] [--mailbox bounded|unbounded] [--runtime tokio|smol] [--as NAME]`
//!
//! | name | one operation is |
//! |---|---|
//! | tell, tell4 | a one-word message from one (four) tasks to one actor, until it has counted all |
//! | ask | a call and its answer, one after the other |
//! | ask_many | the same from 1000 callers over 100 actors |
//! | ask_actor | the same from an actor |
//! | ask_apart | the same, of an actor that is never run in place |
//! | ring | one hop of one token in a ring of 1000 actors |
//! | spawn | start an actor, get one message handled, stop it |
//! | restart | from the message that crashes a supervised child to the answer of the next incarnation |
//! | skynet | a leaf of a tree of actors, ten children each, that sums up to the root |
//! | fanout | one delivery to one of 1000 subscribers |
//!
//! Each asserts its sums and answers: a figure for work that was not done is worth nothing.

mod run;

mod driver;

mod crowds;
mod messages;
mod restarts;
mod trees;

use driver::Bench;
use run::Run;

fn main() {
    let run = Run::parse("ravelin");
    if run.workload == "restart" {
        restarts::silence_panics();
    }
    driver::drive(run, |bench| async move { workload(&bench).await });
}

async fn workload(bench: &Bench) {
    match bench.run.workload.as_str() {
        "tell" => messages::tell(bench, 1).await,
        "tell4" => messages::tell(bench, messages::PRODUCERS).await,
        "ask" => messages::ask(bench).await,
        "ask_many" => messages::ask_many(bench).await,
        "ask_actor" => messages::ask_actor(bench).await,
        "ask_apart" => messages::ask_apart(bench).await,
        "ring" => crowds::ring(bench).await,
        "spawn" => trees::spawn(bench).await,
        "restart" => restarts::restart(bench).await,
        "skynet" => trees::skynet(bench).await,
        "fanout" => crowds::fanout(bench).await,
        _ => bench.run.unsupported("no such workload"),
    }
}
