//! Waiting for the network: a future that looks, and leaves its waker where it will be woken.

use super::Net;
use crate::net::NetError;
use crate::ports::{Ports, Spot};
use ravelin_core::Time;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Looks with `take` until that does not say "later"; woken by what happens at the spot. Takes nothing before it is
/// ready, so it is cancel safe.
pub(super) fn wait<T, F>(net: &Net, spot: Spot, take: F) -> Wait<'_, F>
where
    F: FnMut(&mut Ports, Time) -> Result<T, NetError> + Unpin,
{
    Wait { net, spot, ticket: None, take }
}

pub(super) struct Wait<'a, F> {
    net: &'a Net,
    spot: Spot,
    /// Its number among those who wait there.
    ticket: Option<u64>,
    take: F,
}

impl<T, F> Future for Wait<'_, F>
where
    F: FnMut(&mut Ports, Time) -> Result<T, NetError> + Unpin,
{
    type Output = Result<T, NetError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Wait { net, spot, ticket, take } = self.get_mut();
        look(net, *spot, |ports| *ticket.get_or_insert_with(|| ports.ticket()), take, cx)
    }
}

impl<F> Drop for Wait<'_, F> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let gone = self.net.machine.lock().ports.leave(self.net.host, self.spot, ticket);
            drop(gone);
        }
    }
}

/// Looks once, and leaves the waker if it is too early.
pub(super) fn look<T>(
    net: &Net,
    spot: Spot,
    ticket: impl FnOnce(&mut Ports) -> u64,
    mut take: impl FnMut(&mut Ports, Time) -> Result<T, NetError>,
    cx: &mut Context<'_>,
) -> Poll<Result<T, NetError>> {
    let mut waker = Some(cx.waker().clone());
    let (outcome, replaced) = net.machine.network(|ports, now| match take(ports, now) {
        Err(NetError::WouldBlock) => {
            let ticket = ticket(ports);
            let replaced = waker.take().and_then(|waker| ports.wait(net.host, spot, ticket, waker));
            (Poll::Pending, replaced)
        }
        outcome => (Poll::Ready(outcome), None),
    });
    // Wakers are dropped when the lock is free.
    drop((waker, replaced));
    outcome
}
