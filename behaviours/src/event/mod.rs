//! Event managers: OTP's `gen_event`.
//!
//! An [`EventManager`] is an actor that has handlers, added, swapped and removed at run time, and tells each of them of
//! each event. A handler that fails is removed and reported (`ravelin.handler_removed`); the manager and the others go on.
//!
//! ```
//! use ravelin_behaviours::event::{EventHandler, EventManager, EventManagerRef, HandleCall, Handlers, Then};
//! use ravelin_core::{Cx, Exit, Message};
//!
//! enum Alarm { Set(&'static str), Clear(&'static str) }
//!
//! struct Open(Vec<&'static str>);
//! impl EventHandler<Alarm> for Open {
//!     fn handle_event(&mut self, alarm: &Alarm, _: &mut Cx<EventManager<Alarm>>) -> Result<Then<Alarm>, Exit> {
//!         match alarm {
//!             Alarm::Set(what) => self.0.push(what),
//!             Alarm::Clear(what) => self.0.retain(|open| open != what),
//!         }
//!         Ok(Then::Keep)
//!     }
//! }
//!
//! struct List;
//! impl Message for List { type Reply = Vec<&'static str>; }
//! impl HandleCall<Alarm, List> for Open {
//!     fn handle_call(&mut self, _: List, _: &mut Cx<EventManager<Alarm>>) -> Result<(Vec<&'static str>, Then<Alarm>), Exit> {
//!         Ok((self.0.clone(), Then::Keep))
//!     }
//! }
//!
//! # let local = ravelin_core::runtimes::Local::new();
//! # let system = ravelin_core::System::new(local.clone());
//! # local.block_on(async move {
//! let alarms = EventManagerRef::<Alarm>::place("alarms");
//! system.start(&alarms, Handlers::none()).await.unwrap();
//! let open = alarms.add_handler("open", Open(Vec::new())).await.unwrap();
//! alarms.notify(Alarm::Set("disk full")).unwrap();
//! alarms.sync_notify(Alarm::Set("fan stuck")).await.unwrap(); // all handlers have had their turn
//! alarms.notify(Alarm::Clear("disk full")).unwrap();
//! assert_eq!(alarms.call_handler(&open, List).await.unwrap(), ["fan stuck"]);
//! let Open(left) = alarms.delete_handler(&open).await.unwrap();
//! assert_eq!(left, ["fan stuck"]);
//! # system.shut_down_all(std::time::Duration::from_secs(1)).await;
//! # });
//! ```
//!
//! # Turns
//!
//! Handlers have their turns one after the other, in the order in which they were added; one that swaps itself, or is
//! swapped, leaves its place to its successor. A slow handler holds up the others, `sync_notify`, and in the end those
//! who notify, for the manager's mailbox is bounded like any other. So the callbacks are not `async`: there is nothing
//! to wait for in them. Who has to wait is an actor of its own, and its handler casts to it; who computes for long too.
//! An event is lent to all handlers and need not be `Clone`; telling them allocates nothing.
//!
//! # Ends
//!
//! A handler ends when it is deleted or swapped, asks for it, fails, its owner ends, or the manager does; its
//! [`terminate`](EventHandler::terminate) is told which. A panic in `terminate`, or in the destructor, is nobody else's
//! business. When the manager is killed, no `terminate` runs, and its handlers are dropped with it.
//! An incarnation begins with the [`Handlers`] of its `Args`; those that were added later are not there after a restart,
//! and whoever added one with `add_sup_handler` has learned of it.
//!
//! # Owners
//!
//! A handler may be tied to an actor, its owner: it is removed when the owner's incarnation ends, and the owner gets a
//! [`HandlerExit`] when the handler goes. An owner whose mailbox is full gets it when there is room; one whose mailbox
//! *refuses* or discards then, does not. Manager and owner are linked as long as there is such a handler: if the
//! manager is killed, the owner gets its exit signal.

mod handle;
mod handler;
mod manager;

pub use handle::{EventManagerRef, HandlerError};
pub use handler::{EventHandler, HandleCall, HandlerEnd, HandlerExit, HandlerId, Key, Removal, Swap, Then};
pub use manager::{EventManager, Handlers, Notify};
