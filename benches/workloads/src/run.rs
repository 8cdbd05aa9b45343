//! The command line, and the JSON line that a run ends with.

use std::fmt::Write;
use std::time::Duration;

pub(crate) const WORKLOADS: &[&str] = &[
    "tell",
    "tell4",
    "ask",
    "ask_many",
    "ask_actor",
    "ask_apart",
    "ring",
    "spawn",
    "restart",
    "skynet",
    "fanout",
];

/// Which executor drives the run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Executor {
    Tokio,
    Smol,
}

/// What the command line asked for.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) name: String,
    pub(crate) workload: String,
    /// Messages, round trips, hops, actors, restarts, leaves or rounds.
    pub(crate) n: u64,
    pub(crate) unbounded: bool,
    pub(crate) executor: Executor,
}

impl Run {
    pub(crate) fn parse(name: &str) -> Run {
        let mut run = Run {
            name: name.to_owned(),
            workload: String::new(),
            n: 0,
            unbounded: false,
            executor: Executor::Tokio,
        };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().unwrap_or_else(|| usage(name));
            match arg.as_str() {
                "--n" => run.n = value().replace('_', "").parse().unwrap_or_else(|_| usage(name)),
                "--as" => run.name = value(),
                "--mailbox" => {
                    run.unbounded = match value().as_str() {
                        "bounded" => false,
                        "unbounded" => true,
                        _ => usage(name),
                    }
                }
                "--runtime" => {
                    run.executor = match value().as_str() {
                        "tokio" => Executor::Tokio,
                        "smol" => Executor::Smol,
                        _ => usage(name),
                    }
                }
                workload if run.workload.is_empty() && !workload.starts_with('-') => {
                    run.workload = workload.to_owned();
                }
                _ => usage(name),
            }
        }
        if run.workload.is_empty() {
            usage(name);
        }
        if run.n == 0 {
            run.n = match run.workload.as_str() {
                "tell" => 5_000_000,
                "tell4" => 4_000_000,
                "restart" => 2_000,
                "fanout" => 1_000,
                _ => 1_000_000,
            };
        }
        run
    }

    /// The line for `ops` operations in `took`.
    pub(crate) fn report(&self, ops: u64, took: Duration, extra: &[(&str, f64)]) {
        self.report_ns(ops, took, took.as_nanos() as f64 / ops as f64, extra);
    }

    /// As `report`, with the figure per operation given: a median, say.
    pub(crate) fn report_ns(&self, ops: u64, took: Duration, ns: f64, extra: &[(&str, f64)]) {
        let (name, workload, n, secs) = (&self.name, &self.workload, self.n, took.as_secs_f64());
        let (per_sec, peak) = (ops as f64 / secs, peak_rss() as f64 / 1e6);
        let mut line = format!(
            r#"{{"peer":"{name}","workload":"{workload}","n":{n},"secs":{secs:.6},"per_sec":{per_sec:.0},"ns_per_op":{ns:.2},"peak_rss_mb":{peak:.1}"#
        );
        for (key, value) in extra {
            let _ = write!(line, r#","{key}":{value:.4}"#);
        }
        println!("{line}}}");
    }

    /// The line for a workload that there is not. The exit code is 3.
    pub(crate) fn unsupported(&self, why: &str) -> ! {
        println!(r#"{{"peer":"{}","workload":"{}","n":0,"unsupported":"{why}"}}"#, self.name, self.workload);
        std::process::exit(3)
    }
}

fn usage(name: &str) -> ! {
    let workloads = WORKLOADS.join("|");
    eprintln!(
        "usage: {name} <{workloads}> [--n N] [--mailbox bounded|unbounded] [--runtime tokio|smol] [--as NAME]"
    );
    std::process::exit(2)
}

fn status_bytes(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    let kib = value.and_then(|value| value.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// Resident bytes just now.
pub(crate) fn rss() -> u64 {
    status_bytes("VmRSS")
}

/// The most resident bytes so far.
pub(crate) fn peak_rss() -> u64 {
    status_bytes("VmHWM")
}
