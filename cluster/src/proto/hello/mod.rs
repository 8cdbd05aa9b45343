//! `[pure]` The handshake: who is there, whether they understand one another, and whether they want to.
//!
//! - The dialer says hello: the versions that it speaks, and its [`Introduction`].
//! - The acceptor answers welcome, with the version that it chose and its own introduction; or refused, and why.
//! - The dialer says ready; or refused, and why. So both have heard the other before either sends anything else.
//!
//! Each side looks at versions, cluster, names, codecs and features itself, and then asks the shell
//! ([`Event::Introduced`]), which knows certificates and members: it answers [`admit`](Handshake::admit) or
//! [`refuse`](Handshake::refuse). No frame of the handshake has more than 4 KiB, and it has a deadline.
//!
//! Told anything, drain [`poll_event`](Handshake::poll_event), then [`poll_transmit`](Handshake::poll_transmit); after
//! an event [`Event::Over`] send what is left to be sent, and close.

mod message;

use super::code::FrameError;
use super::frame::{LENGTH_BYTES, length_at};
use crate::name::{NodeId, NodeName};
use bytes::Bytes;
use message::Said;
use ravelin_core::Time;
use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use message::{Introduction, Limits, MESSAGE_COST, PACKED_MAX, Refusal};

/// The oldest version of the protocol that is spoken.
pub const VERSION_OLDEST: u16 = 1;

/// The newest version of the protocol that is spoken.
pub const VERSION_NEWEST: u16 = 1;

/// The most bytes of a frame of the handshake.
pub const HELLO_MAX: usize = 4096;

/// Which side of a connection.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Side {
    /// The one that made it.
    Dialer,
    /// The one that accepted it.
    Acceptor,
}

/// One handshake, at one side.
///
/// ```
/// use bytes::Bytes;
/// use ravelin_cluster::proto::hello::{Event, Handshake, Introduction, Limits, Terms};
/// use ravelin_cluster::{Incarnation, NodeId, Role};
/// use ravelin_core::Time;
/// let terms = |name: &str| Terms::new(Introduction {
///     cluster: "shop".into(),
///     node: NodeId { name: name.parse().unwrap(), incarnation: Incarnation(1) },
///     endpoint: "10.0.0.1:7000".into(),
///     role: Role::Member,
///     features: ["groups".into()].into(),
///     codecs: ["bincode-2".into()].into(),
///     limits: Limits::default(),
/// });
/// let mut dialer = Handshake::dial(terms("a"), Time::EPOCH).unwrap();
/// let mut acceptor = Handshake::accept(terms("b"), Time::EPOCH).unwrap();
/// acceptor.handle_chunk(dialer.poll_transmit().unwrap());
/// let Some(Event::Introduced(who)) = acceptor.poll_event() else { panic!() };
/// assert_eq!(who.node.to_string(), "a#1");
/// acceptor.admit();
/// dialer.handle_chunk(acceptor.poll_transmit().unwrap());
/// let Some(Event::Introduced(_)) = dialer.poll_event() else { panic!() };
/// dialer.admit();
/// let Some(Event::Agreed(_)) = dialer.poll_event() else { panic!() };
/// acceptor.handle_chunk(dialer.poll_transmit().unwrap());
/// let Some(Event::Agreed(agreed)) = acceptor.poll_event() else { panic!() };
/// assert_eq!(agreed.version, 1);
/// ```
#[derive(Debug)]
pub struct Handshake {
    side: Side,
    terms: Terms,
    state: State,
    deadline: Time,
    transmits: VecDeque<Bytes>,
    events: VecDeque<Event>,
}

/// What one side brings to a handshake, and asks of the other.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Who one is.
    pub ours: Introduction,
    /// The oldest and the newest version that one speaks.
    pub versions: (u16, u16),
    /// Who must be there; `None`: anybody may.
    pub expected: Option<NodeName>,
    /// What the other must have.
    pub needed: BTreeSet<Arc<str>>,
    /// How long it may take.
    pub within: Duration,
}

impl Terms {
    /// Every version that this library speaks, with anybody, within five seconds.
    pub fn new(ours: Introduction) -> Terms {
        Terms {
            ours,
            versions: (VERSION_OLDEST, VERSION_NEWEST),
            expected: None,
            needed: BTreeSet::new(),
            within: Duration::from_secs(5),
        }
    }
}

/// What a handshake has to tell.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// They understand one another. The shell is to say whether it wants to.
    Introduced(Introduction),
    /// The link begins.
    Agreed(Agreed),
    /// There will be no link. Send what is left to be sent, and close.
    Over(Over),
}

