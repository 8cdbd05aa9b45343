//! An errand: commands on their way to whoever executes them, and their way back.
//!
//! An errand is never copied, and it ends in one of two ways. It is *answered*, at the moment when what it did is
//! kept. Or it is *dropped*, because an actor that had it (in its mailbox or in hand) was killed; then its commands
//! go back to the line they came from, which sends them again. Between keeping and answering there is no await, so
//! no kill comes between the two. So a command takes effect exactly once, whoever is killed and when: without ids,
//! without time-outs, without a log of answers.

use std::sync::Arc;

use super::{Delivery, Line};
use crate::reply::Reply;

/// A command, and which of the line's requests it belongs to.
#[derive(Debug)]
pub struct Asked<C> {
    /// The number of the request.
    pub request: u64,
    /// Which part of the request, if that was split.
    pub part: usize,
    /// How often it came back without an answer.
    pub returns: u32,
    pub command: C,
}

/// How an errand ended.
#[derive(Debug)]
pub struct Outcome<C> {
    /// Which of the line's lanes it was sent on.
    pub lane: usize,
    pub asked: Vec<Asked<C>>,
    /// A reply to each command; `None`: nothing was done, or nothing of it was kept.
    pub replies: Option<Vec<Reply>>,
}

/// Commands of one line that one actor is to execute, in their order.
pub struct Errand<C> {
    line: Arc<Line>,
    lane: usize,
    asked: Vec<Asked<C>>,
    replies: Vec<Reply>,
    deliver: fn(Outcome<C>) -> Delivery,
}

impl<C> Errand<C> {
    pub fn new(
        line: Arc<Line>,
        lane: usize,
        asked: Vec<Asked<C>>,
        deliver: fn(Outcome<C>) -> Delivery,
    ) -> Errand<C> {
        Errand { line, lane, asked, replies: Vec::new(), deliver }
    }

    /// Whose errand it is.
    pub fn line(&self) -> &Arc<Line> {
        &self.line
    }

    pub fn commands(&self) -> impl Iterator<Item = &C> {
        self.asked.iter().map(|asked| &asked.command)
    }

    /// Executes each command. The line learns of the replies when the errand is answered.
    pub fn execute(&mut self, execute: impl FnMut(&C) -> Reply) {
        self.replies = self.asked.iter().map(|asked| &asked.command).map(execute).collect();
    }

    /// What was done is kept: the line gets the replies.
    pub fn answer(mut self) {
        let replies = Some(std::mem::take(&mut self.replies));
        self.end(replies);
    }

    /// It could not be sent: the commands, back at once.
    pub fn unsent(mut self) -> Vec<Asked<C>> {
        std::mem::take(&mut self.asked)
    }

    fn end(&mut self, replies: Option<Vec<Reply>>) {
        let asked = std::mem::take(&mut self.asked);
        self.line.deliver((self.deliver)(Outcome { lane: self.lane, asked, replies }));
    }
}

impl<C> Drop for Errand<C> {
    fn drop(&mut self) {
        if !self.asked.is_empty() {
            self.end(None);
        }
    }
}
