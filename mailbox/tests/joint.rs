//! A value that two ends hold together.
#![cfg(not(loom))]
#![allow(clippy::disallowed_methods, reason = "one of these tests is about real threads")]

mod common;

use common::{Drops, Token};
use ravelin_mailbox::{Hold, Joint, Peek};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

/// One of each kind.
enum Each {
    One(Joint<Token>),
    Hold(Hold<Token>),
    Peek(Peek<usize>),
}

impl Each {
    fn id(&self) -> usize {
        match self {
            Each::One(joint) => joint.id,
            Each::Hold(hold) => hold.id,
            Each::Peek(peek) => **peek,
        }
    }
}

/// Two owners as they are made, two that came later, and two peeks.
fn all_of(drops: &std::sync::Arc<Drops>) -> Vec<Each> {
    let (one, other) = Joint::pair(|| drops.token(0, ()));
    let another = one.clone();
    let peek = one.peek(|token| &token.id);
    let hold = another.hold(|token| token);
    let again = hold.clone();
    vec![
        Each::One(one),
        Each::One(other),
        Each::Hold(hold),
        Each::Hold(again),
        Each::Peek(peek.clone()),
        Each::Peek(peek),
    ]
}

#[test]
fn the_last_hold_drops_the_value_whichever_it_is() {
    for first in 0..6 {
        for step in [1, 5] {
            let drops = Drops::new(1);
            let mut all: Vec<_> = all_of(&drops).into_iter().map(Some).collect();
            for turn in 0..6 {
                assert_eq!(drops.count(), 0, "from {first} by {step}");
                assert!(all.iter().flatten().all(|each| each.id() == 0));
                all[(first + turn * step) % 6] = None;
            }
            drops.assert_each_once();
        }
    }
}

#[test]
fn holds_dropped_by_many_threads_drop_the_value_once() {
    let drops = Drops::new(1);
    thread::scope(|scope| {
        for each in all_of(&drops) {
            scope.spawn(move || assert_eq!(each.id(), 0));
        }
    });
    drops.assert_each_once();
}

#[test]
fn an_owner_is_alone_whoever_peeks_and_has_the_value_when_nobody_does() {
    let (mut one, other) = Joint::pair(|| 7);
    assert!(!one.is_alone());
    assert_eq!(one.get_mut(), None);
    let peek = other.peek(|value| value);
    let hold = other.hold(|value| value);
    assert!(!one.is_alone());
    drop(hold);
    assert!(one.is_alone());
    assert_eq!(one.get_mut(), None);
    assert_eq!(*peek, 7);
    drop(peek);
    assert_eq!(one.get_mut(), Some(&mut 7));
}

#[test]
fn what_a_hold_sees_may_be_of_any_kind() {
    let (one, other) = Joint::pair(|| 7_u64);
    let hold = one.hold::<dyn Any + Send + Sync>(|value| value);
    assert_eq!(hold.downcast_ref(), Some(&7_u64));
    let peek = other.peek(|_| "else");
    drop((other, hold));
    assert_eq!(&*peek, "else");
}

#[test]
fn a_value_that_cannot_be_made_leaves_nothing() {
    let made = catch_unwind(AssertUnwindSafe(|| Joint::<u64>::pair(|| panic!("on purpose"))));
    assert!(made.is_err());
}
