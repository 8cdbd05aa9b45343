//! A test for each program of the pages: one that no longer compiles, or no longer does what the text says, fails
//! `cargo test`. A program has a process of its own, as its reader gives it one: it may take for itself what a process
//! has once, such as the subscriber of `tracing`.

mod blocks;

use std::process::Command;

// The tests; each calls `runs`.
include!(concat!(env!("OUT_DIR"), "/tests.rs"));

/// Runs a program, which must end well.
fn runs(name: &str) {
    let program = env!("CARGO_BIN_EXE_programs");
    let output = Command::new(program).arg(name).env("RUST_BACKTRACE", "0").output().expect("it can be run");
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    assert!(output.status.success(), "{}\n{}", output.status, String::from_utf8_lossy(&said));
}
