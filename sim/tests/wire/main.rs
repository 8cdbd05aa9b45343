//! The network in the world: nodes that talk, and what goes wrong between them.

mod app;

mod connections;
mod datagrams;
mod faults;
mod service;
