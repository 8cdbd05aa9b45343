//! What the edges promise, on executors and in the simulator.

mod bytes;
mod fake;
mod host;
#[cfg(unix)]
mod os_port;
mod sim_port;
mod sim_stream;
mod streams;
mod tower;
