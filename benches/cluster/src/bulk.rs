//! Large messages, and what they do to small ones.

use crate::cast::{Blob, Octets};
use crate::messages::{Calls, Sender};
use crate::world::World;
use ravelin_core::sleep;
use std::sync::Arc;
use std::time::{Duration, Instant};

const BLOB: usize = 8 << 20;
const PING_EVERY: Duration = Duration::from_millis(5);

pub(crate) async fn bulk(world: &World) {
    let (node, _other, sink) = world.pair().await;
    // What one sends keeps its order: so another one pings.
    let pinger = node.system().spawn::<Sender>(sink.clone()).await.expect("it starts");
    let count = world.run.n;
    let blobs = tokio::spawn(async move {
        let (begun, octets) = (Instant::now(), Arc::new(vec![7; BLOB]));
        for _ in 0..count {
            let answer = sink.call(Blob(Octets(octets.clone()))).no_timeout().await;
            assert_eq!(answer.expect("an answer"), BLOB as u64);
        }
        begun.elapsed()
    });
    let mut each = Vec::new();
    while !blobs.is_finished() {
        let took = pinger.call(Calls(1)).await.expect("an answer")[0];
        each.push(took);
        sleep(&**node.system().runtime(), PING_EVERY.saturating_sub(took)).await;
    }
    let took = blobs.await.expect("the blobs");
    let mib_per_sec = count as f64 * (BLOB >> 20) as f64 / took.as_secs_f64();
    world.run.report_each(took, each, &[("mib_per_sec", mib_per_sec)]);
}
