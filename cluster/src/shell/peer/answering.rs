//! What a peer asks, and answers.

use crate::proto::frame::{Asked, Failure, Head, Signal as Framed};
use crate::proto::link::{Flow, Pushed};
use crate::proto::waits::CallId;
use crate::shell::failure;
use bytes::Bytes;
use ravelin_core::crossing::WayBack;
use ravelin_core::{CallError, Caller, Pid, Sight};

use super::gate::Gate;
use super::{NotSent, Payload, Peer};

impl Peer {
    /// A request of the peer is in hand. The caller comes back if it can not be taken.
    pub(crate) fn take(&self, id: Asked, caller: Caller) -> Result<(), Caller> {
        let mut gate = self.gate();
        let (in_hand, id) = gate.in_hand(id);
        in_hand.take(id, caller).map_err(|(_, caller)| caller)
    }

    /// The peer waits no longer.
    pub(crate) fn give_up(&self, id: u64) {
        let caller = self.gate().in_hand.end(CallId(id));
        drop(caller);
    }

    /// A look at a call of the peer that is in hand.
    pub(in crate::shell) fn sight(&self, call: CallId) -> Option<Sight> {
        self.gate().in_hand.get(call).map(Caller::sight)
    }

    /// Ends a call of the peer, if it is still in hand.
    pub(in crate::shell) fn fail_held(&self, call: CallId, why: CallError<()>) {
        let failure = self.failure(why);
        let mut gate = self.gate();
        let Some(caller) = gate.in_hand.end(call) else { return };
        let pushed = gate.signal(Flow::Place(0), &Framed::Failed { id: Asked::Call(call.0), failure });
        drop(gate);
        self.wake_if(pushed);
        drop(caller);
    }

    /// Sends a probe, unless more bytes than this wait in the control lane.
    pub(in crate::shell) fn push_probe(&self, probe: &Framed, flow: Flow, below: usize) {
        let mut gate = self.gate();
        let Some(up) = &mut gate.up else { return };
        if up.outbox.waiting()[0] < below
            && let Ok(pushed) = up.outbox.push_signal(flow, probe)
        {
            drop(gate);
            self.wake_if(pushed);
        }
    }

    /// For the peer. Not under the gate.
    fn failure(&self, why: CallError<()>) -> Failure {
        failure::to_frame(why, |pid| self.known_there(pid))
    }

    /// Answers the peer, with bytes that `append` gives.
    pub(crate) fn answer(
        &self,
        flow: Option<Pid>,
        id: Asked,
        answer: Result<&dyn crate::accepts::Bytes, CallError<()>>,
    ) {
        let flow = flow.map_or(Flow::Place(0), Flow::Actor);
        let pushed = answer.and_then(|answer| {
            let push = |payload: Payload<'_>| {
                self.end_in_hand(id, |gate| gate.payload(flow, &Head::Answer { id }, payload));
                Ok(())
            };
            self.write_by(|bytes| answer.append(bytes), push).map_err(unwritten)
        });
        if let Err(why) = pushed {
            let failure = self.failure(why);
            self.end_in_hand(id, |gate| gate.signal(flow, &Framed::Failed { id, failure }));
        }
    }

    /// A request of the peer is answered by what `push` pushes.
    fn end_in_hand(&self, id: Asked, push: impl FnOnce(&mut Gate) -> Pushed) {
        let mut gate = self.gate();
        let (in_hand, number) = gate.in_hand(id);
        let caller = in_hand.end(number);
        let pushed = push(&mut gate);
        drop(gate);
        self.wake_if(pushed);
        drop(caller);
    }

    /// A send of the peer came to this.
    pub(crate) fn sent(&self, id: u64, outcome: Result<(), CallError<()>>) {
        let signal = match outcome {
            Ok(()) => Framed::Done { id },
            Err(why) => Framed::Failed { id: Asked::Call(id), failure: self.failure(why) },
        };
        let mut gate = self.gate();
        let pushed = gate.signal(Flow::Place(0), &signal);
        drop(gate);
        self.wake_if(pushed);
    }

    /// The peer answered.
    pub(crate) fn answered(
        &self,
        id: Asked,
        answer: Result<Bytes, CallError<()>>,
    ) -> Option<(WayBack, Result<Bytes, CallError<()>>)> {
        match id {
            Asked::Call(id) => {
                let request = self.gate().calls.end(CallId(id));
                if let Some(request) = request {
                    (request.wait)(answer);
                }
                None
            }
            Asked::Reply(id) => self.gate().ways.end(CallId(id)).map(|way| (way, answer)),
        }
    }
}

/// What to say when an answer is not written. Without a link nobody hears it.
fn unwritten(why: NotSent) -> CallError<()> {
    let why = match why {
        NotSent::Unfit(why) => why,
        NotSent::NoConnection | NotSent::Full => "there is no link".to_owned(),
    };
    CallError::NotUnderstood(format!("the answer could not be written: {why}").into())
}
