//! Parsers of what a connection answers by itself, and of the broker's commands.

use bytes::Bytes;

use super::args::{Args, is};
use super::{Client, Command, Hello, LibraryInfo, Local, PubSub, errors};
use crate::number;
use crate::reply::Reply;

type Parsed = Result<Command, Reply>;

fn local(command: Local) -> Parsed {
    Ok(Command::Local(command))
}

pub(super) fn ping(mut args: Args) -> Parsed {
    if args.len() > 1 {
        return Err(args.wrong_arity());
    }
    local(Local::Ping(args.maybe()))
}

pub(super) fn echo(mut args: Args) -> Parsed {
    local(Local::Echo(args.take()?))
}

pub(super) fn quit(_: Args) -> Parsed {
    local(Local::Quit)
}

pub(super) fn info(args: Args) -> Parsed {
    local(Local::Info(args.rest()))
}

pub(super) fn select(mut args: Args) -> Parsed {
    match args.integer()? {
        0 => local(Local::Select),
        _ => Err(Reply::error("ERR DB index is out of range")),
    }
}

pub(super) fn hello(mut args: Args) -> Parsed {
    let mut hello = Hello::default();
    let Some(version) = args.maybe() else { return local(Local::Hello(hello)) };
    hello.version = match number::integer(&version) {
        None => return Err(Reply::error("ERR Protocol version is not an integer or out of range")),
        Some(version @ 2..=3) => Some(version),
        Some(_) => return Err(Reply::error("NOPROTO unsupported protocol version")),
    };
    while let Some(word) = args.maybe() {
        if is(&word, "AUTH") && args.len() >= 2 {
            no_password(&args.take()?)?;
            args.take()?;
        } else if is(&word, "SETNAME") && args.len() >= 1 {
            hello.name = Some(client_name(args.take()?)?);
        } else {
            return Err(errors::quoting("ERR Syntax error in HELLO option", &word));
        }
    }
    local(Local::Hello(hello))
}

/// There are no users here: the default user needs no password, and nobody else exists.
fn no_password(user: &[u8]) -> Result<(), Reply> {
    if user == b"default" {
        return Ok(());
    }
    Err(Reply::error("WRONGPASS invalid username-password pair or user is disabled."))
}

fn client_name(name: Bytes) -> Result<Bytes, Reply> {
    if name.iter().all(u8::is_ascii_graphic) {
        return Ok(name);
    }
    Err(Reply::error("ERR Client names cannot contain spaces, newlines or special characters."))
}

pub(super) fn client(mut args: Args) -> Parsed {
    let subcommand = args.take()?;
    let (name, words): (_, usize) = match subcommand.to_ascii_uppercase().as_slice() {
        b"ID" => ("client|id", 0),
        b"GETNAME" => ("client|getname", 0),
        b"SETNAME" => ("client|setname", 1),
        b"SETINFO" => ("client|setinfo", 2),
        b"NO-EVICT" => ("client|no-evict", 1),
        b"NO-TOUCH" => ("client|no-touch", 1),
        _ => return Err(errors::unknown_subcommand("client", &subcommand)),
    };
    if args.len() != words {
        return Err(errors::wrong_arity(name));
    }
    let client = match name {
        "client|id" => Client::Id,
        "client|getname" => Client::GetName,
        "client|setname" => Client::SetName(client_name(args.take()?)?),
        "client|setinfo" => library_info(args)?,
        _ => on_or_off(&args.take()?)?,
    };
    local(Local::Client(client))
}

fn library_info(mut args: Args) -> Result<Client, Reply> {
    let (option, value) = (args.take()?, args.take()?);
    let (which, name) = match option.to_ascii_uppercase().as_slice() {
        b"LIB-NAME" => (LibraryInfo::Name, "lib-name"),
        b"LIB-VER" => (LibraryInfo::Version, "lib-ver"),
        _ => return Err(errors::quoting("ERR Unrecognized option", &option)),
    };
    if !value.iter().all(u8::is_ascii_graphic) {
        return Err(Reply::error(format!(
            "ERR {name} cannot contain spaces, newlines or special characters."
        )));
    }
    Ok(Client::SetInfo(which, value))
}

fn on_or_off(word: &[u8]) -> Result<Client, Reply> {
    if is(word, "ON") || is(word, "OFF") { Ok(Client::Ignored) } else { Err(errors::syntax()) }
}

pub(super) fn command(mut args: Args) -> Parsed {
    let Some(subcommand) = args.maybe() else { return local(Local::CommandAll) };
    match subcommand.to_ascii_uppercase().as_slice() {
        b"COUNT" if args.len() == 0 => local(Local::CommandCount),
        b"COUNT" => Err(errors::wrong_arity("command|count")),
        b"INFO" => local(Local::CommandInfo(args.rest())),
        b"DOCS" => local(Local::CommandDocs(args.rest())),
        _ => Err(errors::unknown_subcommand("command", &subcommand)),
    }
}

pub(super) fn config(mut args: Args) -> Parsed {
    let subcommand = args.take()?;
    if !is(&subcommand, "GET") {
        return Err(errors::unknown_subcommand("config", &subcommand));
    }
    if args.len() == 0 {
        return Err(errors::wrong_arity("config|get"));
    }
    local(Local::ConfigGet(args.rest()))
}

pub(super) fn publish(mut args: Args) -> Parsed {
    Ok(Command::PubSub(PubSub::Publish { channel: args.take()?, message: args.take()? }))
}

pub(super) fn subscribe(args: Args) -> Parsed {
    Ok(Command::PubSub(PubSub::Subscribe(args.rest())))
}

pub(super) fn unsubscribe(args: Args) -> Parsed {
    Ok(Command::PubSub(PubSub::Unsubscribe(args.rest())))
}
