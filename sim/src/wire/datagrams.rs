//! A port for datagrams.

use super::wait::wait;
use super::{Address, Net};
use crate::ports::Spot;
use std::io;
use std::sync::Arc;

/// A port for datagrams: each may be lost, late, doubled or overtaken, as the link says. Dropping it frees the port.
///
/// At most 4096 datagrams wait here; what comes then is lost, as is what comes for a port that nobody has.
#[derive(Debug)]
pub struct Datagrams {
    net: Net,
    port: u16,
}

impl Datagrams {
    pub(super) fn new(net: Net, port: u16) -> Datagrams {
        Datagrams { net, port }
    }

    /// Where the others reach it.
    pub fn address(&self) -> Address {
        Address::new(self.net.node(), self.port)
    }

    /// Sends a datagram. Never waits. Whether somebody gets it nobody can tell.
    ///
    /// # Errors
    /// Nothing was sent. [`InvalidInput`](io::ErrorKind::InvalidInput): it is longer than the network takes.
    /// [`NotFound`](io::ErrorKind::NotFound): there is no node of that name.
    /// [`NetworkDown`](io::ErrorKind::NetworkDown).
    pub fn send_to(&self, bytes: &[u8], to: impl Into<Address>) -> io::Result<()> {
        let to = self.net.resolve(&to.into())?;
        self.net.run(|ports, now| ports.send(now, (self.net.host, self.port), to, bytes))
    }

    /// The next datagram, and who sent it. Several may wait at once; who gets which follows from the order of turns.
    ///
    /// # Errors
    /// [`NetworkDown`](io::ErrorKind::NetworkDown).
    ///
    /// # Cancel safety
    /// Yes: a datagram is only taken when the future is ready.
    pub async fn recv_from(&self) -> io::Result<(Arc<[u8]>, Address)> {
        let host = self.net.host;
        let took = wait(&self.net, Spot::Recv(self.port), |ports, _| ports.recv(host, self.port)).await;
        let (from, bytes) = took.map_err(super::refusal)?;
        Ok((bytes, self.net.address_of(from)))
    }
}

impl Drop for Datagrams {
    fn drop(&mut self) {
        self.net.machine.network(|ports, _| ports.unbind(self.net.host, self.port));
    }
}
