//! What actors are on every runtime: one suite of cases, run over each adapter by [`executor_suite!`](crate::executor_suite).
//!
//! A case is a claim about actors, written once as an `async fn` over a [`System`]; it knows no executor. A case waits
//! for events (an answer, a `Down`, an end), never for the clock, so the suite is as fast as the runtime is, and with a
//! virtual clock it takes no time at all. After each case all actors must end when told to, and the ledger must balance.
//!
//! Whoever writes a [`Runtime`] of their own proves it so, in a test file with the feature `conformance` switched on:
//!
//! ```
//! use ravelin_core::conformance::Case;
//! use ravelin_core::runtimes::Local; // yours
//!
//! fn run_on_local(case: Case) {
//!     let local = Local::new();
//!     local.block_on(case.in_task(local.clone()));
//!     local.shutdown();
//! }
//!
//! ravelin_core::executor_suite!(local, run_on_local);
//! # fn main() {}
//! ```
//!
//! This makes a module `local` with a `#[test]` for each case. The function given to it makes a fresh executor for a
//! case, drives one of the two futures that the case offers to its end, and lets its panic through:
//! [`Case::in_task`] runs the case in a task of the runtime, as programs do; [`Case::outside`] runs it where it is
//! polled, as `main` and foreign threads do. It is worth running both.

// A case's name is its claim, and all that there is to say about it.
#![allow(missing_docs, reason = "a case's name is its claim")]

mod list;
mod mortal;
mod nodes;
mod puppet;

#[doc(hidden)]
pub mod bonds;
#[doc(hidden)]
pub mod budgets;
#[doc(hidden)]
pub mod calls;
#[doc(hidden)]
pub mod circles;
#[doc(hidden)]
pub mod crashes;
#[doc(hidden)]
pub mod ends;
#[doc(hidden)]
pub mod faults;
#[doc(hidden)]
pub mod groups;
#[doc(hidden)]
pub mod joined;
#[doc(hidden)]
pub mod kept;
#[doc(hidden)]
pub mod kills;
#[doc(hidden)]
pub mod mailboxes;
#[doc(hidden)]
pub mod monitors;
#[doc(hidden)]
pub mod names;
#[doc(hidden)]
pub mod overload;
#[doc(hidden)]
pub mod pipes;
#[doc(hidden)]
pub mod requests;
#[doc(hidden)]
pub mod sends;
#[doc(hidden)]
pub mod starts;
#[doc(hidden)]
pub mod suspensions;
#[doc(hidden)]
pub mod sys;
#[doc(hidden)]
pub mod tasks;
#[doc(hidden)]
pub mod timers;
#[doc(hidden)]
pub mod traces;

use crate::exit::Exit;
use crate::runtime::Runtime;
use crate::system::System;
use crate::timer::within;
use futures::channel::oneshot;
use futures::future::{BoxFuture, FutureExt};
use std::fmt;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

/// Longer than any case takes. A case that takes so long waits for something that does not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// One claim of the suite, to be run on a runtime.
#[derive(Clone, Copy)]
pub struct Case {
    name: &'static str,
    run: fn(System) -> BoxFuture<'static, ()>,
}

impl Case {
    #[doc(hidden)]
    pub const fn new(name: &'static str, run: fn(System) -> BoxFuture<'static, ()>) -> Case {
        Case { name, run }
    }

    /// The claim.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs the case in a task of the runtime, and panics when it does not hold. The runtime must be running.
    pub async fn in_task(self, runtime: Arc<dyn Runtime>) {
        let system = System::new(runtime.clone());
        self.in_task_of(runtime, system).await;
    }

    /// As `in_task`, in a system that runs its actors as one with very many of them does.
    pub async fn in_a_crowd(self, runtime: Arc<dyn Runtime>) {
        let system = System::new(runtime.clone());
        system.be_crowded();
        self.in_task_of(runtime, system).await;
    }

    async fn in_task_of(self, runtime: Arc<dyn Runtime>, system: System) {
        let (done, outcome) = oneshot::channel();
        let case = AssertUnwindSafe(self.hold(system)).catch_unwind();
        runtime.spawn("conformance", case.map(|outcome| drop(done.send(outcome))).boxed());
        match outcome.await {
            Ok(Ok(())) => {}
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => panic!("the runtime dropped a task that was not done"),
        }
    }

    /// Runs the case where this is polled, and panics when it does not hold. The runtime must be running.
    pub async fn outside(self, runtime: Arc<dyn Runtime>) {
        self.hold(System::new(runtime)).await;
    }

    async fn hold(self, system: System) {
        let runtime = system.runtime().clone();
        let case = (self.run)(system.clone());
        if within(&*runtime, PATIENCE, case).await.is_none() {
            panic!("`{}` waits for something that does not come; living: {:?}", self.name, system.pids());
        }
        system.shut_down_all(Duration::from_secs(5)).await;
        assert!(system.is_empty(), "`{}` left actors: {:?}", self.name, system.pids());
        let ledger = system.ledger();
        assert!(ledger.is_balanced(), "`{}` left an unbalanced ledger: {ledger:?}", self.name);
        assert_eq!(ledger.waiting, 0, "`{}` left messages that wait for nobody: {ledger:?}", self.name);
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({})", self.name)
    }
}

/// Makes a module with a `#[test]` for each case of the [conformance suite](crate::conformance), run by a function of
/// a [`Case`](crate::conformance::Case). The feature `conformance` offers it.
#[macro_export]
macro_rules! executor_suite {
    ($name:ident, $run:expr) => {
        mod $name {
            #[allow(unused_imports, reason = "the function may be named by its path")]
            use super::*;
            $crate::__executor_cases! { $run }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __executor_tests {
    ($run:expr; $($group:ident: $($case:ident),* $(,)?;)*) => {
        $($(
            #[test]
            fn $case() {
                fn boxed(system: $crate::System) -> $crate::conformance::BoxedCase {
                    ::std::boxed::Box::pin($crate::conformance::$group::$case(system))
                }
                ($run)($crate::conformance::Case::new(::std::stringify!($case), boxed));
            }
        )*)*
    };
}

#[doc(hidden)]
pub type BoxedCase = BoxFuture<'static, ()>;

/// Some reasons to end, one of each kind.
fn reasons() -> Vec<Exit> {
    vec![
        Exit::Normal,
        Exit::Shutdown,
        Exit::shutdown_with(Exit::error("drained")),
        Exit::error("broken"),
        Exit::NoProc,
        Exit::Killed,
    ]
}
