//! Stories told as rows: a time, a command, its reply. Then chance: what replays is equal.

use bytes::Bytes;

use super::*;
use crate::command::{Command, parse};

fn command(line: &str) -> KeyCommand {
    let words = line.split(' ').map(|word| Bytes::from(word.to_owned())).collect();
    match parse(words) {
        Ok(Command::Keys(command)) => command,
        other => panic!("{line}: {other:?}"),
    }
}

/// A reply in short: `OK`, `7`, `'v'`, `nil`, `[...]`, `ERR ...`.
fn show(reply: &Reply) -> String {
    let list = |items: &[Reply]| items.iter().map(show).collect::<Vec<_>>().join(" ");
    match reply {
        Reply::Simple(text) => (*text).to_owned(),
        Reply::Error(text) => text.to_string(),
        Reply::Integer(n) => n.to_string(),
        Reply::Bulk(bytes) | Reply::Text(bytes) => format!("'{}'", bytes.escape_ascii()),
        Reply::Null => "nil".to_owned(),
        Reply::NullArray => "no list".to_owned(),
        Reply::Array(items) | Reply::Set(items) | Reply::Push(items) => format!("[{}]", list(items)),
        Reply::Map(pairs) => {
            let pairs: Vec<_> =
                pairs.iter().map(|(key, value)| format!("{}={}", show(key), show(value))).collect();
            format!("{{{}}}", pairs.join(" "))
        }
    }
}

/// Plays a story on a keyspace, and its effects on another, which must come out the same after every step.
fn play(story: &[(u64, &str, &str)]) -> Keyspace {
    let (mut space, mut replica) = (Keyspace::new(), Keyspace::new());
    for (now, line, expected) in story {
        let mut effects = Vec::new();
        let command = command(line);
        let reply = space.apply(*now, &command, &mut effects);
        assert_eq!(show(&reply), *expected, "at {now}: {line}");
        for effect in effects {
            replica.replay(effect).unwrap();
        }
        assert_eq!(space, replica, "at {now}: {line}");
    }
    space
}

const WRONG: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";
const INTEGER: &str = "ERR value is not an integer or out of range";

#[test]
fn strings() {
    play(&[
        (0, "get k", "nil"),
        (0, "set k v", "OK"),
        (0, "get k", "'v'"),
        (0, "set k w nx", "nil"),
        (0, "set k w xx get", "'v'"),
        (0, "set new w xx", "nil"),
        (0, "set new w nx get", "nil"),
        (0, "mget k none new", "['w' nil 'w']"),
        (0, "strlen k", "1"),
        (0, "strlen none", "0"),
        (0, "append k xyz", "4"),
        (0, "append fresh xyz", "3"),
        (0, "get k", "'wxyz'"),
        (0, "getdel k", "'wxyz'"),
        (0, "getdel k", "nil"),
        (0, "mset a 1 b 2 a 3", "OK"),
        (0, "exists a b none a", "3"),
        (0, "del a b none a", "2"),
        (0, "dbsize", "2"),
        (0, "flushall", "OK"),
        (0, "flushall", "OK"),
        (0, "dbsize", "0"),
    ]);
}

#[test]
fn counters() {
    play(&[
        (0, "incr n", "1"),
        (0, "incrby n 41", "42"),
        (0, "decr n", "41"),
        (0, "decrby n 50", "-9"),
        (0, "get n", "'-9'"),
        (0, "set n 9223372036854775807", "OK"),
        (0, "incr n", "ERR increment or decrement would overflow"),
        (0, "set n 007", "OK"),
        (0, "incr n", INTEGER),
        (0, "set n x", "OK"),
        (0, "incr n", INTEGER),
        (0, "get n", "'x'"),
    ]);
}

