//! Which partition owns a key, and how a command on several keys becomes one command per partition.
//!
//! A key has one of 16384 slots, by Redis Cluster's own hash (so `{user}:a` and `{user}:b` share a slot), and
//! a partition owns a run of slots. What is stored names the slot only, so a server may be started with
//! another number of partitions than the last time.
//!
//! Each part of a split command is atomic in its partition; the whole of it is not atomic across partitions.

use std::ops::Range;

use bytes::Bytes;
use redis_protocol::redis_keyslot;

use crate::command::KeyCommand;
use crate::reply::Reply;

/// The number of slots.
pub const SLOTS: u16 = redis_protocol::types::REDIS_CLUSTER_SLOTS;

/// The slot of a key.
pub fn slot(key: &[u8]) -> u16 {
    redis_keyslot(key)
}

/// How many partitions there are. At least one, at most one per slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partitions(u16);

impl Partitions {
    pub const DEFAULT: Partitions = Partitions(8);

    pub fn new(count: u16) -> Option<Partitions> {
        (1..=SLOTS).contains(&count).then_some(Partitions(count))
    }

    pub fn count(self) -> usize {
        usize::from(self.0)
    }

    /// The partition that owns `key`.
    pub fn of(self, key: &[u8]) -> usize {
        usize::from(slot(key)) * self.count() / usize::from(SLOTS)
    }

    /// The slots that `partition` owns.
    pub fn slots(self, partition: usize) -> Range<u16> {
        let first = |partition: usize| (partition * usize::from(SLOTS)).div_ceil(self.count()) as u16;
        first(partition)..first(partition + 1)
    }
}

/// Who executes a command.
#[derive(Debug, PartialEq)]
pub enum Route {
    One(usize, KeyCommand),
    /// One command per partition, and how their replies, in the same order, become one.
    Many(Vec<(usize, KeyCommand)>, Join),
}

/// How the replies to the parts of a command become the reply to it.
#[derive(Clone, Debug, PartialEq)]
pub enum Join {
    Sum,
    AllOk,
    /// `MGET`: for each key asked for, the part that has its value; each part's values are in order.
    Gather(Vec<usize>),
}

impl Join {
    /// The reply to the whole. The first error is the error of the whole.
    pub fn join(self, replies: Vec<Reply>) -> Reply {
        if let Some(error) = replies.iter().find(|reply| matches!(reply, Reply::Error(_))) {
            return error.clone();
        }
        match self {
            Join::AllOk => Reply::OK,
            Join::Sum => {
                let counts = replies.iter().map(|reply| if let Reply::Integer(n) = reply { *n } else { 0 });
                Reply::Integer(counts.sum())
            }
            Join::Gather(parts) => {
                let mut values: Vec<_> = replies.into_iter().map(elements).collect();
                let next = |part: usize| values.get_mut(part).and_then(Iterator::next).unwrap_or(Reply::Null);
                Reply::Array(parts.into_iter().map(next).collect())
            }
        }
    }
}

fn elements(reply: Reply) -> std::vec::IntoIter<Reply> {
    if let Reply::Array(items) = reply { items.into_iter() } else { Vec::new().into_iter() }
}

/// Sends a command to the partitions that own its keys.
pub fn route(command: KeyCommand, partitions: Partitions) -> Route {
    match command {
        KeyCommand::On(ref key, _) => Route::One(partitions.of(key), command),
        KeyCommand::DbSize => everywhere(&command, partitions, Join::Sum),
        KeyCommand::FlushAll => everywhere(&command, partitions, Join::AllOk),
        KeyCommand::Del(keys) => split(keys, partitions, |key| key, KeyCommand::Del, |_| Join::Sum),
        KeyCommand::Exists(keys) => split(keys, partitions, |key| key, KeyCommand::Exists, |_| Join::Sum),
        KeyCommand::MGet(keys) => split(keys, partitions, |key| key, KeyCommand::MGet, Join::Gather),
        KeyCommand::MSet(pairs) => {
            split(pairs, partitions, |pair| &pair.0, KeyCommand::MSet, |_| Join::AllOk)
        }
    }
}

fn everywhere(command: &KeyCommand, partitions: Partitions, join: Join) -> Route {
    Route::Many((0..partitions.count()).map(|part| (part, command.clone())).collect(), join)
}

