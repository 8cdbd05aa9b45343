//! Actors that do not leave their thread: their state and their handlers' futures need not be `Send`.
//!
//! A window, a database handle, anything with an `Rc` in it lives in a [`LocalActor`]. Its place is an
//! `ActorRef<Pinned<A>>`, and from there on it is an actor as all others: supervised, called, cast to, linked, monitored.
//!
//! The actor proper, [`Pinned`], is `Send` and runs wherever its system does. It handles one message at a time by sending
//! it to the thread of a [`LocalRuntime`], where the state is, and waiting for the outcome. So a message costs two wake-ups
//! across threads, and an incarnation costs a second actor: its *keeper*, an adopted child that ends when the state is
//! dropped. All promises rest on that:
//!
//! - A panic on the thread is the actor's exit reason, with its message and place; `terminate` runs, on the thread.
//! - A kill cuts the handler off where it awaits, and drops its future and the state **on their thread**. The end is
//!   announced after that, and a restart begins after that: no two incarnations of a place overlap.
//! - When the thread's executor ends, it drops the state, and the actor ends with [`Exit::Lost`].
//!
//! What a thread that never comes back from a handler holds, a kill cannot take from it: the actor's end then waits for
//! the thread.
//!
//! ```
//! use ravelin_core::runtimes::Local;
//! use ravelin_core::{ActorRef, Exit, Message, System};
//! use ravelin_executors::pinned::{LocalActor, LocalCx, LocalHandle, Pinned, pinned};
//! use std::{cell::RefCell, rc::Rc};
//!
//! struct Draw(&'static str);
//! impl Message for Draw { type Reply = usize; }
//!
//! struct Canvas { lines: Rc<RefCell<Vec<&'static str>>> }
//! impl LocalActor for Canvas {
//!     type Args = ();
//!     async fn init(_: (), _: &mut LocalCx<Self>) -> Result<Self, Exit> {
//!         Ok(Canvas { lines: Rc::default() })
//!     }
//! }
//! impl LocalHandle<Draw> for Canvas {
//!     async fn handle(&mut self, Draw(line): Draw, _: &mut LocalCx<Self>) -> usize {
//!         self.lines.borrow_mut().push(line);
//!         self.lines.borrow().len()
//!     }
//! }
//!
//! let local = Local::new(); // the thread; the system could run elsewhere
//! let system = System::new(local.clone());
//! let thread = local.clone();
//! local.block_on(async move {
//!     let canvas = ActorRef::<Pinned<Canvas>>::place("canvas");
//!     system.start(&canvas, pinned(thread, ())).await.unwrap();
//!     assert_eq!(canvas.call(Draw("a line")).await.unwrap(), 1);
//!     system.shut_down_all(std::time::Duration::from_secs(1)).await;
//! });
//! ```
//!
//! [`LocalRuntime`]: ravelin_core::LocalRuntime
//! [`Exit::Lost`]: ravelin_core::Exit::Lost

mod keeper;

mod actor;
mod host;

pub use actor::{LocalActor, LocalCx, LocalHandle};
pub use host::{Pinned, PinnedArgs, pinned};
