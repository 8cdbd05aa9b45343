//! `SET` and the `EXPIRE` family: the commands with options.

use super::args::{Args, integer, is, parsers};
use super::errors;
use super::{Command, Compare, ExpireWhen, Expiry, KeyCommand, OnKey, SetCommand, SetWhen};
use crate::reply::Reply;

parsers! {
    Command::Keys;
    expire(args) => KeyCommand::On(args.take()?, expire_in(args, 1000)?);
    pexpire(args) => KeyCommand::On(args.take()?, expire_in(args, 1)?);
    set(args) => KeyCommand::On(args.take()?, OnKey::Set(with_options(args)?));
}

fn with_options(args: &mut Args) -> Result<SetCommand, Reply> {
    let value = args.take()?;
    let mut set = SetCommand { value, expiry: Expiry::Never, when: SetWhen::Always, get: false };
    while let Some(word) = args.maybe() {
        option(&word, &mut set, args)?;
    }
    Ok(set)
}

/// One option; a second of the same group is a syntax error, as in Redis.
fn option(word: &[u8], set: &mut SetCommand, args: &mut Args) -> Result<(), Reply> {
    let free = (set.when == SetWhen::Always, set.expiry == Expiry::Never);
    match word.to_ascii_uppercase().as_slice() {
        b"NX" if free.0 => set.when = SetWhen::Missing,
        b"XX" if free.0 => set.when = SetWhen::Present,
        b"GET" => set.get = true,
        b"KEEPTTL" if free.1 => set.expiry = Expiry::Keep,
        b"EX" if free.1 => set.expiry = Expiry::After(time(args, 1000)?),
        b"PX" if free.1 => set.expiry = Expiry::After(time(args, 1)?),
        b"EXAT" if free.1 => set.expiry = Expiry::At(time(args, 1000)?),
        b"PXAT" if free.1 => set.expiry = Expiry::At(time(args, 1)?),
        _ => return Err(errors::SYNTAX),
    }
    Ok(())
}

/// A positive time in units of `millis`.
fn time(args: &mut Args, millis: i64) -> Result<i64, Reply> {
    let time = integer(&args.of_option()?)?.checked_mul(millis);
    time.filter(|time| *time > 0).ok_or_else(|| errors::invalid_expire("set"))
}

fn expire_in(args: &mut Args, millis: i64) -> Result<OnKey, Reply> {
    let (time, when) = (args.take()?, condition(args)?);
    let after_ms = integer(&time)?.checked_mul(millis).ok_or_else(|| errors::invalid_expire(args.name))?;
    Ok(OnKey::Expire { after_ms, when, name: args.name })
}

fn condition(args: &mut Args) -> Result<ExpireWhen, Reply> {
    let (mut nx, mut xx, mut gt, mut lt) = (false, false, false, false);
    while let Some(word) = args.maybe() {
        let known = [("NX", &mut nx), ("XX", &mut xx), ("GT", &mut gt), ("LT", &mut lt)];
        match known.into_iter().find(|(option, _)| is(&word, option)) {
            Some((_, given)) => *given = true,
            None => return Err(errors::unsupported_option(&word)),
        }
    }
    if nx && (xx || gt || lt) {
        return Err(Reply::error("ERR NX and XX, GT or LT options at the same time are not compatible"));
    }
    let compare = match (gt, lt) {
        (true, true) => {
            return Err(Reply::error("ERR GT and LT options at the same time are not compatible"));
        }
        (true, false) => Some(Compare::Later),
        (false, true) => Some(Compare::Earlier),
        (false, false) => None,
    };
    Ok(match (nx, xx, compare) {
        (true, ..) => ExpireWhen::Unset,
        (_, true, and) => ExpireWhen::Set { and },
        (.., Some(compare)) => ExpireWhen::If(compare),
        (.., None) => ExpireWhen::Always,
    })
}
