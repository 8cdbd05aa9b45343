//! Behaviours on top of one actor: what OTP users reach for after `gen_server`.

pub mod event;
pub mod registry;
pub mod statem;
