//! Pools: workers of one type under one supervisor, and one handle for all of them. bastion's children groups, ractor's
//! factory.
//!
//! - A [`Pool`] is a value, and becomes a child of a tree. Its workers are ordinary supervised actors: one that ends is
//!   started again at its own place, with its own number.
//! - A [`PoolRef`] sends to one worker, chosen by [`Dispatch`], or to everyone. It goes straight to the worker's mailbox:
//!   nobody stands between.
//! - With [`Requeue::Waiting`] jobs wait in the pool's own line instead, and a worker gets one at a time: when it ends,
//!   the one in hand is lost, and its caller is told so; all others are handled by somebody.
//! - [`Autoscale`] lets it grow and shrink by the jobs that wait. A worker that leaves first ends what it has.
//! - [`Pool::limit`] and [`Pool::rate`] are its door. A job that is not let in is handed back, or waits, by a policy
//!   with a name; [`PoolStats`] counts what became of all.
//!
//! Who gets a job, who leaves, how many may come: each is decided by a pure file.

mod autoscale;
mod dispatch;
mod rate;
mod queue;

mod error;
mod figures;
mod gate;
mod job;
mod members;

mod keeper;
mod reference;
mod distributor;
mod spec;

pub use autoscale::{Autoscale, Scaler, Scaling};
pub use dispatch::{Dispatch, Dispatcher, Job, Load};
pub use distributor::{Distributor, Distributors};
pub use error::PoolError;
pub use figures::PoolStats;
pub use gate::AtLimit;
pub use members::{Requeue, WhenDown};
pub use rate::{Rate, TokenBucket};
pub use reference::{PoolCall, PoolRef};
pub use spec::Pool;
