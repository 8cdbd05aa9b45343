//! Three nodes, three processes, three hosts: what holds when a real network is cut, and a real process is killed.
//!
//! It needs the right to make network namespaces, and half a minute, so it runs when it is asked to:
//! `RAVELIN_NAMESPACES=1 cargo test -p ravelin-cluster --test namespaces`. Where it may not, it says so and is content.
#![allow(clippy::disallowed_methods, reason = "it measures how long a real network takes")]

mod net;
mod node;
mod people;

use net::{HOSTS, Net};
use people::People;
use std::process::ExitCode;
use std::time::Duration;

/// A cut without a word, or a process that stands still, is noticed so soon.
const SILENCE: Duration = Duration::from_secs(3);
/// A link that breaks is noticed so soon.
const BREAK: Duration = Duration::from_millis(100);
/// After a cut nodes meet again so soon.
const REUNION: Duration = Duration::from_secs(12);
/// Groups are equal again so soon after that.
const GROUPS: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "node") {
        node::run(&arguments[1..]);
        return ExitCode::SUCCESS;
    }
    if std::env::var_os("RAVELIN_NAMESPACES").is_none() {
        println!("SKIPPED: network namespaces: set RAVELIN_NAMESPACES=1 to run this");
        return ExitCode::SUCCESS;
    }
    let net = match Net::new() {
        Ok(net) => net,
        Err(why) => {
            println!("SKIPPED: network namespaces: {why}");
            return ExitCode::SUCCESS;
        }
    };
    let mut people = People::new(net);
    nodes_find_one_another(&mut people);
    a_silent_cut_of_one_node(&mut people);
    a_one_way_cut_of_one_node(&mut people);
    a_cut_between_two_of_three(&mut people);
    a_process_that_stands_still(&mut people);
    a_process_that_is_killed(&mut people);
    ExitCode::SUCCESS
}

/// The others.
fn others(of: &str) -> impl Iterator<Item = &'static str> {
    HOSTS.into_iter().filter(move |host| *host != of)
}

/// Each direction between a node and the others.
fn ways(of: &'static str) -> Vec<(&'static str, &'static str)> {
    others(of).flat_map(|other| [(of, other), (other, of)]).collect()
}

fn shown(times: &[Duration]) -> String {
    let times: Vec<String> = times.iter().map(|time| format!("{:.1}", time.as_secs_f64() * 1000.0)).collect();
    times.join(", ")
}

/// Who watches whom says each time that the other is down, and its monitor fires once, with `noconnection`.
fn parted(people: &mut People, what: &str, pairs: &[(&str, &str)], within: Duration) {
    let mut times = Vec::new();
    for (who, other) in pairs {
        times.push(people.hear(who, &format!("down {other} "), within));
        people.hear(who, &format!("monitor {other} noconnection"), within);
    }
    println!("{what}: down after {} ms (at most {} ms)", shown(&times), within.as_millis());
}

/// Nothing came twice.
fn once(people: &People, pairs: &[(&str, &str)]) {
    for (who, other) in pairs {
        assert_eq!(people.count(who, &format!("down {other} ")), 1, "{who} says once that {other} is down");
        assert_eq!(
            people.count(who, &format!("monitor {other} ")),
            1,
            "{who}'s monitor of {other} fires once"
        );
    }
}

/// Since the mark the pairs have met again; groups are equal, and all watch one another anew.
fn united(people: &mut People, what: &str, pairs: &[(&str, &str)]) {
    let mut times = Vec::new();
    for (who, other) in pairs {
        times.push(people.hear(who, &format!("up {other}"), REUNION));
    }
    println!("{what}: up after {} ms (at most {} ms)", shown(&times), REUNION.as_millis());
    same_groups(people, 3, &HOSTS);
    for (who, other) in pairs {
        assert_eq!(people.ask(who, &format!("watch {other}"), "watches"), format!("watches {other}"));
    }
}

/// On these nodes the group has so many members, soon.
fn same_groups(people: &mut People, members: usize, on: &[&str]) {
    let (expected, begin) = (format!("members {members}"), std::time::Instant::now());
    for who in on {
        while people.ask(who, "members", "members") != expected {
            assert!(begin.elapsed() < GROUPS, "{who} has `{expected}` within {GROUPS:?}");
        }
    }
}

fn nodes_find_one_another(people: &mut People) {
    let pairs: Vec<_> = HOSTS.iter().flat_map(|who| others(who).map(move |other| (*who, other))).collect();
    united(people, "three nodes with one seed", &pairs);
}

fn a_silent_cut_of_one_node(people: &mut People) {
    let pairs = ways("c");
    people.mark();
    pairs.iter().for_each(|(from, to)| people.net().cut(from, to));
    parted(people, "a silent cut of one node, both ways", &pairs, SILENCE);
    same_groups(people, 2, &["a", "b"]);
    same_groups(people, 1, &["c"]);
    once(people, &pairs);
    people.mark();
    pairs.iter().for_each(|(from, to)| people.net().heal(from, to));
    united(people, "the cut is healed", &pairs);
}

fn a_one_way_cut_of_one_node(people: &mut People) {
    let pairs = ways("c");
    people.mark();
    others("c").for_each(|other| people.net().cut(other, "c"));
    parted(people, "a cut of one node that is heard and hears nothing", &pairs, SILENCE);
    people.listen(Duration::from_secs(6));
    once(people, &pairs);
    for (who, other) in &pairs {
        assert_eq!(people.count(who, &format!("up {other}")), 0, "{who} does not flap");
    }
    people.mark();
    others("c").for_each(|other| people.net().heal(other, "c"));
    united(people, "the cut is healed", &pairs);
}

fn a_cut_between_two_of_three(people: &mut People) {
    let pairs = [("a", "b"), ("b", "a")];
    people.mark();
    pairs.iter().for_each(|(from, to)| people.net().cut(from, to));
    parted(people, "a silent cut between two that both reach a third", &pairs, SILENCE);
    same_groups(people, 2, &["a", "b"]);
    same_groups(people, 3, &["c"]);
    people.listen(Duration::from_secs(5));
    once(people, &pairs);
    for who in ["a", "b"] {
        assert_eq!(
            people.count(who, "down c") + people.count("c", &format!("down {who}")),
            0,
            "the third is reached"
        );
    }
    people.mark();
    pairs.iter().for_each(|(from, to)| people.net().heal(from, to));
    united(people, "the cut is healed", &pairs);
}

fn a_process_that_stands_still(people: &mut People) {
    let there = [("a", "c"), ("b", "c")];
    people.mark();
    people.signal("c", "-STOP");
    parted(people, "a process that stands still", &there, SILENCE);
    once(people, &there);
    people.mark();
    people.signal("c", "-CONT");
    let back = [("c", "a"), ("c", "b")];
    parted(people, "it goes on, and sees that it was lost", &back, SILENCE);
    united(people, "and is back", &ways("c"));
}

fn a_process_that_is_killed(people: &mut People) {
    let there = [("a", "c"), ("b", "c")];
    people.mark();
    people.signal("c", "-KILL");
    parted(people, "a process that is killed (-9)", &there, BREAK);
    same_groups(people, 2, &["a", "b"]);
    once(people, &there);
    people.mark();
    people.start("c");
    united(people, "its next life", &ways("c"));
}
