//! The simulated network: fault by fault, and on random lives.

mod connections;
mod datagrams;
mod lives;
mod world;
