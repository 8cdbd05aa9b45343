//! QUIC: each stream of a connection goes by itself.
#![allow(clippy::disallowed_methods, reason = "it is an adapter to Tokio")]

use super::framed::{Explain, FramedReceiver, FramedSender};
use super::handshakes::Handshakes;
use super::reactor::{Reactor, about, check};
use super::{Connection, Endpoint, Listener, Receiver, Sender, Stream, Transport, TransportError};
use crate::tls::{Certificates, Handshake, TlsError};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt, unfold};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ConnectError, ConnectionError, EndpointConfig, ReadExactError, RecvStream, SendStream};
use quinn::{ReadError, TokioRuntime, TransportConfig, VarInt, WriteError};
use rustls::AlertDescription;
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::net::lookup_host;
use tokio::time::timeout;

/// What each stream begins with, both ways: what this is, its version, and in the last byte which stream it is.
const PREAMBLE: [u8; 5] = *b"rvl\x01\x00";

/// How long a connection may take to be made, if nothing else is said.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);

/// How many may be made at once, if nothing else is said.
const HANDSHAKES_AT_ONCE: usize = 256;

/// After how long without a packet a connection is over. Who uses it finds that out long before.
const IDLE: Duration = Duration::from_secs(60);

/// How many bytes of one stream may be on their way or unread by the peer.
const STREAM_WINDOW: u32 = 1024 * 1024;

/// What is dialled, for TLS; nobody looks at it.
const NAMELESS: &str = "ravelin.invalid";

/// QUIC, which is always encrypted, with mutual TLS as in `Tcp::tls`. Endpoints are `host:port`, of UDP.
///
/// The two streams of a connection are apart: a lost packet of one does not hold up the other, and what is on
/// [`Stream::Main`] is sent before what waits on [`Stream::Bulk`]. It costs more for each byte than TCP, and waits less
/// behind large messages.
///
/// Its sockets and tasks are on a Tokio runtime with io and time: the one it is used on, or one given by [`Quic::on`],
/// and then it works on any executor, as long as that runtime runs.
///
/// At most 1 MiB of each stream is on its way or unread; 64 KiB and one chunk wait before it.
#[derive(Clone, Debug)]
pub struct Quic {
    reactor: Reactor,
    making: Making,
    at_once: usize,
}

/// How a connection is made.
#[derive(Clone, Debug)]
struct Making {
    certificates: Certificates,
    within: Duration,
    transport: Arc<TransportConfig>,
}

impl Quic {
    /// With these certificates. To change them or the allow-list later, keep a clone.
    pub fn new(certificates: Certificates) -> Quic {
        let mut transport = TransportConfig::default();
        transport
            .max_concurrent_bidi_streams(VarInt::from_u32(2))
            .max_concurrent_uni_streams(VarInt::from_u32(0))
            .max_idle_timeout(IDLE.try_into().ok())
            .keep_alive_interval(None)
            .datagram_receive_buffer_size(None)
            // Both streams' windows fit, so that neither keeps the other from sending.
            .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
            .receive_window(VarInt::from_u32(2 * STREAM_WINDOW))
            .send_window(2 * u64::from(STREAM_WINDOW));
        let making = Making { certificates, within: HANDSHAKE_WITHIN, transport: Arc::new(transport) };
        Quic { reactor: Reactor::default(), making, at_once: HANDSHAKES_AT_ONCE }
    }

    /// Its sockets are on this runtime.
    #[must_use]
    pub fn on(mut self, runtime: tokio::runtime::Handle) -> Quic {
        self.reactor = Reactor::on(runtime);
        self
    }

    /// How long making a connection may take, on either side; at first 5 s. A dial to where nobody listens takes as long.
    #[must_use]
    pub fn handshake_within(mut self, within: Duration) -> Quic {
        self.making.within = within;
        self
    }

    /// How many connections a listener makes at once; at first 256. When there is one more, the oldest gives way.
    #[must_use]
    pub fn handshakes_at_once(mut self, most: usize) -> Quic {
        self.at_once = most;
        self
    }
}