#[test]
fn expiry() {
    play(&[
        (0, "ttl k", "-2"),
        (0, "set k v", "OK"),
        (0, "ttl k", "-1"),
        (0, "expire k 10", "1"),
        (400, "ttl k", "10"),
        (600, "ttl k", "9"),
        (600, "pttl k", "9400"),
        (600, "expire none 10", "0"),
        (600, "expire k 20 nx", "0"),
        (600, "expire k 5 gt", "0"),
        (600, "expire k 20 xx gt", "1"),
        (600, "expire k 10 lt", "1"),
        (600, "append k w", "2"),
        (600, "set k v keepttl", "OK"),
        (600, "pttl k", "10000"),
        (600, "persist k", "1"),
        (600, "persist k", "0"),
        (600, "expire k 1 gt", "0"),
        (600, "expire k 1 lt", "1"),
        (1599, "get k", "'v'"),
        (1600, "get k", "nil"),
        (1600, "dbsize", "0"),
        (2000, "set k v px 100", "OK"),
        (2000, "set k v", "OK"),
        (2000, "pttl k", "-1"),
        (2000, "set k v pxat 3000", "OK"),
        (2000, "incr n", "1"),
        (2000, "pexpire n 50", "1"),
        (2000, "incr n", "2"),
        (2050, "incr n", "1"),
        (2050, "pttl n", "-1"),
        (3000, "del k", "0"),
        (3000, "set k v ex 1", "OK"),
        (4000, "set k v nx", "OK"),
        (4000, "expire k 0", "1"),
        (4000, "exists k", "0"),
        (4000, "set k v px 9223372036854775807", "ERR invalid expire time in 'set' command"),
        (4000, "get k", "nil"),
        (4000, "set k v", "OK"),
        (4000, "pexpire k 9223372036854775807", "ERR invalid expire time in 'pexpire' command"),
        (4000, "set k v pxat 1", "OK"),
        (4000, "get k", "nil"),
    ]);
}

#[test]
fn lists() {
    play(&[
        (0, "lpush l b a", "2"),
        (0, "rpush l c d", "4"),
        (0, "llen l", "4"),
        (0, "lrange l 0 -1", "['a' 'b' 'c' 'd']"),
        (0, "lrange l -3 -2", "['b' 'c']"),
        (0, "lrange l -100 100", "['a' 'b' 'c' 'd']"),
        (0, "lrange l 2 1", "[]"),
        (0, "lrange l 4 9", "[]"),
        (0, "lrange l 0 -100", "[]"),
        (0, "lrange l -9223372036854775808 9223372036854775807", "['a' 'b' 'c' 'd']"),
        (0, "lrange none 0 -1", "[]"),
        (0, "lpop l", "'a'"),
        (0, "rpop l 2", "['d' 'c']"),
        (0, "lpop l 0", "[]"),
        (0, "lpop none", "nil"),
        (0, "lpop none 2", "no list"),
        (0, "type l", "list"),
        (0, "lpop l 5", "['b']"),
        (0, "type l", "none"),
        (0, "rpush l x", "1"),
        (0, "get l", WRONG),
        (0, "incr l", WRONG),
        (0, "sadd l m", WRONG),
        (0, "set l v get", WRONG),
        (0, "mget l", "[nil]"),
        (0, "set l v ex 1", "OK"),
        (0, "lpush l x", WRONG),
        (0, "lrange l 0 -1", WRONG),
    ]);
}

#[test]
fn sets_and_hashes() {
    play(&[
        (0, "sadd s b a b", "2"),
        (0, "sadd s a", "0"),
        (0, "smembers s", "['a' 'b']"),
        (0, "sismember s a", "1"),
        (0, "sismember s z", "0"),
        (0, "sismember none z", "0"),
        (0, "scard s", "2"),
        (0, "type s", "set"),
        (0, "srem s a z", "1"),
        (0, "srem none a", "0"),
        (0, "srem s b", "1"),
        (0, "exists s", "0"),
        (0, "smembers s", "[]"),
        (0, "hset h f 1 g 2 f 3", "2"),
        (0, "hset h f 4", "0"),
        (0, "hget h f", "'4'"),
        (0, "hget h z", "nil"),
        (0, "hget none z", "nil"),
        (0, "hgetall h", "{'f'='4' 'g'='2'}"),
        (0, "hgetall none", "{}"),
        (0, "hlen h", "2"),
        (0, "expire h 100", "1"),
        (0, "hdel h f z", "1"),
        (0, "ttl h", "100"),
        (0, "hdel h g", "1"),
        (0, "type h", "none"),
        (0, "hset h f 1", "1"),
        (0, "ttl h", "-1"),
        (0, "smembers h", WRONG),
        (0, "hget s f", "nil"),
    ]);
}

#[test]
fn a_read_has_no_effect_except_dropping_what_has_expired() {
    let mut space = play(&[(0, "set k v px 10", "OK")]);
    let mut effects = Vec::new();
    space.apply(9, &command("get k"), &mut effects);
    assert_eq!(effects, []);
    space.apply(10, &command("get k"), &mut effects);
    assert_eq!(effects, [Effect::Drop((*b"k").into())]);
}

