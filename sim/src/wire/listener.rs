//! A port at which connections are accepted.

use super::wait::wait;
use super::{Address, Net, Stream};
use crate::ports::Spot;
use std::io;

/// A port at which connections are accepted. Dropping it resets those that nobody has accepted, and refuses new ones.
///
/// At most 128 wait to be accepted; what comes then is reset.
#[derive(Debug)]
pub struct Listener {
    net: Net,
    port: u16,
}

impl Listener {
    pub(super) fn new(net: Net, port: u16) -> Listener {
        Listener { net, port }
    }

    /// Where the others reach it.
    pub fn address(&self) -> Address {
        Address::new(self.net.node(), self.port)
    }

    /// The next connection; [`Stream::peer`] says who it is. It may have broken by now: reading tells.
    ///
    /// # Errors
    /// [`NetworkDown`](io::ErrorKind::NetworkDown).
    ///
    /// # Cancel safety
    /// Yes: a connection is only taken when the future is ready.
    pub async fn accept(&self) -> io::Result<Stream> {
        let host = self.net.host;
        let took = wait(&self.net, Spot::Accept(self.port), |ports, _| ports.accept(host, self.port)).await;
        let (stream, peer) = took.map_err(super::refusal)?;
        Ok(Stream::new(self.net.clone(), stream, peer))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.net.machine.network(|ports, now| ports.unlisten(now, self.net.host, self.port));
    }
}
