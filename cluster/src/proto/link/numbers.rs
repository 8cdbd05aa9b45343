//! `[pure]` Numbers for names and nodes: given by the sender, looked up by the receiver.

use super::config::Broken;
use crate::name::NodeId;
use crate::proto::code::{Known, NAME_MAX, NUMBERS_MAX};
use crate::proto::frame::Define;
use crate::proto::number::{NameNumber, NodeNumber};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many names are found by where they stand in memory, before they are looked for by their text.
const SEEN: usize = 64;

/// The numbers that a sender has given.
pub(super) struct Given {
    names: BTreeMap<Arc<str>, NameNumber>,
    nodes: BTreeMap<NodeId, NodeNumber>,
    /// Names of types stand in memory for good: where one stands says which it is.
    seen: Vec<Option<(&'static str, NameNumber)>>,
}

/// Why there is no number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NoNumber {
    /// The text is empty or longer than 255 bytes.
    Name,
    /// All are given.
    Used,
}

impl Given {
    pub(super) fn new() -> Given {
        Given { names: BTreeMap::new(), nodes: BTreeMap::new(), seen: vec![None; SEEN] }
    }

    /// How many definitions were made.
    pub(super) fn count(&self) -> u32 {
        (self.names.len() + self.nodes.len()) as u32
    }

    /// The number of a name that was asked for before and is remembered by its place in memory.
    #[inline]
    pub(super) fn seen(&self, text: &'static str) -> Option<NameNumber> {
        match self.seen[place_of(text)] {
            Some((seen, number)) if std::ptr::eq(seen, text) => Some(number),
            _ => None,
        }
    }

    pub(super) fn remember(&mut self, text: &'static str, number: NameNumber) {
        self.seen[place_of(text)] = Some((text, number));
    }

    /// The name's number, and whether it is new.
    pub(super) fn name(&mut self, text: &str) -> Result<(NameNumber, Option<Define>), NoNumber> {
        if let Some(number) = self.names.get(text) {
            return Ok((*number, None));
        }
        if text.is_empty() || text.len() > NAME_MAX {
            return Err(NoNumber::Name);
        }
        let number = NameNumber(next(self.names.len(), 0)?);
        let text: Arc<str> = text.into();
        self.names.insert(text.clone(), number);
        Ok((number, Some(Define::Name { number, text })))
    }

    /// The node's number, and whether it is new.
    pub(super) fn node(&mut self, node: &NodeId) -> Result<(NodeNumber, Option<Define>), NoNumber> {
        if let Some(number) = self.nodes.get(node) {
            return Ok((*number, None));
        }
        let number = NodeNumber(next(self.nodes.len(), Known::NOTHING.nodes)?);
        self.nodes.insert(node.clone(), number);
        Ok((number, Some(Define::Node { number, node: node.clone() })))
    }
}

/// Where in the table of what was seen. Addresses decide speed only.
#[inline]
fn place_of(text: &'static str) -> usize {
    let address = text.as_ptr().addr();
    (address ^ address >> 6) % SEEN
}

fn next(given: usize, first: u32) -> Result<u32, NoNumber> {
    let number = given as u32 + first;
    if number < NUMBERS_MAX { Ok(number) } else { Err(NoNumber::Used) }
}

/// The numbers that a receiver was told.
pub(super) struct Told {
    names: Vec<Arc<str>>,
    nodes: Vec<NodeId>,
}

impl Told {
    pub(super) fn new() -> Told {
        Told { names: Vec::new(), nodes: Vec::new() }
    }

    pub(super) fn known(&self) -> Known {
        let Known { names, nodes } = Known::NOTHING;
        Known { names: names + self.names.len() as u32, nodes: nodes + self.nodes.len() as u32 }
    }

    /// How many definitions were made.
    pub(super) fn count(&self) -> u32 {
        (self.names.len() + self.nodes.len()) as u32
    }

    pub(super) fn handle(&mut self, define: Define) -> Result<(), Broken> {
        let Known { names, nodes } = self.known();
        match define {
            Define::Name { number, text } if number.0 == names && names < NUMBERS_MAX => {
                self.names.push(text)
            }
            Define::Node { number, node } if number.0 == nodes && nodes < NUMBERS_MAX => {
                self.nodes.push(node)
            }
            Define::Name { .. } | Define::Node { .. } => return Err(Broken::Defined),
        }
        Ok(())
    }

    pub(super) fn name(&self, number: NameNumber) -> Option<&Arc<str>> {
        self.names.get(number.0 as usize)
    }

    pub(super) fn node(&self, number: NodeNumber) -> Option<&NodeId> {
        self.nodes.get(number.0.checked_sub(Known::NOTHING.nodes)? as usize)
    }
}
