//! `[pure]` What a link is told, and how it may break.

use super::compression::Compression;
use crate::proto::code::FrameError;
use crate::proto::number::NameNumber;
use ravelin_core::Pid;
use std::fmt;
use std::time::Duration;

/// How a link behaves. Both sides have their own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LinkConfig {
    /// A ping is sent when nothing else was for so long.
    pub heartbeat: Duration,
    /// The peer counts as dead when nothing came for so long.
    pub silence: Duration,
    /// A frame with more bytes than this goes over the bulk stream; at most [`FRAGMENT_MAX`](super::super::frame::FRAGMENT_MAX).
    pub small_max: usize,
    /// A chunk of the bulk stream, and so a fragment with all that it costs, has at most so many bytes: what a small
    /// frame waits for at most. From 8 to 64 KiB.
    pub fragment_max: usize,
    /// Casts, sends and calls are refused while more bytes than this wait in the user lane.
    pub user_max: usize,
    /// They are refused while more bytes than this wait in the bulk lane, if they are for it.
    pub bulk_max: usize,
    /// How many bytes more may wait in each of the two, of what cannot be refused: answers, and signals between actors.
    pub reserve: usize,
    /// How many bytes may wait in the control lane.
    pub control_max: usize,
    /// What is compressed: what both sides have [agreed](Compression::agreed) on.
    pub compression: Compression,
}

impl Default for LinkConfig {
    /// A ping every 500 ms, dead after 2 s; 16 KiB are small, fragments have 64 KiB; 4 MiB, 64 MiB, 4 MiB and 1 MiB;
    /// nothing is compressed.
    fn default() -> LinkConfig {
        LinkConfig {
            heartbeat: Duration::from_millis(500),
            silence: Duration::from_secs(2),
            small_max: 16 << 10,
            fragment_max: 64 << 10,
            user_max: 4 << 20,
            bulk_max: 64 << 20,
            reserve: 4 << 20,
            control_max: 1 << 20,
            compression: Compression::Never,
        }
    }
}

/// Whose frames keep their order among themselves.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Flow {
    /// What an actor sends; or what somebody who is no actor sends to it.
    Actor(Pid),
    /// What somebody who is no actor sends to this place.
    Place(u64),
    /// What somebody who is no actor sends to whoever has this name.
    Name(NameNumber),
    /// Process groups.
    Groups,
    /// Names of actors.
    Names,
}

/// Which streams take a chunk just now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Streams {
    /// Any.
    Both,
    /// Only the main one: the bulk stream is held up.
    Main,
    /// Only the bulk one: the main stream is held up.
    Bulk,
}

/// How the peer broke the protocol. The link is of no use any more.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Broken {
    /// It acknowledged what was not sent.
    Acknowledged,
    /// A compressed fragment is not what it says it is.
    Compressed,
    /// A number was defined out of turn, or one too many.
    Defined,
    /// A part of a message that has not begun, or began twice, or is longer than it said.
    Fragment,
    /// What came is no frame.
    Frame(FrameError),
    /// A frame came by a stream, or in a message, where it may not be.
    Misplaced,
    /// A message is larger than this side takes.
    TooLarge {
        /// How many bytes it has.
        bytes: u64,
        /// How many it may have.
        max: u64,
    },
    /// More is under way by the bulk stream than this side takes.
    Window,
}

impl From<FrameError> for Broken {
    fn from(why: FrameError) -> Broken {
        Broken::Frame(why)
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Acknowledged => f.write_str("the peer acknowledged what was not sent"),
            Broken::Compressed => {
                f.write_str("the peer sent a compressed fragment that is not what it says it is")
            }
            Broken::Defined => f.write_str("the peer defined a number out of turn, or one too many"),
            Broken::Fragment => f.write_str("the peer sent a fragment that fits to no message"),
            Broken::Frame(why) => write!(f, "what the peer sent is no frame: {why}"),
            Broken::Misplaced => f.write_str("the peer sent a frame where it may not be"),
            Broken::TooLarge { bytes, max } => {
                write!(f, "the peer sent a message of {bytes} bytes, {max} are the most")
            }
            Broken::Window => {
                f.write_str("the peer sent more than it was allowed to before it is acknowledged")
            }
        }
    }
}

impl std::error::Error for Broken {}