/// A command for each partition that has some of the items, in the order of first appearance.
fn split<T>(
    items: Vec<T>,
    partitions: Partitions,
    key: fn(&T) -> &Bytes,
    make: fn(Vec<T>) -> KeyCommand,
    join: fn(Vec<usize>) -> Join,
) -> Route {
    let mut groups: Vec<(usize, Vec<T>)> = Vec::new();
    let mut group_of = vec![None; partitions.count()];
    let mut belongs = Vec::with_capacity(items.len());
    for item in items {
        let partition = partitions.of(key(&item));
        let at = *group_of[partition].get_or_insert_with(|| {
            groups.push((partition, Vec::new()));
            groups.len() - 1
        });
        groups[at].1.push(item);
        belongs.push(at);
    }
    let mut commands: Vec<_> = groups.into_iter().map(|(part, items)| (part, make(items))).collect();
    match commands.pop() {
        Some((partition, command)) if commands.is_empty() => Route::One(partition, command),
        last => {
            commands.extend(last);
            Route::Many(commands, join(belongs))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::OnKey;

    fn keys(names: &[&'static str]) -> Vec<Bytes> {
        names.iter().map(|name| Bytes::from_static(name.as_bytes())).collect()
    }

    #[test]
    fn partitions_share_out_all_slots_and_agree_on_who_owns_a_key() {
        for count in [1, 2, 3, 7, 8, 1000, SLOTS] {
            let partitions = Partitions::new(count).unwrap();
            let mut next = 0;
            for partition in 0..partitions.count() {
                let slots = partitions.slots(partition);
                assert_eq!(slots.start, next, "partition {partition} of {count}");
                assert!(!slots.is_empty());
                next = slots.end;
            }
            assert_eq!(next, SLOTS);
            for key in ["", "a", "b", "mylist", "{a}x", "key:000000000001"] {
                assert!(partitions.slots(partitions.of(key.as_bytes())).contains(&slot(key.as_bytes())));
            }
        }
        assert_eq!(Partitions::new(0), None);
        assert_eq!(Partitions::new(SLOTS + 1), None);
    }

    #[test]
    fn a_command_on_keys_of_one_partition_is_not_split() {
        let partitions = Partitions::new(8).unwrap();
        for command in [
            KeyCommand::On(keys(&["a"])[0].clone(), OnKey::Get),
            KeyCommand::MGet(keys(&["{a}1", "{a}2", "a"])),
        ] {
            assert_eq!(route(command.clone(), partitions), Route::One(partitions.of(b"a"), command));
        }
    }

    #[test]
    fn mget_gives_values_in_the_order_asked_for() {
        let names = ["a", "b", "c", "d", "a", "e"];
        let Route::Many(parts, join) = route(KeyCommand::MGet(keys(&names)), Partitions::new(4).unwrap())
        else {
            panic!("not split")
        };
        assert!(parts.len() > 1);
        let answer = |command: &KeyCommand| match command {
            KeyCommand::MGet(keys) => Reply::Array(keys.iter().map(Reply::bulk).collect()),
            other => panic!("{other:?}"),
        };
        let replies = parts.iter().map(|(_, command)| answer(command)).collect();
        assert_eq!(join.join(replies), Reply::Array(names.iter().map(Reply::bulk).collect()));
    }

    #[test]
    fn replies_are_joined() {
        let oops = Reply::error("ERR oops");
        let rows = [
            (Join::Sum, vec![Reply::Integer(2), Reply::Integer(3)], Reply::Integer(5)),
            (Join::AllOk, vec![Reply::OK, Reply::OK], Reply::OK),
            (Join::AllOk, vec![Reply::OK, oops.clone()], oops.clone()),
            (Join::Sum, vec![oops.clone(), Reply::Integer(1)], oops),
        ];
        for (join, replies, expected) in rows {
            assert_eq!(join.clone().join(replies.clone()), expected, "{join:?} {replies:?}");
        }
    }

    #[test]
    fn a_command_on_everything_goes_to_every_partition() {
        let partitions = Partitions::new(3).unwrap();
        for (command, join) in [(KeyCommand::DbSize, Join::Sum), (KeyCommand::FlushAll, Join::AllOk)] {
            let parts = (0..3).map(|part| (part, command.clone())).collect();
            assert_eq!(route(command, partitions), Route::Many(parts, join));
        }
    }
}
