//! Event managers: OTP's `gen_event`.

mod handler;
mod manager;
mod handle;

pub use handle::{EventManagerRef, HandlerError};
pub use handler::{
    EventHandler, HandleCall, HandlerEnd, HandlerExit, HandlerId, Key, Removal, Swap, Then,
};
pub use manager::{EventManager, Handlers, Notify};
