//! What is said on a line, without the socket: bytes and deliveries in, errands and bytes out.
//!
//! It is driven like this: give it what came (`handle_bytes`, `handle_end`, `handle_delivery`), let it `advance`,
//! send what `poll_keys`, `poll_words` and `poll_admin` give, and write what is in `output`.
//!
//! * Each partition has a *lane* with at most one errand on it. What a client asks meanwhile waits and goes
//!   together in the next one. So a pipeline costs a message per partition and round trip, not one per command;
//!   and a lost errand can be sent again before anything that came after it.
//! * A command that is not about keys waits until all before it are answered, and nothing after it is looked at
//!   meanwhile: it may change how replies look (`HELLO`), or tell others what was done before it (`PUBLISH`).
//! * Nothing is without a bound. While too much waits, the client's bytes are left in its socket.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};

use super::requests::Requests;
use super::{Asked, Delivery, End, Outcome, PUBLISHED_LIMIT};
use crate::command::{self, Admin, Command, KeyCommand, Local, PubSub};
use crate::info::Facts;
use crate::protocol::{Decoder, encode};
use crate::reply::Reply;
use crate::route::{Partitions, Route, route};
use crate::session::Session;

/// The most requests that wait for answers.
const REQUESTS_LIMIT: usize = 4096;
/// No further request is looked at while those that wait came in more bytes than this.
const REQUESTS_SIZE_LIMIT: usize = 1 << 20;
/// No further request is looked at or sent on while the client leaves more bytes than this unread.
const UNREAD_LIMIT: usize = 1 << 20;
/// The most commands in an errand. Their replies may be large.
const ERRAND_LIMIT: usize = 128;
/// The answer to commands whose execution panicked.
const BROKEN: &str = "ERR internal error: the command could not be executed";

/// One client's conversation.
pub struct Dialogue {
    session: Session,
    partitions: Partitions,
    decoder: Decoder,
    /// What came in and was not understood yet.
    input: BytesMut,
    /// What was said and not sent yet.
    output: BytesMut,
    requests: Requests,
    /// The partitions that have something to do for this client.
    lanes: BTreeMap<usize, Lane>,
    state: State,
    /// No more requests are taken: what waits is answered, then the line is closed.
    is_ending: bool,
    taken: u64,
}

/// What the client may say now.
#[derive(Default)]
enum State {
    /// Whatever it likes.
    #[default]
    Open,
    /// Nothing: this command waits until all requests before it are answered.
    Aside(Command),
    /// Nothing: its turn has come. It is to be sent to the hub, or asked of the system.
    Next(Command),
    /// Nothing: the hub has its errand.
    AtHub,
}

/// Who executes commands.
#[derive(Clone, Copy, Debug)]
pub enum Whom {
    Partition(usize),
    Hub,
}

/// The way to one partition.
#[derive(Default)]
struct Lane {
    is_busy: bool,
    waiting: Vec<Asked<KeyCommand>>,
}

impl Lane {
    fn take(&mut self) -> Option<Vec<Asked<KeyCommand>>> {
        if self.is_busy || self.waiting.is_empty() {
            return None;
        }
        self.is_busy = true;
        let rest = self.waiting.split_off(ERRAND_LIMIT.min(self.waiting.len()));
        Some(std::mem::replace(&mut self.waiting, rest))
    }

    /// What comes back goes before all that has waited since.
    fn came_back(&mut self, mut asked: Vec<Asked<KeyCommand>>) {
        asked.append(&mut self.waiting);
        *self = Lane { is_busy: false, waiting: asked };
    }

    fn is_idle(&self) -> bool {
        !self.is_busy && self.waiting.is_empty()
    }
}

impl Dialogue {
    pub fn new(id: i64, partitions: Partitions) -> Dialogue {
        Dialogue {
            session: Session::new(id),
            partitions,
            decoder: Decoder::default(),
            input: BytesMut::new(),
            output: BytesMut::new(),
            requests: Requests::default(),
            lanes: BTreeMap::new(),
            state: State::Open,
            is_ending: false,
            taken: 0,
        }
    }

