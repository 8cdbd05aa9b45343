//! `[pure]` What comes of a push, and what was sent.

use super::numbers::NoNumber;
use std::convert::Infallible;
use std::fmt;

/// What a push asks of who pushed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "a writer that is not woken does not write"]
pub enum Pushed {
    /// The writer is at it.
    Quiet,
    /// The writer must be woken: it does not know that there is something.
    Wake,
}

/// Why something was not pushed. Nothing was appended.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Unsent<E = Infallible> {
    /// The lane is full; see [`Outbox::poll_room`](super::Outbox::poll_room).
    Full,
    /// The name is empty or longer than 255 bytes.
    Name,
    /// All numbers are given: no link has so many names or nodes.
    Numbers,
    /// What cannot be refused found even the reserve used up: the peer does not read. Close the link.
    Overrun,
    /// The payload could not be written.
    Payload(E),
    /// The message is larger than the peer takes.
    TooLarge {
        /// How many bytes it has.
        bytes: u64,
        /// How many it may have.
        max: u64,
    },
}

/// What was sent, and what was not.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Sent {
    /// Definitions, pings, signals that overtake.
    pub control: SentLane,
    /// Small messages, and signals that keep their order.
    pub user: SentLane,
    /// Frames that went over the bulk stream; the bytes are those of its fragments.
    pub bulk: SentLane,
    /// Fragments over the bulk stream.
    pub fragments: u64,
    /// Bytes of the bulk stream that did not have to be sent, as [`Outbox::saved`](super::Outbox::saved) was told; all
    /// others are counted as they were before they were compressed.
    pub saved_bytes: u64,
    /// What was refused for want of room.
    pub refused: u64,
}

/// What a lane took, and what the writer took from it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SentLane {
    /// Frames pushed.
    pub frames: u64,
    /// Bytes given to the writer.
    pub bytes: u64,
}

impl From<NoNumber> for Unsent {
    fn from(why: NoNumber) -> Unsent {
        match why {
            NoNumber::Name => Unsent::Name,
            NoNumber::Used => Unsent::Numbers,
        }
    }
}

impl<E: fmt::Display> fmt::Display for Unsent<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unsent::Full => f.write_str("the link's queue is full: wait for room, or send less"),
            Unsent::Name => f.write_str("a name has 1 to 255 bytes"),
            Unsent::Numbers => {
                f.write_str("the link has no numbers left for names: they are for types, not for values")
            }
            Unsent::Overrun => f.write_str("the peer does not read what it must be told: close the link"),
            Unsent::Payload(why) => why.fmt(f),
            Unsent::TooLarge { bytes, max } => {
                write!(
                    f,
                    "the message has {bytes} bytes, the peer takes {max}: raise its limit, or send parts"
                )
            }
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for Unsent<E> {}