/// What both sides have agreed on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Agreed {
    /// The other.
    pub peer: Introduction,
    /// The version that is spoken.
    pub version: u16,
    /// What both can.
    pub features: BTreeSet<Arc<str>>,
    /// The codecs that both have.
    pub codecs: BTreeSet<Arc<str>>,
    /// What came over the main stream behind the handshake: it is the link's.
    pub rest: Bytes,
}

/// Why there is no link.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Over {
    /// What came is no handshake: the peer is something else, or broken.
    Garbage(FrameError),
    /// The peer said something that is not its turn to say.
    OutOfTurn,
    /// This side does not want to; the peer is told.
    Refused(Refusal),
    /// The peer does not want to.
    RefusedByPeer(Refusal),
    /// It took too long.
    TimedOut,
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Over::Garbage(why) => {
                write!(f, "the peer does not speak this protocol, {why}: correct the endpoint")
            }
            Over::OutOfTurn => f.write_str("the peer spoke out of turn: it is broken"),
            Over::Refused(why) => write!(f, "refused the peer: {why}"),
            Over::RefusedByPeer(why) => write!(f, "the peer refused: {why}"),
            Over::TimedOut => f.write_str("the handshake took too long: is the peer overloaded or cut off?"),
        }
    }
}

#[derive(Debug)]
enum State {
    /// The acceptor waits for the hello.
    Hello,
    /// The dialer waits for the welcome.
    Welcome,
    /// The shell is to say whether it wants to.
    Judging { peer: Box<Introduction>, version: u16 },
    /// The acceptor waits for the dialer's word.
    Ready { peer: Box<Introduction>, version: u16 },
    /// Agreed, or over.
    Ended,
}

impl Handshake {
    /// The side that made the connection.
    ///
    /// # Errors
    /// The introduction is larger than a handshake may be: there are too many features or codecs.
    pub fn dial(terms: Terms, now: Time) -> Result<Handshake, FrameError> {
        let (oldest, newest) = terms.versions;
        let hello = Said::Hello { oldest, newest, of: Box::new(terms.ours.clone()) };
        let mut handshake = Handshake::new(Side::Dialer, terms, State::Welcome, now)?;
        handshake.say(&hello);
        Ok(handshake)
    }

    /// The side that accepted the connection.
    ///
    /// # Errors
    /// As [`dial`](Handshake::dial).
    pub fn accept(terms: Terms, now: Time) -> Result<Handshake, FrameError> {
        Handshake::new(Side::Acceptor, terms, State::Hello, now)
    }

    fn new(side: Side, terms: Terms, state: State, now: Time) -> Result<Handshake, FrameError> {
        let mut bytes = Vec::new();
        let (oldest, newest) = terms.versions;
        let length = Said::Hello { oldest, newest, of: Box::new(terms.ours.clone()) }.put(&mut bytes);
        if length + LENGTH_BYTES > HELLO_MAX {
            let (has, max) = (length as u64, (HELLO_MAX - LENGTH_BYTES) as u64);
            return Err(FrameError::Long { what: "introduction", has, max });
        }
        let deadline = now + terms.within;
        Ok(Handshake { side, terms, state, deadline, transmits: VecDeque::new(), events: VecDeque::new() })
    }

    /// What came over the main stream: whole frames.
    pub fn handle_chunk(&mut self, mut bytes: Bytes) {
        while !matches!(self.state, State::Ended) && !bytes.is_empty() {
            match self.split_frame(&mut bytes) {
                Ok(said) => self.hear(said, &bytes),
                Err(why) => self.end(Over::Garbage(why)),
            }
        }
    }

    /// It is so late now.
    pub fn handle_timeout(&mut self, now: Time) {
        if now >= self.deadline && !matches!(self.state, State::Ended) {
            self.end(Over::TimedOut);
        }
    }