    /// Who the client says it is, for a log.
    pub fn describe(&self) -> String {
        self.session.describe()
    }

    /// Whether bytes of the client would do any good now.
    pub fn wants_bytes(&self) -> bool {
        !self.is_ending && self.has_room()
    }

    /// Whether no more requests are taken, and no more messages.
    pub fn is_ending(&self) -> bool {
        self.is_ending
    }

    /// Whether all has been said, and nothing is left to send.
    pub fn is_over(&self) -> bool {
        let is_answered = self.requests.is_empty() && matches!(self.state, State::Open);
        self.is_ending && is_answered && self.output.is_empty()
    }

    /// What is to be sent. Whoever sends it takes it off the front.
    pub fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// How many requests were taken since this was last asked.
    pub fn taken(&mut self) -> u64 {
        std::mem::take(&mut self.taken)
    }

    /// The client sent something.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// Nothing more is taken: the client has said all, or the server ends.
    pub fn handle_end(&mut self) {
        self.is_ending = true;
    }

    /// The server will take nothing more; the client is told why.
    pub fn refuse(&mut self, why: Reply) {
        if !self.is_ending {
            self.is_ending = true;
            self.requests.push_answered(0, why);
        }
    }

    /// Something arrived from another actor.
    pub fn handle_delivery(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Keys(outcome) => self.handle_keys(outcome),
            Delivery::Words(outcome) => self.handle_words(outcome),
            Delivery::Published(_) if self.is_ending => {}
            Delivery::Published(_) if self.output.len() > PUBLISHED_LIMIT => self.overflow(),
            Delivery::Published(message) => self.say(&message),
            Delivery::Overflow => self.overflow(),
            Delivery::End => self.handle_end(),
        }
    }

    fn overflow(&mut self) {
        self.refuse(Reply::error("ERR closing: this client reads too slowly, its output buffer is full"));
    }

    fn handle_keys(&mut self, outcome: Outcome<KeyCommand>) {
        let Outcome { lane, asked, end } = outcome;
        let way = self.lanes.entry(lane).or_default();
        way.is_busy = false;
        match end {
            End::Answered(replies) => {
                for (asked, reply) in asked.into_iter().zip(replies) {
                    self.requests.answer(asked.request, asked.part, reply);
                }
            }
            End::Broken => self.answer_all(asked, BROKEN),
            End::Lost => way.came_back(asked),
        }
        self.lanes.retain(|_, lane| !lane.is_idle());
    }

    fn answer_all(&mut self, asked: Vec<Asked<KeyCommand>>, why: &'static str) {
        for asked in asked {
            self.requests.answer(asked.request, asked.part, Reply::error(why));
        }
    }

    /// Who executes it does not come back: the answer to what waits for it is an error.
    pub fn give_up(&mut self, whom: Whom) {
        match whom {
            Whom::Partition(lane) => {
                if let Some(lane) = self.lanes.remove(&lane) {
                    self.answer_all(lane.waiting, "ERR the partition that has these keys does not come back");
                }
            }
            Whom::Hub => {
                self.state = State::Open;
                self.say(&Reply::error("ERR the hub does not come back"));
            }
        }
    }

    fn handle_words(&mut self, outcome: Outcome<PubSub>) {
        let Outcome { asked, end, .. } = outcome;
        let replies = match end {
            End::Answered(replies) => replies,
            End::Broken => vec![Reply::error(BROKEN)],
            End::Lost => return self.words_unsent(asked),
        };
        self.state = State::Open;
        for (asked, reply) in asked.into_iter().zip(replies) {
            let replies = match (asked.command, reply) {
                (PubSub::Subscribe(kind, names), Reply::Simple(_)) => self.session.subscribe(kind, &names),
                (PubSub::Unsubscribe(kind, names), Reply::Simple(_)) => self.session.unsubscribe(kind, names),
                (_, reply) => vec![reply],
            };
            replies.iter().for_each(|reply| self.say(reply));
        }
    }

    /// Takes requests and answers as far as possible.
    pub fn advance(&mut self, facts: impl Fn() -> Facts) {
        loop {
            while self.output.len() < UNREAD_LIMIT
                && let Some(reply) = self.requests.pop_answered()
            {
                self.say(&reply);
            }
            if self.requests.is_empty()
                && let State::Aside(_) = self.state
                && let State::Aside(command) = std::mem::take(&mut self.state)
            {
                self.perform(command, &facts);
                continue;
            }
            if self.is_ending || !self.has_room() {
                return;
            }
            let before = self.input.len();
            match self.decoder.next(&mut self.input) {
                Ok(Some(request)) => self.take(request, before - self.input.len()),
                Ok(None) => return,
                Err(error) => self.refuse(error.reply()),
            }
        }
    }

    fn has_room(&self) -> bool {
        matches!(self.state, State::Open)
            && self.requests.len() < REQUESTS_LIMIT
            && self.requests.size() < REQUESTS_SIZE_LIMIT
            && self.output.len() < UNREAD_LIMIT
    }

    fn take(&mut self, request: Vec<Bytes>, size: usize) {
        self.taken += 1;
        let permitted = request.first().map_or(Ok(()), |name| self.session.permits(name));
        match permitted.and_then(|()| command::parse(request)) {
            Ok(Command::Keys(command)) => self.ask(command, size),
            Ok(command) => self.state = State::Aside(command),
            Err(reply) => self.requests.push_answered(size, reply),
        }
    }

    fn ask(&mut self, command: KeyCommand, size: usize) {
        match route(command, self.partitions) {
            Route::One(lane, command) => {
                let request = self.requests.push_whole(size);
                self.wait_on(lane, Asked { request, part: 0, command });
            }
            Route::Many(parts, join) => {
                let request = self.requests.push_in_parts(size, parts.len(), join);
                for (part, (lane, command)) in parts.into_iter().enumerate() {
                    self.wait_on(lane, Asked { request, part, command });
                }
            }
        }
    }

    fn wait_on(&mut self, lane: usize, asked: Asked<KeyCommand>) {
        self.lanes.entry(lane).or_default().waiting.push(asked);
    }

    /// Performs a command whose turn has come.
    fn perform(&mut self, command: Command, facts: impl Fn() -> Facts) {
        match command {
            Command::Local(command) => {
                self.is_ending |= command == Local::Quit;
                let reply = self.session.answer(command, &facts());
                self.say(&reply);
            }
            Command::Keys(command) => self.ask(command, 0),
            Command::PubSub(_) | Command::Admin(_) => self.state = State::Next(command),
        }
    }

    fn say(&mut self, reply: &Reply) {
        encode(reply, self.session.version(), &mut self.output);
    }

    /// What is to be sent to a partition whose lane is free, while the client reads what it gets.
    pub fn poll_keys(&mut self) -> Option<(usize, Vec<Asked<KeyCommand>>)> {
        if self.output.len() >= UNREAD_LIMIT {
            return None;
        }
        self.lanes.iter_mut().find_map(|(number, lane)| Some((*number, lane.take()?)))
    }

    /// What is to be sent to the hub.
    pub fn poll_words(&mut self) -> Option<Vec<Asked<PubSub>>> {
        let State::Next(Command::PubSub(command)) = &self.state else { return None };
        let asked = Asked { request: 0, part: 0, command: command.clone() };
        self.state = State::AtHub;
        Some(vec![asked])
    }

    /// What is to be asked of the system. Answered by `handle_admin`.
    pub fn poll_admin(&self) -> Option<Admin> {
        if let State::Next(Command::Admin(asked)) = &self.state { Some(asked.clone()) } else { None }
    }

    /// The system answered.
    pub fn handle_admin(&mut self, reply: &Reply) {
        self.state = State::Open;
        self.say(reply);
    }

    /// What `poll_keys` gave could not be sent.
    pub fn keys_unsent(&mut self, lane: usize, asked: Vec<Asked<KeyCommand>>) {
        self.lanes.entry(lane).or_default().came_back(asked);
    }

    /// What `poll_words` gave could not be sent.
    pub fn words_unsent(&mut self, mut asked: Vec<Asked<PubSub>>) {
        self.state = asked.pop().map_or(State::Open, |asked| State::Next(Command::PubSub(asked.command)));
    }
}
