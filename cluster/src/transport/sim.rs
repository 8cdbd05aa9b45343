//! Over the simulator's network.

use super::framed::{FramedReceiver, FramedSender};
use super::{Connection, Endpoint, Listener, Transport, TransportError};
use crate::name::NodeName;
use futures::future::BoxFuture;
use futures::io::{AsyncRead, AsyncWrite};
use ravelin_sim::{Address, Net};
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// What the certificates of a node would say: from its name in the simulation.
type Certify = Arc<dyn Fn(&str) -> Option<Vec<NodeName>> + Send + Sync>;

/// Connections over a simulated network. Endpoints are `node:port`, with the names that nodes have in the simulation.
/// Whatever the network is told to do to connections happens to these: delays, cuts, resets, clogging.
///
/// ```
/// use ravelin_cluster::transport::{SimTransport, Stream, Transport};
/// use ravelin_sim::Sim;
/// Sim::new().seeds(3).check(async |world| {
///     let transport = SimTransport::new(world.net("main"));
///     let mut listener = transport.listen(&"main:7000".into()).await.unwrap();
///     let mut near = transport.dial(&listener.endpoint()).await.unwrap();
///     let mut far = listener.accept().await.unwrap();
///     near.sender.send(Stream::Main, "hello".into()).await.unwrap();
///     near.sender.close().await.unwrap();
///     assert_eq!(far.receiver.receive().await, Ok(Some((Stream::Main, "hello".into()))));
///     assert_eq!(far.receiver.receive().await, Ok(None));
/// });
/// ```
#[derive(Clone)]
pub struct SimTransport {
    net: Net,
    certify: Option<Certify>,
}

impl SimTransport {
    /// Over this node's way to the network, without certificates: [`Connection::certified`] is `None`.
    pub fn new(net: Net) -> SimTransport {
        SimTransport { net, certify: None }
    }

    /// With what a peer's certificates would say, from its name in the simulation; `None` for a peer without.
    #[must_use]
    pub fn certifying(
        mut self,
        certify: impl Fn(&str) -> Option<Vec<NodeName>> + Send + Sync + 'static,
    ) -> SimTransport {
        self.certify = Some(Arc::new(certify));
        self
    }

    fn connection(&self, stream: ravelin_sim::Stream) -> Connection {
        let peer = stream.peer().to_owned();
        let certified = self.certify.as_ref().and_then(|certify| certify(&peer));
        let stream = Arc::new(stream);
        let explain = || Box::new(TransportError::from);
        let sender = Box::new(FramedSender::new(Half(stream.clone()), explain()));
        let receiver = Box::new(FramedReceiver::new(Half(stream), explain()));
        Connection { peer, certified, sender, receiver }
    }
}

impl fmt::Debug for SimTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimTransport").field("net", &self.net).finish_non_exhaustive()
    }
}

impl Transport for SimTransport {
    fn name(&self) -> &'static str {
        "sim"
    }

    fn listen<'a>(&'a self, at: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Listener>, TransportError>> {
        Box::pin(async move {
            let (node, port) = node_and_port(at)?;
            if node != &*self.net.node() {
                let why = format!("`{at}` is not here: this is the node `{}`", self.net.node());
                return Err(TransportError::Endpoint(why));
            }
            let listener = self.net.listen(port)?;
            Ok(Box::new(SimListener { listener, transport: self.clone() }) as Box<dyn Listener>)
        })
    }

    fn dial<'a>(&'a self, to: &'a Endpoint) -> BoxFuture<'a, Result<Connection, TransportError>> {
        Box::pin(async move {
            let stream = self.net.connect(Address::from(node_and_port(to)?)).await?;
            Ok(self.connection(stream))
        })
    }
}

struct SimListener {
    listener: ravelin_sim::Listener,
    transport: SimTransport,
}

impl Listener for SimListener {
    fn endpoint(&self) -> Endpoint {
        Endpoint(self.listener.address().to_string().into())
    }

    fn accept(&mut self) -> BoxFuture<'_, Result<Connection, TransportError>> {
        Box::pin(async move {
            let over = |error: io::Error| TransportError::Closed(error.to_string());
            let stream = self.listener.accept().await.map_err(over)?;
            Ok(self.transport.connection(stream))
        })
    }
}

/// The parts of `node:port`.
fn node_and_port(endpoint: &Endpoint) -> Result<(&str, u16), TransportError> {
    let wrong = || TransportError::Endpoint(format!("`{endpoint}` is no `node:port`"));
    let (node, port) = endpoint.0.rsplit_once(':').ok_or_else(wrong)?;
    Ok((node, port.parse().map_err(|_| wrong())?))
}

/// One of the two users of a connection.
struct Half(Arc<ravelin_sim::Stream>);

impl AsyncRead for Half {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self.0).poll_read(cx, out)
    }
}

impl AsyncWrite for Half {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self.0).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self.0).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self.0).poll_close(cx)
    }
}
