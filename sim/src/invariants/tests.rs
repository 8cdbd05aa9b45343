//! Each rule on a short life that keeps the promise, and on one that breaks it.

use super::{Home, Rest, Rules, Who};
use crate::log::NodeId;
use ravelin_core::{Awaited, Awaits, Class, Exit, Pid, Seen, Signalled, Time};
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
    accept_of(Class::Interactive, message)
}

fn accept_of(class: Class, message: &'static str) -> Seen<'static> {
    Seen::Accepted { message, is_exempt: false, class, from: None, len: 1, limit: Some(2) }
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
    let accept = |class, len| {
        let seen = Seen::Accepted { message: "A", is_exempt: false, class, from: None, len, limit: Some(2) };
        [(ONE, seen)]
    };
    let broken = Some("a mailbox holds no more than its capacity");
    for (class, most) in [(Class::Interactive, 3), (Class::Bulk, 3), (Class::Control, 19)] {
        check(&accept(class, most), None);
        check(&accept(class, most + 1), broken);
    }
}

#[test]
fn a_discarded_message_that_another_one_should_have_gone_for_is_seen() {
    let discard = |message| Seen::Discarded { message };
    let bulk = |message| accept_of(Class::Bulk, message);
    let control = |message| accept_of(Class::Control, message);
    let broken = Some("messages are handled in order and at most once");
    let rows = [
        (vec![accept("A"), accept("B"), discard("A"), begin("B")], None),
        // The oldest is in the receiver's hand already.
        (vec![accept("A"), accept("B"), discard("B"), begin("A")], None),
        (vec![accept("A"), accept("B"), accept("C"), discard("C")], broken),
        (vec![accept("A"), accept("B"), bulk("C"), discard("C"), begin("A"), begin("B")], None),
        (vec![control("A"), control("B"), control("C"), accept("D"), discard("D"), begin("A")], None),
        (vec![accept("A"), accept("B"), control("C"), discard("C")], broken),
        // Which of the two bulk messages it was shows when the first of the line is handled.
        (vec![bulk("B"), accept("A"), bulk("B"), discard("B"), begin("B"), begin("A")], None),
        (vec![bulk("B"), accept("A"), bulk("B"), discard("B"), begin("A"), begin("B")], None),
        (vec![bulk("B"), accept("A"), bulk("B"), discard("B"), begin("A"), begin("A")], broken),
    ];
    for (events, expect) in rows {
        let events: Vec<_> = [start(1), UP].into_iter().chain(events).map(|seen| (ONE, seen)).collect();
        check(&events, expect);
    }
}

#[test]
fn a_hundred_discarded_messages_leave_few_lines_that_are_possible() {
    // By the actor's own timer, and by somebody else: of one name, and not the same.
    let by = |is_exempt| Seen::Accepted {
        message: "Tick",
        is_exempt,
        class: Class::Interactive,
        from: None,
        len: 1,
        limit: Some(2),
    };
    let waiting = [by(true), by(false)].into_iter().cycle().take(102);
    let discards = std::iter::repeat_n(Seen::Discarded { message: "Tick" }, 100);
    let handled = [begin("Tick"), begin("Tick")];
    let events = [start(1), UP].into_iter().chain(waiting).chain(discards).chain(handled);
    let mut events: Vec<_> = events.map(|seen| (ONE, seen)).collect();
    check(&events, None);
    events.push((ONE, begin("Tick")));
    check(&events, Some("messages are handled in order and at most once"));
}

#[test]
fn where_too_many_lines_are_possible_the_messages_are_still_counted() {
    // Each discarded one may be the first of all, the first of class bulk, or the one behind that.
    let classes = [Class::Control, Class::Interactive, Class::Bulk].into_iter().cycle();
    let waiting = classes.map(|class| accept_of(class, "Tick")).take(120);
    let discards = std::iter::repeat_n(Seen::Discarded { message: "Tick" }, 60);
    let handled = std::iter::repeat_n(begin("Tick"), 60);
    let events = [start(1), UP].into_iter().chain(waiting).chain(discards).chain(handled);
    let mut events: Vec<_> = events.map(|seen| (ONE, seen)).collect();
    check(&events, None);
    events.push((ONE, begin("Tick")));
    check(&events, Some("messages are handled in order and at most once"));
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
fn a_mailbox_that_is_kept_elsewhere_excuses_no_call_here() {
    let open: Arc<dyn Awaits> = Arc::new(Open);
    let awaited = Awaited::new(&open);
    let kept = Seen::Ended { exit: EXIT, held: 0, kept: 1 };
    let here = Who { home: Home { node: NodeId(0), system: 0 }, pid: ONE };
    // The same number of a process, in a system of its own.
    let there = Who { home: Home { system: 1, ..here.home }, ..here };
    let rows = [
        (vec![(here, kept.clone())], Ok(())),
        (vec![(there, start(1)), (there, kept), (here, END)], Err("a call always ends")),
    ];
    for (ends, expect) in rows {
        let mut rules = Rules::all_but(&[]);
        let begun = Seen::CallBegun { call: 1, message: "A", from: None, limit: None };
        let sent = Seen::CallSent { call: 1, awaited: &awaited };
        let life = [(here, start(1)), (here, begun), (here, sent)];
        for (who, seen) in life.into_iter().chain(ends).chain([(here, Seen::Gone)]) {
            rules.see(Time::EPOCH, who, &seen).unwrap();
        }
        let outcome = rules.rest(&Rest { stalled: BTreeSet::new() });
        assert_eq!(outcome.map_err(|(name, _)| name), expect);
    }
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
