//! `[pure]` What is said in the handshake, as values and as bytes.

use crate::name::{Incarnation, NodeId, Role};
use crate::proto::code::{FrameError, Known, NAME_MAX, Reader, TEXT_MAX, put_number, put_text};
use crate::proto::frame::{put_with, read_node};
use bytes::Bytes;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// The kinds of the handshake's frames.
const HELLO: u8 = 0x10;
const WELCOME: u8 = 0x11;
const REFUSED: u8 = 0x12;
const READY: u8 = 0x13;

/// What a hello and a welcome begin with, in every version.
const MAGIC: [u8; 4] = *b"RVLN";

/// The most features, and the most codecs, that one side names.
const SET_MAX: usize = 64;

/// Who one is, and what one can.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Introduction {
    /// The cluster's name; 1 to 255 bytes. Both sides have the same.
    pub cluster: Arc<str>,
    /// The node.
    pub node: NodeId,
    /// Where others reach it, as its transport understands it; at most 255 bytes, none for a client.
    pub endpoint: Arc<str>,
    /// What it is to the other.
    pub role: Role,
    /// What it can beyond the protocol's version; at most 64 names.
    pub features: BTreeSet<Arc<str>>,
    /// The codecs that it has, by name; at most 64. One in common is enough.
    pub codecs: BTreeSet<Arc<str>>,
    /// How much it takes.
    pub limits: Limits,
}

/// How much one side takes from the other on a link. The other keeps to it; a peer that does not is broken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// The most bytes of one message.
    pub message_max: u64,
    /// How many messages may come in fragments at a time; at least 1.
    pub assembling_max: u8,
    /// The most bytes of messages that come in fragments, or came and are not yet acknowledged; each counts 128 bytes
    /// more than it has. Whatever this says, there is room for one message, and for one pack of small ones.
    pub window: u64,
}

/// What every message of the bulk stream counts for beside its bytes, against the window of who receives it.
pub const MESSAGE_COST: u64 = 128;

/// The most bytes of a pack of small frames.
pub const PACKED_MAX: u64 = 128 * 1024;

impl Default for Limits {
    /// 64 MiB, 16 messages, 64 MiB.
    fn default() -> Limits {
        Limits { message_max: 64 << 20, assembling_max: 16, window: 64 << 20 }
    }
}

impl Limits {
    /// The most that is under way by the bulk stream at a time.
    pub fn bulk_max(&self) -> u64 {
        self.window.max(self.message_max.max(PACKED_MAX).saturating_add(MESSAGE_COST))
    }
}

/// Why one side does not talk to the other. The text says what to do.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// It has as many links as it may.
    Busy,
    /// It is of another cluster: this one.
    Cluster(Arc<str>),
    /// No codec in common; it has these.
    Codec(BTreeSet<Arc<str>>),
    /// The peer lacks this feature.
    Feature(Arc<str>),
    /// It was dialled by itself.
    Itself,
    /// It leaves the cluster.
    Leaving,
    /// Another node has the name.
    NameTaken(NodeId),
    /// The peer's certificate, or an allow-list, does not let it be what it says; says why.
    NotAllowed(Arc<str>),
    /// The name has a later life: this one.
    OldIncarnation(Incarnation),
    /// For a reason that this version does not know.
    Other(Arc<str>),
    /// It speaks no version that the peer speaks; it speaks these.
    Version {
        /// The oldest.
        oldest: u16,
        /// The newest.
        newest: u16,
    },
    /// Another node was expected there than this one.
    WrongName(NodeId),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Busy => {
                f.write_str("it has as many links as it may: try again later, or raise its limit")
            }
            Refusal::Cluster(name) => {
                write!(
                    f,
                    "it is of the cluster {name:?}: give both nodes the same cluster name, or another seed"
                )
            }
            Refusal::Codec(has) => {
                f.write_str("no codec in common, it has")?;
                has.iter().try_for_each(|codec| write!(f, " {codec}"))?;
                f.write_str(": build both programs with one of them")
            }
            Refusal::Feature(name) => {
                write!(f, "it needs the feature {name:?}: switch it on here, or off there")
            }
            Refusal::Itself => f.write_str("a node dialled itself: take its own endpoint off the seeds"),
            Refusal::Leaving => f.write_str("it leaves the cluster: dial another node"),
            Refusal::NameTaken(by) => {
                write!(f, "the name is taken by {by}: give the node another name, or stop the other one")
            }
            Refusal::NotAllowed(why) => write!(f, "not allowed: {why}"),
            Refusal::OldIncarnation(known) => write!(
                f,
                "a later life of the node is known, {}: start it again with a higher incarnation",
                known.0
            ),
            Refusal::Other(why) => f.write_str(why),
            Refusal::Version { oldest, newest } => {
                write!(
                    f,
                    "it speaks the versions {oldest} to {newest} of the protocol: update the older program"
                )
            }
            Refusal::WrongName(has) => {
                write!(f, "{has} answered where another node was expected: correct the endpoint")
            }
        }
    }
}

