//! Parsers of what a connection answers by itself, and of the broker's commands.

use bytes::Bytes;

use super::args::{Args, Subcommand, is, parsers};
use super::{Client, Command, Hello, LibraryInfo, Local, PubSub, errors};
use crate::number;
use crate::protocol::Version;
use crate::reply::Reply;
use crate::topic::Kind;

parsers! {
    Command::Local;
    client(args) => Local::Client(args.subcommand(CLIENT)?);
    config(args) => args.subcommand(&[("config|get", -3, |args| Ok(Local::ConfigGet(args.rest())))])?;
    command(args) => if args.len() > 0 { args.subcommand(COMMAND)? } else { Local::CommandAll };
    echo(args) => Local::Echo(args.take()?);
    hello(args) => Local::Hello(greeting(args)?);
    info(args) => Local::Info(args.rest());
    ping(args) => Local::Ping(args.only_word()?);
    quit(_) => Local::Quit;
    select(args) => database(args)?;
}

parsers! {
    Command::PubSub;
    psubscribe(args) => PubSub::Subscribe(Kind::Pattern, args.rest());
    publish(args) => PubSub::Publish(args.take()?, args.take()?);
    punsubscribe(args) => PubSub::Unsubscribe(Kind::Pattern, args.rest());
    subscribe(args) => PubSub::Subscribe(Kind::Channel, args.rest());
    unsubscribe(args) => PubSub::Unsubscribe(Kind::Channel, args.rest());
}

const CLIENT: &[Subcommand<Client>] = &[
    ("client|getname", 2, |_| Ok(Client::GetName)),
    ("client|id", 2, |_| Ok(Client::Id)),
    ("client|no-evict", 3, on_or_off),
    ("client|no-touch", 3, on_or_off),
    ("client|setinfo", 4, library_info),
    ("client|setname", 3, |args| Ok(Client::SetName(client_name(args.take()?)?))),
];

const COMMAND: &[Subcommand<Local>] = &[
    ("command|count", 2, |_| Ok(Local::CommandCount)),
    ("command|docs", -2, |args| Ok(Local::CommandDocs(args.rest()))),
    ("command|info", -2, |args| Ok(Local::CommandInfo(args.rest()))),
];

fn database(args: &mut Args) -> Result<Local, Reply> {
    match args.integer()? {
        0 => Ok(Local::Select),
        _ => Err(Reply::error("ERR DB index is out of range")),
    }
}

fn greeting(args: &mut Args) -> Result<Hello, Reply> {
    let mut hello = Hello::default();
    let Some(version) = args.maybe() else { return Ok(hello) };
    hello.version = match number::integer(&version) {
        Some(2) => Some(Version::Resp2),
        Some(3) => Some(Version::Resp3),
        None => return Err(Reply::error("ERR Protocol version is not an integer or out of range")),
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
    Ok(hello)
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

fn library_info(args: &mut Args) -> Result<Client, Reply> {
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

fn on_or_off(args: &mut Args) -> Result<Client, Reply> {
    let word = args.take()?;
    if is(&word, "ON") || is(&word, "OFF") { Ok(Client::Ignored) } else { Err(errors::SYNTAX) }
}
