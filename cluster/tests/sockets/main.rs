//! Nodes on real sockets: what holds between them, who is let in, and what a hostile peer can do.
#![allow(
    clippy::disallowed_methods,
    reason = "sockets need Tokio, certificates are valid at the time that the machine has, and a test that hangs is ended"
)]

/// Each claim, over each transport.
macro_rules! claims {
    ($($claim:ident)*) => {
        mod tcp {
            $(#[test] fn $claim() { super::run(super::$claim(super::Net::Tcp)) })*
        }
        mod quic {
            $(#[test] fn $claim() { super::run(super::$claim(super::Net::Quic)) })*
        }
    };
}

mod cast;
mod logged;
mod house;
mod hand;

mod together;
mod refused;
mod hostile;
