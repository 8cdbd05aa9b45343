//! The words behind a command's name, taken one by one.

use std::vec::IntoIter;

use bytes::Bytes;

use super::errors;
use crate::number;
use crate::reply::Reply;

/// What is left of a request. Each `take` fails as Redis fails when a word is missing or malformed.
pub(super) struct Args {
    /// The command's name in lower case; a subcommand's as `config|get`.
    pub(super) name: &'static str,
    words: IntoIter<Bytes>,
}

impl Args {
    /// `request` begins with the name.
    pub(super) fn new(name: &'static str, request: Vec<Bytes>) -> Args {
        let mut words = request.into_iter();
        words.next();
        Args { name, words }
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    pub(super) fn wrong_arity(&self) -> Reply {
        errors::wrong_arity(self.name)
    }

    /// The next word; a missing one is an arity error.
    pub(super) fn take(&mut self) -> Result<Bytes, Reply> {
        self.words.next().ok_or_else(|| errors::wrong_arity(self.name))
    }

    /// The next word if there is one.
    pub(super) fn maybe(&mut self) -> Option<Bytes> {
        self.words.next()
    }

    /// The argument of an option; a missing one is a syntax error.
    pub(super) fn of_option(&mut self) -> Result<Bytes, Reply> {
        self.words.next().ok_or_else(errors::syntax)
    }

    pub(super) fn integer(&mut self) -> Result<i64, Reply> {
        integer(&self.take()?)
    }

    /// A count of elements: not negative.
    pub(super) fn maybe_count(&mut self) -> Result<Option<usize>, Reply> {
        let Some(word) = self.maybe() else { return Ok(None) };
        let count = integer(&word).ok().and_then(|n| usize::try_from(n).ok());
        count.map(Some).ok_or_else(errors::not_positive)
    }

    pub(super) fn rest(self) -> Vec<Bytes> {
        self.words.collect()
    }

    /// The rest as pairs; an odd word is an arity error.
    pub(super) fn pairs(mut self) -> Result<Vec<(Bytes, Bytes)>, Reply> {
        if !self.len().is_multiple_of(2) {
            return Err(self.wrong_arity());
        }
        let mut pairs = Vec::with_capacity(self.len() / 2);
        while let (Some(first), Some(second)) = (self.maybe(), self.maybe()) {
            pairs.push((first, second));
        }
        Ok(pairs)
    }
}

pub(super) fn integer(word: &[u8]) -> Result<i64, Reply> {
    number::integer(word).ok_or_else(errors::not_an_integer)
}

/// Whether a word is this option or subcommand, in any case.
pub(super) fn is(word: &[u8], option: &str) -> bool {
    word.eq_ignore_ascii_case(option.as_bytes())
}
