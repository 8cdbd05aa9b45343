//! `[pure]` Exit reasons as bytes.

use super::code::{FrameError, NAME_MAX, Reader, TEXT_MAX, put_text};
use super::number::{NodeNumber, WirePid};
use ravelin_core::{Exit, Pid};
use std::sync::Arc;

/// How deep reasons are nested in one another at most; what is deeper travels as text.
const DEPTH_MAX: usize = 16;

const NORMAL: u8 = 0;
const SHUTDOWN: u8 = 1;
const SHUTDOWN_WITH: u8 = 2;
const IGNORE: u8 = 3;
const KILLED: u8 = 4;
const NO_PROC: u8 = 5;
const NO_CONNECTION: u8 = 6;
const LOST: u8 = 7;
const PANIC: u8 = 8;
const ERROR: u8 = 9;
const START_FAILED: u8 = 10;
const ALREADY_STARTED: u8 = 11;
const INVALID_SPEC: u8 = 12;

/// The reason with every pid in it changed: from those of a system to those of a link, and back. In a frame the node of
/// such a pid is a [`NodeNumber`] of the link.
///
/// Costs nothing but a clone when there is none, as in all but [`Exit::AlreadyStarted`].
///
/// ```
/// use ravelin_cluster::proto::with_pids;
/// use ravelin_core::{Exit, Pid};
/// let here = Exit::AlreadyStarted(Pid::from_parts(0, 3, 1));
/// let there = with_pids(&here, &mut |pid| Pid::from_parts(7, pid.slot(), pid.serial()));
/// assert_eq!(there, Exit::AlreadyStarted(Pid::from_parts(7, 3, 1)));
/// ```
pub fn with_pids(exit: &Exit, change: &mut dyn FnMut(Pid) -> Pid) -> Exit {
    match exit {
        Exit::AlreadyStarted(pid) => Exit::AlreadyStarted(change(*pid)),
        Exit::ShutdownWith(reason) => Exit::shutdown_with(with_pids(reason, change)),
        Exit::StartFailed(failed) => {
            Exit::start_failed(failed.child.clone(), with_pids(&failed.reason, change))
        }
        other => other.clone(),
    }
}

/// Appends a reason. Texts are cut at 4096 bytes, ids of children at 255, reasons in reasons become text at a depth of
/// 16: so that a reason fits into a frame.
pub(crate) fn put_exit(out: &mut Vec<u8>, exit: &Exit) {
    put_at(out, exit, 0);
}

fn put_at(out: &mut Vec<u8>, exit: &Exit, depth: usize) {
    match exit {
        Exit::ShutdownWith(_) | Exit::StartFailed(_) if depth == DEPTH_MAX => {
            put_words(out, ERROR, &exit.to_string());
        }
        Exit::Normal => out.push(NORMAL),
        Exit::Shutdown => out.push(SHUTDOWN),
        Exit::ShutdownWith(reason) => {
            out.push(SHUTDOWN_WITH);
            put_at(out, reason, depth + 1);
        }
        Exit::Ignore => out.push(IGNORE),
        Exit::Killed => out.push(KILLED),
        Exit::NoProc => out.push(NO_PROC),
        Exit::NoConnection => out.push(NO_CONNECTION),
        Exit::Lost => out.push(LOST),
        Exit::Panic(panic) => {
            put_words(out, PANIC, &panic.message);
            match &panic.location {
                None => out.push(0),
                Some(location) => put_words(out, 1, location),
            }
        }
        Exit::Error(what) => put_words(out, ERROR, what),
        Exit::StartFailed(failed) => {
            out.push(START_FAILED);
            put_text(out, &failed.child, NAME_MAX);
            put_at(out, &failed.reason, depth + 1);
        }
        Exit::AlreadyStarted(pid) => {
            out.push(ALREADY_STARTED);
            WirePid::of(NodeNumber(pid.node()), *pid).put(out);
        }
        Exit::InvalidSpec(what) => put_words(out, INVALID_SPEC, what),
        // A reason that this version of the protocol has no tag for.
        other => put_words(out, ERROR, &other.to_string()),
    }
}

fn put_words(out: &mut Vec<u8>, tag: u8, text: &str) {
    out.push(tag);
    put_text(out, text, TEXT_MAX);
}

/// A reason.
pub(crate) fn read_exit(from: &mut Reader<'_>) -> Result<Exit, FrameError> {
    read_at(from, 0)
}

fn read_at(from: &mut Reader<'_>, depth: usize) -> Result<Exit, FrameError> {
    if depth > DEPTH_MAX {
        return Err(FrameError::Nested);
    }
    Ok(match from.byte("exit reason")? {
        NORMAL => Exit::Normal,
        SHUTDOWN => Exit::Shutdown,
        SHUTDOWN_WITH => Exit::shutdown_with(read_at(from, depth + 1)?),
        IGNORE => Exit::Ignore,
        KILLED => Exit::Killed,
        NO_PROC => Exit::NoProc,
        NO_CONNECTION => Exit::NoConnection,
        LOST => Exit::Lost,
        PANIC => {
            let message = words(from, "message of a panic")?.to_string();
            let location = from.option("place of a panic", |from| words(from, "place of a panic"))?;
            Exit::panic(message, location.map(|place| place.to_string()))
        }
        ERROR => Exit::Error(words(from, "error")?),
        START_FAILED => {
            let child = from.text("id of a child", NAME_MAX)?;
            Exit::start_failed(child, read_at(from, depth + 1)?)
        }
        ALREADY_STARTED => {
            let pid = WirePid::read(from, "pid of who started already")?;
            Exit::AlreadyStarted(pid.at(pid.node.0))
        }
        INVALID_SPEC => Exit::InvalidSpec(words(from, "fault of a spec")?),
        tag => return Err(FrameError::Tag { what: "exit reason", tag }),
    })
}

fn words(from: &mut Reader<'_>, what: &'static str) -> Result<Arc<str>, FrameError> {
    from.text(what, TEXT_MAX)
}
