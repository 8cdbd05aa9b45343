//! Applications and their shutdown: what holds on each kind of executor, and in the simulator under faults.

#[path = "../everywhere/mod.rs"]
mod everywhere;
mod parts;

mod boot;
mod shutdown;
#[cfg(unix)]
mod signals;
mod simulated;
