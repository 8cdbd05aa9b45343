//! The claims that hold for every transport.

use bytes::Bytes;
use futures::future::{join, join_all};
use ravelin_cluster::proto::CHUNK_MAX;
use ravelin_cluster::transport::{
    Connection, Endpoint, Listener, Receiver, Sender, Stream, Transport, TransportError,
};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

/// Two nodes that reach one another.
pub(crate) struct Rig {
    /// Dials.
    pub(crate) near: Arc<dyn Transport>,
    /// Listens.
    pub(crate) far: Arc<dyn Transport>,
    /// Where it listens.
    pub(crate) at: Endpoint,
    /// Where nobody listens, and who dials there.
    pub(crate) nobody: (Arc<dyn Transport>, Endpoint),
}

impl Rig {
    pub(crate) async fn listen(&self) -> Box<dyn Listener> {
        self.far.listen(&self.at).await.unwrap()
    }

    /// The two ends of a connection.
    pub(crate) async fn pair(&self) -> (Connection, Connection) {
        let mut listener = self.listen().await;
        let at = listener.endpoint();
        let (near, far) = join(self.near.dial(&at), listener.accept()).await;
        (near.unwrap(), far.unwrap())
    }
}

/// All claims, each as a test: `$on` runs one with a rig.
macro_rules! claims {
    ($on:path: $($claim:ident)*) => {
        $(
            #[test]
            fn $claim() {
                $on(async |rig| $crate::suite::$claim(&rig).await);
            }
        )*
    };
    ($on:path) => {
        $crate::suite::claims! {
            $on:
            chunks_of_a_stream_arrive_in_order
            the_largest_chunk_arrives_whole
            both_directions_at_once
            a_sender_whose_peer_does_not_read_waits_and_loses_nothing
            a_chunk_too_long_is_refused_and_nothing_breaks
            a_close_is_seen_after_all_that_was_sent
            a_dropped_connection_is_seen
            nobody_listens_is_an_error
            an_endpoint_that_is_none_is_an_error
            many_dial_at_once
            a_dropped_accept_loses_no_connection
        }
    };
}
pub(crate) use claims;

/// A chunk that tells where it belongs.
fn chunk(index: usize, length: usize) -> Bytes {
    let mut bytes = vec![index as u8; length.max(8)];
    bytes[..8].copy_from_slice(&(index as u64).to_le_bytes());
    bytes.into()
}

/// Everything that comes, until the peer closes.
async fn all(receiver: &mut dyn Receiver) -> Result<Vec<(Stream, Bytes)>, TransportError> {
    let mut came = Vec::new();
    while let Some(chunk) = receiver.receive().await? {
        came.push(chunk);
    }
    Ok(came)
}

/// Sends all, and closes.
async fn send_all(sender: &mut dyn Sender, chunks: impl IntoIterator<Item = (Stream, Bytes)>) {
    for (stream, chunk) in chunks {
        sender.send(stream, chunk).await.unwrap();
    }
    sender.close().await.unwrap();
}

/// Sends these, and says what of each stream came.
async fn arrive(rig: &Rig, chunks: Vec<(Stream, Bytes)>) {
    let (mut near, mut far) = rig.pair().await;
    let ((), came) = join(send_all(&mut *near.sender, chunks.clone()), all(&mut *far.receiver)).await;
    let came = came.unwrap();
    for stream in [Stream::Main, Stream::Bulk] {
        let of = |chunks: &[(Stream, Bytes)]| -> Vec<Bytes> {
            chunks.iter().filter(|(of, _)| *of == stream).map(|(_, chunk)| chunk.clone()).collect()
        };
        assert!(of(&came) == of(&chunks), "all of {stream:?}, in order");
    }
}

pub(crate) async fn chunks_of_a_stream_arrive_in_order(rig: &Rig) {
    let lengths = [8, 100, 9000, 20, 65_536, 8191, 8192];
    let stream = |index| if index % 3 == 0 { Stream::Bulk } else { Stream::Main };
    arrive(rig, (0..150).map(|index| (stream(index), chunk(index, lengths[index % 7]))).collect()).await;
}

pub(crate) async fn the_largest_chunk_arrives_whole(rig: &Rig) {
    let streams = [Stream::Main, Stream::Bulk, Stream::Main];
    arrive(
        rig,
        streams.into_iter().zip(0..).map(|(stream, index)| (stream, chunk(index, CHUNK_MAX))).collect(),
    )
    .await;
}

pub(crate) async fn both_directions_at_once(rig: &Rig) {
    let (mut near, mut far) = rig.pair().await;
    let chunks = || (0..40).map(|index| (Stream::Main, chunk(index, 30_000)));
    let there = join(send_all(&mut *near.sender, chunks()), all(&mut *far.receiver));
    let back = join(send_all(&mut *far.sender, chunks()), all(&mut *near.receiver));
    let (((), there), ((), back)) = join(there, back).await;
    assert!(there.unwrap().into_iter().eq(chunks()));
    assert!(back.unwrap().into_iter().eq(chunks()));
}

