//! Supervision trees with OTP's contract.
pub mod backoff;
pub mod policy;
pub mod check;
pub mod intensity;
pub mod plan;
