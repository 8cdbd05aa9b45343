//! The canonical order of a step's lines.

use crate::hub::{Happened, Hub, Line};
use std::fmt::Write;

/// Where a step is, and what came of it.
pub(crate) struct Step<'a> {
    pub(crate) number: usize,
    pub(crate) op: &'a str,
    pub(crate) is_unordered: bool,
    pub(crate) reply: Option<String>,
}

/// The step as text.
pub(crate) fn lines(step: &Step<'_>, happened: Happened, hub: &Hub, state: &str) -> String {
    let Happened { events, mut exits, mut got, mut answers } = happened;
    let events = if step.is_unordered { by_key(events) } else { dynamic_runs(events, hub) };
    let mut out = format!("step {} {}\n", step.number, step.op);
    let mut say = |line: std::fmt::Arguments<'_>| {
        let _ = writeln!(out, "{line}");
    };
    for (_, text) in &events {
        say(format_args!("ev {text}"));
    }
    if let Some(reply) = &step.reply {
        say(format_args!("reply {reply}"));
    }
    answers.sort();
    for (of, text) in &answers {
        say(format_args!("reply@{of} {text}"));
    }
    exits.sort();
    for (key, why) in &exits {
        say(format_args!("exit {key} {why}"));
    }
    // What a dying actor still handled is a race.
    got.retain(|(key, _)| !exits.iter().any(|(ended, _)| ended == key));
    got.sort();
    for (key, text) in &got {
        say(format_args!("got {key} {text}"));
    }
    for (key, phase) in hub.blocked() {
        say(format_args!("blocked {key} {phase}"));
    }
    say(format_args!("state {state}"));
    out
}

/// Rule U.
fn by_key(mut events: Vec<Line>) -> Vec<Line> {
    events.sort_by(|a, b| a.0.cmp(&b.0));
    events
}

/// Rule D: sorts runs of terminations under the same dynamic supervisor.
fn dynamic_runs(mut events: Vec<Line>, hub: &Hub) -> Vec<Line> {
    let run_of = |line: &Line| {
        let parent = line.0.parent().filter(|parent| hub.is_dynamic(parent))?;
        line.1.starts_with("terminate ").then(|| parent.to_string())
    };
    let mut from = 0;
    while from < events.len() {
        let run = run_of(&events[from]);
        let mut until = from + 1;
        while run.is_some() && until < events.len() && run_of(&events[until]) == run {
            until += 1;
        }
        events[from..until].sort();
        from = until;
    }
    events
}
