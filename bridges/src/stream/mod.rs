//! Streams and sinks: an actor as a [`Stream`](futures::Stream), an actor as a [`Sink`](futures::Sink).
//!
//! | from | to | with |
//! |---|---|---|
//! | a stream | an actor, in its own code | `Cx::attach`: each item is a message, and waits for room in the mailbox |
//! | a stream | an actor, from outside | `stream.forward(ActorSink::new(&actor.recipient()))` |
//! | an actor | a stream | [`ActorStream`]: the actor is asked for items, so many at a time, when the consumer polls |
//!
//! In all three a consumer that is slow slows its source down.

mod pull;
mod sink;

pub use pull::{ActorStream, Pull, Pulled};
pub use sink::ActorSink;
