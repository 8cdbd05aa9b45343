//! Chaos: actors are killed at random while the store serves, and it is told how fast each was back.

use std::sync::Arc;
use std::time::Duration;

use ravelin::Runtime;
use ravelin::sim::{Chaos, ChaosEvent, Plan, Rate};

/// This runtime, on which an actor is killed each time so much has passed.
pub fn over(runtime: Arc<dyn Runtime>, pause: Duration) -> Arc<Chaos> {
    // Nobody starts the root of an application again, nor a node of a cluster.
    const SPARED: [&str; 7] = ["store", "ravelin-node", "keeper", "links", "link-*", "seeds", "door"];
    let plan = SPARED.into_iter().fold(Plan::none().kills(Rate::every(pause)), Plan::spare);
    Chaos::new(runtime, plan, tell)
}

fn tell(event: &ChaosEvent) {
    match event {
        ChaosEvent::Back { strike, pid, after } => {
            println!("chaos: killed {} {}, back as {pid} after {after:.1?}", strike.place, strike.pid);
        }
        ChaosEvent::Gone(strike) => {
            println!("chaos: killed {} {}, which was not needed any more", strike.place, strike.pid);
        }
        _ => {}
    }
}
