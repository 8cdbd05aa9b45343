//! What is told of nodes.

use crate::name::{Endpoint, NodeId};
use crate::proto::hello::Refusal;
use crate::proto::reach::Why;
use crate::tls::TlsError;
use ravelin_core::{Exit, Message, Time};
use std::fmt;
use std::time::Duration;

/// What becomes of nodes, for those who watch: see `Node::watch`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum NodeEvent {
    /// This life of a node is reached: its actors can be sent to.
    Up(NodeId),
    /// It is reached no more. Comes once for each [`NodeEvent::Up`], after the bonds with its actors have ended. When this
    /// node ends all others are down for it.
    Down(NodeId, Why),
    /// A member gives no answer; unless it objects it is declared down.
    Suspect(NodeId),
    /// This node is not wanted any more.
    Unwanted(NodeHealth),
    /// This node is one no more: it left ([`Exit::Shutdown`]), or one of its own actors ended for this reason, and with it
    /// the node. Comes last, and after the [`NodeEvent::Down`] of each that was up.
    /// Source: the end of `net_kernel`.
    Ended(Exit),
    /// There is no link, for one of the two does not want the other. Told for each attempt, but of those that others make
    /// not more than eight in a second.
    Refused {
        /// The endpoint that was dialled, or where the other dialled from; `None`: it was not let in so far as to know.
        with: Option<Endpoint>,
        /// Who does not want whom, and why.
        why: Refused,
    },
}

/// Which of two nodes does not want the other, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refused {
    /// This node refused the other, which was told.
    Here(Refusal),
    /// The other refused this node.
    There(Refusal),
    /// The certificate of one of them is not good enough for the other.
    Certificate(TlsError),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Here(why) => write!(f, "refused the peer: {why}"),
            Refused::There(why) => write!(f, "the peer refused: {why}"),
            Refused::Certificate(why) => fmt::Display::fmt(why, f),
        }
    }
}

impl Refused {
    /// What is wrong with a certificate; `None`: what was said is no TLS, and so of nobody.
    pub(crate) fn by_certificate(why: &TlsError) -> Option<Refused> {
        match why {
            TlsError::Handshake(_) => None,
            why => Some(Refused::Certificate(why.clone())),
        }
    }
}

/// How many refusals of one second are told, of those that others cause.
const TOLD_MAX: u32 = 8;

/// Who may make this node talk, and how much: a stranger that knocks without end must fill no mailbox and no disk.
#[derive(Debug, Default)]
pub(crate) struct Sparing {
    since: Option<Time>,
    told: u32,
}

impl Sparing {
    /// Whether one more is told.
    pub(crate) fn admits(&mut self, now: Time) -> bool {
        if self.since.is_none_or(|since| now - since >= Duration::from_secs(1)) {
            (self.since, self.told) = (Some(now), 0);
        }
        self.told += 1;
        self.told <= TOLD_MAX
    }
}

/// Why this node is not wanted.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum NodeHealth {
    /// Another has its name, and lives.
    NameTaken {
        /// Who has it.
        holder: NodeId,
        /// Since the first time that it was heard.
        lasting: Duration,
    },
    /// A later life of this node is there, or was.
    Superseded {
        /// The later one.
        by: NodeId,
    },
}

impl Message for NodeEvent {
    type Reply = ();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_others_cause_so_much_is_told_in_a_second() {
        let mut sparing = Sparing::default();
        let told = |sparing: &mut Sparing, ms| {
            let now = Time::EPOCH + Duration::from_millis(ms);
            (0..100).filter(|_| sparing.admits(now)).count()
        };
        assert_eq!([0, 999, 1000, 1500, 2000].map(|ms| told(&mut sparing, ms)), [8, 0, 8, 0, 8]);
    }
}