impl Transport for Quic {
    fn name(&self) -> &'static str {
        "quic"
    }

    fn listen<'a>(&'a self, at: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Listener>, TransportError>> {
        self.reactor.run(Box::pin(async move {
            check(at)?;
            let none = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
            let address = lookup_host(&*at.0).await.and_then(|mut found| found.next().ok_or_else(none));
            let socket = UdpSocket::bind(address.map_err(about(at))?).map_err(about(at))?;
            let server = self.making.server()?.0;
            let config = EndpointConfig::default();
            let endpoint = quinn::Endpoint::new(config, Some(server), socket, Arc::new(TokioRuntime))?;
            let next = async |endpoint: quinn::Endpoint| Some((endpoint.accept().await?, endpoint));
            let listener = QuicListening {
                at: Endpoint(endpoint.local_addr()?.to_string().into()),
                incoming: unfold(endpoint.clone(), next).boxed(),
                endpoint,
                handle: self.reactor.handle()?,
                making: self.making.clone(),
                handshakes: Handshakes::new(self.at_once),
            };
            Ok(Box::new(listener) as Box<dyn Listener>)
        }))
    }

    fn dial<'a>(&'a self, to: &'a Endpoint) -> BoxFuture<'a, Result<Connection, TransportError>> {
        self.reactor.run(Box::pin(async move {
            check(to)?;
            let made = timeout(self.making.within, async {
                let mut last = TransportError::Endpoint(format!("`{to}` has no address"));
                for address in lookup_host(&*to.0).await.map_err(about(to))? {
                    match self.making.dial(address).await {
                        Err(error @ TransportError::Io(..)) => last = error,
                        done => return done,
                    }
                }
                Err(last)
            });
            made.await.unwrap_or(Err(TransportError::TimedOut))
        }))
    }
}

struct QuicListening {
    at: Endpoint,
    endpoint: quinn::Endpoint,
    incoming: BoxStream<'static, quinn::Incoming>,
    handle: tokio::runtime::Handle,
    making: Making,
    handshakes: Handshakes<Connection>,
}

impl Listener for QuicListening {
    fn endpoint(&self) -> Endpoint {
        self.at.clone()
    }

    fn accept(&mut self) -> BoxFuture<'_, Result<Connection, TransportError>> {
        Box::pin(poll_fn(|cx| {
            let _inside = self.handle.enter();
            while let Poll::Ready(incoming) = self.incoming.poll_next_unpin(cx) {
                let over = || TransportError::Closed("its socket is gone".to_owned());
                let Some(incoming) = incoming else { return Poll::Ready(Err(over())) };
                self.handshakes.push(self.making.clone().welcome(incoming));
            }
            self.handshakes.poll_next(cx)
        }))
    }
}

impl Drop for QuicListening {
    /// Those that are connected stay; others are refused.
    fn drop(&mut self) {
        self.endpoint.set_server_config(None);
    }
}

impl Making {
    /// For one connection that is accepted.
    fn server(&self) -> Result<(quinn::ServerConfig, Arc<Handshake>), TlsError> {
        let handshake = self.certificates.handshake();
        let crypto = QuicServerConfig::try_from(handshake.server()?).map_err(unfit)?;
        let mut config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
        config.transport_config(self.transport.clone());
        Ok((config, handshake))
    }

    /// For one connection that is dialled.
    fn client(&self) -> Result<(quinn::ClientConfig, Arc<Handshake>), TlsError> {
        let handshake = self.certificates.handshake();
        let crypto = QuicClientConfig::try_from(handshake.client()?).map_err(unfit)?;
        let mut config = quinn::ClientConfig::new(Arc::new(crypto));
        config.transport_config(self.transport.clone());
        Ok((config, handshake))
    }

