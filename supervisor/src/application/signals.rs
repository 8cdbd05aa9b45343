//! The signals of the process, as a stream: an adapter, behind the feature `signals`. It works under any executor.

use super::signal::Signal;
use async_signal::Signals;
use futures::stream::{Stream, StreamExt};
use std::io;

/// Ctrl-C and SIGTERM, from now on: what [`Node::run`](super::Node::run) wants. They do not end the process any more.
///
/// # Errors
/// The system refused to install a handler.
pub fn signals() -> io::Result<impl Stream<Item = Signal> + Send + Unpin> {
    #[cfg(unix)]
    let wanted = [async_signal::Signal::Int, async_signal::Signal::Term];
    #[cfg(not(unix))]
    let wanted = [async_signal::Signal::Int];
    let signals = Signals::new(wanted)?;
    Ok(signals.filter_map(|signal| {
        std::future::ready(match signal {
            Ok(async_signal::Signal::Int) => Some(Signal::Interrupt),
            Ok(async_signal::Signal::Term) => Some(Signal::Terminate),
            _ => None,
        })
    }))
}
