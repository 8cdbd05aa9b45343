//! A connection's actor: carries what is said on a line between its socket and the other actors.
//!
//! It keeps nothing of its own but its patience. The line is taken, worked on and given back within one poll, and
//! a kill comes between two polls; so whenever one comes, the line is whole.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Buf;
use ravelin::{Timer, within};

use super::House;
use super::hub::{Gone, Tell};
use super::partition::Execute;
use crate::line::{Delivery, Errand, Line, Wire};
use crate::reply::Reply;

/// How long a client may leave its output unread: without taking a byte of it.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the commands of a client wait for an actor that is restarted.
const RESTART_WAIT: Duration = Duration::from_secs(10);
/// How long a client that was refused gets to read why.
const LINGER: Duration = Duration::from_secs(1);
/// How often one goes round before others get their turn.
const ROUNDS: usize = 16;
/// How much is read at once.
const CHUNK: usize = 16 << 10;

/// Why the work on a line pauses.
enum Turn {
    /// All is said.
    Over,
    /// This partition, or the hub, is not there just now.
    NoPartition(usize),
    NoHub,
}

struct Connection {
    line: Arc<Line>,
    house: Arc<House>,
    /// Runs while there is output that the client does not take.
    patience: Option<Pin<Box<dyn Timer>>>,
}

/// Works on a line until it is over.
pub async fn serve(line: Arc<Line>, house: Arc<House>) {
    let mut connection = Connection { line, house, patience: None };
    loop {
        match poll_fn(|cx| connection.poll(cx)).await {
            Turn::Over => break,
            Turn::NoPartition(number) => connection.wait_for_partition(number).await,
            Turn::NoHub => connection.wait_for_hub().await,
        }
    }
    connection.line.deafen();
    let rest = poll_fn(|cx| Poll::Ready(connection.finish(cx))).await;
    connection.house.lines.remove(&connection.line);
    // A hub that is not there will not find the line when it is made again.
    let _ = connection.house.hub.cast(Gone(connection.line.clone()));
    if rest {
        within(&*connection.house.runtime, LINGER, poll_fn(|cx| connection.drain(cx))).await;
    }
}

impl Connection {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Turn> {
        let line = self.line.clone();
        let Some(mut wire) = line.wire() else { return Poll::Ready(Turn::Over) };
        for _ in 0..ROUNDS {
            match self.round(&mut wire, cx) {
                Ok(Some(turn)) => return Poll::Ready(turn),
                Ok(None) => {}
                // The client has gone, or does not read.
                Err(Pause::Error) => return Poll::Ready(Turn::Over),
                Err(Pause::Idle) => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
