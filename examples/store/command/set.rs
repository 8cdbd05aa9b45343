//! `SET` and the `EXPIRE` family: the commands with options.

use bytes::Bytes;

use super::args::{Args, integer, is};
use super::errors;
use super::{Command, Compare, ExpireWhen, Expiry, KeyCommand, SetCommand, SetWhen};
use crate::reply::Reply;

pub(super) fn set(mut args: Args) -> Result<Command, Reply> {
    let (key, value) = (args.take()?, args.take()?);
    let mut set = SetCommand { key, value, expiry: Expiry::Never, when: SetWhen::Always, get: false };
    while let Some(word) = args.maybe() {
        option(&word, &mut set, &mut args)?;
    }
    Ok(Command::Keys(KeyCommand::Set(set)))
}

/// One option; a second of the same group is a syntax error, as in Redis.
fn option(word: &[u8], set: &mut SetCommand, args: &mut Args) -> Result<(), Reply> {
    let free = (set.when == SetWhen::Always, set.expiry == Expiry::Never);
    match word.to_ascii_uppercase().as_slice() {
        b"NX" if free.0 => set.when = SetWhen::Missing,
        b"XX" if free.0 => set.when = SetWhen::Present,
        b"GET" => set.get = true,
        b"KEEPTTL" if free.1 => set.expiry = Expiry::Keep,
        b"EX" if free.1 => set.expiry = Expiry::After(time(&args.of_option()?, 1000)?),
        b"PX" if free.1 => set.expiry = Expiry::After(time(&args.of_option()?, 1)?),
        b"EXAT" if free.1 => set.expiry = Expiry::At(time(&args.of_option()?, 1000)?),
        b"PXAT" if free.1 => set.expiry = Expiry::At(time(&args.of_option()?, 1)?),
        _ => return Err(errors::syntax()),
    }
    Ok(())
}

/// A positive time in units of `millis`.
fn time(word: &[u8], millis: i64) -> Result<i64, Reply> {
    let time = integer(word)?;
    if time <= 0 {
        return Err(errors::invalid_expire("set"));
    }
    time.checked_mul(millis).ok_or_else(|| errors::invalid_expire("set"))
}

pub(super) fn expire(args: Args) -> Result<Command, Reply> {
    expire_in(args, 1000)
}

pub(super) fn pexpire(args: Args) -> Result<Command, Reply> {
    expire_in(args, 1)
}

fn expire_in(mut args: Args, millis: i64) -> Result<Command, Reply> {
    let name = args.name;
    let (key, time) = (args.take()?, args.take()?);
    let when = condition(&args.rest())?;
    let after_ms = integer(&time)?.checked_mul(millis).ok_or_else(|| errors::invalid_expire(name))?;
    Ok(Command::Keys(KeyCommand::Expire { key, after_ms, when, name }))
}

fn condition(options: &[Bytes]) -> Result<ExpireWhen, Reply> {
    let (mut nx, mut xx, mut gt, mut lt) = (false, false, false, false);
    for word in options {
        let known = [("NX", &mut nx), ("XX", &mut xx), ("GT", &mut gt), ("LT", &mut lt)];
        match known.into_iter().find(|(option, _)| is(word, option)) {
            Some((_, given)) => *given = true,
            None => return Err(errors::unsupported_option(word)),
        }
    }
    match (nx, xx, gt, lt) {
        (true, ..) if xx || gt || lt => {
            Err(Reply::error("ERR NX and XX, GT or LT options at the same time are not compatible"))
        }
        (_, _, true, true) => Err(Reply::error("ERR GT and LT options at the same time are not compatible")),
        (true, ..) => Ok(ExpireWhen::Unset),
        (_, true, true, _) => Ok(ExpireWhen::Set { and: Some(Compare::Later) }),
        (_, true, _, true) => Ok(ExpireWhen::Set { and: Some(Compare::Earlier) }),
        (_, true, ..) => Ok(ExpireWhen::Set { and: None }),
        (_, _, true, _) => Ok(ExpireWhen::If(Compare::Later)),
        (_, _, _, true) => Ok(ExpireWhen::If(Compare::Earlier)),
        _ => Ok(ExpireWhen::Always),
    }
}
