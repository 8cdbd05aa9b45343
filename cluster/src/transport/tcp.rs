//! TCP, with mutual TLS unless it is asked for without by name.
#![allow(clippy::disallowed_methods, reason = "it is an adapter to Tokio")]

use super::framed::{Explain, FramedReceiver, FramedSender};
use super::handshakes::Handshakes;
use super::reactor::{Reactor, about, check};
use super::{Connection, Endpoint, Listener, Transport, TransportError};
use crate::tls::{Certificates, Handshake};
use futures::future::BoxFuture;
use futures::io as futures_io;
use rustls::pki_types::ServerName;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, ReadBuf};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::time::{Sleep, sleep, timeout};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// What the accepting side says first, when it has accepted the peer: what this is, and its version.
const PREAMBLE: [u8; 4] = *b"rvl\x01";

/// How long a connection may take to be made, if nothing else is said.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);

/// How many may be made at once, if nothing else is said.
const HANDSHAKES_AT_ONCE: usize = 256;

/// How long a listener rests that cannot accept, as when the process has no file descriptors left.
const REST: Duration = Duration::from_millis(100);

/// How many connections are taken from the system between two looks at those that are being made.
const TAKE_AT_ONCE: usize = 64;

/// What is read from the socket at a time, below TLS.
const SOCKET_READ: usize = 64 * 1024;

/// How many bytes may wait in the kernel unsent: what is said later and is urgent waits behind them.
const UNSENT_MAX: u32 = 128 * 1024;

/// TCP. Endpoints are `host:port`; a host name is looked up at each dial, and its addresses are tried in turn.
///
/// [`Tcp::tls`] is the one to use: TLS 1.3, both sides show a certificate, and [`Connection::certified`] has the names in
/// the peer's. When a dial is ready, both sides have accepted one another.
///
/// Its sockets are on a Tokio runtime with io and time: the one it is used on, or one given by [`Tcp::on`], and then it
/// works on any executor, as long as that runtime runs.
///
/// Both streams of a connection share it. What has been written and not sent waits here, 64 KiB and one chunk at most,
/// and in the kernel, where on Linux not more than 128 KiB is unsent; what the peer has received and not read is bounded by
/// its receive buffer.
#[derive(Clone, Debug)]
pub struct Tcp {
    reactor: Reactor,
    making: Making,
    at_once: usize,
}

/// How a connection is made.
#[derive(Clone, Debug)]
struct Making {
    /// `None`: without protection.
    certificates: Option<Certificates>,
    within: Duration,
}

impl Tcp {
    /// With mutual TLS. To change certificates or the allow-list later, keep a clone of the certificates.
    pub fn tls(certificates: Certificates) -> Tcp {
        Tcp::new(Some(certificates))
    }

    /// Without encryption and without certificates: whoever reaches the port is a node, and whoever is on the way reads
    /// and changes all. For a network that protects what goes over it, and for measuring. Logs a warning.
    pub fn plaintext_without_any_protection() -> Tcp {
        tracing::warn!(
            "cluster connections are neither encrypted nor authenticated: whoever reaches the port is trusted"
        );
        Tcp::new(None)
    }

    fn new(certificates: Option<Certificates>) -> Tcp {
        let making = Making { certificates, within: HANDSHAKE_WITHIN };
        Tcp { reactor: Reactor::default(), making, at_once: HANDSHAKES_AT_ONCE }
    }

    /// Its sockets are on this runtime.
    #[must_use]
    pub fn on(mut self, runtime: tokio::runtime::Handle) -> Tcp {
        self.reactor = Reactor::on(runtime);
        self
    }

    /// How long making a connection may take, on either side; at first 5 s.
    #[must_use]
    pub fn handshake_within(mut self, within: Duration) -> Tcp {
        self.making.within = within;
        self
    }

    /// How many connections a listener makes at once; at first 256. When there is one more, the oldest gives way.
    #[must_use]
    pub fn handshakes_at_once(mut self, most: usize) -> Tcp {
        self.at_once = most;
        self
    }
}

impl Transport for Tcp {
    fn name(&self) -> &'static str {
        if self.making.certificates.is_some() { "tcp+tls" } else { "tcp" }
    }

    fn listen<'a>(&'a self, at: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Listener>, TransportError>> {
        self.reactor.run(Box::pin(async move {
            check(at)?;
            let socket = TcpListener::bind(&*at.0).await.map_err(about(at))?;
            let endpoint = Endpoint(socket.local_addr()?.to_string().into());
            let listener = TcpListening {
                socket,
                endpoint,
                handle: self.reactor.handle()?,
                making: self.making.clone(),
                handshakes: Handshakes::new(self.at_once),
                rest: None,
            };
            Ok(Box::new(listener) as Box<dyn Listener>)
        }))
    }

    fn dial<'a>(&'a self, to: &'a Endpoint) -> BoxFuture<'a, Result<Connection, TransportError>> {
        let Making { certificates, within } = &self.making;
        self.reactor.run(Box::pin(async move {
            check(to)?;
            let made = timeout(*within, async {
                let stream = connect(to).await.map_err(about(to))?;
                greet(stream, certificates.as_ref()).await
            });
            made.await.unwrap_or(Err(TransportError::TimedOut))
        }))
    }
}

struct TcpListening {
    socket: TcpListener,
    endpoint: Endpoint,
    handle: tokio::runtime::Handle,
    making: Making,
    handshakes: Handshakes<Connection>,
    /// Until when nothing is accepted.
    rest: Option<Pin<Box<Sleep>>>,
}

