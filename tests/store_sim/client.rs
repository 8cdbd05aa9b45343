//! A client: asks at random, and holds what it is told against what is possible.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ravelin::sim::Random;
use ravelin::{Runtime, Time, sleep, within};
use redis_protocol::resp2::decode::decode;
use redis_protocol::resp2::types::OwnedFrame;

use crate::host::Host;
use crate::model::{Known, Op};
use crate::net::Socket;

/// Longer than any answer may take.
const LIMIT: Duration = Duration::from_secs(90);
/// Which key holds what.
const KINDS: [&str; 5] = ["count", "text", "list", "set", "hash"];

/// What clients know of each other.
#[derive(Default)]
pub(crate) struct Shared {
    /// For each client how often it counted and was told so, and how often it asked for it.
    counts: Vec<(u64, u64)>,
    pub(crate) answers: u64,
    pub(crate) errors: u64,
}

pub(crate) type Board = Arc<Mutex<Shared>>;

pub(crate) fn look(board: &Board) -> MutexGuard<'_, Shared> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) struct Client {
    name: usize,
    runtime: Arc<dyn Runtime>,
    host: Host,
    board: Board,
    random: Random,
    /// Makes each value different from all others.
    serial: u64,
    known: Vec<Known>,
    /// The most that was read of each client's count.
    seen: Vec<u64>,
    /// Whether what was read may be undone by a crash.
    forgets: bool,
    /// When the server answered for the last time.
    alive: Time,
    socket: Option<Socket>,
    input: Vec<u8>,
}

/// Something that was asked.
enum Asked {
    Own(usize, Op),
    /// The count of another client, of which so much was acknowledged when it was asked.
    Count(usize, u64),
}

/// The server is gone.
struct Gone;

impl Client {
    pub(crate) fn new(
        name: usize,
        clients: usize,
        runtime: Arc<dyn Runtime>,
        host: Host,
        board: Board,
        random: Random,
        forgets: Duration,
    ) -> Client {
        look(&board).counts.resize(clients, (0, 0));
        let known = KINDS.map(|_| Known::new(forgets)).into();
        let (seen, forgets) = (vec![0; clients], forgets > Duration::ZERO);
        let (alive, socket, input, serial) = (runtime.now(), None, Vec::new(), 0);
        Client { name, runtime, host, board, random, serial, known, seen, forgets, alive, socket, input }
    }

    /// Asks for a while.
    pub(crate) async fn work(&mut self, until: Time) {
        while self.runtime.now() < until {
            let batch = (0..=self.random.below(5)).map(|_| self.draw()).collect();
            self.ask(batch).await;
            let pause = Duration::from_micros(self.random.below(40_000));
            sleep(&*self.runtime, pause).await; // tidy: virtual time
        }
    }

    /// Reads all that is its own.
    pub(crate) async fn verify(&mut self) {
        while !self.ask((0..KINDS.len()).map(look_at).collect()).await {}
    }

    fn draw(&mut self) -> Asked {
        self.serial += 1;
        let value = format!("{}.{}", self.name, self.serial);
        let small = format!("m{}", self.random.below(6));
        let kind = self.random.below(6) as usize;
        let op = match (kind, self.random.below(12)) {
            (0, 0) => Op::Get,
            (0, _) => Op::Incr,
            (1, 0..=3) => Op::Set(value),
            (1, 4..=8) => Op::Append(value),
            (2, 0..=5) => Op::LeftPush(value),
            (2, 6..=8) => Op::RightPop,
            (3, 0..=5) => Op::Add(small),
            (3, 6..=8) => Op::Remove(small),
            (4, 0..=5) => Op::Put(small, value),
            (4, 6..=8) => Op::Take(small),
            (1..=4, 9) => Op::Del,
            (1..=4, _) => return look_at(kind),
            _ => {
                let other = self.random.below(self.seen.len() as u64) as usize;
                return Asked::Count(other, look(&self.board).counts[other].0);
            }
        };
        Asked::Own(kind, op)
    }

    /// Asks all of it at once. False: the server went away, and what it knows is less than before.
    async fn ask(&mut self, batch: Vec<Asked>) -> bool {
        let runtime = self.runtime.clone();
        let asked = within(&*runtime, LIMIT, Box::pin(self.converse(&batch))).await;
        let Some((answered, outcome)) = asked else {
            panic!("client {}: no answer within {LIMIT:?}; {:?}", self.name, self.host.notes)
        };
        if outcome.is_ok() {
            return true;
        }
        self.socket = None;
        self.input.clear();
        let alive = self.alive;
        for (kind, known) in self.known.iter_mut().enumerate() {
            let of_key = batch[answered..].iter().filter_map(|asked| match asked {
                Asked::Own(of, op) if *of == kind => Some(op),
                Asked::Own(..) | Asked::Count(..) => None,
            });
            known.crashed(alive, &of_key.collect::<Vec<_>>());
        }
        false
    }

