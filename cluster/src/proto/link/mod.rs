//! `[pure]` One link between two nodes: what is sent when, and what was received.
//!
//! Two halves that share nothing but what frames carry: an [`Outbox`], which senders append to and the writer takes
//! chunks from, and an [`Inbox`], which the reader gives chunks to and takes frames from.
//!
//! **Promised**
//!
//! - *Order.* Frames of one [`Flow`] are handed out in the order in which they were pushed, each once, however the two
//!   streams of the connection are delayed against one another. Those of the control lane have no flow; they overtake.
//! - *No standing in line.* Between two chunks of user frames there is at most one chunk of large messages, of 64 KiB;
//!   control frames come before both. Large messages of several flows take turns, fragment by fragment.
//! - *Bounded.* Each lane has a limit; what may be refused is, and what may not closes the link when even the reserve is
//!   used up. An inbox holds no more than its [`Limits`](super::hello::Limits) say, whatever comes.
//! - *The same with compression.* A [`Compressor`] makes chunks of the bulk stream smaller on their way to the transport,
//!   where both sides have agreed on it; all limits count what there was before. A fragment that lies breaks the link.
//!
//! **How.** A frame over [`LinkConfig::small_max`] goes over the bulk stream, and so does all that its flow sends after
//! it until the receiver has acknowledged all that the flow has there. Each message of the bulk stream says how many
//! user frames and definitions it comes after, and is not handed out before they are.
//!
//! What the shell does with what an inbox gives:
//!
//! - Everything goes to [`Outbox::handle_signal`] first, which takes what is the link's own: pings, pongs,
//!   acknowledgements.
//! - When [`Inbox::poll_frame`] has no more, it pushes what [`Inbox::poll_ack`] gives.
//! - An error ends the link: it says [`Bye::Protocol`](super::frame::Bye::Protocol) and closes.
//!
//! ```
//! use ravelin_cluster::proto::frame::{Frame, Head};
//! use ravelin_cluster::proto::hello::{Limits, Side};
//! use ravelin_cluster::proto::link::{Flow, Inbox, LinkConfig, Outbox, Pushed, Streams};
//! use ravelin_cluster::proto::To;
//! use ravelin_core::{Pid, Time};
//! let (config, now) = (LinkConfig::default(), Time::EPOCH);
//! let mut outbox = Outbox::new(Side::Dialer, &config, Limits::default(), now);
//! let mut inbox = Inbox::new(&config, Limits::default(), now);
//!
//! let message = outbox.name("counter.add").unwrap();
//! let head = Head::Cast { to: To::Place(3), message };
//! let flow = Flow::Actor(Pid::from_parts(0, 1, 1));
//! let payload = |out: &mut Vec<u8>| Ok::<(), std::fmt::Error>(out.push(42));
//! assert_eq!(outbox.push(flow, &head, payload), Ok(Pushed::Wake));
//! assert_eq!(outbox.push(flow, &head, payload), Ok(Pushed::Quiet));
//!
//! while let Some((stream, chunk)) = outbox.poll_transmit(now, Streams::Both) {
//!     inbox.handle_chunk(stream, chunk, now);
//! }
//! let Some(Ok(Frame::Carrying(got, payload))) = inbox.poll_frame() else { panic!() };
//! assert_eq!((got, &payload[..]), (head, &[42][..]));
//! assert_eq!(&**inbox.name(message).unwrap(), "counter.add");
//! ```

mod lz4;
mod compression;
mod config;
mod numbers;
mod queue;
mod bulk;
mod sent;
mod outbox;
mod assembly;
mod inbox;

pub use compression::{Compression, Compressor};
pub use config::{Broken, Flow, LinkConfig, Streams};
pub use inbox::{Inbox, Received};
pub use outbox::Outbox;
pub use sent::{Pushed, Sent, SentLane, Unsent};
