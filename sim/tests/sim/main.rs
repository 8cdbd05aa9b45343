//! The simulator itself: what it repeats, what it finds, what it says.

mod app;
mod chaos;

mod guard;
mod harms;
mod nodes;
mod probes;
mod races;
mod repeats;
mod replay;
mod runtime;
mod strikes;
