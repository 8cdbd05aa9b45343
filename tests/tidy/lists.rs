//! What the rules hold for. To add a crate, a pure file or an exception, change a list here, in a commit that says why.

/// Where the rules look, beside the files of the root folder itself.
pub(crate) const FOLDERS: &[&str] = &[
    ".ci",
    "behaviours",
    "benches",
    "bridges",
    "cluster",
    "core",
    "docs",
    "examples",
    "executors",
    "macros",
    "mailbox",
    "sim",
    "src",
    "supervisor",
    "tests",
];

/// The code that users link: the strictest rules hold here.
pub(crate) const LIBRARY: &[&str] = &[
    "behaviours/src/",
    "bridges/src/",
    "cluster/src/",
    "core/src/",
    "executors/src/",
    "macros/src/",
    "mailbox/src/",
    "sim/src/",
    "src/",
    "supervisor/src/",
];

/// The line of crates. A crate may depend on those above it.
pub(crate) const LINE: &[&str] = &[
    "ravelin-mailbox",
    "ravelin-core",
    "ravelin-behaviours",
    "ravelin-supervisor",
    "ravelin-sim",
    "ravelin-bridges",
    "ravelin-executors",
    "ravelin-cluster",
    "ravelin",
];

/// Stands beside the line: depends on no crate of it, and only the facade depends on it.
pub(crate) const ALONE: &str = "ravelin-macros";

/// Packages under these folders are programs on top of the facade; nothing depends on them.
pub(crate) const PROGRAMS: &[&str] = &["benches/", "cluster/fuzz/", "docs/programs/", "examples/"];

/// The most names in the facade's prelude.
pub(crate) const PRELUDE_MAX: usize = 12;

/// The pure files: state, event and time in, actions out. A name that ends in `/` is a folder. A file whose first line
/// says `[pure]` is one too.
pub(crate) const PURE: &[&str] = &[
    "behaviours/src/statem/plan.rs",
    "bridges/src/port/framing.rs",
    "cluster/src/proto/",
    "core/src/bonds.rs",
    "core/src/lifecycle.rs",
    "supervisor/src/backoff.rs",
    "supervisor/src/hashing.rs",
    "supervisor/src/intensity.rs",
    "supervisor/src/plan/",
    "supervisor/src/policy.rs",
    "supervisor/src/pool/autoscale.rs",
    "supervisor/src/pool/dispatch.rs",
    "supervisor/src/pool/queue.rs",
    "supervisor/src/pool/rate.rs",
];

/// What a pure file may not name, and what to do instead. A word that ends in `*` is a beginning.
pub(crate) const IMPURE: &[(&str, &str)] = &[
    ("async", "return an action and let the shell await it"),
    ("await", "return an action and let the shell await it"),
    ("Future", "return an action and let the shell await it"),
    ("Waker", "return an action and let the shell wake"),
    ("Instant", "take `now: Time` as an argument"),
    ("SystemTime", "take `now: Time` as an argument"),
    ("Runtime", "take what it would give as an argument"),
    ("rand", "take a seed or a random number as an argument"),
    ("entropy", "take a seed or a random number as an argument"),
    ("RandomState", "use BTreeMap or Vec"),
    ("HashMap", "its order is not stated; use BTreeMap or Vec"),
    ("HashSet", "its order is not stated; use BTreeSet or Vec"),
    ("DashMap", "pure state has one owner; use BTreeMap or Vec"),
    ("thread", "a pure file knows no thread"),
    ("thread_local", "a pure file knows no thread"),
    ("spawn", "return an action and let the shell spawn"),
    ("tokio", "a pure file knows no executor"),
    ("smol", "a pure file knows no executor"),
    ("futures", "a pure file knows no executor"),
    ("Mutex", "pure state has one owner; take `&mut self`"),
    ("RwLock", "pure state has one owner; take `&mut self`"),
    ("RefCell", "pure state has one owner; take `&mut self`"),
    ("Atomic*", "pure state has one owner; take `&mut self`"),
    ("static", "keep it in the state"),
    ("unsafe", "a pure file needs none"),
    ("std::env", "take it as an argument"),
    ("std::fs", "return an action and let the shell do it"),
    ("std::net", "a pure file knows no socket"),
    ("TcpStream", "a pure file knows no socket"),
    ("UdpSocket", "a pure file knows no socket"),
    ("println", "return an event"),
    ("tracing", "return an event"),
];

/// Where clocks, threads and executors may be named: the adapters. Tests, benches and examples are free too.
pub(crate) const ADAPTERS: &[&str] = &[
    "core/src/runtimes/",
    "core/src/runtimes.rs",
    "cluster/src/transport/tcp.rs",
    "cluster/src/transport/quic.rs",
    "cluster/src/transport/reactor.rs",
    "cluster/src/bin/ravelin-ca.rs",
    "executors/src/",
    "supervisor/src/application/signals.rs",
];

