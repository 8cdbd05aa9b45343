//! What a run is told of its actors: the rules look at it, and the story tells it.

use crate::failure::Failure;
use crate::invariants::{Broken, Home, Rest, Who};
use crate::log::{Event, Name, NodeId};
use crate::machine::{Machine, Node, State};
use ravelin_core::{Pid, Seen, Signalled, Site};
use std::collections::BTreeMap;
use std::fmt;

/// Actors by their names, for the story.
#[derive(Default)]
pub(crate) struct Names(BTreeMap<Who, Name>);

impl Machine {
    /// Something has happened to an actor of this incarnation of a node.
    pub(crate) fn observe(&self, node: NodeId, incarnation: u32, site: &Site<'_>, seen: &Seen<'_>) {
        let mut state = self.lock();
        let Some(pid) = site.pid else { return };
        if !state.is_up(node, incarnation) {
            return;
        }
        let who = Who { home: Home { node, system: site.system }, pid };
        if state.log.keeps() {
            state.tell_seen(who, site, seen);
        }
        let now = state.now;
        let broken = state.rules.see(now, who, seen);
        state.note_broken(broken);
    }
}

impl State {
    /// Nobody is ready.
    pub(crate) fn rest(&mut self) {
        let now = self.now;
        let someone_is_paused = self.paused.values().any(|(until, _)| *until > now);
        let is_stalled = |node: &Node| someone_is_paused || node.stalled_until > now;
        let nodes = self.nodes.iter().zip(0..);
        let stalled = nodes.filter(|(node, _)| is_stalled(node)).map(|(_, at)| at).collect();
        let broken = self.rules.rest(&Rest { stalled });
        self.note_broken(broken);
    }

    fn note_broken(&mut self, broken: Broken) {
        if let Err((name, what)) = broken {
            self.broken.get_or_insert(Failure::Invariant { name: name.to_owned(), what });
        }
    }

    fn tell_seen(&mut self, who: Who, site: &Site<'_>, seen: &Seen<'_>) {
        if let Seen::Starting { .. } = seen {
            let name = site.place.unwrap_or(short(site.actor)).into();
            self.names.0.insert(who, name);
        }
        if let Some(line) = self.names.line(who, seen) {
            self.record(Event::Told(line));
        }
    }
}

impl Names {
    /// What a person wants to read of it.
    fn line(&self, Who { home, pid }: Who, seen: &Seen<'_>) -> Option<String> {
        let who = self.named(home, Some(pid));
        let of = |pid: Pid| self.named(home, Some(pid));
        Some(match seen {
            Seen::Accepted { message, from, is_exempt: false, .. } => {
                format!("{} sends {who} a {}", self.named(home, *from), short(message))
            }
            Seen::Begun { message } => format!("{who} handles a {}", short(message)),
            Seen::CallBegun { message, from, .. } => {
                format!("{} calls {who} with a {}", self.named(home, *from), short(message))
            }
            Seen::Delayed { message } => format!("{who}: a {} is put off", short(message)),
            Seen::Returned { message } => format!("{who}: a {} that was put off is back", short(message)),
            Seen::Discarded { message } => format!("{who}: a {} is discarded", short(message)),
            Seen::Down { target, .. } => format!("{who} is told of the end of {}", of(*target)),
            Seen::Ended { exit, .. } => format!("{who} ends: {exit}"),
            Seen::MonitorSet { target, .. } => format!("{who} monitors {}", of(*target)),
            Seen::Signalled(Signalled::Kill) => format!("{who} is to be killed"),
            Seen::Signalled(Signalled::Stop) => format!("{who} is to stop"),
            Seen::Signalled(_) => format!("{who} is to end"),
            Seen::Starting { parent: Some(parent), .. } => format!("{} starts {who}", of(*parent)),
            Seen::Starting { parent: None, .. } => format!("{who} starts"),
            Seen::Up => format!("{who} is up"),
            _ => return None,
        })
    }

    fn named(&self, home: Home, pid: Option<Pid>) -> Named<'_> {
        let name = pid.and_then(|pid| self.0.get(&Who { home, pid }));
        Named { pid, name: name.map(|name| &**name) }
    }
}

/// An actor in a line of the story.
struct Named<'a> {
    pid: Option<Pid>,
    name: Option<&'a str>,
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.pid, self.name) {
            (Some(pid), Some(name)) => write!(f, "`{name}` {pid}"),
            (Some(pid), None) => write!(f, "{pid}"),
            (None, _) => f.write_str("no actor"),
        }
    }
}

/// The last part of a type's path.
fn short(path: &str) -> &str {
    let end = path.find('<').unwrap_or(path.len());
    path[..end].rfind("::").map_or(path, |at| &path[at + 2..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_known_by_the_end_of_its_path() {
        let rows = [("a::b::Add", "Add"), ("Add", "Add"), ("a::Task<b::M>", "Task<b::M>")];
        rows.iter().for_each(|(path, expect)| assert_eq!(short(path), *expect));
    }
}
