//! The simulated disk: fault by fault, on random lives beside a naive disk, and under a database.

mod database;
mod faults;
mod lives;
mod node;
