//! `[pure]` A simulated network: datagrams and connections between nodes, and all that goes wrong with both.
//!
//! State, event, time and random numbers in; events out. It knows no clock, no executor and no actor: whoever has
//! these drives [`Network`] through them. Settings are values ([`Settings`], [`Link`]), so are counts ([`Counters`]).
//!
//! What is promised:
//!
//! * the same calls with the same numbers give the same events, on every machine;
//! * one number is taken for each call that chance has a part in, whatever the settings;
//! * a datagram arrives at most once, twice where the link duplicates, and only at the incarnation it was sent to;
//! * a stream's bytes arrive in order, none missing, none twice, up to the point where it breaks;
//! * no buffer grows without a limit, as long as the settings have one.
//!
//! What is not modelled: routes through third nodes, congestion windows, keep-alives, the order of ports.

mod luck;
mod link;
mod names;
mod settings;
mod event;
mod counters;
mod packet;
mod wire;
mod stream;
mod network;
mod connections;

pub use counters::Counters;
pub use event::{Broken, Event, NetError};
pub use link::{Bandwidth, Link};
pub use luck::{Luck, Ppm};
pub use names::{Addr, Host, NodeId, StreamId};
pub use network::{Crash, Network};
pub use settings::{Settings, StreamSettings};
