//! What comes to a mailbox beside its messages: signals, and notices that are decided on in the same critical section.

use crate::mailbox::{CONTROL, CUT, Mailbox};
use crate::protocol::{Consumer, Cut, Edge, NoConsumer, Phase, Pushed, Signalled};
use crate::records::Kind;
use crate::state::State;
use crate::sync::Ordering;

/// A mailbox that is not closed, under its lock: see [`Mailbox::signal_or_write`].
pub struct Inlet<'a, X: 'static, C, E> {
    state: &'a mut State<X, C, E>,
    has_written: bool,
}

impl<X, C, E: Consumer> Inlet<'_, X, C, E> {
    /// The owner's state. Be short, and call nothing of the mailbox.
    pub fn owner(&mut self) -> &mut E {
        &mut self.state.consumer
    }

    /// Adds a message whatever the capacity, as [`Mailbox::push_exempt`] does.
    pub fn write<P: Send>(&mut self, kind: &'static Kind<P, X>, payload: P) {
        self.state.write(kind, payload);
        if self.state.is_watched {
            self.state.consumer.accepted();
        }
        self.has_written = true;
    }
}

impl<X, C, E: Consumer> Mailbox<X, C, E> {
    /// Adds to the control lane, which has no limit, when `admit`, asked under the lock, gives a signal.
    ///
    /// # Errors
    /// The mailbox is closed; `admit` was not asked.
    pub fn signal(
        &self,
        edge: Edge,
        admit: impl FnOnce(&mut E) -> Option<(C, Cut)>,
    ) -> Result<Signalled<E::Wake>, NoConsumer> {
        self.signal_or_write(edge, |inlet| admit(inlet.owner()))
    }

    /// As [`signal`](Mailbox::signal); `admit` may as well write to the user lane. So what it looks at in the owner's
    /// state, what it changes there and what it writes are one: nothing gets in between.
    ///
    /// # Errors
    /// The mailbox is closed; `admit` was not asked.
    pub fn signal_or_write(
        &self,
        edge: Edge,
        admit: impl FnOnce(&mut Inlet<'_, X, C, E>) -> Option<(C, Cut)>,
    ) -> Result<Signalled<E::Wake>, NoConsumer> {
        let mut state = self.state.lock();
        if state.phase == Phase::Closed {
            return Err(NoConsumer);
        }
        let mut inlet = Inlet { state: &mut state, has_written: false };
        let signal = admit(&mut inlet);
        let has_written = inlet.has_written;
        let Some((signal, cut)) = signal else {
            if !has_written {
                return Ok(Signalled::Quiet);
            }
            return Ok(match Self::after_push(state, edge) {
                Pushed::Wake(wake) => Signalled::Wake(wake),
                Pushed::WakeReceiver(waker) => Signalled::WakeReceiver(waker),
                Pushed::Quiet | Pushed::Discarded | Pushed::Displaced(_) => Signalled::Quiet,
            });
        };
        state.rare().control.push_back(signal);
        let flags = if cut == Cut::Yes { CONTROL | CUT } else { CONTROL };
        self.flags.fetch_or(flags, Ordering::Release);
        match (state.phase, cut) {
            (Phase::Idle, _) | (Phase::Suspended, Cut::Yes) => {
                Ok(Signalled::Wake(Self::schedule(&mut state, edge)))
            }
            // A running consumer's future may have looked at the control lane already, and be about to suspend.
            (Phase::Suspended | Phase::Queued | Phase::Handed | Phase::Running | Phase::Closed, _) => {
                Ok(state.take_receiver().map_or(Signalled::Quiet, Signalled::WakeReceiver))
            }
        }
    }
}
