//! Sockets, on either runtime: the one place that knows there are two.
//!
//! An actor runs on any executor, but a socket belongs to a reactor. So this file is all that `--runtime` costs: a
//! listener, a stream, and a poll for each thing that one does to a stream.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use smol::io::{AsyncRead as _, AsyncWrite as _};
use tokio::io::{AsyncRead as _, AsyncWrite as _};

use crate::config::Runtime;

/// A listening socket. It outlives the actors that accept from it, so nobody is refused while one is restarted.
pub enum Listener {
    Tokio(tokio::net::TcpListener),
    Smol(smol::Async<std::net::TcpListener>),
}

impl Listener {
    /// Listens on this port of the loopback address; 0 takes a free one. To be called where the runtime runs.
    pub fn bind(runtime: Runtime, port: u16) -> io::Result<Listener> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        match runtime {
            Runtime::Tokio => tokio::net::TcpListener::from_std(listener).map(Listener::Tokio),
            Runtime::Smol => smol::Async::new_nonblocking(listener).map(Listener::Smol),
        }
    }

    pub fn address(&self) -> io::Result<SocketAddr> {
        match self {
            Listener::Tokio(listener) => listener.local_addr(),
            Listener::Smol(listener) => listener.get_ref().local_addr(),
        }
    }

    /// The next connection. Small answers are not held back in the hope of more to send.
    pub async fn accept(&self) -> io::Result<Socket> {
        match self {
            Listener::Tokio(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Socket::Tokio(stream))
            }
            Listener::Smol(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.get_ref().set_nodelay(true)?;
                Ok(Socket::Smol(stream))
            }
        }
    }
}

/// A connected socket.
pub enum Socket {
    Tokio(tokio::net::TcpStream),
    Smol(smol::Async<std::net::TcpStream>),
}

impl Socket {
    /// Reads what is there: how many bytes; 0 at the end.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Socket::Tokio(stream) => {
                let mut buffer = tokio::io::ReadBuf::new(into);
                Pin::new(stream).poll_read(cx, &mut buffer).map_ok(|()| buffer.filled().len())
            }
            Socket::Smol(stream) => Pin::new(stream).poll_read(cx, into),
        }
    }

    /// Writes what there is room for: how many bytes.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Socket::Tokio(stream) => Pin::new(stream).poll_write(cx, bytes),
            Socket::Smol(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    /// Tells the client that nothing more will come.
    pub fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Socket::Tokio(stream) => Pin::new(stream).poll_shutdown(cx),
            Socket::Smol(stream) => Pin::new(stream).poll_close(cx),
        }
    }
}
