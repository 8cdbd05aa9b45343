//! The plan against a model: the manual's text, told naively. All that is known is one list in the order in which it
//! will be handled, made anew after each event; time-outs are found by looking through all of them.

use crate::rows::{Rules, Words, World};
use proptest::prelude::*;
use std::time::Duration;

#[derive(Clone, Debug)]
struct Timed {
    key: String,
    event: String,
    /// Milliseconds; none: at once.
    due: Option<i64>,
    serial: u64,
}

struct Model {
    rules: Rules,
    state: String,
    /// Inserted and retried, then what is in the mailbox; a number is a timer's message.
    here: Vec<String>,
    mailbox: Vec<Result<String, u64>>,
    postponed: Vec<String>,
    timed: Vec<Timed>,
    serial: u64,
    now: i64,
    log: Vec<String>,
    fuel: u32,
}

impl Model {
    fn new(rules: Rules) -> Model {
        let mut model = Model {
            rules,
            state: "a".to_owned(),
            here: Vec::new(),
            mailbox: Vec::new(),
            postponed: Vec::new(),
            timed: Vec::new(),
            serial: 0,
            now: 1_000,
            log: Vec::new(),
            fuel: 300,
        };
        let mut actions = model.rules.of("a", "init").to_vec();
        model.log.push("a.enter(a)".to_owned());
        actions.extend(model.rules.of("a", "enter").to_vec());
        model.act(&actions, "");
        model
    }

    /// The next event, taken out of where it was.
    fn take(&mut self) -> Option<String> {
        if !self.here.is_empty() {
            return Some(self.here.remove(0));
        }
        if let Some(at) = self.timed.iter().position(|timed| timed.due.is_none()) {
            return Some(self.timed.remove(at).event);
        }
        while !self.mailbox.is_empty() {
            match self.mailbox.remove(0) {
                Ok(event) => return Some(event),
                Err(serial) => {
                    if let Some(at) = self.timed.iter().position(|timed| timed.serial == serial) {
                        return Some(self.timed.remove(at).event);
                    }
                }
            }
        }
        None
    }

    fn handle(&mut self, event: &str) {
        self.timed.retain(|timed| timed.key != "event");
        self.log.push(format!("{}.{event}", self.state));
        let mut actions = self.rules.of(&self.state, event).to_vec();
        let next = actions.iter().find(|words| words[0] == "next").map(|words| words[1].clone());
        if actions.iter().any(|words| words[0] == "postpone") {
            self.postponed.push(event.to_owned());
        }
        if let Some(next) = next {
            self.timed.retain(|timed| timed.key != "state");
            self.here = [std::mem::take(&mut self.postponed), std::mem::take(&mut self.here)].concat();
            self.log.push(format!("{next}.enter({})", self.state));
            self.state = next;
            actions.extend(self.rules.of(&self.state, "enter").to_vec());
        } else if actions.iter().any(|words| words[0] == "repeat") {
            self.log.push(format!("{0}.enter({0})", self.state));
            actions.extend(self.rules.of(&self.state, "enter").to_vec());
        }
        self.act(&actions, event);
    }

    fn act(&mut self, actions: &[Words], _: &str) {
        let inserted = actions.iter().filter(|words| words[0] == "insert").map(|words| words[1].clone());
        self.here = [inserted.collect(), std::mem::take(&mut self.here)].concat();
        for words in actions {
            match (words[0].as_str(), &words[1..]) {
                ("next" | "repeat" | "postpone" | "insert", _) => {}
                ("cancel", key) => self.timed.retain(|timed| timed.key != key.join(" ")),
                ("update", [key @ .., event]) => {
                    match self.timed.iter_mut().find(|timed| timed.key == key.join(" ")) {
                        Some(timed) => timed.event = event.clone(),
                        None => self.set(key.join(" "), event, None),
                    }
                }
                (_, _) => {
                    let [key @ .., ms, event] = &words[..] else { unreachable!() };
                    let ms: i64 = ms.parse().expect("milliseconds");
                    self.set(key.join(" "), event, (ms > 0).then_some(self.now + ms));
                }
            }
        }
    }

