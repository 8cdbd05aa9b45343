//! `oneway`, `oneway2`, `call` and `call_many` on two nodes of ractor_cluster: `peer-ractor WORKLOAD COUNT`.

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, call};
use ractor_cluster::{NodeServer, RactorClusterMessage, client_connect};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[derive(RactorClusterMessage)]
enum Message {
    Small(Vec<u8>),
    #[rpc]
    Count(RpcReplyPort<u64>),
    #[rpc]
    Echo(u64, RpcReplyPort<u64>),
}

struct Sink;

impl Actor for Sink {
    type Msg = Message;
    type State = u64;
    type Arguments = ();
    async fn pre_start(&self, me: ActorRef<Message>, (): ()) -> Result<u64, ActorProcessingErr> {
        ractor::pg::join("sink".into(), vec![me.get_cell()]);
        Ok(0)
    }
    async fn handle(&self, _: ActorRef<Message>, message: Message, count: &mut u64) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Small(bytes) => *count += u64::from(bytes[31]),
            Message::Count(reply) => drop(reply.send(*count)),
            Message::Echo(number, reply) => drop(reply.send(number)),
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args[0] == "other" {
        let port = free_port();
        node(port, "b").await;
        Actor::spawn(None, Sink, ()).await.expect("it starts");
        println!("{port}");
        std::future::pending::<()>().await;
    }
    let count: u64 = args[1].parse().expect("a count");
    let mut other = Command::new(std::env::current_exe().expect("this program"))
        .arg("other")
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let sink = connect(&mut other).await;
    match args[0].as_str() {
        "oneway" => oneway(&args[0], sink, count, 1).await,
        "oneway2" => oneway(&args[0], sink, count, 2).await,
        "call" => calls(&args[0], sink, count, 1).await,
        "call_many" => calls(&args[0], sink, count, 16).await,
        _ => {}
    }
    let _ = other.kill();
    std::process::exit(0)
}

fn free_port() -> u16 {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("its address").port()
}

async fn node(port: u16, name: &str) -> ActorRef<ractor_cluster::NodeServerMessage> {
    let server = NodeServer::new(port, "cookie".into(), name.into(), "localhost".into(), None, None);
    Actor::spawn(None, server, ()).await.expect("a node").0
}

async fn connect(other: &mut Child) -> ActorRef<Message> {
    let mut line = String::new();
    BufReader::new(other.stdout.take().expect("its output")).read_line(&mut line).expect("its port");
    let me = node(free_port(), "a").await;
    client_connect(&me, format!("127.0.0.1:{}", line.trim())).await.expect("a connection");
    loop {
        if let Some(sink) = ractor::pg::get_members(&"sink".to_string()).into_iter().next() {
            return sink.into();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn flood(sink: &ActorRef<Message>, count: u64, senders: u64) {
    let senders = (0..senders).map(|_| {
        let sink = sink.clone();
        tokio::spawn(async move {
            for _ in 0..count {
                sink.cast(Message::Small(vec![1; 32])).expect("it is sent");
            }
            call!(sink, Message::Count).expect("an answer")
        })
    });
    futures::future::join_all(senders).await;
}

async fn oneway(name: &str, sink: ActorRef<Message>, count: u64, senders: u64) {
    let each = count / senders;
    flood(&sink, each / 20, senders).await;
    let before = call!(sink, Message::Count).expect("an answer");
    let begun = Instant::now();
    flood(&sink, each, senders).await;
    let took = begun.elapsed();
    assert_eq!(call!(sink, Message::Count).expect("an answer"), before + each * senders, "some were lost");
    report(name, each * senders, took, "");
}

async fn calls(name: &str, sink: ActorRef<Message>, count: u64, callers: u64) {
    let round = async |count: u64| {
        let callers = (0..callers).map(|_| {
            let sink = sink.clone();
            tokio::spawn(async move {
                let mut each = Vec::new();
                for number in 0..count {
                    let begun = Instant::now();
                    assert_eq!(call!(sink, Message::Echo, number).expect("an answer"), number);
                    each.push(begun.elapsed());
                }
                each
            })
        });
        futures::future::join_all(callers).await
    };
    round(2_000 / callers).await;
    let begun = Instant::now();
    let each = round(count / callers).await;
    let took = begun.elapsed();
    let mut each: Vec<Duration> = each.into_iter().flat_map(|each| each.expect("it ran")).collect();
    each.sort_unstable();
    let us = |part: f64| each[((each.len() - 1) as f64 * part) as usize].as_nanos() as f64 / 1e3;
    let extra = format!(r#","p50_us":{:.1},"p99_us":{:.1}"#, us(0.5), us(0.99));
    report(name, each.len() as u64, took, &extra);
}

fn report(name: &str, count: u64, took: Duration, extra: &str) {
    let (secs, per_sec) = (took.as_secs_f64(), count as f64 / took.as_secs_f64());
    println!(r#"{{"peer":"ractor","workload":"{name}","n":{count},"secs":{secs:.6},"per_sec":{per_sec:.0}{extra}}}"#);
}
