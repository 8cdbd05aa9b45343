//! The command line.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use lexopt::prelude::*;

use crate::journal::Mode;
use crate::route::Partitions;

pub const HELP: &str = "\
A Redis server made of supervised actors.

Usage: store [options]

  --port N          the TCP port on 127.0.0.1 (6379); 0 takes a free one
  --data DIR        where the journal is kept (store-data)
  --fsync WHEN      always, everysec or no: when an acknowledged write is on the disk (everysec)
  --runtime NAME    tokio or smol (tokio)
  --partitions N    how many actors share the keys (8)
  --max-clients N   further clients are turned away (10000)
  --admin           answer ADMIN: who looks at the actors may also stop them
  --chaos RATE      kill random actors of the tree while it serves: 20/s, 30/m
  --cluster-port N  be of a cluster, by this TCP port on 127.0.0.1; 0 takes a free one
  --join HOST:PORT  be of the cluster of the store there: what is published on one is heard on all
  --node NAME       what this store is called there (store- and the port)
  --certs DIR       the authority that all of them share; made if it is not there (beside the program)
  --help            this text
";

/// How to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub port: u16,
    pub data: PathBuf,
    pub fsync: Mode,
    pub runtime: Runtime,
    pub partitions: Partitions,
    pub max_clients: usize,
    /// Whether `ADMIN` is answered.
    pub admin: bool,
    /// The time from kill to kill.
    pub chaos: Option<Duration>,
    pub peers: Peers,
}

/// How to meet other stores. Without a port and without anybody to join: not at all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Peers {
    pub port: Option<u16>,
    pub join: Vec<String>,
    pub node: Option<String>,
    pub certs: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    Tokio,
    Smol,
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Runtime::Tokio => "tokio",
            Runtime::Smol => "smol",
        })
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            port: 6379,
            data: PathBuf::from("store-data"),
            fsync: Mode::EverySecond,
            runtime: Runtime::Tokio,
            partitions: Partitions::DEFAULT,
            max_clients: 10_000,
            admin: false,
            chaos: None,
            peers: Peers::default(),
        }
    }
}

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    Run(Config),
    Help,
}

/// Reads the arguments, the program's name not among them. The error names the option and the value.
pub fn parse(args: impl IntoIterator<Item: Into<OsString>>) -> Result<Request, lexopt::Error> {
    let mut config = Config::default();
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        match arg {
            Long("help") | Short('h') => return Ok(Request::Help),
            Long("port") => config.port = parser.value()?.parse()?,
            Long("data") => config.data = parser.value()?.into(),
            Long("fsync") => config.fsync = parser.value()?.parse_with(fsync)?,
            Long("runtime") => config.runtime = parser.value()?.parse_with(runtime)?,
            Long("partitions") => config.partitions = parser.value()?.parse_with(partitions)?,
            Long("max-clients") => config.max_clients = parser.value()?.parse()?,
            Long("admin") => config.admin = true,
            Long("cluster-port") => config.peers.port = Some(parser.value()?.parse()?),
            Long("join") => config.peers.join.push(parser.value()?.string()?),
            Long("node") => config.peers.node = Some(parser.value()?.string()?),
            Long("certs") => config.peers.certs = Some(parser.value()?.into()),
            Long("chaos") => config.chaos = Some(parser.value()?.parse_with(interval)?),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Request::Run(config))
}

fn fsync(word: &str) -> Result<Mode, &'static str> {
    let modes = [Mode::Always, Mode::EverySecond, Mode::No];
    named(word, modes).ok_or("--fsync takes always, everysec or no")
}

fn runtime(word: &str) -> Result<Runtime, &'static str> {
    named(word, [Runtime::Tokio, Runtime::Smol]).ok_or("--runtime takes tokio or smol")
}

/// Whichever is printed as this word.
fn named<T: fmt::Display>(word: &str, all: impl IntoIterator<Item = T>) -> Option<T> {
    all.into_iter().find(|each| each.to_string() == word)
}

fn partitions(word: &str) -> Result<Partitions, &'static str> {
    word.parse().ok().and_then(Partitions::new).ok_or("--partitions takes a number from 1 to 16384")
}

/// `20/s`, `30/m`, `6/h`; without a unit, per second.
fn interval(word: &str) -> Result<Duration, &'static str> {
    const WRONG: &str = "--chaos takes a rate like 20/s or 30/m";
    let (count, unit) = word.split_once('/').unwrap_or((word, "s"));
    let period = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(WRONG),
    };
    match count.parse::<u32>() {
        Ok(count @ 1..=10_000) => Ok(Duration::from_secs(period) / count),
        _ => Err(WRONG),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_read() {
        let default = Config::default;
        let eleven = Partitions::new(11).unwrap();
        let peers = |join: &[&str]| Peers {
            join: join.iter().map(|join| (*join).to_owned()).collect(),
            ..Peers::default()
        };
        let millis = |n| Some(Duration::from_millis(n));
        let rows = [
            ("", default()),
            ("--port 7000", Config { port: 7000, ..default() }),
            ("--port=0 --data /x", Config { port: 0, data: "/x".into(), ..default() }),
            ("--fsync always", Config { fsync: Mode::Always, ..default() }),
            ("--fsync no --runtime smol", Config { fsync: Mode::No, runtime: Runtime::Smol, ..default() }),
            ("--partitions 11", Config { partitions: eleven, ..default() }),
            ("--max-clients 5", Config { max_clients: 5, ..default() }),
            ("--admin", Config { admin: true, ..default() }),
            ("--join a:1 --join b:2", Config { peers: peers(&["a:1", "b:2"]), ..default() }),
            ("--chaos 20/s", Config { chaos: millis(50), ..default() }),
            ("--chaos 20", Config { chaos: millis(50), ..default() }),
            ("--chaos 30/m", Config { chaos: millis(2000), ..default() }),
        ];
        for (line, expected) in rows {
            assert_eq!(parse(line.split_whitespace()).unwrap(), Request::Run(expected), "{line}");
        }
        for line in ["--help", "-h", "--port 1 --help"] {
            assert_eq!(parse(line.split_whitespace()).unwrap(), Request::Help, "{line}");
        }
    }

    #[test]
    fn an_error_names_what_is_wrong() {
        let rows = [
            ("--port", "--port"),
            ("--port x", "x"),
            ("--port 65536", "65536"),
            ("--fsync sometimes", "always, everysec or no"),
            ("--runtime async-std", "tokio or smol"),
            ("--partitions 0", "from 1 to 16384"),
            ("--chaos 0/s", "20/s"),
            ("--chaos 5/y", "20/s"),
            ("--verbose", "--verbose"),
            ("stray", "stray"),
        ];
        for (line, part) in rows {
            let error = parse(line.split_whitespace()).unwrap_err().to_string();
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
