//! Lesson 3: a tree with two strategies. What ends alone is restarted alone; what depends on it goes with it.

use ravelin::prelude::*;
use ravelin::{SupervisorRef, TrapExits, runtimes::Tokio, start};
use std::time::Duration;

/// A part of a pipeline that says when it comes and goes.
struct Part(&'static str);

impl Actor for Part {
    type Args = &'static str;
    async fn init(name: &'static str, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        cx.trap_exits(TrapExits::Yes); // so that `terminate` runs when the supervisor stops it
        println!("  {name} starts");
        Ok(Part(name))
    }
    async fn terminate(&mut self, why: &Exit, _: &mut Cx<Self>) {
        println!("  {} stops: {why}", self.0);
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let part = |name: &'static str| (ActorRef::<Part>::place(name), name);
    let spec = |(place, name): &(ActorRef<Part>, &'static str)| {
        let name = *name;
        child(place, move || name)
    };
    let (cache, reader, parser, writer) = (part("cache"), part("reader"), part("parser"), part("writer"));
    let pipeline = SupervisorRef::place("pipeline");

    // The parser lives on what the reader sends, the writer on what the parser sends; the cache stands alone.
    let tree = Supervisor::one_for_one("app").intensity(3, Duration::from_secs(5)).child(spec(&cache)).child(
        Supervisor::rest_for_one("pipeline")
            .child(spec(&reader))
            .child(spec(&parser))
            .child(spec(&writer))
            .at(&pipeline),
    );
    print!("{tree}"); // a spec is a value: nothing has started yet

    println!("start, in order:");
    let app = start(Tokio::current(), tree).await?;

    for victim in [&cache.0, &parser.0] {
        println!("kill the {}:", victim.name().expect("it has a name"));
        let before = victim.pid().expect("it lives");
        let end = app.system().ended(before);
        app.system().kill(before);
        end.await;
        // Who waited before the end hears of it after the supervisors did; their answers come after what they do about it.
        app.root().which_children().await?;
        pipeline.which_children().await?;
        assert!(victim.is_alive() && victim.pid() != Some(before));
    }

    println!("stop, newest first:");
    println!("the root ended: {}", app.stop().await.root);
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Runtime::new()?.block_on(run())
}
