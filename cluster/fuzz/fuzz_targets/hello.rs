//! Any bytes as what comes in a handshake.
#![no_main]

#[allow(dead_code, reason = "each target feeds one decoder")]
#[path = "../../tests/proto/feed.rs"]
mod feed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| feed::hello(bytes));
