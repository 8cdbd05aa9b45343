//! Tasks, pools and partitions, on each kind of executor and in the simulator.

mod host;

mod drain;
mod lines;
mod partitions;
mod streams;
mod tasks;
mod trouble;
mod workers;
