//! The simulator itself: what it repeats, what it finds, what it says.

mod app;
mod chaos;

mod guard;
mod nodes;
mod probes;
mod races;
mod repeats;
mod replay;
mod strikes;
