//! One client's side of a connection, without its socket: which protocol it chose, what it calls itself, what
//! it listens to; and the commands that need no more than that.

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::command::{Client, Hello, LibraryInfo, Local, about};
use crate::info::{self, Facts};
use crate::protocol::Version;
use crate::reply::Reply;
use crate::topic::{Kind, Topic, meant};

/// What a connection remembers of its client.
#[derive(Debug, Default)]
pub struct Session {
    id: i64,
    version: Version,
    name: Option<Bytes>,
    library: Option<Bytes>,
    library_version: Option<Bytes>,
    topics: BTreeSet<Topic>,
}

impl Session {
    /// `id` is the connection's number, never given twice.
    pub fn new(id: i64) -> Session {
        Session { id, ..Session::default() }
    }

    /// How replies are to be rendered from now on.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The client in one line, for a log.
    pub fn describe(&self) -> String {
        let text = |bytes: &Option<Bytes>| {
            String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned()
        };
        let (name, library, version) = (text(&self.name), text(&self.library), text(&self.library_version));
        format!("id={} name={name} lib-name={library} lib-ver={version} sub={}", self.id, self.topics.len())
    }

    /// Whether a command may be given now. A RESP2 client that listens can't tell a reply from a message, so
    /// it may only do what concerns listening.
    pub fn permits(&self, name: &[u8]) -> Result<(), Reply> {
        const ALLOWED: [&str; 6] = ["subscribe", "unsubscribe", "psubscribe", "punsubscribe", "ping", "quit"];
        let listening = self.version == Version::Resp2 && !self.topics.is_empty();
        if !listening || ALLOWED.iter().any(|allowed| name.eq_ignore_ascii_case(allowed.as_bytes())) {
            return Ok(());
        }
        let name = String::from_utf8_lossy(&name[..name.len().min(128)]).to_lowercase();
        Err(Reply::error(format!(
            "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed \
             in this context"
        )))
    }

    /// Executes what the connection answers by itself. After `QUIT` and its reply the connection is closed.
    pub fn answer(&mut self, command: Local, facts: &Facts) -> Reply {
        match command {
            Local::Ping(word) => self.ping(word),
            Local::Echo(word) => Reply::bulk(word),
            Local::Hello(hello) => self.hello(hello),
            Local::Client(client) => self.client(client),
            Local::Select | Local::Quit => Reply::OK,
            Local::CommandAll => about::all(),
            Local::CommandCount => about::count(),
            Local::CommandInfo(names) => about::info(&names),
            Local::CommandDocs(names) => about::docs(&names),
            Local::ConfigGet(patterns) => info::settings(&facts.config, &patterns),
            Local::Info(sections) => info::info(facts, &sections),
        }
    }

    fn ping(&self, word: Option<Bytes>) -> Reply {
        if self.version == Version::Resp2 && !self.topics.is_empty() {
            return Reply::Push(vec![Reply::bulk("pong"), Reply::bulk(word.unwrap_or_default())]);
        }
        word.map_or(Reply::Simple("PONG"), Reply::bulk)
    }

    fn hello(&mut self, hello: Hello) -> Reply {
        self.version = hello.version.unwrap_or(self.version);
        if let Some(name) = hello.name {
            self.rename(name);
        }
        let proto = if self.version == Version::Resp3 { 3 } else { 2 };
        let pair = |name: &str, value| (Reply::bulk(name), value);
        Reply::Map(vec![
            pair("server", Reply::bulk("redis")),
            pair("version", Reply::bulk(info::REDIS_VERSION)),
            pair("proto", Reply::Integer(proto)),
            pair("id", Reply::Integer(self.id)),
            pair("mode", Reply::bulk("standalone")),
            pair("role", Reply::bulk("master")),
            pair("modules", Reply::Array(Vec::new())),
        ])
    }

    fn client(&mut self, client: Client) -> Reply {
        match client {
            Client::Id => return Reply::Integer(self.id),
            Client::GetName => return self.name.as_ref().map_or(Reply::Null, Reply::bulk),
            Client::SetName(name) => self.rename(name),
            Client::SetInfo(LibraryInfo::Name, name) => self.library = Some(kept(&name)),
            Client::SetInfo(LibraryInfo::Version, version) => self.library_version = Some(kept(&version)),
            Client::Ignored => {}
        }
        Reply::OK
    }

    /// An empty name takes the name away.
    fn rename(&mut self, name: Bytes) {
        self.name = (!name.is_empty()).then(|| kept(&name));
    }

    /// Starts listening: one reply for each name. The broker is to be told of them too.
    pub fn subscribe(&mut self, kind: Kind, names: &[Bytes]) -> Vec<Reply> {
        let word = if kind == Kind::Channel { "subscribe" } else { "psubscribe" };
        let mut replies = Vec::with_capacity(names.len());
        for name in names {
            self.topics.insert((kind, kept(name)));
            replies.push(notice(word, Reply::bulk(name), self.topics.len()));
        }
        replies
    }

