//! Messages: any type that says what the answer to it is.

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
}
