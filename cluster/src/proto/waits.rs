//! `[pure]` Who waits for an answer over one link: our calls there, and theirs here. Each ends exactly once.
//!
//! A wait ends by the answer, by being given up, or with the node; whatever comes first. What comes later finds nothing
//! and is ignored. The shell keeps with each wait what it needs to end it (`W`: the one to wake, or the one to answer).

use std::collections::BTreeMap;

/// Names one call in flight on one link; its caller's node chose it. Never used again on that link.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CallId(pub u64);

/// Calls of this node that wait for an answer of the peer.
///
/// ```
/// use ravelin_cluster::proto::waits::Waits;
/// let mut waits = Waits::new();
/// let call = waits.begin("caller");
/// assert_eq!(waits.end(call), Some("caller"));
/// assert_eq!(waits.end(call), None, "answered twice, or given up before: nobody waits");
/// ```
#[derive(Debug)]
pub struct Waits<W> {
    waiting: BTreeMap<CallId, W>,
    next: u64,
}

impl<W> Default for Waits<W> {
    fn default() -> Waits<W> {
        Waits::new()
    }
}

impl<W> Waits<W> {
    /// No call waits.
    pub fn new() -> Waits<W> {
        Waits { waiting: BTreeMap::new(), next: 1 }
    }

    /// A call begins. Ids rise from 1 and are not used again, also not after a loss.
    pub fn begin(&mut self, wait: W) -> CallId {
        let id = CallId(self.next);
        self.next += 1;
        self.waiting.insert(id, wait);
        id
    }

    /// The call ends: its answer came, or its caller gave it up (then the peer is to be told: Cancel). Who waits, if
    /// somebody still does.
    pub fn end(&mut self, call: CallId) -> Option<W> {
        self.waiting.remove(&call)
    }

    /// All these calls end, as by [`end`](Waits::end). O(n).
    pub fn end_all(&mut self, mut which: impl FnMut(&W) -> bool) -> Vec<(CallId, W)> {
        let ended = self.waiting.iter().filter(|(_, wait)| which(wait)).map(|(call, _)| *call);
        let ended: Vec<CallId> = ended.collect();
        ended.into_iter().filter_map(|call| Some((call, self.waiting.remove(&call)?))).collect()
    }

    /// Who waits for this call, to be changed.
    pub fn get_mut(&mut self, call: CallId) -> Option<&mut W> {
        self.waiting.get_mut(&call)
    }

    /// Who waits for this call.
    pub fn get(&self, call: CallId) -> Option<&W> {
        self.waiting.get(&call)
    }

    /// The node is lost: all that wait, the oldest call first. Each is to end with `Exited(NoConnection)`.
    pub fn lost(&mut self) -> Vec<(CallId, W)> {
        std::mem::take(&mut self.waiting).into_iter().collect()
    }

    /// How many calls wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether no call waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

/// Why a call of the peer is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NotTaken {
    /// A call of this id is in hand: the peer is faulty, close the link.
    Twice,
    /// As many calls are in hand as may be: refuse it (overloaded), the link may live.
    Full,
}

/// Calls of the peer that this node has in hand: each is answered at most once, and not when its caller gave up.
#[derive(Debug)]
pub struct InHand<W> {
    calls: BTreeMap<CallId, W>,
    most: usize,
}

impl<W> InHand<W> {
    /// Nothing in hand; `most` calls may be at a time.
    pub fn new(most: usize) -> InHand<W> {
        InHand { calls: BTreeMap::new(), most }
    }

    /// A call came.
    ///
    /// # Errors
    /// Its id is in hand, or too many are; what was given comes back.
    pub fn take(&mut self, call: CallId, with: W) -> Result<(), (NotTaken, W)> {
        if self.calls.contains_key(&call) {
            return Err((NotTaken::Twice, with));
        }
        if self.calls.len() >= self.most {
            return Err((NotTaken::Full, with));
        }
        self.calls.insert(call, with);
        Ok(())
    }

    /// What is with this call, if it is in hand.
    pub fn get(&self, call: CallId) -> Option<&W> {
        self.calls.get(&call)
    }

    /// The call is answered (send the answer if this gives something), or its caller gave it up (tell the callee).
    pub fn end(&mut self, call: CallId) -> Option<W> {
        self.calls.remove(&call)
    }

    /// The node is lost: all that was in hand, the oldest first. Nobody waits for the answers.
    pub fn lost(&mut self) -> Vec<(CallId, W)> {
        std::mem::take(&mut self.calls).into_iter().collect()
    }

    /// How many calls are in hand.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether none is in hand.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_once_whatever_comes_first() {
        let mut waits = Waits::new();
        let [a, b, c] = ["a", "b", "c"].map(|who| waits.begin(who));
        assert_eq!(waits.end(b), Some("b"));
        assert_eq!(waits.end(b), None);
        assert_eq!(waits.lost(), [(a, "a"), (c, "c")]);
        assert_eq!((waits.end(a), waits.lost()), (None, vec![]));
        assert!(waits.begin("d") > c, "an id was used again");
    }

    #[test]
    fn a_call_in_hand_is_answered_once_and_their_number_is_bounded() {
        let mut calls = InHand::new(2);
        calls.take(CallId(1), "a").unwrap();
        assert_eq!(calls.take(CallId(1), "x"), Err((NotTaken::Twice, "x")));
        calls.take(CallId(7), "b").unwrap();
        assert_eq!(calls.take(CallId(8), "x"), Err((NotTaken::Full, "x")));
        assert_eq!((calls.end(CallId(1)), calls.end(CallId(1))), (Some("a"), None));
        assert_eq!(calls.lost(), [(CallId(7), "b")]);
        assert!(calls.is_empty());
    }
}
