//! The rows of `otp.txt`: what Erlang/OTP's `gen_statem` gave, and a plan and a live machine that must give the same.

use ravelin_core::Time;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use ravelin_behaviours::statem::plan::{Action, Plan};
use ravelin_behaviours::statem::{Timeout, When};

/// The words of one action: `["state", "10", "t"]`.
pub(crate) type Words = Vec<String>;

/// What each event does in each state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules(pub(crate) BTreeMap<(String, String), Vec<Words>>);

impl Rules {
    pub(crate) fn of(&self, state: &str, event: &str) -> &[Words] {
        self.0.get(&(state.to_owned(), event.to_owned())).map_or(&[], Vec::as_slice)
    }
}

/// One row.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) rules: Rules,
    /// What waits in the mailbox together.
    pub(crate) batches: Vec<Vec<String>>,
    pub(crate) gives: Vec<String>,
}

impl Row {
    /// Whether it needs a clock.
    pub(crate) fn is_timed(&self) -> bool {
        let waits = |words: &Words| words.iter().any(|word| word.parse().is_ok_and(|ms: i64| ms != 0));
        self.batches.len() > 1 || self.rules.0.values().flatten().any(waits)
    }
}

/// How long a pause between batches is, and how long nothing may come at the end.
pub(crate) const PAUSE: Duration = Duration::from_millis(20);
pub(crate) const END: Duration = Duration::from_millis(250);

pub(crate) fn rows() -> Vec<Row> {
    let rows = parse(include_str!("otp.txt"));
    assert!(rows.len() > 60, "{} rows", rows.len());
    rows
}

/// Rows that are ours: what OTP does otherwise, on purpose or (the first) by mistake, or forbids.
pub(crate) fn our_rows() -> Vec<Row> {
    parse(
        "
row a zero time-out that gets a time is no longer at once
  a e1: named n 0 t; insert x
  a x: named n 10 w
  send: e1 e2
  gives: a.enter(a) a.e1 a.x a.e2 a.w
row time-outs that one callback asks for are set one after the other
  a e1: named n 10 t; update named n w
  send: e1 e2
  gives: a.enter(a) a.e1 a.e2 a.w
row a change to an equal state is a change
  a e1: postpone
  a e2: next a
  a e3: state 10 t; next a
  send: e1 e2 | e3
  gives: a.enter(a) a.e1 a.e2 a.enter(a) a.e1 a.e3 a.enter(a) a.e1 a.t
row what is inserted on entering comes after what was inserted with the change
  a e1: postpone
  a e2: next b; insert x
  b enter: insert y
  send: e1 e2 e3
  gives: a.enter(a) a.e1 a.e2 b.enter(a) b.x b.y b.e1 b.e3
row an event time-out whose time is up ends with a time-out that comes before it
  a e1: named n 10 u; event 10 t
  send: e1
  gives: a.enter(a) a.e1 a.u
row a state time-out whose time is up ends with a change that comes before it
  a e1: named n 10 u; state 10 t
  a u: next b
  send: e1
  gives: a.enter(a) a.e1 a.u b.enter(a)
",
    )
}

fn parse(text: &'static str) -> Vec<Row> {
    text.split("\nrow ").skip(1).map(row).collect()
}

fn words(text: &str) -> Words {
    text.split_whitespace().map(str::to_owned).collect()
}

fn row(text: &'static str) -> Row {
    let mut lines = text.lines();
    let name = lines.next().expect("a name");
    let mut row = Row { name, rules: Rules::default(), batches: Vec::new(), gives: Vec::new() };
    for line in lines.map(str::trim).filter(|line| !line.is_empty()) {
        let (head, tail) = line.split_once(':').expect("a line says what it is");
        match head {
            "send" => row.batches = tail.split('|').map(words).collect(),
            "gives" => row.gives = words(tail),
            head => {
                let [state, event] = &words(head)[..] else { panic!("{name}: {head}") };
                let actions = tail.split(';').map(words).collect();
                row.rules.0.insert((state.clone(), event.clone()), actions);
            }
        }
    }
    row
}

pub(crate) fn timeout(words: &[String]) -> Timeout {
    match words {
        [kind] if kind == "state" => Timeout::State,
        [kind] if kind == "event" => Timeout::Event,
        [_, name] => Timeout::named(name.clone()),
        other => panic!("{other:?}"),
    }
}

/// The time-out that these words set: which, when and with what.
pub(crate) fn set(words: &[String], now: Time) -> (Timeout, When, String) {
    let [at @ .., time, event] = words else { panic!("{words:?}") };
    let ms: i64 = time.parse().expect("a number of milliseconds");
    let wait = Duration::from_millis(ms.unsigned_abs());
    match at {
        [word, which @ ..] if word == "at" => {
            let at = if ms < 0 { now - wait } else { now + wait };
            (timeout(which), When::At(at), event.clone())
        }
        which => (timeout(which), When::After(wait), event.clone()),
    }
}

/// Who a plan works for: a mailbox, a clock, and a state.
pub(crate) struct World {
    pub(crate) plan: Plan<String>,
    rules: Rules,
    state: String,
    mailbox: VecDeque<Incoming>,
    timers: Vec<(Time, u64)>,
    now: Time,
    pub(crate) log: Vec<String>,
    /// How many events may still be handled.
    pub(crate) fuel: u32,
    is_stopped: bool,
}

enum Incoming {
    Event(String),
    TimeUp(u64),
}

