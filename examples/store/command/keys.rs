//! Parsers of the commands on keys that have no options to speak of.

use super::args::{Args, parsers};
use super::{Command, End, KeyCommand, OnKey, Unit, errors};
use crate::reply::Reply;

/// Parsers of commands that begin with their one key.
macro_rules! on_key {
    ($($name:ident($args:ident) => $act:expr;)*) => {
        parsers! { Command::Keys; $($name($args) => KeyCommand::On($args.take()?, $act);)* }
    };
}

on_key! {
    append(args) => OnKey::Append(args.take()?);
    decr(args) => OnKey::IncrBy(-1);
    decrby(args) => OnKey::IncrBy(negated(args)?);
    get(args) => OnKey::Get;
    getdel(args) => OnKey::GetDel;
    hdel(args) => OnKey::HDel(args.rest());
    hget(args) => OnKey::HGet(args.take()?);
    hgetall(args) => OnKey::HGetAll;
    hlen(args) => OnKey::HLen;
    hset(args) => OnKey::HSet(args.pairs()?);
    incr(args) => OnKey::IncrBy(1);
    incrby(args) => OnKey::IncrBy(args.integer()?);
    llen(args) => OnKey::LLen;
    lpop(args) => OnKey::Pop(End::Left, args.only_count()?);
    lpush(args) => OnKey::Push(End::Left, args.rest());
    lrange(args) => OnKey::LRange(args.integer()?, args.integer()?);
    persist(args) => OnKey::Persist;
    pttl(args) => OnKey::Ttl(Unit::Millis);
    rpop(args) => OnKey::Pop(End::Right, args.only_count()?);
    rpush(args) => OnKey::Push(End::Right, args.rest());
    sadd(args) => OnKey::SAdd(args.rest());
    scard(args) => OnKey::SCard;
    sismember(args) => OnKey::SIsMember(args.take()?);
    smembers(args) => OnKey::SMembers;
    srem(args) => OnKey::SRem(args.rest());
    strlen(args) => OnKey::StrLen;
    ttl(args) => OnKey::Ttl(Unit::Seconds);
    type_of(args) => OnKey::Type;
}

parsers! {
    Command::Keys;
    dbsize(_) => KeyCommand::DbSize;
    del(args) => KeyCommand::Del(args.rest());
    exists(args) => KeyCommand::Exists(args.rest());
    flushall(args) => flush(args)?;
    mget(args) => KeyCommand::MGet(args.rest());
    mset(args) => KeyCommand::MSet(args.pairs()?);
}

fn negated(args: &mut Args) -> Result<i64, Reply> {
    args.integer()?.checked_neg().ok_or_else(|| Reply::error("ERR decrement would overflow"))
}

/// `ASYNC` and `SYNC` are accepted; a partition forgets its keys at once either way.
fn flush(args: &mut Args) -> Result<KeyCommand, Reply> {
    match args.maybe().map(|word| word.to_ascii_uppercase()).as_deref() {
        None | Some(b"ASYNC" | b"SYNC") if args.len() == 0 => Ok(KeyCommand::FlushAll),
        _ => Err(errors::SYNTAX),
    }
}
