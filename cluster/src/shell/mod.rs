//! The shell of a node: the actors that drive the plans in `proto`, and what they share.

mod roster;
mod exports;
mod failure;
pub(crate) mod offers;
mod signals;
mod event;
mod peer;
mod figures;
mod bonds;
mod crossing;
mod watchers;
mod circles;
mod hub;
mod telling;
mod broadcast;
mod subscribers;
mod orders;
pub(crate) mod keeper;
pub(crate) mod warden;
mod link;
pub(crate) mod door;

pub(crate) use circles::FarNumber;
pub(crate) use crossing::reading_hub;
pub(crate) use hub::{Carrier, Hub};
pub(crate) use link::Linking;
pub(crate) use peer::{Aim, Ask, Letter, NotSent, Peer, Wait};

pub use event::{NodeEvent, NodeHealth, Refused};
pub use figures::Figures;
pub use offers::{OfferError, StartChildError};
pub use watchers::{GroupEvent, GroupWatch};