/// What the rest of the library may not name, and what to do instead.
pub(crate) const BANNED: &[(&str, &str)] = &[
    ("Instant::now", "take `now` as an argument, or ask Runtime::now"),
    ("SystemTime::now", "ask Runtime::system_time"),
    ("thread::spawn", "use Runtime::spawn or Runtime::spawn_blocking"),
    ("thread::scope", "use Runtime::spawn_blocking"),
    ("thread::Builder", "use Runtime::spawn_blocking"),
    ("thread::sleep", "set a Runtime::timer"),
    ("use tokio", "only the adapters know an executor"),
    ("tokio::select", "it picks at random; poll in a stated order"),
    ("tokio::spawn", "use Runtime::spawn"),
    ("tokio::task", "use Runtime::spawn"),
    ("tokio::time", "use Runtime::timer"),
    ("use smol", "only the adapters know an executor"),
    ("smol::spawn", "use Runtime::spawn"),
    ("smol::Timer", "use Runtime::timer"),
    ("smol::unblock", "use Runtime::spawn_blocking"),
    ("futures::select!", "it picks at random; use select_biased!"),
    ("select!", "it picks at random; use select_biased!"),
    ("rand::rng", "ask Runtime::entropy"),
    ("rand::random", "ask Runtime::entropy"),
    ("thread_rng", "ask Runtime::entropy"),
    ("RandomState", "its order differs from run to run; use BTreeMap or a fixed hasher"),
];

/// Banned names that a library file may use all the same: path, name.
pub(crate) const BANNED_ALLOWED: &[(&str, &str)] = &[("sim/src/threads.rs", "thread::scope")];

/// Library files, or folders, that may hold a `static`.
pub(crate) const STATICS_ALLOWED: &[&str] = &[];

/// Library files, or folders, that may hold a `thread_local!`: what a thread is doing just now, never state of a System.
pub(crate) const THREAD_LOCALS_ALLOWED: &[&str] = &[
    "cluster/src/shell/bonds.rs",
    "cluster/src/shell/crossing.rs",
    "core/src/cell/",
    "core/src/crossing.rs",
    "core/src/fate.rs",
    "core/src/panics.rs",
    "core/src/runtimes/",
    "mailbox/src/records.rs",
    "sim/src/unsent.rs",
];

/// Library folders that use their crate as its users do, through the front door: suites for third parties.
pub(crate) const FRONT_DOOR_ALLOWED: &[&str] = &["core/src/conformance/"];

/// Files, or folders, that may hold `unsafe`.
pub(crate) const UNSAFE_ALLOWED: &[&str] = &["core/src/cell/", "mailbox/"];

/// Files over the limits: path, lines of logic, lines in all. They may only shrink, and then leave the list.
pub(crate) const LONG_FILES: &[(&str, usize, usize)] = &[];

/// Functions over the limit: path, name, lines. They may only shrink, and then leave the list.
pub(crate) const LONG_FUNCTIONS: &[(&str, &str, usize)] = &[];

/// The most lines of logic (neither blank, comment nor test) of a file that is not a test.
pub(crate) const FILE_LOGIC_MAX: usize = 400;

/// The most lines of any file, all counted.
pub(crate) const FILE_MAX: usize = 800;

/// The most lines of a function, from its `fn` to its last brace.
pub(crate) const FUNCTION_MAX: usize = 70;

/// What a decision record says, in this order.
pub(crate) const DECISION_SECTIONS: &[&str] =
    &["## Status", "## Context", "## Decision", "## Alternatives", "## Consequences"];

/// Beginnings of paths that exist on one machine only.
pub(crate) const MACHINE_PATHS: &[&str] =
    &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];

/// Words that mark what is not finished.
pub(crate) const LEFTOVERS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Code that marks what is not finished, not tested or not meant to stay.
pub(crate) const LEFTOVER_CODE: &[&str] = &["todo!", "unimplemented!", "dbg!", "#[ignore", "assert!(true"];

/// What the line of a sleep in a test, or the one above, says where it is no waiting for something else to happen.
pub(crate) const SLEEP_MARKS: &[&str] = &["tidy: virtual time", "tidy: tests the timer"];

/// The features, named as the crates they switch on, that the facade has by default.
pub(crate) const DEFAULT_FEATURES: &[&str] = &["tokio"];

/// The crates that the default build may bring in. ADR 0006 says why.
pub(crate) const CRATES: &[&str] = &[
    "bitflags",
    "bytes",
    "cfg-if",
    "critical-section",
    "crossbeam-utils",
    "dashmap",
    "errno",
    "futures",
    "futures-channel",
    "futures-core",
    "futures-executor",
    "futures-io",
    "futures-macro",
    "futures-sink",
    "futures-task",
    "futures-util",
    "hashbrown",
    "libc",
    "lock_api",
    "memchr",
    "mio",
    "once_cell",
    "parking_lot_core",
    "pin-project-lite",
    "portable-atomic",
    "proc-macro2",
    "quote",
    "redox_syscall",
    "scopeguard",
    "signal-hook-registry",
    "slab",
    "smallvec",
    "socket2",
    "syn",
    "tokio",
    "tokio-macros",
    "tracing",
    "tracing-attributes",
    "tracing-core",
    "unicode-ident",
    "valuable",
    "wasi",
    "windows-link",
    "windows-sys",
];
