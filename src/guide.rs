//! The chapters of the guide and the README as doc tests: a program that no longer compiles, or no longer does what
//! the text says, fails `cargo test`.

macro_rules! pages {
    ($($name:ident: $path:literal,)*) => { $(#[doc = include_str!($path)] mod $name {})* };
}

pages! {
    readme: "../README.md",
    hello: "../docs/guide/01-hello.md",
    call_and_cast: "../docs/guide/02-call-and-cast.md",
    trees: "../docs/guide/03-trees.md",
    restarts: "../docs/guide/04-restarts.md",
    links_and_monitors: "../docs/guide/05-links-and-monitors.md",
    timers_names_groups: "../docs/guide/06-timers-names-groups.md",
    closure_actors: "../docs/guide/07-closure-actors.md",
    executors: "../docs/guide/08-executors.md",
    testing: "../docs/guide/09-testing-your-actors.md",
    state_machines: "../docs/guide/10-state-machines.md",
    events: "../docs/guide/11-events.md",
    overload: "../docs/guide/17-overload.md",
    streams_and_services: "../docs/guide/18-streams-and-services.md",
    os_processes: "../docs/guide/19-os-processes.md",
    registry: "../docs/guide/14-registry.md",
    applications: "../docs/guide/15-applications.md",
    tasks: "../docs/guide/12-tasks.md",
    pools: "../docs/guide/13-pools.md",
    looking_inside: "../docs/guide/16-looking-inside.md",
    circles_and_deadlines: "../docs/guide/20-circles-and-deadlines.md",
    from_one_node_to_many: "../docs/guide/21-from-one-node-to-many.md",
    what_happens_in_a_netsplit: "../docs/guide/22-what-happens-in-a-netsplit.md",
    tracing: "../docs/tracing.md",
}
