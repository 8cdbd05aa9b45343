//! Tasks under a supervisor: work that gives a value, beside the one who asked for it. Elixir's `Task.Supervisor`.
//!
//! - A [`TaskSupervisor`] is a dynamic supervisor, and a child of any tree. Its tasks never outlive it.
//! - [`async_task`](TaskSupervisor::async_task) is for work whose failure is the caller's: it is linked to the calling
//!   actor, each ends with the other, and it ends when its [`TaskHandle`] is dropped.
//!   [`async_nolink`](TaskSupervisor::async_nolink) is for work that may fail by itself.
//!   [`start_child`](TaskSupervisor::start_child) is for work that nobody waits for.
//! - A panic in a task is a value for who waits, [`TaskError::Exited`], with the panic's message and place.
//! - When a handle gives the outcome, the task is gone, and its place under the supervisor is free.
//! - [`async_stream`](TaskSupervisor::async_stream) runs a task for each input, no more at a time than it was told.
//!
//! A task is one future: it has no inbox and cannot trap exits, so it ends at its next await whoever ends it.

mod handle;
mod supervisor;
mod stream;

pub use handle::{TaskError, TaskHandle};
pub use stream::{OnTimeout, TaskFailed, TaskStream};
pub use supervisor::{Caller, Outside, TaskSupervisor};
