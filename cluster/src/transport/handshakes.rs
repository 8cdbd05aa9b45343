//! Connections in the making, many at once.

use super::TransportError;
use futures::future::{AbortHandle, Abortable, BoxFuture, FutureExt};
use futures::stream::{FuturesUnordered, StreamExt};
use std::collections::BTreeMap;
use std::io;
use std::task::{Context, Poll};

/// One of them, and its number.
type Making<T> = BoxFuture<'static, (u64, Result<T, TransportError>)>;

/// Connections in the making: each goes on by itself, and none waits for another.
///
/// There is a most. Then the oldest gives way: an honest one takes milliseconds, so the oldest of many is one that says
/// nothing.
pub(super) struct Handshakes<T> {
    running: FuturesUnordered<Abortable<Making<T>>>,
    /// By age.
    order: BTreeMap<u64, AbortHandle>,
    next: u64,
    most: usize,
}

impl<T: 'static> Handshakes<T> {
    pub(super) fn new(most: usize) -> Handshakes<T> {
        Handshakes { running: FuturesUnordered::new(), order: BTreeMap::new(), next: 0, most: most.max(1) }
    }

    /// Begins one; the oldest gives way if there are too many.
    pub(super) fn push(&mut self, making: impl Future<Output = Result<T, TransportError>> + Send + 'static) {
        if self.order.len() >= self.most
            && let Some((_, oldest)) = self.order.pop_first()
        {
            oldest.abort();
        }
        let id = self.next;
        self.next += 1;
        let (abort, registration) = AbortHandle::new_pair();
        self.order.insert(id, abort);
        self.running.push(Abortable::new(making.map(move |made| (id, made)).boxed(), registration));
    }

    /// The next one that is made, or has failed. Pending also when there are none.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, TransportError>> {
        match self.running.poll_next_unpin(cx) {
            Poll::Ready(Some(Ok((id, made)))) => {
                self.order.remove(&id);
                Poll::Ready(made)
            }
            Poll::Ready(Some(Err(_))) => {
                let why = format!("it gave way to a newer one: {} were being made at once", self.most);
                Poll::Ready(Err(TransportError::Io(io::ErrorKind::ConnectionAborted, why)))
            }
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::{pending, ready};
    use std::task::Waker;

    #[test]
    fn the_oldest_that_says_nothing_gives_way() {
        let mut cx = Context::from_waker(Waker::noop());
        let mut handshakes = Handshakes::new(2);
        assert!(handshakes.poll_next(&mut cx).is_pending());
        handshakes.push(pending());
        handshakes.push(pending());
        assert!(handshakes.poll_next(&mut cx).is_pending());
        handshakes.push(ready(Ok(3)));
        let mut outcomes = Vec::new();
        while let Poll::Ready(outcome) = handshakes.poll_next(&mut cx) {
            outcomes.push(outcome.map_err(|error| error.to_string()));
        }
        outcomes.sort();
        let gave_way = "it gave way to a newer one: 2 were being made at once".to_owned();
        assert_eq!(outcomes, [Ok(3), Err(gave_way)]);
        handshakes.push(ready(Ok(4)));
        assert_eq!(
            handshakes.poll_next(&mut cx),
            Poll::Ready(Ok(4)),
            "one is still silent, and one had room"
        );
    }
}
