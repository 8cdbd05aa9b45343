//! How fast a supervised child is back.

use crate::driver::Bench;

pub(crate) async fn restart(bench: &Bench) {
    bench.run.unsupported("the supervisor is not there yet")
}
