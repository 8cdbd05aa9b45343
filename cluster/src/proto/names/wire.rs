//! `[pure]` How names travel.
//!
//! A frame is a row of words: `1`, name, slot, serial, stamp and rule: it is registered so; `2`, name: it is not; `3`: all was
//! told that there was when the link came up; `4`, name, stamp, and `0` or `1`, slot, serial: take the registration of that
//! stamp back, for nobody or that winner. Pids are of the sender's node. Numbers and texts are as in other frames.

use super::{Entry, NAME_MAX, Resolve, Yield};
use crate::proto::code::{FrameError, Known, Reader, put_number, put_text};
use ravelin_core::Pid;
use std::sync::Arc;

/// The most bytes of a frame.
pub const FRAME_MAX: usize = 16 * 1024;

/// The most bytes of a word: kind, name, stamp, kind of winner, pid, rule.
const WORD_MAX: usize = 1 + 2 + NAME_MAX + 10 + 1 + 5 + 10 + 1;

const SET: u8 = 1;
const UNSET: u8 = 2;
const ALL_TOLD: u8 = 3;
const YIELD: u8 = 4;

/// The rules, by the byte that names them.
const RULES: [Resolve; 4] = [Resolve::KeepOlder, Resolve::KeepNewer, Resolve::KeepNone, Resolve::Ask];

/// What a frame says.
#[derive(Debug)]
pub(super) enum Word {
    Set(Arc<str>, Entry),
    Unset(Arc<str>),
    AllTold,
    Yield(Arc<str>, Yield),
}

/// Whether one word more might not fit. An empty frame is not full.
pub(super) fn is_full(frame: &[u8], room: usize) -> bool {
    !frame.is_empty() && frame.len() + WORD_MAX > room.min(FRAME_MAX)
}

/// The registration of this name by the sender's node, or that there is none.
pub(super) fn put_entry(frame: &mut Vec<u8>, name: &str, entry: Option<&Entry>) {
    let Some(Entry { pid, stamp, resolve }) = entry else {
        frame.push(UNSET);
        return put_text(frame, name, NAME_MAX);
    };
    frame.push(SET);
    put_text(frame, name, NAME_MAX);
    put_pid(frame, *pid);
    put_number(frame, *stamp);
    frame.push(match resolve {
        Resolve::KeepOlder => 0,
        Resolve::KeepNewer => 1,
        Resolve::KeepNone => 2,
        Resolve::Ask => 3,
    });
}

pub(super) fn put_all_told(frame: &mut Vec<u8>) {
    frame.push(ALL_TOLD);
}

pub(super) fn put_yield(frame: &mut Vec<u8>, name: &str, Yield { stamp, winner }: Yield) {
    frame.push(YIELD);
    put_text(frame, name, NAME_MAX);
    put_number(frame, stamp);
    frame.push(winner.is_some().into());
    if let Some(winner) = winner {
        put_pid(frame, winner);
    }
}

fn put_pid(frame: &mut Vec<u8>, pid: Pid) {
    put_number(frame, pid.slot().into());
    put_number(frame, pid.serial());
}

/// Reads a frame of the node with this index. Costs memory for no more words than it has bytes.
pub(super) fn decode(node: u32, bytes: &[u8]) -> Result<Vec<Word>, FrameError> {
    if bytes.len() > FRAME_MAX {
        return Err(FrameError::Long {
            what: "frame of names",
            has: bytes.len() as u64,
            max: FRAME_MAX as u64,
        });
    }
    let mut reader = Reader::new(bytes, Known::NOTHING);
    let mut words = Vec::new();
    while !reader.is_empty() {
        words.push(word(node, &mut reader)?);
    }
    Ok(words)
}

fn word(node: u32, reader: &mut Reader<'_>) -> Result<Word, FrameError> {
    let kind = reader.byte("word")?;
    if kind == ALL_TOLD {
        return Ok(Word::AllTold);
    }
    let name = reader.name("name")?;
    match kind {
        SET => {
            let (pid, stamp) = (pid(node, reader)?, reader.number("stamp")?);
            let tag = reader.byte("rule")?;
            let resolve = RULES.get(usize::from(tag)).ok_or(FrameError::Tag { what: "rule", tag })?;
            Ok(Word::Set(name, Entry { pid, stamp, resolve: *resolve }))
        }
        UNSET => Ok(Word::Unset(name)),
        YIELD => {
            let stamp = reader.number("stamp")?;
            let winner = reader.option("winner", |reader| pid(node, reader))?;
            Ok(Word::Yield(name, Yield { stamp, winner }))
        }
        tag => Err(FrameError::Tag { what: "word", tag }),
    }
}

fn pid(node: u32, reader: &mut Reader<'_>) -> Result<Pid, FrameError> {
    let (slot, serial) = (reader.small("slot")?, reader.number("serial")?);
    if serial == 0 {
        return Err(FrameError::Number { what: "serial" });
    }
    Ok(Pid::from_parts(node, slot, serial))
}
