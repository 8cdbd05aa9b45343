//! The tests of behaviours again, in the simulator; and state machines in all kinds of trouble.

mod events_in_trouble;
mod host;
mod trouble;

#[path = "../../../behaviours/tests/event/handlers.rs"]
mod handlers;
#[path = "../../../behaviours/tests/statem/live.rs"]
mod live;
#[path = "../../../behaviours/tests/event/owners.rs"]
mod owners;
#[path = "../../../behaviours/tests/statem/promises.rs"]
mod promises;
#[path = "../../../behaviours/tests/statem/rows.rs"]
mod rows;
