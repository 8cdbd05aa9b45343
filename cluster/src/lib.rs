//! Many nodes with the semantics of one.
//!
//! A [node](NodeName) is a [`System`](ravelin_core::System) with a name and an incarnation. Nodes find one another, watch
//! one another, and let actors call, link, monitor and group one another across machines, with the promises that hold on
//! one node.
//!
//! # The modules
//!
//! They are in layer order: each uses only what stands above it.
//!
//! * What things are called: [`NodeName`], [`Incarnation`], [`NodeId`].
//! * What travels: [`Wire`], [`Codec`].
//! * `proto`, pure: what goes over a link, and what follows from it. Bytes, events and time in; bytes, events and timers
//!   out.
//! * [`tls`]: certificates, and who may connect.
//! * [`transport`]: what carries frames from node to node.
//! * [`discovery`]: where others may be found.
//! * [`Config`]: what a node is told when it starts.

#![forbid(unsafe_code)]

mod name;
mod wire;

pub mod proto;
pub mod tls;
pub mod transport;

pub mod discovery;

mod config;
mod accepts;
mod shell;
mod addr;
mod ask;
mod builder;
mod node;
mod seat;
mod spawn;
mod watch;
mod relay;
mod client;

pub use accepts::{Accepts, Remote};
pub use addr::Addr;
pub use ask::AddrCall;
pub use builder::{NodeBuilder, NodeError};
pub use client::{Client, Subscription};
pub use config::{Clients, Config, ConfigError, Limits};
pub use name::{Endpoint, Incarnation, InvalidName, NodeId, NodeName, Role};
pub use node::Node;
pub use proto::groups::Group;
pub use proto::link::Compression;
pub use proto::names::{Event as NameEvent, Keep, Resolve};
pub use seat::NodeSeat;
pub use shell::{
    Figures, GroupEvent, GroupWatch, NodeEvent, NodeHealth, OfferError, Refused, StartChildError,
};
pub use wire::{Bincode, Codec, Undecodable, Wire};
