//! Registries: what holds on each kind of executor, and in the simulator under kills.

#[path = "../everywhere/mod.rs"]
mod everywhere;
mod folk;

mod listeners;
mod live;
mod simulated;
