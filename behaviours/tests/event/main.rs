//! Event managers: what `gen_event`'s own tests pin down.

mod handlers;
#[path = "../host/mod.rs"]
mod host;
mod owners;
