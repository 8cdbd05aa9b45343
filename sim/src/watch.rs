//! What a run is told of its actors: the rules look at it, and the story tells it.

use crate::failure::Failure;
use crate::invariants::{Broken, Home, Rest, Who};
use crate::log::{Event, NodeId};
use crate::machine::{Machine, Node, State};
use crate::names::short;
use ravelin_core::{Seen, Site};

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
        let stalled = nodes.filter(|(node, _)| is_stalled(node)).map(|(_, at)| NodeId(at)).collect();
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
            self.names.add(who, site.place.unwrap_or(short(site.actor)));
        }
        if let Some(line) = self.names.line(who, seen) {
            self.record(Event::Told(line));
        }
    }
}
