//! The command line, and the JSON line that a run ends with.

use std::fmt::Write;
use std::time::Duration;

/// The workers of each process's executor, if the environment's WORKERS says nothing else.
const WORKERS: usize = 2;

/// What the command line asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    pub(crate) workload: String,
    pub(crate) transport: String,
    /// Messages, calls, ends or rounds.
    pub(crate) n: u64,
    /// How many nodes join.
    pub(crate) nodes: usize,
    pub(crate) workers: usize,
    /// Where the certificates are. The other process is told.
    pub(crate) certificates: Option<String>,
}

impl Run {
    pub(crate) fn parse() -> Run {
        let workers = std::env::var("WORKERS").ok().and_then(|workers| workers.parse().ok());
        let mut run = Run {
            transport: "tls".to_owned(),
            nodes: 3,
            workers: workers.unwrap_or(WORKERS),
            ..Run::default()
        };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().unwrap_or_else(|| usage());
            match arg.as_str() {
                "--n" => run.n = value().replace('_', "").parse().unwrap_or_else(|_| usage()),
                "--nodes" => run.nodes = value().parse().unwrap_or_else(|_| usage()),
                "--transport" => run.transport = value(),
                "--certificates" => run.certificates = Some(value()),
                workload if run.workload.is_empty() && !workload.starts_with('-') => {
                    run.workload = workload.to_owned();
                }
                _ => usage(),
            }
        }
        if run.n == 0 {
            run.n = match run.workload.as_str() {
                "oneway" | "oneway2" => 4_000_000,
                "call" => 20_000,
                "call_many" => 100_000,
                "down" | "ended" => 500,
                "bulk" => 100,
                _ => 20,
            };
        }
        run
    }

    /// The line for `ops` operations in `took`.
    pub(crate) fn report(&self, ops: u64, took: Duration, extra: &[(&str, f64)]) {
        let (workload, transport) = (&self.workload, &self.transport);
        let (secs, per_sec) = (took.as_secs_f64(), ops as f64 / took.as_secs_f64());
        let mut line = format!(
            r#"{{"peer":"ravelin-{transport}","workload":"{workload}","n":{ops},"secs":{secs:.6},"per_sec":{per_sec:.0}"#
        );
        for (key, value) in extra {
            let _ = write!(line, r#","{key}":{value:.1}"#);
        }
        println!("{line}}}");
    }

    /// The line for operations that took so long each.
    pub(crate) fn report_each(&self, took: Duration, mut each: Vec<Duration>, extra: &[(&str, f64)]) {
        each.sort_unstable();
        let us = |part: f64| each[((each.len() - 1) as f64 * part) as usize].as_nanos() as f64 / 1e3;
        let mut all = vec![("p50_us", us(0.5)), ("p99_us", us(0.99)), ("max_us", us(1.0))];
        all.extend_from_slice(extra);
        self.report(each.len() as u64, took, &all);
    }
}

pub(crate) fn usage() -> ! {
    eprintln!(
        "usage: cluster-bench <oneway|oneway2|call|call_many|ended|down|nodedown|join|bulk> [--transport tls|tcp|quic] \
         [--n N] [--nodes N]"
    );
    std::process::exit(2)
}
