//! The parser of `ADMIN`.

use super::args::Args;
use super::{Command, errors};
use crate::reply::Reply;

/// `ADMIN ...`: questions about the actors, and a hand on them. An actor is named as its place is.
#[derive(Clone, Debug, PartialEq)]
pub enum Admin {
    Help,
    Resume(String),
    State(String),
    /// Of those whose names begin so.
    Status(String),
    Suspend(String),
    Top(usize),
    /// Of those whose names begin so; at most so many events.
    Trace(String, u32),
    Waits,
}

pub(super) fn admin(args: &mut Args) -> Result<Command, Reply> {
    let subcommand = args.take()?;
    let admin = match subcommand.to_ascii_uppercase().as_slice() {
        b"HELP" => Admin::Help,
        b"STATUS" => Admin::Status(args.maybe().map_or(String::new(), |name| text(&name))),
        b"TOP" => Admin::Top(positive(args)?),
        b"SUSPEND" => Admin::Suspend(text(&args.take()?)),
        b"RESUME" => Admin::Resume(text(&args.take()?)),
        b"STATE" => Admin::State(text(&args.take()?)),
        b"TRACE" => Admin::Trace(text(&args.take()?), positive(args)?),
        b"WAITS" => Admin::Waits,
        _ => return Err(errors::unknown_subcommand("admin", &subcommand)),
    };
    if args.len() == 0 { Ok(Command::Admin(admin)) } else { Err(args.wrong_arity()) }
}

/// So many, at most a thousand.
fn positive<N: TryFrom<i64>>(args: &mut Args) -> Result<N, Reply> {
    let number = args.integer()?.min(1000);
    N::try_from(number).ok().filter(|_| number > 0).ok_or(errors::NOT_POSITIVE)
}

fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}
