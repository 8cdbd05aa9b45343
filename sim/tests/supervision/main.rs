//! The supervisor's own tests, in the simulator: each with several seeds and orders.

mod host;

#[path = "../../../supervisor/tests/otp/part.rs"]
mod part;
#[path = "../../../supervisor/tests/otp/world.rs"]
mod world;

#[path = "../../../supervisor/tests/otp/admin.rs"]
mod admin;
#[path = "../../../supervisor/tests/otp/kept.rs"]
mod kept;
#[path = "../../../supervisor/tests/otp/ours.rs"]
mod ours;
#[path = "../../../supervisor/tests/otp/restarts.rs"]
mod restarts;
#[path = "../../../supervisor/tests/otp/significant.rs"]
mod significant;
#[path = "../../../supervisor/tests/otp/start.rs"]
mod start;
#[path = "../../../supervisor/tests/otp/stop.rs"]
mod stop;
#[path = "../../../supervisor/tests/otp/trees.rs"]
mod trees;
