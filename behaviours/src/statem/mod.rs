//! State machines: OTP's `gen_statem`, with states that have data of their own.
//!
//! A machine is written as a [`StateMachine`], which is the data that all states share, and its `State`, an enum.
//! [`Machine`] makes an actor of it, so a place is an `ActorRef<Machine<Lock>>`, and `child`, `call`, `cast`,
//! monitors and timers are those of any actor.
//!
//! ```
//! use ravelin_behaviours::statem::{Event, HandleEvent, Machine, Next, StateCx, StateMachine};
//! use ravelin_core::{Exit, Message};
//! use std::time::Duration;
//!
//! struct Button(char);
//! impl Message for Button { type Reply = (); }
//! struct IsOpen;
//! impl Message for IsOpen { type Reply = bool; }
//! struct LockAgain;
//! impl Message for LockAgain { type Reply = (); }
//!
//! struct Lock { code: String }
//! enum Door { Locked { typed: String }, Open }
//!
//! impl StateMachine for Lock {
//!     type Args = String;
//!     type State = Door;
//!     async fn init(code: String, _: &mut StateCx<'_, Self>) -> Result<(Self, Door), Exit> {
//!         Ok((Lock { code }, Door::Locked { typed: String::new() }))
//!     }
//! }
//! impl HandleEvent<Button> for Lock {
//!     async fn handle_event(&mut self, door: &mut Door, event: Event<Button>, cx: &mut StateCx<'_, Self>) -> Next<Door> {
//!         match door {
//!             Door::Locked { typed } => {
//!                 typed.push(event.message.0);
//!                 if *typed != self.code {
//!                     return Next::Keep;
//!                 }
//!                 cx.state_timeout(Duration::from_secs(10), LockAgain);
//!                 Next::Change(Door::Open)
//!             }
//!             Door::Open => {
//!                 cx.postpone(event); // to be typed when it is locked again
//!                 Next::Keep
//!             }
//!         }
//!     }
//! }
//! impl HandleEvent<LockAgain> for Lock {
//!     async fn handle_event(&mut self, _: &mut Door, _: Event<LockAgain>, _: &mut StateCx<'_, Self>) -> Next<Door> {
//!         Next::Change(Door::Locked { typed: String::new() })
//!     }
//! }
//! impl HandleEvent<IsOpen> for Lock {
//!     async fn handle_event(&mut self, door: &mut Door, event: Event<IsOpen>, _: &mut StateCx<'_, Self>) -> Next<Door> {
//!         event.reply.send(matches!(door, Door::Open));
//!         Next::Keep
//!     }
//! }
//! # let local = ravelin_core::runtimes::Local::new();
//! # let system = ravelin_core::System::new(local.clone());
//! # local.block_on(async move {
//! let lock = system.spawn::<Machine<Lock>>("42".to_owned()).await.unwrap();
//! lock.cast(Button('4')).unwrap();
//! assert!(!lock.call(IsOpen).await.unwrap());
//! lock.cast(Button('2')).unwrap();
//! assert!(lock.call(IsOpen).await.unwrap());
//! # system.shut_down_all(Duration::from_secs(1)).await;
//! # });
//! ```
//!
//! # The order of events
//!
//! After each event comes the first of these that there is:
//!
//! 1. the enter call, if the state changed or is repeated;
//! 2. what the callbacks inserted ([`StateCx::next_event`]), in their order, before what was inserted earlier;
//! 3. after a change, what was postponed ([`StateCx::postpone`]), oldest first, each in the state that is then the
//!    present one;
//! 4. time-outs of zero, in the order in which they were set;
//! 5. the next message of the mailbox; a time-out whose time is up, and a notice, have their places there.
//!
//! An order to end goes before any of them, and so do other actors' turns: a machine that inserts without end holds up
//! its own mailbox, and nobody else.
//!
//! # Time-outs
//!
//! The state time-out ends with the state, the event time-out with the next event, and named ones when they are
//! cancelled. Set again, one begins anew. What one callback asks for is done in order, when the callbacks of the event
//! are over. A time-out that has ended does not come, also if its time was up already and it waited in the mailbox.
//!
//! # At the end
//!
//! Calls that are postponed, or kept in a state, end with the machine's exit reason. Messages without a caller that
//! are postponed or inserted become dead letters, on the ledger and for subscribers. When the machine is killed, or ends
//! by an exit signal that it does not trap, they are dropped with its state instead, and are on the ledger as what they
//! were when they were first looked at: handled. A notice that is postponed is just dropped. An event that is retried
//! or inserted, and a time-out of zero, counts on the ledger as one more message that the machine gave itself; a `Beat`
//! among dead letters is such a turn, or a time-out, that came too late.
//!
//! # What it costs
//!
//! A message that is neither kept nor made here costs no allocation more than to a plain actor, also when it changes
//! the state. A call costs what it does with [`Serve`](ravelin_core::Serve). What is postponed costs one allocation
//! then and two when it is retried; what is inserted, and a time-out of zero, three; a time-out with a time, two.

pub mod plan;

mod cx;
mod machine;

pub use cx::StateCx;
#[doc(hidden)]
pub use machine::Beat;
pub use machine::{Entry, Event, HandleEvent, Machine, Next, PostponeLimit, StateMachine};
pub use plan::{Timeout, When};
