//! The table of commands: names, arities and what `COMMAND` tells of them.

use super::args::Args;
use super::{Command, admin, keys, local, set};
use crate::reply::Reply;

/// One command.
pub(super) struct Spec {
    /// In lower case.
    pub name: &'static str,
    /// How many words a request has, its name included; negative: at least so many.
    pub arity: i64,
    /// Redis's flags, separated by spaces.
    pub flags: &'static str,
    /// The first and the last word that is a key (negative: from the end) and the step between keys; 0 for
    /// none.
    pub keys: (i64, i64, i64),
    pub group: &'static str,
    pub summary: &'static str,
    pub(super) parse: fn(&mut Args) -> Result<Command, Reply>,
}

const NONE: (i64, i64, i64) = (0, 0, 0);
const ONE: (i64, i64, i64) = (1, 1, 1);
const EACH: (i64, i64, i64) = (1, -1, 1);
const PAIRS: (i64, i64, i64) = (1, -1, 2);

macro_rules! table {
    ($($name:literal $arity:literal $flags:literal $keys:ident $group:ident $parse:path, $summary:literal;)*) => {
        &[$(Spec {
            name: $name, arity: $arity, flags: $flags, keys: $keys, group: stringify!($group),
            summary: $summary, parse: $parse,
        },)*]
    };
}

/// All commands. Sorted by name: `lookup` searches it by halves.
pub(super) static TABLE: &[Spec] = table! {
    "admin" -2 "admin noscript loading stale" NONE server admin::admin, "Looks at the actors; see ADMIN HELP.";
    "append" 3 "write denyoom fast" ONE string keys::append, "Appends to the value of a key.";
    "client" -2 "loading stale noscript" NONE connection local::client, "Tells of and names this connection.";
    "command" -1 "loading stale" NONE server local::command, "Tells of the commands.";
    "config" -2 "admin noscript loading stale" NONE server local::config, "Tells of the settings.";
    "dbsize" 1 "readonly fast" NONE server keys::dbsize, "Counts the keys.";
    "decr" 2 "write denyoom fast" ONE string keys::decr, "Decrements an integer by one.";
    "decrby" 3 "write denyoom fast" ONE string keys::decrby, "Decrements an integer by a number.";
    "del" -2 "write" EACH generic keys::del, "Deletes keys.";
    "echo" 2 "loading stale fast" NONE connection local::echo, "Answers with the given string.";
    "exists" -2 "readonly fast" EACH generic keys::exists, "Counts which of the keys exist.";
    "expire" -3 "write fast" ONE generic set::expire, "Lets a key expire after seconds.";
    "flushall" -1 "write" NONE server keys::flushall, "Removes all keys.";
    "get" 2 "readonly fast" ONE string keys::get, "Returns the string value of a key.";
    "getdel" 2 "write fast" ONE string keys::getdel, "Returns the string value of a key and deletes it.";
    "hdel" -3 "write fast" ONE hash keys::hdel, "Deletes fields of a hash.";
    "hello" -1 "noscript loading stale fast no_auth" NONE connection local::hello, "Chooses the protocol.";
    "hget" 3 "readonly fast" ONE hash keys::hget, "Returns a field of a hash.";
    "hgetall" 2 "readonly" ONE hash keys::hgetall, "Returns all fields and values of a hash.";
    "hlen" 2 "readonly fast" ONE hash keys::hlen, "Counts the fields of a hash.";
    "hset" -4 "write denyoom fast" ONE hash keys::hset, "Sets fields of a hash.";
    "incr" 2 "write denyoom fast" ONE string keys::incr, "Increments an integer by one.";
    "incrby" 3 "write denyoom fast" ONE string keys::incrby, "Increments an integer by a number.";
    "info" -1 "loading stale" NONE server local::info, "Tells of the server.";
    "llen" 2 "readonly fast" ONE list keys::llen, "Returns the length of a list.";
    "lpop" -2 "write fast" ONE list keys::lpop, "Takes elements from the left of a list.";
    "lpush" -3 "write denyoom fast" ONE list keys::lpush, "Puts elements at the left of a list.";
    "lrange" 4 "readonly" ONE list keys::lrange, "Returns a range of a list.";
    "mget" -2 "readonly fast" EACH string keys::mget, "Returns the string values of keys.";
    "mset" -3 "write denyoom" PAIRS string keys::mset, "Sets several keys; atomic within a partition.";
    "persist" 2 "write fast" ONE generic keys::persist, "Removes the expiry of a key.";
    "pexpire" -3 "write fast" ONE generic set::pexpire, "Lets a key expire after milliseconds.";
    "ping" -1 "fast" NONE connection local::ping, "Answers PONG.";
    "psubscribe" -2 "pubsub noscript loading stale" NONE pubsub local::psubscribe, "Listens to channels by patterns.";
    "pttl" 2 "readonly fast" ONE generic keys::pttl, "Returns the milliseconds a key has left.";
    "publish" 3 "pubsub loading stale fast" NONE pubsub local::publish, "Posts a message to a channel.";
    "punsubscribe" -1 "pubsub noscript loading stale" NONE pubsub local::punsubscribe, "Drops patterns.";
    "quit" -1 "loading stale noscript fast no_auth" NONE connection local::quit, "Closes the connection.";
    "rpop" -2 "write fast" ONE list keys::rpop, "Takes elements from the right of a list.";
    "rpush" -3 "write denyoom fast" ONE list keys::rpush, "Puts elements at the right of a list.";
    "sadd" -3 "write denyoom fast" ONE set keys::sadd, "Adds members to a set.";
    "scard" 2 "readonly fast" ONE set keys::scard, "Counts the members of a set.";
    "select" 2 "loading stale fast" NONE connection local::select, "Selects database 0, the only one.";
    "set" -3 "write denyoom" ONE string set::set, "Sets the string value of a key.";
    "sismember" 3 "readonly fast" ONE set keys::sismember, "Tells whether a set has a member.";
    "smembers" 2 "readonly" ONE set keys::smembers, "Returns the members of a set.";
    "srem" -3 "write fast" ONE set keys::srem, "Removes members from a set.";
    "strlen" 2 "readonly fast" ONE string keys::strlen, "Returns the length of a string.";
    "subscribe" -2 "pubsub noscript loading stale" NONE pubsub local::subscribe, "Listens to channels.";
    "ttl" 2 "readonly fast" ONE generic keys::ttl, "Returns the seconds a key has left.";
    "type" 2 "readonly fast" ONE generic keys::type_of, "Returns the type of a key's value.";
    "unsubscribe" -1 "pubsub noscript loading stale" NONE pubsub local::unsubscribe, "Stops listening.";
};

