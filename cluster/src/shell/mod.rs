//! The shell of a node: the actors that drive the plans in `proto`, and what they share.

mod roster;
mod exports;
mod failure;
mod signals;
mod event;
mod peer;
mod bonds;
mod crossing;
mod hub;
pub(crate) mod keeper;
mod link;

pub(crate) use crossing::reading_hub;
pub(crate) use hub::{Carrier, Hub, Toward};
pub(crate) use link::Linking;
pub(crate) use peer::{Aim, Ask, NotSent, Peer, Wait};

pub use event::{NodeEvent, NodeHealth};
