//! What `COMMAND` answers: the table, as replies.

use super::table::{Spec, TABLE, lookup};
use crate::reply::Reply;

/// `COMMAND`: every command.
pub fn all() -> Reply {
    Reply::Array(TABLE.iter().map(describe).collect())
}

/// `COMMAND COUNT`.
pub fn count() -> Reply {
    Reply::count(TABLE.len())
}

/// `COMMAND INFO`: these commands, nothing for a name that is none; without names, every command.
pub fn info(names: &[impl AsRef<[u8]>]) -> Reply {
    if names.is_empty() {
        return all();
    }
    Reply::Array(names.iter().map(|name| lookup(name.as_ref()).map_or(Reply::NullArray, describe)).collect())
}

/// `COMMAND DOCS`: what these commands are for; without names, every command.
pub fn docs(names: &[impl AsRef<[u8]>]) -> Reply {
    let entry = |spec: &Spec| (Reply::bulk(spec.name), document(spec));
    if names.is_empty() {
        return Reply::Map(TABLE.iter().map(entry).collect());
    }
    Reply::Map(names.iter().filter_map(|name| lookup(name.as_ref())).map(entry).collect())
}

fn describe(spec: &Spec) -> Reply {
    let (first, last, step) = spec.keys;
    let empty = || Reply::Array(Vec::new());
    Reply::Array(vec![
        Reply::bulk(spec.name),
        Reply::Integer(spec.arity),
        Reply::Set(spec.flags.split(' ').map(Reply::Simple).collect()),
        Reply::Integer(first),
        Reply::Integer(last),
        Reply::Integer(step),
        // Categories of access, tips, specifications of keys, subcommands: nothing to tell.
        Reply::Set(Vec::new()),
        empty(),
        empty(),
        empty(),
    ])
}

fn document(spec: &Spec) -> Reply {
    let pair = |name: &str, text: &str| (Reply::bulk(name), Reply::bulk(text));
    Reply::Map(vec![pair("summary", spec.summary), pair("group", spec.group)])
}
