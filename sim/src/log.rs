//! What happened in a run.

use crate::seed::hash_of;

/// The events of a run: their number, and a hash over all of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Log {
    hash: u64,
}

impl Log {
    /// An empty log.
    #[expect(clippy::new_without_default, reason = "it begins with a run")]
    pub fn new() -> Log {
        Log { hash: hash_of(b"ravelin") }
    }

    /// The hash of all that was logged.
    pub fn hash(&self) -> u64 {
        self.hash
    }
}
