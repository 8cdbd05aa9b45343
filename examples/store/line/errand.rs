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
    pub command: C,
}

/// What became of an errand.
#[derive(Debug)]
pub struct Outcome<C> {
    /// Which of the line's lanes it was sent on.
    pub lane: usize,
    pub asked: Vec<Asked<C>>,
    pub end: End,
}

/// How an errand ended.
#[derive(Debug)]
pub enum End {
    /// It is done, and kept: a reply to each command.
    Answered(Vec<Reply>),
    /// Nothing of it is kept. One of its commands made whoever executed it panic, and would again.
    Broken,
    /// Nothing of it is kept.
    Lost,
}

/// Commands of one line that one actor is to execute, in their order.
pub struct Errand<C> {
    line: Arc<Line>,
    lane: usize,
    asked: Vec<Asked<C>>,
    /// How it ends if it is dropped now.
    end: End,
    deliver: fn(Outcome<C>) -> Delivery,
}

impl<C> Errand<C> {
    pub fn new(
        line: Arc<Line>,
        lane: usize,
        asked: Vec<Asked<C>>,
        deliver: fn(Outcome<C>) -> Delivery,
    ) -> Errand<C> {
        Errand { line, lane, asked, end: End::Lost, deliver }
    }

    /// Whose errand it is.
    pub fn line(&self) -> &Arc<Line> {
        &self.line
    }

    pub fn commands(&self) -> impl Iterator<Item = &C> {
        self.asked.iter().map(|asked| &asked.command)
    }

    /// Executes each command. What comes of it is a promise: to be answered with, once it is kept.
    pub fn execute(mut self, execute: impl FnMut(&C) -> Reply) -> Done<C> {
        // No kill comes while this runs. If it is dropped now, that is a panic.
        self.end = End::Broken;
        let replies = self.asked.iter().map(|asked| &asked.command).map(execute).collect();
        self.end = End::Lost;
        Done { errand: self, replies }
    }

    /// It could not be sent: the commands, back at once.
    pub fn unsent(mut self) -> Vec<Asked<C>> {
        std::mem::take(&mut self.asked)
    }
}

impl<C> Drop for Errand<C> {
    fn drop(&mut self) {
        let asked = std::mem::take(&mut self.asked);
        if !asked.is_empty() {
            let end = std::mem::replace(&mut self.end, End::Lost);
            self.line.deliver((self.deliver)(Outcome { lane: self.lane, asked, end }));
        }
    }
}

/// An errand that was executed.
pub struct Done<C> {
    errand: Errand<C>,
    replies: Vec<Reply>,
}

impl<C> Done<C> {
    pub fn commands(&self) -> impl Iterator<Item = &C> {
        self.errand.commands()
    }

    /// What was done is kept: the line gets the replies.
    pub fn answer(self) {
        let Done { mut errand, replies } = self;
        errand.end = End::Answered(replies);
    }

    /// What was done can't be kept: the line gets an error in place of each reply.
    pub fn refuse(self, why: &Reply) {
        let Done { mut errand, mut replies } = self;
        replies.fill(why.clone());
        errand.end = End::Answered(replies);
    }
}