    /// The shell wants the link. Without effect unless it was asked.
    pub fn admit(&mut self) {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Judging { peer, version } => match self.side {
                Side::Acceptor => {
                    self.say(&Said::Welcome { version, of: Box::new(self.terms.ours.clone()) });
                    self.state = State::Ready { peer, version };
                }
                Side::Dialer => {
                    self.say(&Said::Ready);
                    self.agree(*peer, version, Bytes::new());
                }
            },
            other => self.state = other,
        }
    }

    /// The shell does not want the link. Without effect when the handshake is over.
    pub fn refuse(&mut self, why: Refusal) {
        if !matches!(self.state, State::Ended) {
            self.say(&Said::Refused(why.clone()));
            self.end(Over::Refused(why));
        }
    }

    /// The next thing to tell.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next bytes to send, over the main stream.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.transmits.pop_front()
    }

    /// When [`handle_timeout`](Handshake::handle_timeout) is due; `None`: never.
    pub fn poll_timeout(&self) -> Option<Time> {
        (!matches!(self.state, State::Ended)).then_some(self.deadline)
    }

    fn split_frame(&self, bytes: &mut Bytes) -> Result<Said, FrameError> {
        let length = length_at(bytes, 0).ok_or(FrameError::Truncated { what: "length of a frame" })?;
        if length + LENGTH_BYTES > HELLO_MAX {
            let (has, max) = (length as u64, (HELLO_MAX - LENGTH_BYTES) as u64);
            return Err(FrameError::Long { what: "handshake", has, max });
        }
        if bytes.len() < length + LENGTH_BYTES {
            return Err(FrameError::Truncated { what: "handshake" });
        }
        let content = bytes.split_to(length + LENGTH_BYTES).slice(LENGTH_BYTES..);
        Said::read(&content, self.terms.versions)
    }

    /// The other side says this; `rest` came behind it.
    fn hear(&mut self, said: Said, rest: &Bytes) {
        match (std::mem::replace(&mut self.state, State::Ended), said) {
            (State::Hello, Said::Hello { newest, of, .. }) => {
                let version = newest.min(self.terms.versions.1);
                self.judge(*of, version);
            }
            (State::Hello, Said::Foreign { .. }) => self.turn_away(self.our_versions()),
            (State::Welcome, Said::Welcome { version, of }) => {
                let (oldest, newest) = self.terms.versions;
                if (oldest..=newest).contains(&version) {
                    self.judge(*of, version);
                } else {
                    self.turn_away(self.our_versions());
                }
            }
            (State::Ready { peer, version }, Said::Ready) => self.agree(*peer, version, rest.clone()),
            (State::Welcome | State::Judging { .. } | State::Ready { .. }, Said::Refused(why)) => {
                self.end(Over::RefusedByPeer(why))
            }
            _ => self.end(Over::OutOfTurn),
        }
    }

    fn our_versions(&self) -> Refusal {
        let (oldest, newest) = self.terms.versions;
        Refusal::Version { oldest, newest }
    }

    /// Looks at what needs no knowledge but the two introductions.
    fn judge(&mut self, peer: Introduction, version: u16) {
        let Terms { ours, expected, needed, .. } = &self.terms;
        let lacks = needed.difference(&peer.features).next();
        let why = if peer.cluster != ours.cluster {
            Some(Refusal::Cluster(ours.cluster.clone()))
        } else if peer.node == ours.node {
            Some(Refusal::Itself)
        } else if peer.node.name == ours.node.name {
            Some(Refusal::NameTaken(ours.node.clone()))
        } else if expected.as_ref().is_some_and(|name| *name != peer.node.name) {
            Some(Refusal::WrongName(peer.node.clone()))
        } else if peer.codecs.is_disjoint(&ours.codecs) {
            Some(Refusal::Codec(ours.codecs.clone()))
        } else {
            lacks.cloned().map(Refusal::Feature)
        };
        match why {
            Some(why) => self.turn_away(why),
            None => {
                self.events.push_back(Event::Introduced(peer.clone()));
                self.state = State::Judging { peer: Box::new(peer), version };
            }
        }
    }

    fn agree(&mut self, peer: Introduction, version: u16, rest: Bytes) {
        let both = |ours: &BTreeSet<Arc<str>>, theirs| ours.intersection(theirs).cloned().collect();
        let features = both(&self.terms.ours.features, &peer.features);
        let codecs = both(&self.terms.ours.codecs, &peer.codecs);
        self.state = State::Ended;
        self.events.push_back(Event::Agreed(Agreed { peer, version, features, codecs, rest }));
    }

    fn turn_away(&mut self, why: Refusal) {
        self.say(&Said::Refused(why.clone()));
        self.end(Over::Refused(why));
    }

    fn end(&mut self, why: Over) {
        self.state = State::Ended;
        self.events.push_back(Event::Over(why));
    }

    fn say(&mut self, said: &Said) {
        let mut bytes = Vec::new();
        said.put(&mut bytes);
        self.transmits.push_back(bytes.into());
    }
}

/// Of two links between the same two nodes, whether this one stays: the one that the node with the smaller name dialled.
/// Both sides decide the same.
pub fn is_kept(ours: &NodeId, peer: &NodeId, side: Side) -> bool {
    let (dialer, acceptor) = match side {
        Side::Dialer => (ours, peer),
        Side::Acceptor => (peer, ours),
    };
    dialer.name < acceptor.name
}
