//! Adapters for executors beside those of `ravelin-core`.
//!
//! | what | feature | tasks run on | timers | blocking jobs | when the executor ends |
//! |---|---|---|---|---|---|
//! | [`Hosted`] | none | whoever polls its [`Host`] | the sleep that it was given | a thread each | the `Host` drops the tasks |
//! | `on_embassy` | `embassy` | one task of embassy's | embassy-time | a thread each | it never does; [`Hosted::shutdown`] drops the tasks |
//! | `on_compio` | `compio` | one task of compio's | compio's | a thread each | compio drops the tasks |
//! | `AsyncStd` | `async-std` | async-std's threads | async-std's | async-std's pool | it never does |
//! | `Bastion` | `bastion` | bastion-executor's threads | a thread of its own | a thread each | it never does |
//!
//! What all adapters promise is said at [`ravelin_core::runtimes`].

mod tasks;
mod timers;

mod hosted;

#[cfg(feature = "async-std")]
mod async_std;
#[cfg(feature = "bastion")]
mod bastion;
#[cfg(feature = "compio")]
mod compio;
#[cfg(feature = "embassy")]
mod embassy;

#[cfg(feature = "async-std")]
pub use self::async_std::AsyncStd;
#[cfg(feature = "bastion")]
pub use self::bastion::Bastion;
#[cfg(feature = "compio")]
pub use self::compio::on_compio;
#[cfg(feature = "embassy")]
pub use self::embassy::on_embassy;
pub use self::hosted::{Host, Hosted};
