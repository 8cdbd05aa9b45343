//! Erlang/OTP-style supervised actors for Rust, on any async executor.

pub use ravelin_core::*;
pub use ravelin_macros::Message;
pub use ravelin_supervisor as supervisor;