/// What one side says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Said {
    Hello {
        oldest: u16,
        newest: u16,
        of: Box<Introduction>,
    },
    /// A hello whose versions are none of ours: the rest is not for us to read.
    Foreign {
        oldest: u16,
        newest: u16,
    },
    Welcome {
        version: u16,
        of: Box<Introduction>,
    },
    Refused(Refusal),
    Ready,
}

impl Said {
    /// Appends the frame.
    pub(crate) fn put(&self, out: &mut Vec<u8>) -> usize {
        put_with(out, |out| match self {
            Said::Hello { oldest, newest, of } => {
                put_opening(out, HELLO, &[*oldest, *newest]);
                put_introduction(out, of);
            }
            Said::Foreign { oldest, newest } => put_opening(out, HELLO, &[*oldest, *newest]),
            Said::Welcome { version, of } => {
                put_opening(out, WELCOME, &[*version]);
                put_introduction(out, of);
            }
            Said::Refused(why) => {
                out.push(REFUSED);
                put_refusal(out, why);
            }
            Said::Ready => out.push(READY),
        })
    }

    /// What this content of a frame says, to one who speaks these versions.
    pub(crate) fn read(content: &Bytes, (our_oldest, our_newest): (u16, u16)) -> Result<Said, FrameError> {
        let mut from = Reader::new(content, Known::NOTHING);
        match from.byte("kind")? {
            HELLO => {
                let (oldest, newest) = (read_opening(&mut from)?, version(&mut from)?);
                if oldest > our_newest || newest < our_oldest {
                    return Ok(Said::Foreign { oldest, newest });
                }
                Ok(Said::Hello { oldest, newest, of: Box::new(read_introduction(&mut from)?) })
            }
            WELCOME => {
                let version = read_opening(&mut from)?;
                Ok(Said::Welcome { version, of: Box::new(read_introduction(&mut from)?) })
            }
            REFUSED => Ok(Said::Refused(read_refusal(&mut from)?)),
            READY => Ok(Said::Ready),
            tag => Err(FrameError::Tag { what: "word of a handshake", tag }),
        }
    }
}

fn put_opening(out: &mut Vec<u8>, kind: u8, versions: &[u16]) {
    out.push(kind);
    out.extend_from_slice(&MAGIC);
    versions.iter().for_each(|version| put_number(out, u64::from(*version)));
}

/// The magic, and the version after it.
fn read_opening(from: &mut Reader<'_>) -> Result<u16, FrameError> {
    for expected in MAGIC {
        let tag = from.byte("magic")?;
        if tag != expected {
            return Err(FrameError::Tag { what: "magic", tag });
        }
    }
    version(from)
}

fn version(from: &mut Reader<'_>) -> Result<u16, FrameError> {
    from.below("version", 1 << 16).map(|version| version as u16)
}

fn put_introduction(out: &mut Vec<u8>, of: &Introduction) {
    put_text(out, &of.cluster, NAME_MAX);
    put_node(out, &of.node);
    put_text(out, &of.endpoint, NAME_MAX);
    out.push(match of.role {
        Role::Member => 0,
        Role::Client => 1,
    });
    put_set(out, &of.features);
    put_set(out, &of.codecs);
    put_number(out, of.limits.message_max);
    out.push(of.limits.assembling_max);
    put_number(out, of.limits.window);
}