    /// Stops listening to these, or to all of the kind if none is named: the replies.
    pub fn unsubscribe(&mut self, kind: Kind, names: Vec<Bytes>) -> Vec<Reply> {
        let word = if kind == Kind::Channel { "unsubscribe" } else { "punsubscribe" };
        let names = meant(&self.topics, kind, names);
        if names.is_empty() {
            return vec![notice(word, Reply::Null, self.topics.len())];
        }
        let mut replies = Vec::with_capacity(names.len());
        for name in names {
            let topic = (kind, name);
            self.topics.remove(&topic);
            replies.push(notice(word, Reply::bulk(topic.1), self.topics.len()));
        }
        replies
    }
}

/// A published message as whoever listens to this gets it.
pub fn message((kind, name): &Topic, channel: &[u8], message: &[u8]) -> Reply {
    let (channel, message) = (Reply::bulk(channel), Reply::bulk(message));
    Reply::Push(match kind {
        Kind::Channel => vec![Reply::bulk("message"), channel, message],
        Kind::Pattern => vec![Reply::bulk("pmessage"), Reply::bulk(name), channel, message],
    })
}

fn notice(what: &str, name: Reply, count: usize) -> Reply {
    Reply::Push(vec![Reply::bulk(what), name, Reply::count(count)])
}

/// A copy that does not keep the read buffer alive for as long as the connection lasts.
fn kept(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Command, parse};
    use crate::info::tests::facts;

    fn give(session: &mut Session, line: &str) -> Reply {
        let words: Vec<_> = line.split(' ').map(|word| Bytes::from(word.to_owned())).collect();
        match session.permits(&words[0]).and_then(|()| parse(words)) {
            Ok(Command::Local(command)) => session.answer(command, &facts()),
            Ok(other) => panic!("{line}: {other:?}"),
            Err(reply) => reply,
        }
    }

    #[test]
    fn a_session_in_short_answers() {
        let mut session = Session::new(7);
        let rows = [
            ("ping", Reply::Simple("PONG")),
            ("ping x", Reply::bulk("x")),
            ("echo x", Reply::bulk("x")),
            ("select 0", Reply::OK),
            ("client id", Reply::Integer(7)),
            ("client getname", Reply::Null),
            ("client setname me", Reply::OK),
            ("client getname", Reply::bulk("me")),
            ("client setinfo lib-name redis-rs", Reply::OK),
            ("client no-evict on", Reply::OK),
            ("command count", Reply::Integer(52)),
            ("command info nothing", Reply::Array(vec![Reply::NullArray])),
            ("command docs nothing", Reply::Map(vec![])),
            ("config get save", Reply::Map(vec![(Reply::bulk("save"), Reply::bulk(""))])),
            ("quit", Reply::OK),
        ];
        for (line, expected) in rows {
            assert_eq!(give(&mut session, line), expected, "{line}");
        }
        assert_eq!(session.describe(), "id=7 name=me lib-name=redis-rs lib-ver= sub=0");
    }

    #[test]
    fn hello_chooses_the_protocol_and_a_refused_one_changes_nothing() {
        let mut session = Session::new(1);
        let rows = [
            ("hello", Version::Resp2),
            ("hello 3 setname me", Version::Resp3),
            ("hello 9", Version::Resp3),
            ("hello 2 nonsense", Version::Resp3),
            ("hello", Version::Resp3),
            ("hello 2", Version::Resp2),
        ];
        for (line, version) in rows {
            let reply = give(&mut session, line);
            assert_eq!(session.version(), version, "{line}");
            if let Reply::Map(pairs) = reply {
                let proto = if version == Version::Resp3 { 3 } else { 2 };
                assert!(pairs.contains(&(Reply::bulk("proto"), Reply::Integer(proto))), "{line}");
            }
        }
        assert_eq!(give(&mut session, "client getname"), Reply::bulk("me"));
    }

    #[test]
    fn listening() {
        let name = |name: &'static str| Bytes::from_static(name.as_bytes());
        let mut session = Session::new(1);
        assert_eq!(session.unsubscribe(Kind::Channel, vec![]), [notice("unsubscribe", Reply::Null, 0)]);
        let replies = session.subscribe(Kind::Channel, &[name("a"), name("b"), name("a")]);
        assert_eq!(replies[2], notice("subscribe", Reply::bulk("a"), 2));

        let Err(Reply::Error(refused)) = session.permits(b"GET") else { panic!("GET was permitted") };
        assert!(refused.starts_with("ERR Can't execute 'get': only (P|S)SUBSCRIBE"), "{refused}");
        assert_eq!(give(&mut session, "ping"), Reply::Push(vec![Reply::bulk("pong"), Reply::bulk("")]));
        session.version = Version::Resp3;
        assert_eq!(session.permits(b"get"), Ok(()), "RESP3 tells messages from replies");

        let replies = session.subscribe(Kind::Pattern, &[name("a")]);
        assert_eq!(replies, [notice("psubscribe", Reply::bulk("a"), 3)]);
        let replies = session.unsubscribe(Kind::Channel, vec![name("b"), name("none")]);
        assert_eq!(replies[1], notice("unsubscribe", Reply::bulk("none"), 2));
        let replies = session.unsubscribe(Kind::Channel, vec![]);
        assert_eq!(replies, [notice("unsubscribe", Reply::bulk("a"), 1)], "the pattern stays");
        let replies = session.unsubscribe(Kind::Pattern, vec![]);
        assert_eq!(replies, [notice("punsubscribe", Reply::bulk("a"), 0)]);
    }
}