    /// How many were answered.
    async fn converse(&mut self, batch: &[Asked]) -> (usize, Result<(), Gone>) {
        self.connect().await;
        let mut bytes = Vec::new();
        for asked in batch {
            let words = match asked {
                Asked::Own(kind, op) => {
                    if matches!(op, Op::Incr) {
                        look(&self.board).counts[self.name].1 += 1;
                    }
                    let key = format!("{}:{}", KINDS[*kind], self.name);
                    op.words(&key).into_iter().map(str::to_owned).collect()
                }
                Asked::Count(of, _) => vec!["GET".to_owned(), format!("{}:{of}", KINDS[0])],
            };
            bytes.extend(format!("*{}\r\n", words.len()).bytes());
            words.iter().for_each(|word| bytes.extend(format!("${}\r\n{word}\r\n", word.len()).bytes()));
        }
        if self.send(&bytes).await.is_err() {
            return (0, Err(Gone));
        }
        for (number, asked) in batch.iter().enumerate() {
            match self.receive().await {
                Ok(frame) => self.hear(asked, frame),
                Err(Gone) => return (number, Err(Gone)),
            }
        }
        (batch.len(), Ok(()))
    }

    async fn connect(&mut self) {
        while self.socket.is_none() {
            self.socket = self.host.port.connect();
            if self.socket.is_none() {
                sleep(&*self.runtime, Duration::from_millis(20)).await; // tidy: virtual time
            }
        }
    }

    async fn send(&mut self, mut bytes: &[u8]) -> Result<(), Gone> {
        let socket = self.socket.as_mut().ok_or(Gone)?;
        while !bytes.is_empty() {
            let sent = poll_fn(|cx| socket.poll_write(cx, bytes)).await.map_err(|_| Gone)?;
            bytes = &bytes[sent..];
        }
        Ok(())
    }

    async fn receive(&mut self) -> Result<OwnedFrame, Gone> {
        loop {
            if let Some((frame, size)) = decode(&self.input).expect("the server speaks the protocol") {
                self.input.drain(..size);
                return Ok(frame);
            }
            let socket = self.socket.as_mut().ok_or(Gone)?;
            let mut chunk = [0; 512];
            let count = poll_fn(|cx| socket.poll_read(cx, &mut chunk)).await.map_err(|_| Gone)?;
            if count == 0 {
                return Err(Gone);
            }
            self.input.extend(&chunk[..count]);
        }
    }

    fn hear(&mut self, asked: &Asked, frame: OwnedFrame) {
        let (now, name) = (self.runtime.now(), self.name);
        let mut board = look(&self.board);
        board.answers += 1;
        self.alive = now;
        if let OwnedFrame::Error(text) = &frame {
            board.errors += 1;
            assert!(text.starts_with("MISCONF") || text.starts_with("ERR the partition"), "{text}");
            if let Asked::Own(kind, op) = asked {
                self.known[*kind].unsure(op);
            }
            return;
        }
        let mut said = words(frame);
        match asked {
            Asked::Own(kind, op) => {
                if op.is_unordered() {
                    said.sort();
                }
                if let Err(wrong) = self.known[*kind].answered(now, op, &said) {
                    panic!("client {name}, {}: {wrong}", KINDS[*kind]);
                }
                if let Op::Incr = op {
                    board.counts[name].0 = said[0].parse().expect("a number");
                }
            }
            Asked::Count(of, acknowledged) if !self.forgets => {
                let count = said[0].parse().unwrap_or(0);
                let (least, most) = (self.seen[*of].max(*acknowledged), board.counts[*of].1);
                assert!((least..=most).contains(&count), "client {name} read {count}, not {least} to {most}");
                self.seen[*of] = count;
            }
            Asked::Count(..) => {}
        }
    }
}

fn look_at(kind: usize) -> Asked {
    let read = [Op::Get, Op::Get, Op::Range, Op::Members, Op::All];
    Asked::Own(kind, read[kind].clone())
}

fn words(frame: OwnedFrame) -> Vec<String> {
    match frame {
        OwnedFrame::SimpleString(bytes) | OwnedFrame::BulkString(bytes) => {
            vec![String::from_utf8(bytes).expect("text")]
        }
        OwnedFrame::Integer(number) => vec![number.to_string()],
        OwnedFrame::Array(items) => items.into_iter().flat_map(words).collect(),
        OwnedFrame::Null => vec!["nil".to_owned()],
        OwnedFrame::Error(text) => vec![text],
    }
}
