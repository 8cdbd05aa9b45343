//! Who is told of nodes: what is told, in order, and what waits for room in mailboxes.

use super::event::NodeEvent;
use super::hub::Hub;
use super::peer::lock;
use super::warden::Again;
use crate::name::NodeId;
use crate::proto::reach::Why;
use ravelin_core::{Exit, Pid, Recipient, SendError};
use std::collections::{BTreeSet, VecDeque};

/// When more events than this wait for one recipient, what can be left out is.
const WAITING_MAX: usize = 256;

/// Events that wait for room in a mailbox, in the order in which they came.
///
/// When they are too many, the oldest is left out that tells of no node that came or went; when there is none, the oldest
/// coming whose going waits too goes with it. So of each node the last that was told and what is waiting fit together,
/// and what waits is bounded by the nodes that are up, or were told to be.
#[derive(Debug, Default)]
struct Backlog(VecDeque<NodeEvent>);

impl Backlog {
    fn push(&mut self, event: NodeEvent) {
        self.0.push_back(event);
        if self.0.len() > WAITING_MAX {
            self.shorten();
        }
    }

    fn shorten(&mut self) {
        let tells_of_nodes =
            |event: &NodeEvent| matches!(event, NodeEvent::Up(_) | NodeEvent::Down(..) | NodeEvent::Ended(_));
        if let Some(at) = self.0.iter().position(|event| !tells_of_nodes(event)) {
            self.0.remove(at);
            return;
        }
        let ups = self.0.iter().enumerate().filter_map(|(at, event)| match event {
            NodeEvent::Up(id) => Some((at, id)),
            _ => None,
        });
        let mut both = ups.filter_map(|(up, id)| {
            let is_end = |event: &NodeEvent| matches!(event, NodeEvent::Down(of, _) if of == id);
            Some((up, up + self.0.range(up..).position(is_end)?))
        });
        if let Some((up, down)) = both.next() {
            self.0.remove(down);
            self.0.remove(up);
        }
    }
}

/// A recipient that is told.
struct Subscriber {
    recipient: Recipient<NodeEvent>,
    /// Who lived there when it asked.
    who: Option<Pid>,
    backlog: Backlog,
}

impl Subscriber {
    /// Gives what waits, as long as there is room. False: nobody lives there any more.
    fn give(&mut self) -> bool {
        while let Some(event) = self.backlog.0.pop_front() {
            match self.recipient.cast(event) {
                Ok(()) => {}
                Err(SendError::Full(event)) => {
                    self.backlog.0.push_front(event);
                    return true;
                }
                Err(_) => return self.recipient.pid().is_some(),
            }
        }
        true
    }
}

/// Who is told of nodes, and what was told.
#[derive(Default)]
pub(crate) struct Subscribers {
    all: Vec<Subscriber>,
    /// Of whom the last that was told is that they are up.
    up: BTreeSet<NodeId>,
    /// Why the node is one no more.
    ended: Option<Exit>,
    /// Somebody will give what waits.
    pub(super) is_seen_to: bool,
}

impl Subscribers {
    /// This recipient is told from now on: first of those that are up. One that asks again is told once.
    pub(super) fn add(&mut self, recipient: Recipient<NodeEvent>) {
        // An actor that was started again asks again, and its place is known.
        let who = recipient.pid();
        let before = self.all.iter().position(|each| each.recipient.pid() == who);
        let before = before.map(|at| self.all.remove(at)).filter(|before| before.who == who);
        let backlog = before.map_or_else(Backlog::default, |before| before.backlog);
        let mut subscriber = Subscriber { recipient, who, backlog };
        let up = self.up.iter().cloned().map(NodeEvent::Up);
        for event in up.chain(self.ended.clone().map(NodeEvent::Ended)) {
            subscriber.backlog.push(event);
        }
        if subscriber.give() {
            self.all.push(subscriber);
        }
    }

    /// Tells all.
    pub(super) fn tell(&mut self, event: &NodeEvent) {
        match event {
            NodeEvent::Up(id) => drop(self.up.insert(id.clone())),
            NodeEvent::Down(id, _) => drop(self.up.remove(id)),
            NodeEvent::Ended(why) => self.ended = Some(why.clone()),
            _ => {}
        }
        for each in &mut self.all {
            each.backlog.push(event.clone());
        }
        self.give();
    }

    /// Gives what waits, where there is room. Whether anything waits still.
    pub(super) fn give(&mut self) -> bool {
        self.all.retain_mut(Subscriber::give);
        self.waits()
    }

    pub(super) fn waits(&self) -> bool {
        self.all.iter().any(|each| !each.backlog.0.is_empty())
    }

    /// The node is one no more: all are down, for it.
    pub(super) fn end(&mut self, why: &Exit, down: Why) {
        for id in std::mem::take(&mut self.up) {
            self.tell(&NodeEvent::Down(id, down));
        }
        self.tell(&NodeEvent::Ended(why.clone()));
    }
}

impl Hub {
    /// From now on this recipient hears of nodes.
    pub(crate) fn watch_nodes(&self, recipient: Recipient<NodeEvent>) {
        self.with_subscribers(|subscribers| subscribers.add(recipient));
    }

    pub(super) fn tell_of_nodes(&self, event: &NodeEvent) {
        self.with_subscribers(|subscribers| subscribers.tell(event));
    }

    /// Does something with those who are told of nodes; the warden sees to what waits then.
    fn with_subscribers(&self, f: impl FnOnce(&mut Subscribers)) {
        let mut subscribers = lock(&self.subscribers);
        f(&mut subscribers);
        let is_left = subscribers.waits() && !std::mem::replace(&mut subscribers.is_seen_to, true);
        drop(subscribers);
        if is_left && self.warden.get().is_none_or(|warden| warden.cast(Again).is_err()) {
            // The next event looks again.
            lock(&self.subscribers).is_seen_to = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Incarnation;

    fn id(life: u64) -> NodeId {
        NodeId { name: "a".parse().unwrap(), incarnation: Incarnation(life) }
    }

    #[test]
    fn what_waits_is_bounded_and_fits_to_what_was_told() {
        let mut backlog = Backlog::default();
        let down = |life| NodeEvent::Down(id(life), Why::LinkLost);
        // The first life was told to be up.
        backlog.push(down(1));
        for life in 2..10_000 {
            backlog.push(NodeEvent::Up(id(life)));
            backlog.push(NodeEvent::Suspect(id(life)));
            backlog.push(down(life));
        }
        backlog.push(NodeEvent::Up(id(10_000)));
        assert!(backlog.0.len() <= WAITING_MAX, "{}", backlog.0.len());
        assert_eq!((&backlog.0[0], backlog.0.back()), (&down(1), Some(&NodeEvent::Up(id(10_000)))));
        let mut is_up = true;
        for event in &backlog.0 {
            let is_coming = matches!(event, NodeEvent::Up(_));
            assert_ne!(std::mem::replace(&mut is_up, is_coming), is_coming, "they alternate");
        }
    }

    #[test]
    fn what_a_node_was_and_is_is_never_left_out() {
        let mut backlog = Backlog::default();
        for life in 1..=1000 {
            backlog.push(NodeEvent::Down(id(life), Why::Silent));
        }
        backlog.push(NodeEvent::Ended(Exit::Shutdown));
        assert_eq!(backlog.0.len(), 1001, "all of these were told to be up");
    }
}
