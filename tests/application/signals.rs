//! Real signals, to this very process: once the stream is there they end nothing by themselves.

use ravelin::Applications;
use ravelin::application::{ShutdownReason, Signal, signals};
use ravelin::runtimes::{Smol, Tokio};
use std::process::Command;

/// Sends a signal to this process.
fn raise(signal: &str) {
    let sent = Command::new("kill").args([signal, &std::process::id().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()));
}

#[test]
fn signals_of_the_process_shut_a_node_down() {
    let tokio = tokio::runtime::Runtime::new().expect("a runtime");
    tokio.block_on(async {
        let signals = signals().expect("a handler can be installed");
        let node = Applications::new().start(Tokio::current()).await.expect("it starts");
        raise("-TERM");
        let report = node.run(signals).await;
        assert_eq!((report.reason.clone(), report.code()), (ShutdownReason::Signal(Signal::Terminate), 0));
    });
    smol::block_on(async {
        let signals = signals().expect("a handler can be installed");
        let node = Applications::new().start(Smol::global()).await.expect("it starts");
        raise("-INT");
        let report = node.run(signals).await;
        assert_eq!((report.reason.clone(), report.code()), (ShutdownReason::Signal(Signal::Interrupt), 0));
    });
}
