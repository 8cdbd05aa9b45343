//! `[pure]` What pids, names and nodes are called on one link: numbers that its sender defined.

use super::code::{FrameError, Known, Reader, put_number};
use ravelin_core::Pid;

/// A text that was defined on this link, in this direction: the name of a message, an actor, a spec.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NameNumber(pub u32);

/// A node on this link, in this direction: the sender's, the receiver's, or one that the sender defined.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NodeNumber(pub u32);

impl NodeNumber {
    /// The node of whoever sent the frame.
    pub const SENDER: NodeNumber = NodeNumber(0);
    /// The node of whoever gets the frame.
    pub const RECEIVER: NodeNumber = NodeNumber(1);
}

/// A pid in a frame.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct WirePid {
    /// Its node.
    pub node: NodeNumber,
    /// Its slot there.
    pub slot: u32,
    /// Which incarnation of the slot, from 1.
    pub serial: u64,
}

impl WirePid {
    /// This pid, whose node has that number on the link.
    pub fn of(node: NodeNumber, pid: Pid) -> WirePid {
        WirePid { node, slot: pid.slot(), serial: pid.serial() }
    }

    /// As a system has it, where its node has that index.
    pub fn at(self, node: u32) -> Pid {
        Pid::from_parts(node, self.slot, self.serial)
    }

    #[inline]
    pub(crate) fn put(self, out: &mut Vec<u8>) {
        put_number(out, u64::from(self.node.0));
        BarePid { slot: self.slot, serial: self.serial }.put(out);
    }

    pub(crate) fn read(from: &mut Reader<'_>, what: &'static str) -> Result<WirePid, FrameError> {
        let number = from.small(what)?;
        if number >= from.known.nodes {
            return Err(FrameError::Undefined { what: "node", number });
        }
        let BarePid { slot, serial } = BarePid::read(from, what)?;
        Ok(WirePid { node: NodeNumber(number), slot, serial })
    }
}

/// A pid without its node: the kind of the frame says whether it is the sender's or the receiver's.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct BarePid {
    /// Its slot.
    pub slot: u32,
    /// Which incarnation of the slot, from 1.
    pub serial: u64,
}

impl BarePid {
    /// This pid, without its node.
    pub fn of(pid: Pid) -> BarePid {
        BarePid { slot: pid.slot(), serial: pid.serial() }
    }

    /// As a system has it, where its node has that index.
    pub fn at(self, node: u32) -> Pid {
        Pid::from_parts(node, self.slot, self.serial)
    }

    #[inline]
    pub(crate) fn put(self, out: &mut Vec<u8>) {
        put_number(out, u64::from(self.slot));
        put_number(out, self.serial);
    }

    #[inline]
    pub(crate) fn read(from: &mut Reader<'_>, what: &'static str) -> Result<BarePid, FrameError> {
        match (from.small(what)?, from.number(what)?) {
            (_, 0) => Err(FrameError::Number { what }),
            (slot, serial) => Ok(BarePid { slot, serial }),
        }
    }
}

impl NameNumber {
    #[inline]
    pub(crate) fn put(self, out: &mut Vec<u8>) {
        put_number(out, u64::from(self.0));
    }

    #[inline]
    pub(crate) fn read(from: &mut Reader<'_>, what: &'static str) -> Result<NameNumber, FrameError> {
        let number = from.small(what)?;
        let Known { names, .. } = from.known;
        if number < names { Ok(NameNumber(number)) } else { Err(FrameError::Undefined { what, number }) }
    }
}

/// Whom a message or a monitor is for, on the receiver's node.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum To {
    /// One incarnation.
    Pid(BarePid),
    /// A place that was exported; who lives there may change.
    Place(u64),
    /// Whoever has this name.
    Name(NameNumber),
}

const PID: u8 = 0;
const PLACE: u8 = 1;
const NAME: u8 = 2;

impl To {
    #[inline]
    pub(crate) fn put(self, out: &mut Vec<u8>) {
        match self {
            To::Pid(pid) => {
                out.push(PID);
                pid.put(out);
            }
            To::Place(key) => {
                out.push(PLACE);
                put_number(out, key);
            }
            To::Name(name) => {
                out.push(NAME);
                name.put(out);
            }
        }
    }

    #[inline]
    pub(crate) fn read(from: &mut Reader<'_>) -> Result<To, FrameError> {
        match from.byte("target")? {
            PID => Ok(To::Pid(BarePid::read(from, "pid of the target")?)),
            PLACE => Ok(To::Place(from.number("place")?)),
            NAME => Ok(To::Name(NameNumber::read(from, "name of the target")?)),
            tag => Err(FrameError::Tag { what: "target", tag }),
        }
    }
}
