//! Each rule on a short life that keeps the promise, and on one that breaks it.

use super::{Home, Rest, Rules, Who};
use crate::log::NodeId;
use ravelin_core::{Awaited, Awaits, Exit, Pid, Seen, Signalled, Time};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const ONE: Pid = Pid::from_parts(0, 1, 1);
const TWO: Pid = Pid::from_parts(0, 2, 1);
const EXIT: &Exit = &Exit::Shutdown;

const UP: Seen<'static> = Seen::Up;
const END: Seen<'static> = Seen::Ended { exit: EXIT, held: 0, kept: 0 };

fn start(place: u32) -> Seen<'static> {
    Seen::Starting { parent: None, is_adopted: false, place }
}

fn adopted() -> Seen<'static> {
    Seen::Starting { parent: Some(ONE), is_adopted: true, place: 9 }
}

fn accept(message: &'static str) -> Seen<'static> {
    Seen::Accepted { message, is_exempt: false, from: None, len: 1, limit: Some(2) }
}

fn begin(message: &'static str) -> Seen<'static> {
    Seen::Begun { message }
}

/// What the rules say of these events, with a rest at the end.
#[track_caller]
fn check(events: &[(Pid, Seen<'_>)], expect: Option<&str>) {
    let mut rules = Rules::all_but(&[]);
    let mut outcome = Ok(());
    for (pid, seen) in events {
        outcome = outcome.and_then(|()| {
            rules.see(Time::EPOCH, Who { home: Home { node: NodeId(0), system: 0 }, pid: *pid }, seen)
        });
    }
    let outcome = outcome.and_then(|()| rules.rest(&Rest { stalled: BTreeSet::new() }));
    assert_eq!(outcome.as_ref().err().map(|(name, _)| *name), expect, "{outcome:?}");
}

#[test]
fn what_is_in_order_passes() {
    let answered = Awaited::new(&(Arc::new(Open) as Arc<dyn Awaits>));
    let life = [
        start(1),
        accept("A"),
        UP,
        accept("B"),
        begin("A"),
        Seen::Delayed { message: "B" },
        accept("C"),
        Seen::Returned { message: "B" },
        begin("C"),
        begin("B"),
        accept("D"),
        Seen::Discarded { message: "D" },
        Seen::CallBegun { call: 1, message: "E", from: None, limit: None },
        Seen::CallSent { call: 1, awaited: &answered },
        Seen::Signalled(Signalled::Kill),
        END,
        Seen::Gone,
        Seen::CallEnded { call: 1 },
    ];
    check(&life.map(|seen| (ONE, seen)), None);
    check(&[(ONE, start(1)), (ONE, UP), (TWO, adopted()), (TWO, END), (ONE, END)], None);
    check(&[(ONE, start(1)), (ONE, END), (ONE, Seen::Gone), (TWO, start(1))], None);
}

#[test]
fn a_message_out_of_turn_is_seen() {
    let broken = Some("messages are handled in order and at most once");
    let up = [start(1), UP, accept("A"), accept("B")];
    let then = |more: &[Seen<'static>]| {
        let all: Vec<_> = up.iter().chain(more).map(|seen| (ONE, seen.clone())).collect();
        check(&all, broken);
    };
    then(&[begin("B")]);
    then(&[begin("A"), begin("B"), begin("B")]);
    then(&[Seen::Discarded { message: "C" }]);
    then(&[Seen::Returned { message: "A" }]);
}

#[test]
fn a_life_out_of_order_is_seen() {
    let broken = Some("an actor handles messages between its init and its end");
    check(&[(ONE, start(1)), (ONE, accept("A")), (ONE, begin("A"))], broken);
    check(&[(ONE, start(1)), (ONE, UP), (ONE, UP)], broken);
    check(&[(ONE, start(1)), (ONE, END), (ONE, END)], broken);
}

#[test]
fn two_at_a_place_an_orphan_and_a_name_that_is_kept_are_seen() {
    let two = [(ONE, start(1)), (TWO, start(1))];
    check(&two, Some("incarnations of a place do not overlap"));
    let orphan = [(ONE, start(1)), (ONE, UP), (TWO, adopted()), (ONE, END)];
    check(&orphan, Some("nobody outlives its supervisor"));
    let kept = [(ONE, start(1)), (ONE, Seen::Ended { exit: EXIT, held: 1, kept: 0 })];
    check(&kept, Some("names are free before others learn of the end"));
}

#[test]
fn a_mailbox_over_its_limit_is_seen() {
    let len = |len| Seen::Accepted { message: "A", is_exempt: false, from: None, len, limit: Some(2) };
    check(&[(ONE, len(3))], None);
    check(&[(ONE, len(4))], Some("a mailbox holds no more than its capacity"));
}

#[test]
fn a_signal_that_is_not_obeyed_is_seen() {
    let broken = Some("an order to end goes before all messages");
    for signal in [Signalled::Stop, Signalled::Die, Signalled::Kill] {
        let late = [start(1), UP, accept("A"), Seen::Signalled(signal), begin("A")];
        check(&late.map(|seen| (ONE, seen)), broken);
    }
    let lives_on = [(ONE, start(1)), (ONE, UP), (ONE, Seen::Signalled(Signalled::Kill))];
    check(&lives_on, broken);
    let waits = [(ONE, start(1)), (TWO, adopted()), (ONE, Seen::Signalled(Signalled::Kill))];
    check(&waits, None);
}

/// A call that nobody answers.
struct Open;

impl Awaits for Open {
    fn is_over(&self) -> bool {
        false
    }
}

#[test]
fn a_call_that_does_not_end_is_seen() {
    let broken = Some("a call always ends");
    let open: Arc<dyn Awaits> = Arc::new(Open);
    let awaited = Awaited::new(&open);
    let begun = (ONE, Seen::CallBegun { call: 1, message: "A", from: None, limit: None });
    let sent = (ONE, Seen::CallSent { call: 1, awaited: &awaited });
    check(&[(ONE, start(1)), begun.clone(), sent.clone()], None);
    check(&[(ONE, start(1)), begun, sent, (ONE, END), (ONE, Seen::Gone)], broken);
}

#[test]
fn a_call_that_waits_for_too_long_is_seen() {
    let mut rules = Rules::all_but(&[]);
    let who = Who { home: Home { node: NodeId(0), system: 0 }, pid: ONE };
    let limit = Some(Duration::from_secs(5));
    let begun = Seen::CallBegun { call: 1, message: "A", from: None, limit };
    rules.see(Time::EPOCH, who, &begun).unwrap();
    let mut looks = |after| {
        let now = Time::EPOCH + Duration::from_secs(after);
        rules.see(now, who, &Seen::CallPending { call: 1 }).is_ok()
    };
    assert_eq!((looks(4), looks(6)), (true, false));
}
