//! State machines: the order of events, held to recorded runs of Erlang/OTP and to a model, and machines that live.

#[path = "../host/mod.rs"]
mod host;
mod live;
mod model;
mod promises;
mod rows;