pub(crate) async fn a_sender_whose_peer_does_not_read_waits_and_loses_nothing(rig: &Rig) {
    const LENGTH: usize = 64 * 1024;
    const BOUND: usize = 1000;
    let (mut near, mut far) = rig.pair().await;
    let (mut taken, mut waits) = (0, 0);
    poll_fn(|cx| {
        while taken < BOUND {
            if near.sender.poll_send(cx, Stream::Bulk, &mut chunk(taken, LENGTH)).is_pending() {
                // It may wait for its turn only: ask again.
                waits += 1;
                cx.waker().wake_by_ref();
                return if waits < 200 { Poll::Pending } else { Poll::Ready(()) };
            }
            taken += 1;
        }
        Poll::Ready(())
    })
    .await;
    assert!((1..BOUND).contains(&taken), "{taken} chunks were taken");
    let more = join(near.sender.close(), all(&mut *far.receiver)).await;
    let came = more.1.unwrap().into_iter();
    assert!(came.eq((0..taken).map(|index| (Stream::Bulk, chunk(index, LENGTH)))), "all {taken}, in order");
}

pub(crate) async fn a_chunk_too_long_is_refused_and_nothing_breaks(rig: &Rig) {
    let (mut near, mut far) = rig.pair().await;
    let refused = near.sender.send(Stream::Main, chunk(0, CHUNK_MAX + 1)).await;
    assert!(matches!(refused, Err(TransportError::Garbage(_))), "{refused:?}");
    let next = [(Stream::Main, chunk(1, 10))];
    let ((), came) = join(send_all(&mut *near.sender, next.clone()), all(&mut *far.receiver)).await;
    assert_eq!(came.unwrap(), next);
}

pub(crate) async fn a_close_is_seen_after_all_that_was_sent(rig: &Rig) {
    let (mut near, mut far) = rig.pair().await;
    let sent = [(Stream::Main, chunk(0, 10)), (Stream::Main, chunk(1, 100_000))];
    let ((), came) = join(send_all(&mut *near.sender, sent.clone()), all(&mut *far.receiver)).await;
    assert_eq!(came.unwrap(), sent);
    assert_eq!(far.receiver.receive().await, Ok(None), "asked again, it says the same");
    assert_eq!(near.sender.close().await, Ok(()), "closed again, it is closed");
    let after = near.sender.send(Stream::Main, chunk(2, 10)).await;
    assert!(matches!(after, Err(TransportError::Io(std::io::ErrorKind::BrokenPipe, _))), "{after:?}");
    // The other way is open.
    let ((), came) = join(send_all(&mut *far.sender, sent.clone()), all(&mut *near.receiver)).await;
    assert_eq!(came.unwrap(), sent);
}

pub(crate) async fn a_dropped_connection_is_seen(rig: &Rig) {
    let (near, mut far) = rig.pair().await;
    drop(near);
    let received = far.receiver.receive().await;
    assert!(!matches!(received, Ok(Some(_))), "{received:?}");
    // Who sends learns it too: the first bytes may still be taken by the network.
    let error = loop {
        if let Err(error) = far.sender.send(Stream::Main, chunk(0, 1000)).await {
            break error;
        }
        if let Err(error) = far.sender.flush().await {
            break error;
        }
    };
    assert!(matches!(error, TransportError::Io(..)), "{error:?}");
}

pub(crate) async fn nobody_listens_is_an_error(rig: &Rig) {
    let (near, nobody) = &rig.nobody;
    let error = near.dial(nobody).await.unwrap_err();
    assert!(matches!(error, TransportError::Io(..) | TransportError::TimedOut), "{error:?}");
}

pub(crate) async fn an_endpoint_that_is_none_is_an_error(rig: &Rig) {
    for wrong in ["", "main", "main:", "main:http", "main:70000"] {
        let dialled = rig.near.dial(&wrong.into()).await.map(drop);
        assert!(matches!(dialled, Err(TransportError::Endpoint(_))), "dial {wrong:?}: {dialled:?}");
        let listened = rig.far.listen(&wrong.into()).await.map(drop);
        assert!(matches!(listened, Err(TransportError::Endpoint(_))), "listen {wrong:?}: {listened:?}");
    }
}

pub(crate) async fn many_dial_at_once(rig: &Rig) {
    const MANY: usize = 8;
    let mut listener = rig.listen().await;
    let at = listener.endpoint();
    let dial = async |index: usize| {
        let mut near = rig.near.dial(&at).await.unwrap();
        send_all(&mut *near.sender, [(Stream::Main, chunk(index, 10))]).await;
        near
    };
    let serve = async {
        let mut came = Vec::new();
        let mut kept = Vec::new();
        for _ in 0..MANY {
            let mut far = listener.accept().await.unwrap();
            came.push(far.receiver.receive().await.unwrap().unwrap());
            kept.push(far);
        }
        came.sort_by_key(|(_, chunk)| chunk[0]);
        (came, kept)
    };
    let (nears, (came, _kept)) = join(join_all((0..MANY).map(dial)), serve).await;
    assert!(came.into_iter().eq((0..nears.len()).map(|index| (Stream::Main, chunk(index, 10)))));
}

pub(crate) async fn a_dropped_accept_loses_no_connection(rig: &Rig) {
    let mut listener = rig.listen().await;
    let at = listener.endpoint();
    // The accept is given up whenever it has to wait, and asked for again.
    let accept = poll_fn(|cx| listener.accept().as_mut().poll(cx));
    let (near, far) = join(rig.near.dial(&at), accept).await;
    let (mut near, mut far) = (near.unwrap(), far.unwrap());
    let sent = [(Stream::Main, chunk(0, 10))];
    let ((), came) = join(send_all(&mut *near.sender, sent.clone()), all(&mut *far.receiver)).await;
    assert_eq!(came.unwrap(), sent);
}
