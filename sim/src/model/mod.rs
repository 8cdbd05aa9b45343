//! [pure] The supervisor contract as an executable reference: a checker of what was seen.
//!
//! Written apart from the plan in `ravelin-supervisor`, and more naively: rows in a list, one rule after the other, as
//! OTP's own source tells it. It takes the events of one incarnation of a supervisor, in the order in which they were
//! seen: starts and their outcomes, ends of children and whether they had a cause of their own, requests and answers. It
//! keeps every guess about what the supervisor may be doing that these bear out. When an event fits no guess, or
//! something that is due does not come, the contract was broken, and the guesses say what would have been right.
//!
//! Where the contract leaves the order free it is free here: which of two notices that crossed is served first, in which
//! order dynamic children end, whether a restart at the very edge of the period counts. A tree is checked one supervisor
//! at a time, the deepest first: how the end of one is explained says what its parent may make of it.

mod event;
mod state;
mod law;
mod check;

pub(crate) use check::{Broken, Fate, check};
pub(crate) use event::{Answer, Beginning, End, Event, Id, Request, What};