/// Later versions add fields at the end: what is left over is not looked at.
fn read_introduction(from: &mut Reader<'_>) -> Result<Introduction, FrameError> {
    Ok(Introduction {
        cluster: from.name("name of a cluster")?,
        node: read_node(from)?,
        endpoint: from.text("endpoint", NAME_MAX)?,
        role: match from.byte("role")? {
            0 => Role::Member,
            1 => Role::Client,
            tag => return Err(FrameError::Tag { what: "role", tag }),
        },
        features: read_set(from, "feature")?,
        codecs: read_set(from, "codec")?,
        limits: Limits {
            message_max: from.number("limit of messages")?,
            assembling_max: from.byte("limit of messages at a time")?.max(1),
            window: from.number("window")?,
        },
    })
}

fn put_node(out: &mut Vec<u8>, node: &NodeId) {
    put_number(out, node.incarnation.0);
    put_text(out, node.name.as_str(), NAME_MAX);
}

fn put_set(out: &mut Vec<u8>, set: &BTreeSet<Arc<str>>) {
    put_number(out, set.len().min(SET_MAX) as u64);
    set.iter().take(SET_MAX).for_each(|name| put_text(out, name, NAME_MAX));
}

fn read_set(from: &mut Reader<'_>, what: &'static str) -> Result<BTreeSet<Arc<str>>, FrameError> {
    let length = from.length(what, SET_MAX)?;
    (0..length).map(|_| from.name(what)).collect()
}

/// A tag, the text for people, and then the fields: who does not know the tag still has the text.
fn put_refusal(out: &mut Vec<u8>, why: &Refusal) {
    let put = |out: &mut Vec<u8>, tag: u8| {
        out.push(tag);
        put_text(out, &why.to_string(), TEXT_MAX / 4);
    };
    match why {
        Refusal::Other(_) => put(out, 0),
        Refusal::Busy => put(out, 1),
        Refusal::Cluster(name) => {
            put(out, 2);
            put_text(out, name, NAME_MAX);
        }
        Refusal::Codec(has) => {
            put(out, 3);
            put_set(out, has);
        }
        Refusal::Feature(name) => {
            put(out, 4);
            put_text(out, name, NAME_MAX);
        }
        Refusal::Itself => put(out, 5),
        Refusal::Leaving => put(out, 6),
        Refusal::NameTaken(by) => {
            put(out, 7);
            put_node(out, by);
        }
        Refusal::NotAllowed(why) => {
            put(out, 8);
            put_text(out, why, NAME_MAX);
        }
        Refusal::OldIncarnation(known) => {
            put(out, 9);
            put_number(out, known.0);
        }
        Refusal::Version { oldest, newest } => {
            put(out, 10);
            put_number(out, u64::from(*oldest));
            put_number(out, u64::from(*newest));
        }
        Refusal::WrongName(has) => {
            put(out, 11);
            put_node(out, has);
        }
    }
}

fn read_refusal(from: &mut Reader<'_>) -> Result<Refusal, FrameError> {
    let tag = from.byte("refusal")?;
    let text = from.text("text of a refusal", TEXT_MAX / 4)?;
    Ok(match tag {
        1 => Refusal::Busy,
        2 => Refusal::Cluster(from.text("name of a cluster", NAME_MAX)?),
        3 => Refusal::Codec(read_set(from, "codec")?),
        4 => Refusal::Feature(from.text("feature", NAME_MAX)?),
        5 => Refusal::Itself,
        6 => Refusal::Leaving,
        7 => Refusal::NameTaken(read_node(from)?),
        8 => Refusal::NotAllowed(from.text("reason", NAME_MAX)?),
        9 => Refusal::OldIncarnation(Incarnation(from.number("incarnation of a node")?)),
        10 => Refusal::Version { oldest: version(from)?, newest: version(from)? },
        11 => Refusal::WrongName(read_node(from)?),
        _ => Refusal::Other(text),
    })
}
