//! What a client knows of its keys: the states that are possible after what it was told.
//!
//! Pure: operations, replies and times in; a verdict out. An operation that was answered happened once; one that was
//! answered with an error, or not at all because the server crashed, may have happened.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::time::Duration;

use ravelin::Time;

/// What is at a key.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Value {
    #[default]
    Nothing,
    Text(String),
    Count(u64),
    List(VecDeque<String>),
    Set(BTreeSet<String>),
    Hash(BTreeMap<String, String>),
}

impl Value {
    /// Whether it is a collection without elements: then there is no key.
    fn is_empty(&self) -> bool {
        match self {
            Value::List(list) => list.is_empty(),
            Value::Set(set) => set.is_empty(),
            Value::Hash(hash) => hash.is_empty(),
            Value::Nothing | Value::Text(_) | Value::Count(_) => false,
        }
    }
}

/// What can be done to a key.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Set(String),
    Append(String),
    Get,
    Incr,
    LeftPush(String),
    RightPop,
    Range,
    Add(String),
    Remove(String),
    Members,
    Put(String, String),
    Take(String),
    All,
    Del,
}

impl Op {
    /// The words of the command.
    pub(crate) fn words<'a>(&'a self, key: &'a str) -> Vec<&'a str> {
        match self {
            Op::Set(value) => vec!["SET", key, value],
            Op::Append(value) => vec!["APPEND", key, value],
            Op::Get => vec!["GET", key],
            Op::Incr => vec!["INCR", key],
            Op::LeftPush(value) => vec!["LPUSH", key, value],
            Op::RightPop => vec!["RPOP", key],
            Op::Range => vec!["LRANGE", key, "0", "-1"],
            Op::Add(member) => vec!["SADD", key, member],
            Op::Remove(member) => vec!["SREM", key, member],
            Op::Members => vec!["SMEMBERS", key],
            Op::Put(field, value) => vec!["HSET", key, field, value],
            Op::Take(field) => vec!["HDEL", key, field],
            Op::All => vec!["HGETALL", key],
            Op::Del => vec!["DEL", key],
        }
    }

    /// What it makes of a state, and what is answered: words, in order where the order is not stated.
    fn apply(&self, value: &Value) -> (Value, Vec<String>) {
        let one = |number: usize| vec![number.to_string()];
        let nothing = || vec!["nil".to_owned()];
        let mut next = value.clone();
        let said = match (self, &mut next) {
            (Op::Set(to), next) => {
                *next = Value::Text(to.clone());
                vec!["OK".to_owned()]
            }
            (Op::Append(more), Value::Text(text)) => {
                text.push_str(more);
                one(text.len())
            }
            (Op::Append(more), next) => {
                *next = Value::Text(more.clone());
                one(more.len())
            }
            (Op::Get, Value::Text(text)) => vec![text.clone()],
            (Op::Get, Value::Count(count)) => vec![count.to_string()],
            (Op::Incr, next) => {
                let count = if let Value::Count(count) = next { *count + 1 } else { 1 };
                *next = Value::Count(count);
                vec![count.to_string()]
            }
            (Op::LeftPush(item), Value::List(list)) => {
                list.push_front(item.clone());
                one(list.len())
            }
            (Op::LeftPush(item), next) => {
                *next = Value::List([item.clone()].into());
                one(1)
            }
            (Op::RightPop, Value::List(list)) => list.pop_back().into_iter().collect(),
            (Op::Range, Value::List(list)) => list.iter().cloned().collect(),
            (Op::Add(member), Value::Set(set)) => one(usize::from(set.insert(member.clone()))),
            (Op::Add(member), next) => {
                *next = Value::Set([member.clone()].into());
                one(1)
            }
            (Op::Remove(member), Value::Set(set)) => one(usize::from(set.remove(member))),
            (Op::Members, Value::Set(set)) => set.iter().cloned().collect(),
            (Op::Put(field, to), Value::Hash(hash)) => {
                one(usize::from(hash.insert(field.clone(), to.clone()).is_none()))
            }
            (Op::Put(field, to), next) => {
                *next = Value::Hash([(field.clone(), to.clone())].into());
                one(1)
            }
            (Op::Take(field), Value::Hash(hash)) => one(usize::from(hash.remove(field).is_some())),
            (Op::All, Value::Hash(hash)) => {
                let mut said: Vec<_> =
                    hash.iter().flat_map(|(field, to)| [field.clone(), to.clone()]).collect();
                said.sort();
                said
            }
            (Op::Del, Value::Nothing) | (Op::Remove(_) | Op::Take(_), _) => one(0),
            (Op::Del, next) => {
                *next = Value::Nothing;
                one(1)
            }
            (Op::Get | Op::RightPop, _) => nothing(),
            (Op::Range | Op::Members | Op::All, _) => Vec::new(),
        };
        (if next.is_empty() { Value::Nothing } else { next }, said)
    }

    /// Whether what is answered has no stated order.
    pub(crate) fn is_unordered(&self) -> bool {
        matches!(self, Op::Members | Op::All)
    }
}

/// What is known of one key.
#[derive(Debug)]
pub(crate) struct Known {
    /// What it may be now.
    states: BTreeSet<Value>,
    /// What it may have been, and from when on; as far back as a crash may lead.
    past: Vec<(Time, BTreeSet<Value>)>,
    /// How far back a crash may lead.
    forgets: Duration,
}

/// An answer that is none of those that are possible.
#[derive(Debug)]
pub(crate) struct Wrong {
    op: Op,
    said: Vec<String>,
    states: BTreeSet<Value>,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} was answered {:?}, but at the key can only be {:?}", self.op, self.said, self.states)
    }
}

impl Known {
    /// Nothing is there yet. A crash may make undone what was answered less than `forgets` before.
    pub(crate) fn new(forgets: Duration) -> Known {
        Known { states: [Value::Nothing].into(), past: Vec::new(), forgets }
    }

    pub(crate) fn is_sure(&self) -> bool {
        self.states.len() == 1
    }

    /// An answer came.
    pub(crate) fn answered(&mut self, now: Time, op: &Op, said: &[String]) -> Result<(), Wrong> {
        let possible = self.states.iter().map(|state| op.apply(state));
        let next: BTreeSet<Value> =
            possible.filter(|(_, would)| would == said).map(|(next, _)| next).collect();
        if next.is_empty() {
            return Err(Wrong { op: op.clone(), said: said.to_owned(), states: self.states.clone() });
        }
        self.past.push((now, std::mem::replace(&mut self.states, next)));
        let horizon = self.past.partition_point(|(until, _)| *until + self.forgets < now);
        self.past.drain(..horizon);
        Ok(())
    }

    /// An error came: it happened, or did not.
    pub(crate) fn unsure(&mut self, op: &Op) {
        let may: Vec<Value> = self.states.iter().map(|state| op.apply(state).0).collect();
        self.states.extend(may);
    }

    /// The server is gone, with these without an answer. It was there at `alive` for the last time.
    pub(crate) fn crashed(&mut self, alive: Time, unanswered: &[&Op]) {
        let mut states = self.states.clone();
        for op in unanswered {
            states = states.iter().map(|state| op.apply(state).0).collect();
            self.states.extend(states.iter().cloned());
        }
        for (until, states) in std::mem::take(&mut self.past) {
            if until + self.forgets >= alive && self.forgets > Duration::ZERO {
                self.states.extend(states);
            }
        }
    }
}
