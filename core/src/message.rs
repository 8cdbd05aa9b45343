//! Messages: any type that says what the answer to it is, and what becomes of it when there is too much.

use ravelin_mailbox::Class;
use std::time::Duration;

/// A type that can be sent to an actor.
///
/// Usually derived: `#[derive(Message)]`, with `#[message(reply = T)]` when a call gets an answer.
///
/// ```
/// struct Get;
/// impl ravelin_core::Message for Get {
///     type Reply = i64;
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a message",
    note = "derive it: `#[derive(Message)]`, with `#[message(reply = T)]` when a call gets an answer"
)]
pub trait Message: Send + 'static {
    /// What a call with this message is answered with; `()` when there is nothing to say.
    type Reply: Send + 'static;

    /// What becomes of a request that waits in the mailbox when its caller waits no more: because its time was over, or it
    /// was dropped.
    const ABANDONED: Abandoned = Abandoned::Skip;

    /// Who gets into a bounded mailbox when room is short: see [`Class`]. It has no part in the order of handling.
    const CLASS: Class = Class::Interactive;

    /// How long it is worth handling, from the cast, or from the first poll of the send or the call, on the runtime's
    /// clock. One that is older when its turn comes is not handled: the ledger counts it as expired, and a call ends with
    /// [`CallError::Discarded`](crate::CallError), at that time and not before. The time that its sender waits for room
    /// counts; what an actor gives itself (timers, pipes, `continue_with`) has no age. Costs two looks at the clock, for
    /// messages that have one.
    const TTL: Option<Duration> = None;
}

/// What becomes of a request whose caller waits no more before it is handled.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Abandoned {
    /// It is not handled; the ledger counts it as expired.
    #[default]
    Skip,
    /// It is handled all the same, as OTP does: nobody gets the answer.
    Handle,
}
