//! Pools.

mod autoscale;
mod dispatch;
mod queue;
mod rate;

pub use autoscale::{Autoscale, Scaler, Scaling};
pub use dispatch::{ByKey, Dispatcher, Job, LeastLoaded, Load, RoundRobin};
pub use rate::{Rate, TokenBucket};