#[test]
fn pushing_to_a_long_list_has_an_effect_of_one_row() {
    let mut space = Keyspace::new();
    let mut effects = Vec::new();
    for _ in 0..1000 {
        effects.clear();
        space.apply(0, &command("lpush l x"), &mut effects);
    }
    assert_eq!(effects, [Effect::PutItem((*b"l").into(), -1000, (*b"x").into())]);
}

#[test]
fn a_sweep_drops_what_is_due_soonest_first_and_no_more_than_asked() {
    let mut space = play(&[
        (0, "set c 1 px 30", "OK"),
        (0, "set a 1 px 10", "OK"),
        (0, "set b 1 px 20", "OK"),
        (0, "set d 1", "OK"),
    ]);
    assert_eq!(space.next_expiry(), Some(10));
    let mut effects = Vec::new();
    assert_eq!(space.expire_some(20, 1, &mut effects), 1);
    assert_eq!(space.expire_some(20, 9, &mut effects), 1);
    assert_eq!(space.expire_some(20, 9, &mut effects), 0);
    let drop = |key: &[u8]| Effect::Drop(key.into());
    assert_eq!(effects, [drop(b"a"), drop(b"b")]);
    assert_eq!((space.len(), space.expiring(), space.next_expiry()), (2, 1, Some(30)));
}

#[test]
fn effects_that_contradict_the_state_are_refused() {
    let item = |index| Effect::PutItem((*b"l").into(), index, (*b"x").into());
    let rows = [
        vec![item(0), item(2)],
        vec![item(0), item(i64::MAX)],
        vec![item(0), item(1), item(2), Effect::RemoveItem((*b"l").into(), 1)],
        vec![item(0), Effect::AddMember((*b"l").into(), (*b"m").into())],
        vec![item(0), Effect::PutString((*b"l").into(), (*b"m").into())],
        vec![Effect::ExpireAt((*b"l").into(), 5)],
    ];
    for effects in rows {
        let mut space = Keyspace::new();
        let done: Result<Vec<()>, _> = effects.iter().cloned().map(|effect| space.replay(effect)).collect();
        assert!(done.is_err(), "{effects:?}");
    }
}

/// Numbers by chance, the same in every run (splitmix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 33) as usize % sides
    }
}

/// A command on few keys, so that types and expiries meet.
pub(crate) fn random_command(dice: &mut Dice) -> KeyCommand {
    const LINES: [&str; 30] = [
        "set K V",
        "set K V px 20",
        "set K V keepttl",
        "set K V nx",
        "set K V xx pxat 50",
        "getdel K",
        "get K",
        "mset K V K V",
        "del K K",
        "incr K",
        "append K V",
        "expire K 1",
        "pexpire K 15",
        "pexpire K -1",
        "persist K",
        "lpush K V V",
        "rpush K V",
        "lpop K",
        "rpop K 2",
        "lpop K 9",
        "sadd K V V",
        "sadd K V",
        "srem K V",
        "hset K V V V V",
        "hset K V V",
        "hdel K V",
        "hgetall K",
        "mget K K",
        "type K",
        "flushall",
    ];
    // FLUSHALL often would leave nothing to test.
    let sides = if dice.roll(50) == 0 { LINES.len() } else { LINES.len() - 1 };
    let words = LINES[dice.roll(sides)].split(' ').map(|word| match word {
        "K" => format!("key{}", dice.roll(4)),
        "V" => dice.roll(6).to_string(),
        other => other.to_owned(),
    });
    command(&words.collect::<Vec<_>>().join(" "))
}

#[test]
fn whatever_is_done_replaying_the_effects_gives_the_same_state() {
    for seed in 0..50 {
        let mut dice = Dice(seed);
        let (mut space, mut replica, mut now) = (Keyspace::new(), Keyspace::new(), 0);
        for _ in 0..400 {
            let command = random_command(&mut dice);
            let mut effects = Vec::new();
            space.apply(now, &command, &mut effects);
            if dice.roll(10) == 0 {
                space.expire_some(now, 2, &mut effects);
            }
            for effect in effects {
                replica.replay(effect).unwrap();
            }
            assert_eq!(space, replica, "seed {seed}, at {now}: {command:?}");
            now += dice.roll(5) as u64;
        }
    }
}
