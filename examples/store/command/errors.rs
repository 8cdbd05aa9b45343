//! Errors in Redis's words: clients match on them.

use std::borrow::Cow;

use bytes::Bytes;

use crate::reply::Reply;

pub const NOT_AN_INTEGER: Reply = error("ERR value is not an integer or out of range");
pub(super) const NOT_POSITIVE: Reply = error("ERR value is out of range, must be positive");
pub(super) const SYNTAX: Reply = error("ERR syntax error");

const fn error(text: &'static str) -> Reply {
    Reply::Error(Cow::Borrowed(text))
}

pub fn invalid_expire(command: &str) -> Reply {
    Reply::error(format!("ERR invalid expire time in '{command}' command"))
}

/// A subcommand's name is given as `config|get`.
pub(super) fn wrong_arity(command: &str) -> Reply {
    Reply::error(format!("ERR wrong number of arguments for '{command}' command"))
}

pub(super) fn unknown_subcommand(command: &str, subcommand: &[u8]) -> Reply {
    let help = command.to_ascii_uppercase();
    Reply::error(format!("ERR unknown subcommand '{}'. Try {help} HELP.", quote(subcommand, QUOTED)))
}

/// At most this much of what the client sent is quoted back to it.
const QUOTED: usize = 128;

pub(super) fn unknown_command(request: &[Bytes]) -> Reply {
    let (name, args) = request.split_first().map_or((&[][..], &[][..]), |(name, args)| (&name[..], args));
    let mut quoted = String::new();
    for arg in args {
        if quoted.len() >= QUOTED {
            break;
        }
        quoted += &format!("'{}' ", quote(arg, QUOTED - quoted.len()));
    }
    let name = quote(name, QUOTED);
    Reply::error(format!("ERR unknown command '{name}', with args beginning with: {quoted}"))
}

/// The start of the client's bytes as text, up to a NUL, as C's `%.128s` would give them.
fn quote(bytes: &[u8], most: usize) -> String {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(&text[..text.len().min(most)]).into_owned()
}

pub(super) fn unsupported_option(option: &[u8]) -> Reply {
    Reply::error(format!("ERR Unsupported option {}", quote(option, QUOTED)))
}

/// A text with the client's word in quotes behind it.
pub(super) fn quoting(text: &str, word: &[u8]) -> Reply {
    Reply::error(format!("{text} '{}'", quote(word, QUOTED)))
}
