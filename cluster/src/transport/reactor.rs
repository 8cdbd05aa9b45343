//! The Tokio runtime that sockets are on, whatever executor asks for them.

use super::{Endpoint, TransportError};
use futures::future::BoxFuture;
use std::future::poll_fn;
use std::io;

/// Where a transport's sockets and deadlines live: a Tokio runtime, given or found.
#[derive(Clone, Debug, Default)]
pub(super) struct Reactor(Option<tokio::runtime::Handle>);

impl Reactor {
    pub(super) fn on(handle: tokio::runtime::Handle) -> Reactor {
        Reactor(Some(handle))
    }

    /// The runtime that was given, or the one that this is called on.
    pub(super) fn handle(&self) -> Result<tokio::runtime::Handle, TransportError> {
        let given = self.0.clone().ok_or(());
        given.or_else(|()| tokio::runtime::Handle::try_current()).map_err(|_| {
            let why = "there is no Tokio runtime here: start the System on one, or give the transport a handle of one by \
                       `on`";
            TransportError::Io(io::ErrorKind::Unsupported, why.to_owned())
        })
    }

    /// Runs a future, whose sockets and deadlines are made on that runtime.
    pub(super) fn run<'a, T: 'a>(
        &self,
        mut future: BoxFuture<'a, Result<T, TransportError>>,
    ) -> BoxFuture<'a, Result<T, TransportError>> {
        let reactor = self.clone();
        Box::pin(async move {
            let handle = reactor.handle()?;
            poll_fn(|cx| {
                let _inside = handle.enter();
                future.as_mut().poll(cx)
            })
            .await
        })
    }
}

/// An endpoint has a host and a port; what else it needs, the look-up tells.
pub(super) fn check(endpoint: &Endpoint) -> Result<(), TransportError> {
    let parts = endpoint.0.rsplit_once(':');
    if parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
        return Ok(());
    }
    Err(TransportError::Endpoint(format!("`{endpoint}` is no `host:port`, such as `10.0.0.1:4000`")))
}

/// An error, with the endpoint that it is about.
pub(super) fn about(endpoint: &Endpoint) -> impl Fn(io::Error) -> TransportError {
    move |error| TransportError::Io(error.kind(), format!("{endpoint}: {error}"))
}
