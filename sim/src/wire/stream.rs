//! One end of a connection.

use super::wait::look;
use super::{Net, refusal};
use crate::log::{Name, NodeId};
use crate::net::StreamId;
use crate::ports::{Ports, Spot};
use futures::io::{AsyncRead, AsyncWrite};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// One end of a connection: ordered bytes both ways.
///
/// Reads and writes move as many bytes as they can, or by chance fewer, as the network's settings say. A write waits
/// while the other end has a full buffer that nobody reads. What is written is on its way at once: flushing does
/// nothing. Closing ([`AsyncWriteExt::close`](futures::io::AsyncWriteExt::close)) ends one's own bytes; the other
/// way stays open.
///
/// Dropping it sends what was written, then the end; but with bytes unread the other side sees a reset, as in TCP.
///
/// `&Stream` reads and writes too, so that one task reads while another one writes. One reader and one writer are
/// woken at a time: the last that looked.
///
/// # Errors
/// Of reads and writes: [`ConnectionReset`](io::ErrorKind::ConnectionReset), [`TimedOut`](io::ErrorKind::TimedOut)
/// when what was sent got no answer for as long as the network's patience lasts (who sends nothing never learns that
/// the other is gone), [`BrokenPipe`](io::ErrorKind::BrokenPipe) for a write after closing,
/// [`NetworkDown`](io::ErrorKind::NetworkDown). What had arrived before can be read first.
///
/// # Cancel safety
/// A single read or write moves bytes only when it is ready. `read_exact` and `write_all` may have moved some.
#[derive(Debug)]
pub struct Stream {
    net: Net,
    id: StreamId,
    peer: Name,
}

impl Stream {
    pub(super) fn new(net: Net, id: StreamId, peer: NodeId) -> Stream {
        let peer = net.name_of(peer);
        Stream { net, id, peer }
    }

    /// The name of the node at the other end.
    pub fn peer(&self) -> &str {
        &self.peer
    }

    /// Ends the connection with a reset: what is on its way may be lost.
    ///
    /// ```
    /// # use futures::io::AsyncReadExt;
    /// # use ravelin_sim::Sim;
    /// Sim::new().seeds(3).check(async |world| {
    ///     let net = world.net("main");
    ///     let listener = net.listen(1).unwrap();
    ///     let near = net.connect(("main", 1)).await.unwrap();
    ///     let mut far = listener.accept().await.unwrap();
    ///     near.abort();
    ///     let error = far.read(&mut [0; 9]).await.unwrap_err();
    ///     assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    /// });
    /// ```
    pub fn abort(self) {
        self.net.machine.network(|ports, now| ports.abort(now, self.id));
    }
}

impl AsyncRead for &Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut [u8]) -> Poll<io::Result<usize>> {
        let read = |ports: &mut Ports, now| ports.read(now, self.id, out);
        look(&self.net, Spot::Read(self.id), |_| 0, read, cx).map_err(refusal)
    }
}

impl AsyncWrite for &Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        look(&self.net, Spot::Write(self.id), |_| 0, |ports, now| ports.write(now, self.id, bytes), cx)
            .map_err(refusal)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        look(&self.net, Spot::Write(self.id), |_| 0, |ports, now| ports.finish(now, self.id), cx)
            .map_err(refusal)
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_read(cx, out)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self).poll_close(cx)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let (host, id) = (self.net.host, self.id);
        let gone = self.net.machine.network(|ports, now| {
            ports.close(now, id);
            [Spot::Read(id), Spot::Write(id)].map(|spot| ports.leave(host, spot, 0))
        });
        drop(gone);
    }
}
