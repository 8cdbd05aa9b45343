//! What every transport promises, and what each promises beyond.

mod certificates;
mod quic;
mod sim;
mod suite;
mod tcp;