impl World {
    pub(crate) fn new(rules: Rules) -> World {
        let mut world = World {
            plan: Plan::new(1000),
            rules,
            state: "a".to_owned(),
            mailbox: VecDeque::new(),
            timers: Vec::new(),
            now: Time::from_nanos(1_000_000_000),
            log: Vec::new(),
            fuel: 300,
            is_stopped: false,
        };
        let mut turn = None;
        world.obey("init", &mut turn, "");
        world.enter("a".to_owned());
        world.settle();
        world
    }

    pub(crate) fn send(&mut self, events: &[String]) {
        self.mailbox.extend(events.iter().cloned().map(Incoming::Event));
    }

    /// Handles all that is here, then what comes within `time`.
    pub(crate) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            while self.step() {}
            let due = self.timers.iter().enumerate().min_by_key(|(_, timer)| **timer).map(|(at, _)| at);
            let Some(next) = due.filter(|at| self.timers[*at].0 <= end) else { break };
            let (at, number) = self.timers.remove(next);
            self.now = self.now.max(at);
            self.mailbox.push_back(Incoming::TimeUp(number));
        }
        self.now = end;
    }

    fn step(&mut self) -> bool {
        if self.is_stopped || self.fuel == 0 {
            return false;
        }
        let next = match self.plan.next() {
            Some(event) => Some(event),
            None => match self.mailbox.pop_front() {
                Some(Incoming::Event(event)) => Some(event),
                Some(Incoming::TimeUp(number)) => match self.plan.time_up(number) {
                    Some(event) => Some(event),
                    None => return true,
                },
                None => None,
            },
        };
        let Some(event) = next else { return false };
        self.fuel -= 1;
        self.handle(&event);
        true
    }

    fn handle(&mut self, event: &str) {
        self.plan.begin();
        self.log.push(format!("{}.{event}", self.state));
        let mut turn = None;
        self.obey(event, &mut turn, event);
        match turn {
            Some(Turn::Next(to)) => {
                let from = std::mem::replace(&mut self.state, to);
                self.plan.change();
                self.enter(from);
            }
            Some(Turn::Repeat) => self.enter(self.state.clone()),
            Some(Turn::Stop) => {
                self.is_stopped = true;
                return self.log.extend(["terminate:normal".to_owned(), "exit:normal".to_owned()]);
            }
            None => {}
        }
        self.settle();
    }

    fn enter(&mut self, from: String) {
        self.log.push(format!("{}.enter({from})", self.state));
        self.obey("enter", &mut None, "");
    }

    fn obey(&mut self, on: &str, turn: &mut Option<Turn>, event: &str) {
        for words in self.rules.of(&self.state, on).to_vec() {
            match words[0].as_str() {
                "next" => *turn = Some(Turn::Next(words[1].clone())),
                "repeat" => *turn = Some(Turn::Repeat),
                "stop" => *turn = Some(Turn::Stop),
                "postpone" => assert_eq!(self.plan.postpone(event.to_owned()), Ok(())),
                "insert" => self.plan.insert(words[1].clone()),
                "cancel" => self.plan.cancel(timeout(&words[1..])),
                "update" => {
                    let (event, which) = words[1..].split_last().expect("an event");
                    self.plan.update(timeout(which), event.clone());
                }
                _ => {
                    let (which, when, event) = set(&words, self.now);
                    self.plan.start(which, when, event);
                }
            }
        }
    }

    fn settle(&mut self) {
        self.plan.finish(self.now);
        while let Some(action) = self.plan.poll_action() {
            match action {
                Action::Arm { number, at } => self.timers.push((at, number)),
                Action::Disarm { number } => self.timers.retain(|(_, timer)| *timer != number),
            }
        }
    }
}

enum Turn {
    Next(String),
    Repeat,
    Stop,
}

#[test]
fn a_plan_gives_the_order_that_otp_gives() {
    check(rows());
}

#[test]
fn a_plan_gives_an_order_of_its_own_where_it_says_so() {
    check(our_rows());
}

#[test]
fn a_plan_takes_no_more_than_it_may_and_gives_back_what_is_left() {
    let mut plan = Plan::new(2);
    for event in ["a", "b"] {
        assert_eq!(plan.postpone(event), Ok(()));
    }
    assert_eq!(plan.postpone("c"), Err("c"));
    plan.change();
    assert_eq!((plan.postponed_len(), plan.postpone("d")), (0, Ok(())));
    plan.insert("e");
    plan.finish(Time::EPOCH);
    plan.insert("f");
    assert_eq!(plan.take_left(), ["e", "a", "b", "f", "d"]);
    assert!(plan.is_quiet());
}

#[test]
fn a_timer_that_is_not_needed_any_more_gives_nothing() {
    let mut plan = Plan::new(1);
    let at = Time::EPOCH + Duration::from_secs(1);
    plan.start(Timeout::State, Duration::from_secs(1), "s");
    plan.start(Timeout::named("n"), Time::NEVER, "n");
    plan.finish(Time::EPOCH);
    let actions: Vec<_> = std::iter::from_fn(|| plan.poll_action()).collect();
    assert_eq!(actions, [Action::Arm { number: 1, at }, Action::Arm { number: 2, at: Time::NEVER }]);
    plan.change();
    assert_eq!(plan.poll_action(), Some(Action::Disarm { number: 1 }));
    assert_eq!((plan.time_up(1), plan.time_up(2), plan.time_up(2)), (None, Some("n"), None));
}

fn check(rows: Vec<Row>) {
    for row in rows {
        let mut world = World::new(row.rules.clone());
        for batch in &row.batches {
            world.send(batch);
            world.run_for(PAUSE);
        }
        world.run_for(END);
        assert_eq!(world.log, row.gives, "{}", row.name);
    }
}