    fn set(&mut self, key: String, event: &str, due: Option<i64>) {
        self.timed.retain(|timed| timed.key != key);
        self.serial += 1;
        self.timed.push(Timed { key, event: event.to_owned(), due, serial: self.serial });
    }

    fn run_for(&mut self, ms: i64) {
        let end = self.now + ms;
        loop {
            while self.fuel > 0
                && let Some(event) = self.take()
            {
                self.fuel -= 1;
                self.handle(&event);
            }
            let is_sent = |timed: &&Timed| !self.mailbox.contains(&Err(timed.serial));
            let due =
                self.timed.iter().filter(|timed| timed.due.is_some_and(|due| due <= end)).filter(is_sent);
            let Some(first) = due.min_by_key(|timed| (timed.due, timed.serial)) else { break };
            self.now = first.due.unwrap_or(self.now);
            self.mailbox.push(Err(first.serial));
        }
        self.now = end;
    }
}

fn words(text: &str) -> Words {
    text.split_whitespace().map(str::to_owned).collect()
}

fn action() -> impl Strategy<Value = Words> {
    let state = prop::sample::select(vec!["a", "b", "c"]);
    let event = || prop::sample::select(vec!["e", "f", "g", "t"]);
    let which = || prop::sample::select(vec!["state", "event", "named m", "named n"]);
    let ms = prop::sample::select(vec![0, 0, 5, 10, 25]);
    prop_oneof![
        2 => state.prop_map(|state| words(&format!("next {state}"))),
        1 => Just(words("repeat")),
        3 => Just(words("postpone")),
        2 => event().prop_map(|event| words(&format!("insert {event}"))),
        4 => (which(), ms, event()).prop_map(|(which, ms, event)| words(&format!("{which} {ms} {event}"))),
        1 => which().prop_map(|which| words(&format!("cancel {which}"))),
        1 => (which(), event()).prop_map(|(which, event)| words(&format!("update {which} {event}"))),
    ]
}

/// At most one change of the state in each callback, and none on entering. A change to the same state is one.
fn rules() -> impl Strategy<Value = Rules> {
    let on = prop::sample::select(vec!["e", "f", "g", "t", "e", "f", "g", "t", "enter", "init"]);
    let state = prop::sample::select(vec!["a", "b", "c"]);
    let rule = ((state, on), prop::collection::vec(action(), 0..4));
    prop::collection::vec(rule, 3..14).prop_map(|rules| {
        let mut all = Rules::default();
        for ((state, on), mut actions) in rules {
            let mut has_turn = on == "enter" || on == "init";
            let mut is_kept = has_turn;
            actions.retain(|words| match words[0].as_str() {
                "next" | "repeat" => !std::mem::replace(&mut has_turn, true),
                "postpone" => !std::mem::replace(&mut is_kept, true),
                "insert" => on != "enter" && on != "init",
                _ => true,
            });
            all.0.insert((state.to_owned(), on.to_owned()), actions);
        }
        all
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_does_what_the_manual_says(
        rules in rules(),
        batches in prop::collection::vec(prop::collection::vec(prop::sample::select(vec!["e", "f", "g"]), 0..5), 1..4),
    ) {
        let mut plan = World::new(rules.clone());
        let mut model = Model::new(rules);
        for batch in batches {
            let batch: Vec<String> = batch.into_iter().map(str::to_owned).collect();
            plan.send(&batch);
            plan.run_for(Duration::from_millis(12));
            model.mailbox.extend(batch.into_iter().map(Ok));
            model.run_for(12);
            prop_assert_eq!(&plan.log, &model.log);
        }
        plan.run_for(Duration::from_millis(100));
        model.run_for(100);
        prop_assert_eq!(&plan.log, &model.log);
    }
}