/// The command of this name, in any case.
pub(super) fn lookup(name: &[u8]) -> Option<&'static Spec> {
    let order = |spec: &Spec| spec.name.bytes().cmp(name.iter().map(u8::to_ascii_lowercase));
    TABLE.binary_search_by(order).ok().map(|at| &TABLE[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_every_command_is_found() {
        for spec in TABLE {
            for name in [spec.name.to_owned(), spec.name.to_uppercase()] {
                assert_eq!(lookup(name.as_bytes()).map(|found| found.name), Some(spec.name));
            }
        }
        for unknown in ["", "ge", "gett", "zzz", "\u{e9}"] {
            assert!(lookup(unknown.as_bytes()).is_none(), "{unknown}");
        }
    }

    #[test]
    fn a_command_that_is_flagged_write_parses_into_one_that_writes() {
        for spec in TABLE.iter().filter(|spec| spec.keys != NONE) {
            let words = spec.arity.unsigned_abs() as usize;
            let request = std::iter::once(spec.name).chain(std::iter::repeat_n("1", words - 1));
            let command = super::super::parse(request.map(bytes::Bytes::from).collect());
            let Ok(Command::Keys(command)) = command else { panic!("{}: {command:?}", spec.name) };
            assert_eq!(command.writes(), spec.flags.starts_with("write"), "{}", spec.name);
        }
    }
}
