//! A connection's actor: carries what is said on a line between its socket and the other actors.
//!
//! It keeps nothing of its own but its patience. The line is taken, worked on and given back within one poll, and
//! a kill comes between two polls; so whenever one comes, the line is whole.

use std::future::poll_fn;
use std::io;
use std::ops::ControlFlow::{self, Break, Continue};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Buf;
use ravelin::{Timer, within};

use super::hub::{Gone, Tell};
use super::partition::Execute;
use super::{House, admin};
use crate::command::Admin;
use crate::line::{Delivery, Dialogue, Errand, Line, Whom, Wire};

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
    /// Somebody is not there just now.
    Waits(Whom),
    /// The system is to be asked. A successor asks again.
    Asks(Admin),
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
            Turn::Waits(whom) => connection.wait(whom).await,
            Turn::Asks(asked) => connection.ask(asked).await,
        }
    }
    let Connection { line, house, .. } = connection;
    line.deafen();
    house.lines.remove(&line);
    // A hub that is not there will not find the line when it is made again.
    let _ = house.hub.cast(Gone(line.clone()));
    // Closed with bytes unread, a socket takes back what the client has not read yet: the error, perhaps.
    within(house.runtime(), LINGER, poll_fn(|cx| drain(&line, cx))).await;
}

impl Connection {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Turn> {
        let line = self.line.clone();
        let Some(mut wire) = line.wire() else { return Poll::Ready(Turn::Over) };
        for _ in 0..ROUNDS {
            match self.round(&mut wire, cx) {
                Ok(Break(turn)) => return Poll::Ready(turn),
                Ok(Continue(true)) => {}
                Ok(Continue(false)) => return Poll::Pending,
                Err(error) => {
                    tracing::debug!(client = wire.dialogue.describe(), %error, "closed");
                    return Poll::Ready(Turn::Over);
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Does what can be done now: whether that was anything.
    fn round(&mut self, wire: &mut Wire, cx: &mut Context<'_>) -> io::Result<ControlFlow<Turn, bool>> {
        let deliveries = self.line.take_deliveries(cx.waker());
        let mut did = !deliveries.is_empty();
        for delivery in deliveries {
            wire.dialogue.handle_delivery(delivery);
        }
        wire.dialogue.advance(|| self.house.facts());
        if wire.dialogue.is_ending() {
            self.line.deafen();
        }
        self.house.counters.commands.fetch_add(wire.dialogue.taken(), Relaxed);
        if let Err(turn) = self.send_errands(&mut wire.dialogue) {
            return Ok(Break(turn));
        }
        did |= self.write(wire, cx)?;
        if wire.dialogue.is_over() {
            return Ok(Break(Turn::Over));
        }
        did |= read(wire, cx)?;
        Ok(Continue(did))
    }

    fn send_errands(&self, dialogue: &mut Dialogue) -> Result<(), Turn> {
        while let Some((lane, asked)) = dialogue.poll_keys() {
            let errand = Errand::new(self.line.clone(), lane, asked, Delivery::Keys);
            if let Err(error) = self.house.partition(lane).cast(Execute(errand)) {
                dialogue.keys_unsent(lane, error.into_message().0.unsent());
                return Err(Turn::Waits(Whom::Partition(lane)));
            }
        }
        while let Some(asked) = dialogue.poll_words() {
            let errand = Errand::new(self.line.clone(), 0, asked, Delivery::Words);
            if let Err(error) = self.house.hub.cast(Tell(errand)) {
                dialogue.words_unsent(error.into_message().0.unsent());
                return Err(Turn::Waits(Whom::Hub));
            }
        }
        dialogue.poll_admin().map_or(Ok(()), |asked| Err(Turn::Asks(asked)))
    }

    fn write(&mut self, wire: &mut Wire, cx: &mut Context<'_>) -> io::Result<bool> {
        let output = wire.dialogue.output();
        let before = output.len();
        while !output.is_empty() {
            match wire.socket.poll_write(cx, output)? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(count) => output.advance(count),
                Poll::Pending => break,
            }
        }
        let did = output.len() < before;
        if did || output.is_empty() {
            self.patience = None;
        }
        if !output.is_empty() {
            let runtime = self.house.runtime();
            let patience = self.patience.get_or_insert_with(|| runtime.timer(runtime.now() + PATIENCE));
            if patience.as_mut().poll(cx).is_ready() {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        Ok(did)
    }

    async fn ask(&mut self, asked: Admin) {
        let reply = admin::answer(&self.house, asked).await;
        if let Some(mut wire) = self.line.wire() {
            wire.dialogue.handle_admin(&reply);
        }
    }

    async fn wait(&mut self, whom: Whom) {
        let ready = async {
            match whom {
                Whom::Partition(number) => self.house.partition(number).ready().await,
                Whom::Hub => self.house.hub.ready().await,
            }
        };
        if within(self.house.runtime(), RESTART_WAIT, ready).await.is_none()
            && let Some(mut wire) = self.line.wire()
        {
            wire.dialogue.give_up(whom);
        }
    }
}

/// Reads, if that would do any good now.
fn read(wire: &mut Wire, cx: &mut Context<'_>) -> io::Result<bool> {
    if !wire.dialogue.wants_bytes() {
        return Ok(false);
    }
    let mut chunk = [0; CHUNK];
    match wire.socket.poll_read(cx, &mut chunk)? {
        Poll::Ready(0) => wire.dialogue.handle_end(),
        Poll::Ready(count) => wire.dialogue.handle_bytes(&chunk[..count]),
        Poll::Pending => return Ok(false),
    }
    Ok(true)
}

/// Says that nothing more will come, and waits for the client to say so too.
fn drain(line: &Line, cx: &mut Context<'_>) -> Poll<()> {
    let Some(mut wire) = line.wire() else { return Poll::Ready(()) };
    if wire.socket.poll_finish(cx).is_pending() {
        return Poll::Pending;
    }
    let mut chunk = [0; CHUNK];
    loop {
        match wire.socket.poll_read(cx, &mut chunk) {
            Poll::Ready(Ok(1..)) => {}
            Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
            Poll::Pending => return Poll::Pending,
        }
    }
}
