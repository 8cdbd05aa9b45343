//! State machines: OTP's `gen_statem`.

pub mod plan;

mod cx;
mod machine;

pub use cx::StateCx;
#[doc(hidden)]
pub use machine::Beat;
pub use machine::{Entry, Event, HandleEvent, Machine, Next, PostponeLimit, StateMachine};
pub use plan::{Timeout, When};
