//! What every transport promises, and what each promises beyond.
#![allow(clippy::disallowed_methods, reason = "certificates are valid at the time that the machine has")]

mod certificates;
mod quic;
mod sim;
mod suite;
mod tcp;