impl Listener for TcpListening {
    fn endpoint(&self) -> Endpoint {
        self.endpoint.clone()
    }

    fn accept(&mut self) -> BoxFuture<'_, Result<Connection, TransportError>> {
        Box::pin(poll_fn(|cx| {
            let handle = self.handle.clone();
            let _inside = handle.enter();
            if let Poll::Ready(error) = self.poll_take(cx) {
                return Poll::Ready(Err(error));
            }
            self.handshakes.poll_next(cx)
        }))
    }
}

impl TcpListening {
    /// Takes the connections that the system has, and begins with them. Ready: there was an error instead.
    fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<TransportError> {
        if let Some(rest) = &mut self.rest {
            ready!(rest.as_mut().poll(cx));
            self.rest = None;
        }
        for _ in 0..TAKE_AT_ONCE {
            match ready!(self.socket.poll_accept(cx)) {
                Ok((stream, from)) => self.handshakes.push(welcome(stream, from, self.making.clone())),
                Err(error) => {
                    if !is_of_one_connection(&error) {
                        self.rest = Some(Box::pin(sleep(REST)));
                    }
                    return Poll::Ready(error.into());
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Whether the listener is as good as before.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

async fn connect(to: &Endpoint) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in lookup_host(&*to.0).await? {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The dialling side: TLS, and then it waits until the peer has accepted it.
async fn greet(stream: TcpStream, certificates: Option<&Certificates>) -> Result<Connection, TransportError> {
    tune(&stream)?;
    let from = stream.peer_addr()?;
    let Some(certificates) = certificates else {
        let mut stream = stream;
        hear(&mut stream, &|error| error.into()).await?;
        return Ok(plain(stream, from));
    };
    let handshake = certificates.handshake();
    let explain = explaining(&handshake);
    let connector = TlsConnector::from(Arc::new(handshake.client()?));
    let nameless = ServerName::IpAddress(from.ip().into());
    let stream = BufReader::with_capacity(SOCKET_READ, stream);
    let mut stream = connector.connect(nameless, stream).await.map_err(&explain)?;
    hear(&mut stream, &explain).await?;
    Ok(protected(stream, from, &handshake))
}

/// The accepting side.
async fn welcome(stream: TcpStream, from: SocketAddr, making: Making) -> Result<Connection, TransportError> {
    let made = timeout(making.within, async {
        tune(&stream)?;
        let Some(certificates) = making.certificates else {
            let mut stream = stream;
            say(&mut stream).await?;
            return Ok(plain(stream, from));
        };
        let handshake = certificates.handshake();
        let explain = explaining(&handshake);
        let acceptor = TlsAcceptor::from(Arc::new(handshake.server()?));
        let stream = BufReader::with_capacity(SOCKET_READ, stream);
        let mut stream = acceptor.accept(stream).await.map_err(&explain)?;
        say(&mut stream).await.map_err(&explain)?;
        Ok(protected(stream, from, &handshake))
    });
    made.await.unwrap_or(Err(TransportError::TimedOut))
}

async fn say(stream: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    stream.write_all(&PREAMBLE).await?;
    stream.flush().await
}

async fn hear(
    stream: &mut (impl AsyncRead + Unpin),
    explain: &(dyn Fn(io::Error) -> TransportError + Sync),
) -> Result<(), TransportError> {
    let mut heard = [0; PREAMBLE.len()];
    stream.read_exact(&mut heard).await.map_err(explain)?;
    if heard == PREAMBLE {
        return Ok(());
    }
    Err(TransportError::Garbage("who listens there is no node, or one of another version".to_owned()))
}

/// Sends at once what is written, and keeps little of it in the kernel.
fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        // Where the kernel does not know it, urgent frames wait longer behind others, and nothing else is wrong.
        let _ = socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_MAX);
    }
    Ok(())
}

fn plain(stream: TcpStream, from: SocketAddr) -> Connection {
    let (reader, writer) = stream.into_split();
    Connection {
        peer: from.to_string(),
        certified: None,
        sender: Box::new(FramedSender::new(Compat(writer), Box::new(TransportError::from))),
        receiver: Box::new(FramedReceiver::new(Compat(reader), Box::new(TransportError::from))),
    }
}

fn protected<S>(stream: S, from: SocketAddr, handshake: &Arc<Handshake>) -> Connection
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (reader, writer) = tokio::io::split(stream);
    let explain = || -> Explain { Box::new(explaining(handshake)) };
    Connection {
        peer: from.to_string(),
        certified: Some(handshake.names()),
        sender: Box::new(FramedSender::new(Compat(writer), explain())),
        receiver: Box::new(FramedReceiver::new(Compat(reader), explain())),
    }
}

/// What an error below means: TLS says its own as io errors.
fn explaining(handshake: &Arc<Handshake>) -> impl Fn(io::Error) -> TransportError + Clone + use<> {
    let handshake = handshake.clone();
    move |error| match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(error) => TransportError::Tls(handshake.explain(error)),
        None => error.into(),
    }
}

/// Tokio's traits as those of futures.
struct Compat<T>(T);

impl<T: AsyncRead + Unpin> futures_io::AsyncRead for Compat<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut out = ReadBuf::new(out);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut out))?;
        Poll::Ready(Ok(out.filled().len()))
    }
}

impl<T: AsyncWrite + Unpin> futures_io::AsyncWrite for Compat<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
