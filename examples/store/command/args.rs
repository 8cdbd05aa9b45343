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
        self.maybe().ok_or_else(|| self.wrong_arity())
    }

    /// The next word if there is one.
    pub(super) fn maybe(&mut self) -> Option<Bytes> {
        self.words.next()
    }

    /// The argument of an option; a missing one is a syntax error.
    pub(super) fn of_option(&mut self) -> Result<Bytes, Reply> {
        self.maybe().ok_or(errors::SYNTAX)
    }

    pub(super) fn integer(&mut self) -> Result<i64, Reply> {
        integer(&self.take()?)
    }

    /// The last word if there is one; more than that is an arity error.
    pub(super) fn only_word(&mut self) -> Result<Option<Bytes>, Reply> {
        if self.len() > 1 { Err(self.wrong_arity()) } else { Ok(self.maybe()) }
    }

    /// The last word as a count of elements: not negative.
    pub(super) fn only_count(&mut self) -> Result<Option<usize>, Reply> {
        let Some(word) = self.only_word()? else { return Ok(None) };
        let count = integer(&word).ok().and_then(|n| usize::try_from(n).ok());
        count.map(Some).ok_or(errors::NOT_POSITIVE)
    }

    pub(super) fn rest(&mut self) -> Vec<Bytes> {
        self.words.by_ref().collect()
    }

    /// The rest as pairs; an odd word is an arity error.
    pub(super) fn pairs(&mut self) -> Result<Vec<(Bytes, Bytes)>, Reply> {
        if !self.len().is_multiple_of(2) {
            return Err(self.wrong_arity());
        }
        let mut pairs = Vec::with_capacity(self.len() / 2);
        while let (Some(first), Some(second)) = (self.maybe(), self.maybe()) {
            pairs.push((first, second));
        }
        Ok(pairs)
    }

    /// A subcommand of these, by its parser.
    pub(super) fn subcommand<T>(&mut self, known: &[Subcommand<T>]) -> Result<T, Reply> {
        let word = self.take()?;
        let is_it = |name: &str| name.split_once('|').is_some_and(|(_, name)| is(&word, name));
        let Some((name, arity, parse)) = known.iter().find(|(name, ..)| is_it(name)) else {
            return Err(errors::unknown_subcommand(self.name, &word));
        };
        self.name = name;
        if accepts(*arity, self.len() + 2) { parse(self) } else { Err(self.wrong_arity()) }
    }
}

/// The name as `config|get`, the arity as in the table of commands, and the parser of the words behind.
pub(super) type Subcommand<T> = (&'static str, i64, fn(&mut Args) -> Result<T, Reply>);

/// Whether a request of so many words has this arity: exactly so many; negative: at least so many.
pub(super) fn accepts(arity: i64, words: usize) -> bool {
    let words = i64::try_from(words).unwrap_or(i64::MAX);
    if arity >= 0 { words == arity } else { words >= -arity }
}

/// Parsers that take a line each, and what kind of command they make.
macro_rules! parsers {
    ($kind:path; $($name:ident($args:pat) => $command:expr;)*) => {$(
        pub(super) fn $name($args: &mut Args) -> Result<Command, Reply> {
            Ok($kind($command))
        }
    )*};
}
pub(super) use parsers;

pub(super) fn integer(word: &[u8]) -> Result<i64, Reply> {
    number::integer(word).ok_or(errors::NOT_AN_INTEGER)
}

/// Whether a word is this option or subcommand, in any case.
pub(super) fn is(word: &[u8], option: &str) -> bool {
    word.eq_ignore_ascii_case(option.as_bytes())
}
