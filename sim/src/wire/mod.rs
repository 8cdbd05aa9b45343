//! The network as a node's program sees it: datagrams and connections, without waiting a real moment.
//!
//! * [`Net`] is one incarnation's way to the network; [`Address`] says where something goes.
//! * [`Datagrams`] is a port for datagrams, [`Listener`] one for connections, [`Stream`] one end of a connection.
//!
//! Everything ends with the incarnation that made it: what is left of it afterwards is refused with
//! [`NetworkDown`](io::ErrorKind::NetworkDown). A dropped handle closes.

mod address;
mod datagrams;
mod listener;
mod stream;
mod wait;

pub use address::Address;
pub use datagrams::Datagrams;
pub use listener::Listener;
pub use stream::Stream;

use crate::log::NodeId;
use crate::machine::Machine;
use crate::net::{Addr, Broken, Host, NetError};
use crate::ports::{Ports, Spot};
use ravelin_core::Time;
use std::fmt;
use std::io;
use std::sync::Arc;
use wait::wait;

/// The network, as one incarnation of a node sees it. Cheap to clone.
///
/// From [`Node::net`](crate::Node::net), or [`World::net`](crate::World::net). An address is the name of a node and a
/// port; a name always resolves, on every node, whether that node is up or not.
///
/// ```
/// use futures::io::{AsyncReadExt, AsyncWriteExt};
/// use ravelin_sim::Sim;
/// Sim::new().seeds(10).check(async |world| {
///     world.node("server", async |node| {
///         let listener = node.net().listen(80).unwrap();
///         while let Ok(mut stream) = listener.accept().await {
///             let mut bytes = [0; 5];
///             stream.read_exact(&mut bytes).await.unwrap();
///             stream.write_all(&bytes).await.unwrap();
///         }
///     });
///     world.settle().await;
///     let mut stream = world.net("main").connect(("server", 80)).await.unwrap();
///     stream.write_all(b"hello").await.unwrap();
///     let mut bytes = Vec::new();
///     stream.read_to_end(&mut bytes).await.unwrap();
///     assert_eq!(bytes, b"hello");
///     let refused = world.net("main").connect(("server", 81)).await.unwrap_err();
///     assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
/// });
/// ```
#[derive(Clone)]
pub struct Net {
    machine: Arc<Machine>,
    host: Host,
}

impl Net {
    pub(crate) fn on(machine: Arc<Machine>, node: NodeId, incarnation: u32) -> Net {
        Net { machine, host: Host { node, incarnation } }
    }

    /// What the node is called.
    pub fn node(&self) -> Arc<str> {
        self.name_of(self.host.node)
    }

    /// A port for datagrams; 0 for one that is free, from 49152.
    ///
    /// # Errors
    /// [`AddrInUse`](io::ErrorKind::AddrInUse), [`NetworkDown`](io::ErrorKind::NetworkDown).
    ///
    /// ```
    /// # use ravelin_sim::Sim;
    /// Sim::new().seeds(3).check(async |world| {
    ///     let net = world.net("main");
    ///     let (one, other) = (net.bind(0).unwrap(), net.bind(7).unwrap());
    ///     assert_eq!(net.bind(7).unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
    ///     one.send_to(b"ping", ("main", 7)).unwrap();
    ///     let (bytes, from) = other.recv_from().await.unwrap();
    ///     assert_eq!((&*bytes, from), (&b"ping"[..], one.address()));
    /// });
    /// ```
    pub fn bind(&self, port: u16) -> io::Result<Datagrams> {
        let port = self.run(|ports, _| ports.bind(self.host, port))?;
        Ok(Datagrams::new(self.clone(), port))
    }

    /// A port at which connections are accepted; 0 for one that is free, from 49152.
    ///
    /// # Errors
    /// As [`Net::bind`].
    pub fn listen(&self, port: u16) -> io::Result<Listener> {
        let port = self.run(|ports, _| ports.listen(self.host, port))?;
        Ok(Listener::new(self.clone(), port))
    }

    /// A connection to whoever listens there. Takes a round trip.
    ///
    /// # Errors
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused): nobody listens. [`TimedOut`](io::ErrorKind::TimedOut):
    /// no answer within the network's patience, as from a node that is down or cut off.
    /// [`ConnectionReset`](io::ErrorKind::ConnectionReset): it broke at once. [`NotFound`](io::ErrorKind::NotFound):
    /// there is no node of that name. [`NetworkDown`](io::ErrorKind::NetworkDown).
    ///
    /// # Cancel safety
    /// Dropping the future gives the attempt up; the other side sees a reset, or nothing.
    pub async fn connect(&self, to: impl Into<Address>) -> io::Result<Stream> {
        let to = self.resolve(&to.into())?;
        let id = self.run(|ports, now| ports.connect(now, self.host, to))?;
        // Made at once, so that it is closed when this future is dropped.
        let stream = Stream::new(self.clone(), id, to.node);
        wait(self, Spot::Write(id), |ports, now| ports.write(now, id, &[])).await.map_err(refusal)?;
        Ok(stream)
    }

    /// Does something with the network.
    fn run<R>(&self, f: impl FnOnce(&mut Ports, Time) -> Result<R, NetError>) -> io::Result<R> {
        self.machine.network(f).map_err(refusal)
    }

    fn name_of(&self, node: NodeId) -> Arc<str> {
        self.machine.lock().node(node).name.clone()
    }

    fn address_of(&self, addr: Addr) -> Address {
        Address::new(self.name_of(addr.node), addr.port)
    }

    fn resolve(&self, address: &Address) -> io::Result<Addr> {
        let node = self.machine.lock().find(address.node());
        let unknown =
            || io::Error::new(io::ErrorKind::NotFound, format!("no node is called `{}`", address.node()));
        Ok(node.ok_or_else(unknown)?.at(address.port()))
    }
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Net").field("host", &self.host).finish_non_exhaustive()
    }
}

/// What the network refuses, as programs know it.
fn refusal(error: NetError) -> io::Error {
    let kind = match error {
        NetError::Broken(Broken::Refused) => io::ErrorKind::ConnectionRefused,
        NetError::Broken(Broken::Reset) => io::ErrorKind::ConnectionReset,
        NetError::Broken(Broken::TimedOut) => io::ErrorKind::TimedOut,
        NetError::Finished => io::ErrorKind::BrokenPipe,
        NetError::InUse => io::ErrorKind::AddrInUse,
        NetError::NotRunning => io::ErrorKind::NetworkDown,
        NetError::TooLong => io::ErrorKind::InvalidInput,
        NetError::WouldBlock => io::ErrorKind::WouldBlock,
    };
    io::Error::new(kind, error)
}
