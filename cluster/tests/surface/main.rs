//! What a program says to its node, beyond messages: claims in the simulator.

#[path = "../nodes/cast.rs"]
mod cast;
#[path = "../nodes/house.rs"]
mod house;

mod spawn;
mod watch;
mod client;
mod start;
mod ends;
