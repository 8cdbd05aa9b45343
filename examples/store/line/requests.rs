//! The requests of a client that wait for their answers, in the order in which they came.
//!
//! Partitions answer when they can; the client is answered in order.

use std::collections::VecDeque;

use crate::reply::Reply;
use crate::route::Join;

/// The queue of requests.
#[derive(Default)]
pub(super) struct Requests {
    queue: VecDeque<Request>,
    /// The number of the request at the front.
    first: u64,
    /// The bytes that all of them came in.
    size: usize,
}

struct Request {
    size: usize,
    answer: Answer,
}

enum Answer {
    Whole(Option<Reply>),
    InParts { replies: Vec<Option<Reply>>, missing: usize, join: Join },
}

impl Requests {
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// The bytes that the requests came in.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Adds one that has its answer already.
    pub(super) fn push_answered(&mut self, size: usize, reply: Reply) {
        self.push(size, Answer::Whole(Some(reply)));
    }

    /// Adds one that waits for an answer: its number.
    pub(super) fn push_whole(&mut self, size: usize) -> u64 {
        self.push(size, Answer::Whole(None))
    }

    /// Adds one that waits for an answer to each of its parts: its number.
    pub(super) fn push_in_parts(&mut self, size: usize, parts: usize, join: Join) -> u64 {
        self.push(size, Answer::InParts { replies: vec![None; parts], missing: parts, join })
    }

    fn push(&mut self, size: usize, answer: Answer) -> u64 {
        self.size += size;
        self.queue.push_back(Request { size, answer });
        self.first + self.queue.len() as u64 - 1
    }

    /// The reply to a request, or to a part of it.
    pub(super) fn answer(&mut self, request: u64, part: usize, reply: Reply) {
        let place = request.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        let request = place.and_then(|place| self.queue.get_mut(place));
        debug_assert!(request.is_some(), "a second answer to a request");
        match request.map(|request| &mut request.answer) {
            Some(Answer::Whole(answer)) => *answer = Some(reply),
            Some(Answer::InParts { replies, missing, .. }) => {
                if let Some(answer) = replies.get_mut(part)
                    && answer.replace(reply).is_none()
                {
                    *missing -= 1;
                }
            }
            None => {}
        }
    }

    /// Takes the request at the front, if it has its answer.
    pub(super) fn pop_answered(&mut self) -> Option<Reply> {
        let is_answered = match &self.queue.front()?.answer {
            Answer::Whole(answer) => answer.is_some(),
            Answer::InParts { missing, .. } => *missing == 0,
        };
        let request = if is_answered { self.queue.pop_front()? } else { return None };
        self.first += 1;
        self.size -= request.size;
        match request.answer {
            Answer::Whole(reply) => reply,
            Answer::InParts { replies, join, .. } => Some(join.join(replies.into_iter().flatten().collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_any_order_and_leave_in_the_order_of_the_requests() {
        let mut requests = Requests::default();
        let first = requests.push_whole(10);
        let second = requests.push_in_parts(20, 2, Join::Sum);
        requests.push_answered(5, Reply::OK);
        assert_eq!((requests.len(), requests.size()), (3, 35));

        requests.answer(second, 1, Reply::Integer(2));
        assert_eq!(requests.pop_answered(), None);
        requests.answer(first, 0, Reply::Null);
        assert_eq!(requests.pop_answered(), Some(Reply::Null));
        assert_eq!(requests.pop_answered(), None);
        requests.answer(second, 0, Reply::Integer(1));
        assert_eq!(requests.pop_answered(), Some(Reply::Integer(3)));
        assert_eq!(requests.pop_answered(), Some(Reply::OK));
        assert_eq!((requests.pop_answered(), requests.is_empty(), requests.size()), (None, true, 0));
        assert_eq!(requests.push_whole(1), 3);
    }
}
