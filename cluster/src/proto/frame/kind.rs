//! `[pure]` The kinds of frames, one byte each. A number that was used is never used for something else.

/// The bit of the kinds that have an order: those of the user lane.
pub(super) const USER: u8 = 0x80;
/// The bit of the kinds that a receiver may skip when it does not know them.
pub(super) const SKIP: u8 = 0x40;

pub(super) const DEFINE_NAME: u8 = 0x01;
pub(super) const DEFINE_NODE: u8 = 0x02;
pub(super) const PING: u8 = 0x03;
pub(super) const PONG: u8 = 0x04;
pub(super) const BYE: u8 = 0x05;
pub(super) const BULK_ACK: u8 = 0x06;
pub(super) const FRAGMENT: u8 = 0x07;
pub(super) const EXIT: u8 = 0x09;
pub(super) const KILL: u8 = 0x0a;
pub(crate) const COMPRESSED: u8 = 0x0b;
// 0x10 to 0x13 are the handshake's: see `hello`.
pub(super) const GOSSIP: u8 = SKIP | 0x01;
pub(super) const PROBE: u8 = SKIP | 0x02;

pub(super) const CAST: u8 = USER | 0x01;
pub(super) const SEND: u8 = USER | 0x02;
pub(super) const CALL: u8 = USER | 0x03;
pub(super) const ANSWER: u8 = USER | 0x04;
pub(super) const DONE: u8 = USER | 0x05;
pub(super) const FAILED: u8 = USER | 0x06;
pub(super) const LINK: u8 = USER | 0x07;
pub(super) const UNLINK: u8 = USER | 0x08;
pub(super) const UNLINK_ACK: u8 = USER | 0x09;
pub(super) const MONITOR: u8 = USER | 0x0a;
pub(super) const DEMONITOR: u8 = USER | 0x0b;
pub(super) const LINK_EXIT: u8 = USER | 0x0c;
pub(super) const DOWN: u8 = USER | 0x0d;
pub(super) const START: u8 = USER | 0x0e;
pub(super) const CANCEL: u8 = USER | 0x0f;
pub(super) const GROUPS: u8 = USER | SKIP | 0x01;
pub(super) const NAMES: u8 = USER | SKIP | 0x02;
// USER | SKIP | 0x10 to 0x1f are kept for what clients subscribe to.
