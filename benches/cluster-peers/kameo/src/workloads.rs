//! What is measured.

use crate::actors::{Blob, Count, Die, Echo, Idle, Idler, Octets, SMALL, Sink, Watcher};
use crate::node::Node;
use futures::{StreamExt, future, stream};
use kameo::prelude::*;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// How many small ones are on their way at once. By itself a connection has 100 streams and loses what is beyond them,
/// so each is acknowledged and no more than these wait for it. With 96 it is no faster.
const WINDOW: u64 = 64;
const BLOB: usize = 8 << 20;
const PING_EVERY: Duration = Duration::from_millis(5);
/// When nothing has come for so long, all has come.
const QUIET: Duration = Duration::from_secs(2);

async fn flood(sink: &RemoteActorRef<Sink>, count: u64, senders: u64) {
    let window = (WINDOW / senders) as usize;
    let senders = (0..senders).map(|_| {
        let sink = sink.clone();
        tokio::spawn(async move {
            let acks = stream::iter(0..count).map(|_| sink.tell(&SMALL).send_ack());
            acks.buffer_unordered(window).for_each(async |ack| ack.expect("it is taken")).await;
            sink.ask(&Count).await.expect("an answer")
        })
    });
    for each in future::join_all(senders).await {
        each.expect("it ran");
    }
}

pub(crate) async fn oneway(name: &str, node: &Node, count: u64, senders: u64) {
    let other = node.other().await;
    let (sink, each) = (&other.sink, count / senders);
    flood(sink, each / 20, senders).await;
    let before = sink.ask(&Count).await.expect("an answer");
    let begun = Instant::now();
    flood(sink, each, senders).await;
    let took = begun.elapsed();
    assert_eq!(sink.ask(&Count).await.expect("an answer"), before + each * senders, "some were lost");
    report(name, each * senders, took, &[]);
}

/// As kameo sends by itself: nothing is waited for. Each is sent with Ok, and many are lost; this counts what comes.
pub(crate) async fn unacked(node: &Node, count: u64) {
    let other = node.other().await;
    let begun = Instant::now();
    for _ in 0..count {
        other.sink.tell(&SMALL).send().expect("it is sent");
    }
    let (mut came, mut last) = (0, begun);
    while last.elapsed() < QUIET {
        // The question itself may find no stream.
        if let Ok(now) = other.sink.ask(&Count).await
            && now > came
        {
            (came, last) = (now, Instant::now());
        }
        tokio::time::sleep(PING_EVERY).await;
    }
    report("unacked", came, last - begun, &[("sent", count as f64)]);
}

pub(crate) async fn calls(name: &str, node: &Node, count: u64, callers: u64) {
    let other = node.other().await;
    let round = async |count: u64| {
        let callers = (0..callers).map(|_| {
            let sink = other.sink.clone();
            tokio::spawn(async move {
                let mut each = Vec::new();
                for number in 0..count {
                    let begun = Instant::now();
                    assert_eq!(sink.ask(&Echo(number)).await.expect("an answer"), number);
                    each.push(begun.elapsed());
                }
                each
            })
        });
        future::join_all(callers).await
    };
    round(2_000 / callers).await;
    let begun = Instant::now();
    let each = round(count / callers).await;
    let took = begun.elapsed();
    report_each(name, took, each.into_iter().flat_map(|each| each.expect("it ran")).collect(), &[]);
}

/// A watcher, and what it says.
async fn watcher()
-> (RemoteActorRef<Watcher>, ActorRef<Watcher>, UnboundedReceiver<(Instant, ActorStopReason)>) {
    let (told, ends) = unbounded_channel();
    let watcher = Watcher::spawn(told);
    (watcher.into_remote_ref().await, watcher, ends)
}

/// An actor of the other process, linked there for certain. kameo has links and no monitors. Only the link of a remote
/// reference is told to the other side; that of an `ActorRef` stays at home, and no word comes of an end.
async fn linked(watcher: &RemoteActorRef<Watcher>, sink: &RemoteActorRef<Sink>) -> RemoteActorRef<Idle> {
    let idle = sink.ask(&Idler).await.expect("an answer");
    watcher.link_remote(&idle).await.expect("a link");
    idle
}

pub(crate) async fn down(node: &Node, count: u64) {
    let other = node.other().await;
    let (watcher, _kept, mut ends) = watcher().await;
    let (mut each, whole) = (Vec::new(), Instant::now());
    for _ in 0..count {
        let idle = linked(&watcher, &other.sink).await;
        let begun = Instant::now();
        idle.tell(&Die).send().expect("it is sent");
        let (ended, why) = ends.recv().await.expect("word of it");
        assert!(matches!(why, ActorStopReason::Killed), "{why:?}");
        each.push(ended - begun);
    }
    report_each("down", whole.elapsed(), each, &[]);
}

pub(crate) async fn nodedown(node: &Node, count: u64) {
    let (mut each, whole) = (Vec::new(), Instant::now());
    for _ in 0..count {
        let mut other = node.other().await;
        let (watcher, _kept, mut ends) = watcher().await;
        linked(&watcher, &other.sink).await;
        let begun = Instant::now();
        other.kill();
        let (ended, why) = ends.recv().await.expect("word of it");
        assert!(matches!(why, ActorStopReason::PeerDisconnected), "{why:?}");
        each.push(ended - begun);
    }
    report_each("nodedown", whole.elapsed(), each, &[]);
}

pub(crate) async fn bulk(node: &Node, count: u64) {
    let other = node.other().await;
    let sink = other.sink.clone();
    let blobs = tokio::spawn(async move {
        let (begun, blob) = (Instant::now(), Blob(Octets(vec![7; BLOB])));
        for _ in 0..count {
            assert_eq!(sink.ask(&blob).await.expect("an answer"), BLOB as u64);
        }
        begun.elapsed()
    });
    let mut each = Vec::new();
    while !blobs.is_finished() {
        let begun = Instant::now();
        assert_eq!(other.sink.ask(&Echo(1)).await.expect("an answer"), 1);
        let took = begun.elapsed();
        each.push(took);
        tokio::time::sleep(PING_EVERY.saturating_sub(took)).await;
    }
    let took = blobs.await.expect("the blobs");
    let mib_per_sec = count as f64 * (BLOB >> 20) as f64 / took.as_secs_f64();
    report_each("bulk", took, each, &[("mib_per_sec", mib_per_sec)]);
}

fn report_each(name: &str, took: Duration, mut each: Vec<Duration>, extra: &[(&str, f64)]) {
    each.sort_unstable();
    let us = |part: f64| each[((each.len() - 1) as f64 * part) as usize].as_nanos() as f64 / 1e3;
    let mut all = vec![("p50_us", us(0.5)), ("p99_us", us(0.99)), ("max_us", us(1.0))];
    all.extend_from_slice(extra);
    report(name, each.len() as u64, took, &all);
}

fn report(name: &str, count: u64, took: Duration, extra: &[(&str, f64)]) {
    let (secs, per_sec) = (took.as_secs_f64(), count as f64 / took.as_secs_f64());
    let extra: String = extra.iter().map(|(key, value)| format!(r#","{key}":{value:.1}"#)).collect();
    println!(
        r#"{{"peer":"kameo","workload":"{name}","n":{count},"secs":{secs:.6},"per_sec":{per_sec:.0}{extra}}}"#
    );
}
