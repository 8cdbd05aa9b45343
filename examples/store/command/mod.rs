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

use crate::reply::Reply;
pub use admin::Admin;
pub use errors::{invalid_expire, not_an_integer};
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
    pub version: Option<i64>,
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
    Publish {
        channel: Bytes,
        message: Bytes,
    },
    Subscribe(Vec<Bytes>),
    /// No channels: all of them.
    Unsubscribe(Vec<Bytes>),
}

/// What partitions execute. `route` says which of them, `writes` whether it may change anything.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyCommand {
    Get(Bytes),
    Set(SetCommand),
    GetDel(Bytes),
    MGet(Vec<Bytes>),
    MSet(Vec<(Bytes, Bytes)>),
    Del(Vec<Bytes>),
    Exists(Vec<Bytes>),
    IncrBy(Bytes, i64),
    Append(Bytes, Bytes),
    StrLen(Bytes),
    Expire {
        key: Bytes,
        /// From now; not positive deletes the key.
        after_ms: i64,
        when: ExpireWhen,
        /// The command's name, for its error.
        name: &'static str,
    },
    Ttl(Bytes, Unit),
    Persist(Bytes),
    Type(Bytes),
    DbSize,
    FlushAll,
    Push(Bytes, End, Vec<Bytes>),
    Pop(Bytes, End, Option<usize>),
    LRange(Bytes, i64, i64),
    LLen(Bytes),
    SAdd(Bytes, Vec<Bytes>),
    SRem(Bytes, Vec<Bytes>),
    SMembers(Bytes),
    SIsMember(Bytes, Bytes),
    SCard(Bytes),
    HSet(Bytes, Vec<(Bytes, Bytes)>),
    HGet(Bytes, Bytes),
    HDel(Bytes, Vec<Bytes>),
    HGetAll(Bytes),
    HLen(Bytes),
}

/// `SET` with its options.
#[derive(Clone, Debug, PartialEq)]
pub struct SetCommand {
    pub key: Bytes,
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

/// Which keys a command is about, and so which partitions.
#[derive(Debug, PartialEq)]
pub enum Scope<'a> {
    /// One key: one partition executes the command as it is.
    Key(&'a Bytes),
    /// Several keys: the command is split.
    Several,
    /// Every partition.
    All,
}

impl KeyCommand {
    pub fn scope(&self) -> Scope<'_> {
        use KeyCommand::*;
        match self {
            Get(key)
            | GetDel(key)
            | IncrBy(key, _)
            | Append(key, _)
            | StrLen(key)
            | Ttl(key, _)
            | Persist(key)
            | Type(key)
            | Push(key, ..)
            | Pop(key, ..)
            | LRange(key, ..)
            | LLen(key)
            | SAdd(key, _)
            | SRem(key, _)
            | SMembers(key)
            | SIsMember(key, _)
            | SCard(key)
            | HSet(key, _)
            | HGet(key, _)
            | HDel(key, _)
            | HGetAll(key)
            | HLen(key) => Scope::Key(key),
            Set(set) => Scope::Key(&set.key),
            Expire { key, .. } => Scope::Key(key),
            MGet(_) | MSet(_) | Del(_) | Exists(_) => Scope::Several,
            DbSize | FlushAll => Scope::All,
        }
    }

    /// Whether it may change data, apart from dropping what has expired.
    pub fn writes(&self) -> bool {
        use KeyCommand::*;
        match self {
            Get(_) | MGet(_) | Exists(_) | StrLen(_) | Ttl(..) | Type(_) | DbSize | LRange(..) | LLen(_)
            | SMembers(_) | SIsMember(..) | SCard(_) | HGet(..) | HGetAll(_) | HLen(_) => false,
            Set(_)
            | GetDel(_)
            | MSet(_)
            | Del(_)
            | IncrBy(..)
            | Append(..)
            | Expire { .. }
            | Persist(_)
            | FlushAll
            | Push(..)
            | Pop(..)
            | SAdd(..)
            | SRem(..)
            | HSet(..)
            | HDel(..) => true,
        }
    }
}

/// Reads a request, whose first word is the command's name. The error is the reply to give.
pub fn parse(request: Vec<Bytes>) -> Result<Command, Reply> {
    let Some(name) = request.first() else { return Err(errors::syntax()) };
    let Some(spec) = lookup(name) else { return Err(errors::unknown_command(&request)) };
    if !spec.accepts(request.len()) {
        return Err(errors::wrong_arity(spec.name));
    }
    (spec.parse)(args::Args::new(spec.name, request))
}

#[cfg(test)]
mod tests;
