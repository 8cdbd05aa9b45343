//! `[pure]` How memberships travel.
//!
//! A frame is a row of sections: `1`, scope, name, how many, and for each member its slot, its serial and how many times
//! it is in the group now (0: no more); or `2`: all was told that there was when the link came up. Members are of
//! the sender's node. Numbers and texts are as in other frames.

use super::{Group, NAME_MAX, TIMES_MAX};
use crate::proto::code::{FrameError, Known, Reader, put_number, put_text};
use ravelin_core::Pid;

/// The most bytes of a frame.
pub const FRAME_MAX: usize = 16 * 1024;

/// The most bytes of one section's beginning and one member, or of the mark of the end.
const ENTRY_MAX: usize = 1 + 2 * (2 + NAME_MAX) + 2 + (5 + 10 + 5) + 1;

const MEMBERS: u8 = 1;
const ALL_TOLD: u8 = 2;

/// A frame that is written: members of one group that follow one another share a section.
#[derive(Debug)]
pub(super) struct Frame {
    bytes: Vec<u8>,
    group: Option<Group>,
    members: Vec<u8>,
    count: u64,
}

impl Frame {
    pub(super) fn new() -> Frame {
        Frame { bytes: Vec::new(), group: None, members: Vec::new(), count: 0 }
    }

    /// Whether one entry more might not fit. An empty one is not full.
    pub(super) fn is_full(&self, room: usize) -> bool {
        let bytes = self.bytes.len() + self.members.len();
        (bytes > 0 || self.group.is_some()) && bytes + 2 * ENTRY_MAX > room.min(FRAME_MAX)
    }

    pub(super) fn put(&mut self, group: &Group, pid: Pid, times: u32) {
        if self.group.as_ref() != Some(group) {
            self.end_section();
            self.group = Some(group.clone());
        }
        put_number(&mut self.members, pid.slot().into());
        put_number(&mut self.members, pid.serial());
        put_number(&mut self.members, times.into());
        self.count += 1;
    }

    pub(super) fn put_all_told(&mut self) {
        self.end_section();
        self.bytes.push(ALL_TOLD);
    }

    pub(super) fn into_bytes(mut self) -> Option<Vec<u8>> {
        self.end_section();
        (!self.bytes.is_empty()).then_some(self.bytes)
    }

    fn end_section(&mut self) {
        let Some(group) = self.group.take() else { return };
        self.bytes.push(MEMBERS);
        put_text(&mut self.bytes, group.scope(), NAME_MAX);
        put_text(&mut self.bytes, group.name(), NAME_MAX);
        put_number(&mut self.bytes, self.count);
        self.bytes.append(&mut self.members);
        self.count = 0;
    }
}

/// A frame that was read.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) members: Vec<(Group, Pid, u32)>,
    pub(super) is_all_told: bool,
}

/// Reads a frame of the node with this index. Costs memory for no more members than it has bytes.
pub(super) fn decode(node: u32, bytes: &[u8]) -> Result<Told, FrameError> {
    if bytes.len() > FRAME_MAX {
        return Err(FrameError::Long {
            what: "frame of groups",
            has: bytes.len() as u64,
            max: FRAME_MAX as u64,
        });
    }
    let mut told = Told::default();
    let mut reader = Reader::new(bytes, Known::NOTHING);
    while !reader.is_empty() {
        match reader.byte("section")? {
            MEMBERS => section(node, &mut reader, &mut told.members)?,
            ALL_TOLD => told.is_all_told = true,
            tag => return Err(FrameError::Tag { what: "section", tag }),
        }
    }
    Ok(told)
}

fn section(node: u32, reader: &mut Reader<'_>, into: &mut Vec<(Group, Pid, u32)>) -> Result<(), FrameError> {
    let group = Group { scope: reader.text("scope", NAME_MAX)?, name: reader.name("group")? };
    for _ in 0..reader.number("number of members")? {
        let slot = reader.small("slot")?;
        let serial = reader.number("serial")?;
        if serial == 0 {
            return Err(FrameError::Number { what: "serial" });
        }
        let times = reader.below("times in a group", u64::from(TIMES_MAX) + 1)? as u32;
        into.push((group.clone(), Pid::from_parts(node, slot, serial), times));
    }
    Ok(())
}
