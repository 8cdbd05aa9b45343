//! Large messages, and what they do to small ones.

use crate::cast::{Blob, Echo, Octets};
use crate::world::World;
use ravelin_core::sleep;
use std::pin::pin;
use std::time::{Duration, Instant};

const BLOB: usize = 8 << 20;
const PING_EVERY: Duration = Duration::from_millis(5);

pub(crate) async fn bulk(world: &World) {
    let (node, _other, sink) = world.pair().await;
    let blobs = async {
        let begun = Instant::now();
        for _ in 0..world.run.n {
            let answer = sink.call(Blob(Octets(vec![7; BLOB]))).no_timeout().await;
            assert_eq!(answer.expect("an answer"), BLOB as u64);
        }
        begun.elapsed()
    };
    let (runtime, pinged) = (node.system().runtime(), sink.clone());
    let mut each = Vec::new();
    let pings = async {
        loop {
            let begun = Instant::now();
            pinged.call(Echo(1)).await.expect("an answer");
            each.push(begun.elapsed());
            sleep(&**runtime, PING_EVERY.saturating_sub(begun.elapsed())).await;
        }
    };
    let took = match futures::future::select(pin!(blobs), pin!(pings)).await {
        futures::future::Either::Left((took, _)) => took,
        futures::future::Either::Right((never, _)) => never,
    };
    let mib_per_sec = world.run.n as f64 * 8.0 / took.as_secs_f64();
    world.run.report_each(took, each, &[("mib_per_sec", mib_per_sec)]);
}
