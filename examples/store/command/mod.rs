//! Commands: what a client may ask, as types.
//!
//! `parse` turns the words of a request into a `Command` or into the error Redis would give, so whoever
//! executes one meets no malformed input. The outer enum says who executes it: the connection itself
//! (`Local`), the partitions that own the keys (`Keys`), the broker (`PubSub`), or the system that the actors live
//! in (`Admin`).

pub mod about;
mod admin;
mod args;
mod errors;
mod keys;
mod local;
mod set;
mod table;

use bytes::Bytes;

use crate::protocol::Version;
use crate::reply::Reply;
use crate::topic::Kind;
pub use admin::Admin;
use args::Args;
pub use errors::{NOT_AN_INTEGER, invalid_expire};
use table::lookup;

/// A well-formed command.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Local(Local),
    Keys(KeyCommand),
    PubSub(PubSub),
    Admin(Admin),
}

/// What a connection answers by itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Local {
    Ping(Option<Bytes>),
    Echo(Bytes),
    Hello(Hello),
    Client(Client),
    /// Only database 0 exists; anything else was refused when it was parsed.
    Select,
    /// `COMMAND` alone.
    CommandAll,
    CommandCount,
    CommandInfo(Vec<Bytes>),
    CommandDocs(Vec<Bytes>),
    /// `CONFIG GET` with its patterns.
    ConfigGet(Vec<Bytes>),
    Info(Vec<Bytes>),
    Quit,
}

/// `HELLO [version [SETNAME name]]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hello {
    pub version: Option<Version>,
    pub name: Option<Bytes>,
}

/// `CLIENT ...`.
#[derive(Clone, Debug, PartialEq)]
pub enum Client {
    Id,
    GetName,
    SetName(Bytes),
    SetInfo(LibraryInfo, Bytes),
    /// Accepted and without meaning here: `NO-EVICT`, `NO-TOUCH`.
    Ignored,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LibraryInfo {
    Name,
    Version,
}

/// What goes to the broker.
#[derive(Clone, Debug, PartialEq)]
pub enum PubSub {
    /// The channel and the message.
    Publish(Bytes, Bytes),
    Subscribe(Kind, Vec<Bytes>),
    /// No names: all of the kind.
    Unsubscribe(Kind, Vec<Bytes>),
}

/// What partitions execute. `route` says which of them, `writes` whether it may change anything.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyCommand {
    /// On one key: one partition executes it as it is.
    On(Bytes, OnKey),
    DbSize,
    Del(Vec<Bytes>),
    Exists(Vec<Bytes>),
    FlushAll,
    MGet(Vec<Bytes>),
    MSet(Vec<(Bytes, Bytes)>),
}

/// What is done with one key.
#[derive(Clone, Debug, PartialEq)]
pub enum OnKey {
    Append(Bytes),
    Expire {
        /// From now; not positive deletes the key.
        after_ms: i64,
        when: ExpireWhen,
        /// The command's name, for its error.
        name: &'static str,
    },
    Get,
    GetDel,
    HDel(Vec<Bytes>),
    HGet(Bytes),
    HGetAll,
    HLen,
    HSet(Vec<(Bytes, Bytes)>),
    IncrBy(i64),
    LLen,
    LRange(i64, i64),
    Persist,
    Pop(End, Option<usize>),
    Push(End, Vec<Bytes>),
    SAdd(Vec<Bytes>),
    SCard,
    SIsMember(Bytes),
    SMembers,
    SRem(Vec<Bytes>),
    Set(SetCommand),
    StrLen,
    Ttl(Unit),
    Type,
}

/// `SET` with its options.
#[derive(Clone, Debug, PartialEq)]
pub struct SetCommand {
    pub value: Bytes,
    pub expiry: Expiry,
    pub when: SetWhen,
    /// `GET`: answer with what was there before.
    pub get: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Expiry {
    #[default]
    Never,
    /// `KEEPTTL`.
    Keep,
    /// Milliseconds from the moment of execution.
    After(i64),
    /// Milliseconds since the Unix epoch.
    At(i64),
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum SetWhen {
    #[default]
    Always,
    /// `NX`.
    Missing,
    /// `XX`.
    Present,
}

/// The condition of `EXPIRE`. A key without expiry counts as one that expires never, later than any time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum ExpireWhen {
    #[default]
    Always,
    /// `NX`: only if it has no expiry.
    Unset,
    /// `XX`: only if it has one; `XX GT` and `XX LT` also compare.
    Set { and: Option<Compare> },
    /// `GT` or `LT` alone.
    If(Compare),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Compare {
    /// Only if the new expiry is later.
    Later,
    /// Only if it is earlier.
    Earlier,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unit {
    Seconds,
    Millis,
}

/// An end of a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    Left,
    Right,
}

impl KeyCommand {
    /// Whether it may change data, apart from dropping what has expired.
    pub fn writes(&self) -> bool {
        use OnKey::*;
        match self {
            KeyCommand::DbSize | KeyCommand::Exists(_) | KeyCommand::MGet(_) => false,
            KeyCommand::Del(_) | KeyCommand::FlushAll | KeyCommand::MSet(_) => true,
            KeyCommand::On(_, act) => match act {
                Get | HGet(_) | HGetAll | HLen | LLen | LRange(..) | SCard | SIsMember(_) | SMembers
                | StrLen | Ttl(_) | Type => false,
                Append(_)
                | Expire { .. }
                | GetDel
                | HDel(_)
                | HSet(_)
                | IncrBy(_)
                | Persist
                | Pop(..)
                | Push(..)
                | SAdd(_)
                | SRem(_)
                | Set(_) => true,
            },
        }
    }
}

/// Reads a request, whose first word is the command's name. The error is the reply to give.
pub fn parse(request: Vec<Bytes>) -> Result<Command, Reply> {
    let Some(name) = request.first() else { return Err(errors::SYNTAX) };
    let Some(spec) = lookup(name) else { return Err(errors::unknown_command(&request)) };
    if !args::accepts(spec.arity, request.len()) {
        return Err(errors::wrong_arity(spec.name));
    }
    (spec.parse)(&mut Args::new(spec.name, request))
}

#[cfg(test)]
mod tests;