    /// The dialling side: it opens both streams, and waits until the peer has accepted it.
    async fn dial(&self, to: SocketAddr) -> Result<Connection, TransportError> {
        let any: SocketAddr = match to {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let (config, handshake) = self.client()?;
        let runtime = Arc::new(TokioRuntime);
        let endpoint = quinn::Endpoint::new(EndpointConfig::default(), None, UdpSocket::bind(any)?, runtime)?;
        let explain = explaining(&handshake);
        let connecting = endpoint.connect_with(config, to, NAMELESS).map_err(unreachable(to))?;
        let connection = connecting.await.map_err(|error| explain(error.into()))?;
        let mut streams = Vec::new();
        for stream in [Stream::Main, Stream::Bulk] {
            let (mut out, back) = connection.open_bi().await.map_err(|error| explain(error.into()))?;
            say(&mut out, stream).await.map_err(|error| explain(error.into()))?;
            streams.push((stream, out, back));
        }
        for (stream, _, back) in &mut streams {
            if hear(back, &explain).await? != *stream {
                return Err(TransportError::Garbage("the peer takes one stream for the other".to_owned()));
            }
        }
        joined(to, &handshake, streams)
    }

    /// The accepting side.
    async fn welcome(self, incoming: quinn::Incoming) -> Result<Connection, TransportError> {
        let from = incoming.remote_address();
        let made = timeout(self.within, async {
            let (config, handshake) = self.server()?;
            let explain = explaining(&handshake);
            let lost = |error: ConnectionError| explain(error.into());
            let connection = incoming.accept_with(Arc::new(config)).map_err(lost)?.await.map_err(lost)?;
            let mut streams = Vec::new();
            for _ in 0..2 {
                let (mut out, mut back) = connection.accept_bi().await.map_err(lost)?;
                let stream = hear(&mut back, &explain).await?;
                say(&mut out, stream).await.map_err(|error| explain(error.into()))?;
                streams.push((stream, out, back));
            }
            joined(from, &handshake, streams)
        });
        made.await.unwrap_or(Err(TransportError::TimedOut))
    }
}

async fn say(out: &mut SendStream, stream: Stream) -> Result<(), WriteError> {
    let mut said = PREAMBLE;
    said[4] = u8::from(stream == Stream::Bulk);
    out.write_all(&said).await
}

async fn hear(
    back: &mut RecvStream,
    explain: &(dyn Fn(io::Error) -> TransportError + Sync),
) -> Result<Stream, TransportError> {
    let mut heard = PREAMBLE;
    back.read_exact(&mut heard).await.map_err(|error| match error {
        ReadExactError::FinishedEarly(_) => io::Error::from(io::ErrorKind::UnexpectedEof).into(),
        ReadExactError::ReadError(error) => explain(error.into()),
    })?;
    match (heard[..4] == PREAMBLE[..4], heard[4]) {
        (true, 0) => Ok(Stream::Main),
        (true, 1) => Ok(Stream::Bulk),
        _ => Err(TransportError::Garbage("the peer is no node, or one of another version".to_owned())),
    }
}

/// The connection, from its two streams.
fn joined(
    peer: SocketAddr,
    handshake: &Arc<Handshake>,
    streams: Vec<(Stream, SendStream, RecvStream)>,
) -> Result<Connection, TransportError> {
    let (mut main, mut bulk) = (None, None);
    for (stream, out, back) in streams {
        let explain = || -> Explain { Box::new(explaining(handshake)) };
        let (place, priority) = if stream == Stream::Main { (&mut main, 1) } else { (&mut bulk, 0) };
        let _ = out.set_priority(priority);
        *place = Some((FramedSender::new(out, explain()), FramedReceiver::new(back, explain())));
    }
    let (Some((main_out, main_in)), Some((bulk_out, bulk_in))) = (main, bulk) else {
        return Err(TransportError::Garbage("the peer opened one stream twice".to_owned()));
    };
    Ok(Connection {
        peer: peer.to_string(),
        certified: Some(handshake.names()),
        sender: Box::new(QuicSender { main: main_out, bulk: bulk_out }),
        receiver: Box::new(QuicReceiver { main: main_in, bulk: bulk_in }),
    })
}

struct QuicSender {
    main: FramedSender<SendStream>,
    bulk: FramedSender<SendStream>,
}

impl Sender for QuicSender {
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        stream: Stream,
        frames: &mut Bytes,
    ) -> Poll<Result<(), TransportError>> {
        match stream {
            Stream::Main => self.main.poll_send(cx, stream, frames),
            Stream::Bulk => self.bulk.poll_send(cx, stream, frames),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        both(self.main.poll_flush(cx), self.bulk.poll_flush(cx))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        both(self.main.poll_close(cx), self.bulk.poll_close(cx))
    }
}

/// Ready when both are, or one has failed.
fn both(
    one: Poll<Result<(), TransportError>>,
    other: Poll<Result<(), TransportError>>,
) -> Poll<Result<(), TransportError>> {
    match (one, other) {
        (Poll::Ready(Err(error)), _) | (_, Poll::Ready(Err(error))) => Poll::Ready(Err(error)),
        (Poll::Ready(Ok(())), other) => other,
        (Poll::Pending, _) => Poll::Pending,
    }
}

struct QuicReceiver {
    main: FramedReceiver<RecvStream>,
    bulk: FramedReceiver<RecvStream>,
}

impl Receiver for QuicReceiver {
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<(Stream, Bytes)>, TransportError>> {
        let mut is_over = true;
        for (stream, incoming) in [(Stream::Main, &mut self.main), (Stream::Bulk, &mut self.bulk)] {
            match poll_chunk(incoming, cx, stream) {
                Poll::Ready(Ok(Some(chunk))) => return Poll::Ready(Ok(Some((stream, chunk)))),
                Poll::Ready(Ok(None)) => (),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => is_over = false,
            }
        }
        if is_over { Poll::Ready(Ok(None)) } else { Poll::Pending }
    }
}

/// The next chunk of a stream, which must say that it is of this stream.
fn poll_chunk(
    incoming: &mut FramedReceiver<RecvStream>,
    cx: &mut Context<'_>,
    stream: Stream,
) -> Poll<Result<Option<Bytes>, TransportError>> {
    Poll::Ready(match ready!(incoming.poll_receive(cx))? {
        Some((of, chunk)) if of == stream => Ok(Some(chunk)),
        Some(_) => Err(TransportError::Garbage("a chunk of the other stream".to_owned())),
        None => Ok(None),
    })
}

/// What an error below means: of the streams, or of the connection under them.
fn explaining(handshake: &Arc<Handshake>) -> impl Fn(io::Error) -> TransportError + use<> {
    let handshake = handshake.clone();
    move |error| {
        let inner = error.get_ref();
        let lost = inner.and_then(|inner| match inner.downcast_ref() {
            Some(ReadError::ConnectionLost(lost)) => Some(lost),
            _ => match inner.downcast_ref() {
                Some(WriteError::ConnectionLost(lost)) => Some(lost),
                _ => inner.downcast_ref(),
            },
        });
        match lost {
            Some(lost) => explain(lost, &handshake),
            None => error.into(),
        }
    }
}

fn explain(lost: &ConnectionError, handshake: &Handshake) -> TransportError {
    let (kind, code) = match lost {
        ConnectionError::TimedOut => return TransportError::TimedOut,
        ConnectionError::ConnectionClosed(close) => (io::ErrorKind::ConnectionReset, close.error_code.into()),
        ConnectionError::TransportError(error) => (io::ErrorKind::ConnectionAborted, error.code.into()),
        ConnectionError::LocallyClosed => (io::ErrorKind::NotConnected, 0),
        _ => (io::ErrorKind::ConnectionReset, 0),
    };
    // Errors of TLS are 0x100 and the number of its alert.
    match u8::try_from(u64::wrapping_sub(code, 0x100)).map(AlertDescription::from) {
        Ok(alert) if matches!(lost, ConnectionError::ConnectionClosed(_)) => {
            TransportError::Tls(handshake.explain(&rustls::Error::AlertReceived(alert)))
        }
        Ok(_) => TransportError::Tls(handshake.explain(&rustls::Error::General(lost.to_string()))),
        Err(_) => TransportError::Io(kind, lost.to_string()),
    }
}

fn unfit(error: impl std::fmt::Display) -> TlsError {
    TlsError::Handshake(error.to_string())
}

fn unreachable(to: SocketAddr) -> impl Fn(ConnectError) -> TransportError {
    move |error| TransportError::Endpoint(format!("{to}: {error}"))
}
