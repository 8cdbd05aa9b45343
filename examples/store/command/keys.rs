//! Parsers of the commands on keys that have no options to speak of.

use bytes::Bytes;

use super::args::Args;
use super::{Command, End, KeyCommand, Unit, errors};
use crate::reply::Reply;

type Parsed = Result<Command, Reply>;

fn keys(command: KeyCommand) -> Parsed {
    Ok(Command::Keys(command))
}

/// Parsers whose whole argument is one key.
macro_rules! of_one_key {
    ($($name:ident => $make:expr;)*) => {$(
        pub(super) fn $name(mut args: Args) -> Parsed {
            let make: fn(Bytes) -> KeyCommand = $make;
            keys(make(args.take()?))
        }
    )*};
}

of_one_key! {
    get => KeyCommand::Get;
    getdel => KeyCommand::GetDel;
    incr => |key| KeyCommand::IncrBy(key, 1);
    decr => |key| KeyCommand::IncrBy(key, -1);
    strlen => KeyCommand::StrLen;
    ttl => |key| KeyCommand::Ttl(key, Unit::Seconds);
    pttl => |key| KeyCommand::Ttl(key, Unit::Millis);
    persist => KeyCommand::Persist;
    type_of => KeyCommand::Type;
    llen => KeyCommand::LLen;
    smembers => KeyCommand::SMembers;
    scard => KeyCommand::SCard;
    hgetall => KeyCommand::HGetAll;
    hlen => KeyCommand::HLen;
}

pub(super) fn mget(args: Args) -> Parsed {
    keys(KeyCommand::MGet(args.rest()))
}

pub(super) fn mset(args: Args) -> Parsed {
    keys(KeyCommand::MSet(args.pairs()?))
}

pub(super) fn del(args: Args) -> Parsed {
    keys(KeyCommand::Del(args.rest()))
}

pub(super) fn exists(args: Args) -> Parsed {
    keys(KeyCommand::Exists(args.rest()))
}

pub(super) fn incrby(mut args: Args) -> Parsed {
    keys(KeyCommand::IncrBy(args.take()?, args.integer()?))
}

pub(super) fn decrby(mut args: Args) -> Parsed {
    let (key, by) = (args.take()?, args.integer()?);
    let by = by.checked_neg().ok_or_else(|| Reply::error("ERR decrement would overflow"))?;
    keys(KeyCommand::IncrBy(key, by))
}

pub(super) fn append(mut args: Args) -> Parsed {
    keys(KeyCommand::Append(args.take()?, args.take()?))
}

pub(super) fn dbsize(_: Args) -> Parsed {
    keys(KeyCommand::DbSize)
}

/// `ASYNC` and `SYNC` are accepted; a partition forgets its keys at once either way.
pub(super) fn flushall(mut args: Args) -> Parsed {
    match args.maybe().map(|word| word.to_ascii_uppercase()).as_deref() {
        None | Some(b"ASYNC" | b"SYNC") if args.len() == 0 => keys(KeyCommand::FlushAll),
        _ => Err(errors::syntax()),
    }
}

pub(super) fn lpush(mut args: Args) -> Parsed {
    keys(KeyCommand::Push(args.take()?, End::Left, args.rest()))
}

pub(super) fn rpush(mut args: Args) -> Parsed {
    keys(KeyCommand::Push(args.take()?, End::Right, args.rest()))
}

pub(super) fn lpop(args: Args) -> Parsed {
    pop(args, End::Left)
}

pub(super) fn rpop(args: Args) -> Parsed {
    pop(args, End::Right)
}

fn pop(mut args: Args, end: End) -> Parsed {
    if args.len() > 2 {
        return Err(args.wrong_arity());
    }
    keys(KeyCommand::Pop(args.take()?, end, args.maybe_count()?))
}

pub(super) fn lrange(mut args: Args) -> Parsed {
    keys(KeyCommand::LRange(args.take()?, args.integer()?, args.integer()?))
}

pub(super) fn sadd(mut args: Args) -> Parsed {
    keys(KeyCommand::SAdd(args.take()?, args.rest()))
}

pub(super) fn srem(mut args: Args) -> Parsed {
    keys(KeyCommand::SRem(args.take()?, args.rest()))
}

pub(super) fn sismember(mut args: Args) -> Parsed {
    keys(KeyCommand::SIsMember(args.take()?, args.take()?))
}

pub(super) fn hset(mut args: Args) -> Parsed {
    keys(KeyCommand::HSet(args.take()?, args.pairs()?))
}

pub(super) fn hget(mut args: Args) -> Parsed {
    keys(KeyCommand::HGet(args.take()?, args.take()?))
}

pub(super) fn hdel(mut args: Args) -> Parsed {
    keys(KeyCommand::HDel(args.take()?, args.rest()))
}
