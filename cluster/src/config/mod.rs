//! What a node is told when it starts.

#[cfg(feature = "config-file")]
mod file;
#[cfg(test)]
mod tests;

use crate::discovery::DnsName;
use crate::name::{Endpoint, Incarnation, NodeName, Role};
use crate::proto::frame::FRAGMENT_MAX;
use crate::proto::hello;
use crate::proto::link::{Compression, LinkConfig};
use crate::proto::members::Timing;
use crate::proto::reach::Dialling;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

/// What a node is told when it starts: plain data. [`Config::new`] has a default for all but two of its fields.
///
/// ```
/// use ravelin_cluster::{Config, Endpoint};
/// let seeds = vec![Endpoint("10.0.0.1:4370".into())];
/// let config = Config { seeds, ..Config::new("shard-3".parse().unwrap(), "10.0.0.3:4370") };
/// config.check().unwrap();
/// let error = Config { seeds: vec![Endpoint("10.0.0.1".into())], ..config }.check().unwrap_err();
/// assert_eq!(error.to_string(), "seeds: `10.0.0.1` is not possible: host:port is, with a port from 1 to 65535");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What the node is called. No other of the cluster is called so.
    pub name: NodeName,
    /// Which life of the node this is; `None`: the milliseconds since 1970, which are more at each start as long as the
    /// machine's clock is not put back.
    pub incarnation: Option<Incarnation>,
    /// What the cluster is called: nodes of different clusters refuse one another. 1 to 255 bytes.
    pub cluster: String,
    /// What the node is: a client is started by [`Client::connect`](crate::Client::connect), and does not listen.
    pub role: Role,
    /// What clients may do here.
    pub clients: Clients,
    /// Where it listens; port 0 takes one that is free.
    pub listen: Endpoint,
    /// Where others reach it; `None`: where it listens. Needed when it listens at no certain address, as `0.0.0.0`.
    pub advertise: Option<Endpoint>,
    /// Where others may be found.
    pub seeds: Vec<Endpoint>,
    /// Where others may be found by DNS.
    pub dns: Vec<DnsName>,
    /// How often DNS is asked again.
    pub discover_every: Duration,
    /// What is optional and offered when nodes meet, by name; beside what this library offers by itself.
    pub features: BTreeSet<String>,
    /// A link on which nothing was sent for so long gets a sign of life.
    pub heartbeat: Duration,
    /// A link on which nothing came for so long is dead. At least twice `heartbeat`; with `membership` it is how soon a cut
    /// without a word is noticed.
    pub silence: Duration,
    /// What is compressed on the way to nodes that say so too.
    pub compression: Compression,
    /// What is too large, and what is too much.
    pub limits: Limits,
    /// The times of membership. All members should have the same.
    pub membership: Timing,
    /// The times of dialling, and its limits.
    pub dialling: Dialling,
}

/// What clients may do on a node. Whatever it is, they are no members, and hear and say nothing of membership, groups and
/// names.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Clients {
    /// Nothing: they are not let in.
    Refused,
    /// Send to the actors that accept something from other nodes, monitor and link them, subscribe.
    #[default]
    Use,
    /// And start children of what is [offered](crate::Node::offer).
    Start,
}

/// What is too large, and what is too much, in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// The largest message, sent or received, encoded.
    pub message_bytes_max: usize,
    /// Messages of more than 16 KiB go in parts of at most this, 16 to 64 KiB: what a small message waits for at most
    /// while a large one is sent.
    pub fragment_bytes_max: usize,
    /// What may wait to be sent by one link, of small messages.
    pub queue_bytes_max: usize,
    /// What may wait to be sent by one link, of large messages. At least one message.
    pub bulk_queue_bytes_max: usize,
    /// Large messages of one link that may be incomplete at a time here.
    pub assembly_bytes_max: usize,
}

impl Default for Limits {
    /// Messages of 16 MiB in parts of 64 KiB; 4 MiB of small ones wait, and 32 MiB of large ones; 64 MiB incomplete.
    fn default() -> Limits {
        const MIB: usize = 1024 * 1024;
        Limits {
            message_bytes_max: 16 * MIB,
            fragment_bytes_max: 64 * 1024,
            queue_bytes_max: 4 * MIB,
            bulk_queue_bytes_max: 32 * MIB,
            assembly_bytes_max: 64 * MIB,
        }
    }
}

/// What is wrong with a [`Config`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ConfigError {
    /// A field has a value that is not possible.
    Field {
        /// Which field, with the one that it is in: `limits.message_bytes_max`.
        field: &'static str,
        /// Its value.
        value: String,
        /// What is possible.
        expected: &'static str,
    },
    /// The text is no TOML, or has a field that does not exist or is of another type; says where, and what is expected.
    Text(String),
    /// The file can not be read.
    File {
        /// Which.
        path: String,
        /// Why not.
        why: String,
    },
}

impl Config {
    /// A member of this name that listens at this endpoint, of the cluster called `ravelin`, that seeks nobody.
    pub fn new(name: NodeName, listen: &str) -> Config {
        Config {
            name,
            incarnation: None,
            cluster: "ravelin".to_owned(),
            role: Role::Member,
            clients: Clients::default(),
            listen: Endpoint(listen.into()),
            advertise: None,
            seeds: Vec::new(),
            dns: Vec::new(),
            discover_every: Duration::from_secs(30),
            features: BTreeSet::new(),
            heartbeat: Duration::from_millis(500),
            silence: Duration::from_secs(2),
            compression: Compression::Never,
            limits: Limits::default(),
            membership: Timing::default(),
            dialling: Dialling::default(),
        }
    }

    /// A client of this name of the cluster called `ravelin`, that connects to each of these endpoints.
    pub fn client(name: NodeName, endpoints: Vec<Endpoint>) -> Config {
        Config { role: Role::Client, seeds: endpoints, ..Config::new(name, "") }
    }

    /// Whether a node can be started with it.
    ///
    /// # Errors
    /// The first field whose value is not possible.
    pub fn check(&self) -> Result<(), ConfigError> {
        let cluster = &*self.cluster;
        let is_plain =
            (1..=255).contains(&cluster.len()) && cluster.bytes().all(|byte| byte.is_ascii_graphic());
        ensure(is_plain, "cluster", cluster, "1 to 255 printable ASCII characters without spaces")?;
        if self.role == Role::Member {
            self.check_listens()?;
        }
        self.seeds.iter().try_for_each(|seed| check_endpoint("seeds", seed, Ports::Certain))?;
        let is_name = |name: &&String| (1..=255).contains(&name.len());
        if let Some(bad) = self.features.iter().find(|name| !is_name(name)) {
            return ensure(false, "features", bad, "names of 1 to 255 bytes");
        }
        // The handshake has room for 64, and one is the library's own.
        ensure(self.features.len() < 64, "features", self.features.len(), "at most 63 names")?;
        if let Some(own) = self.features.iter().find(|name| Compression::is_feature(name)) {
            return ensure(false, "features", own, "it is offered by the field compression");
        }
        check_compression(self.compression, self.compression.feature())?;
        self.check_times()?;
        self.check_limits()
    }

    fn check_listens(&self) -> Result<(), ConfigError> {
        check_endpoint("listen", &self.listen, Ports::OrFree)?;
        match &self.advertise {
            Some(advertise) => {
                check_endpoint("advertise", advertise, Ports::Certain)?;
                ensure(
                    !is_anywhere(advertise),
                    "advertise",
                    advertise,
                    "an address at which others can reach it",
                )?;
            }
            None => {
                const HINT: &str = "an address at which others can reach it, or `advertise` beside it";
                ensure(!is_anywhere(&self.listen), "listen", &self.listen, HINT)?;
            }
        }
        Ok(())
    }

    fn check_times(&self) -> Result<(), ConfigError> {
        let Config { heartbeat, silence, discover_every, membership, dialling, .. } = self;
        let times = [
            ("heartbeat", *heartbeat),
            ("discover_every", *discover_every),
            ("membership.probe_every", membership.probe_every),
            ("membership.answer_within", membership.answer_within),
            ("membership.suspect_for", membership.suspect_for),
            ("membership.gossip_every", membership.gossip_every),
            ("membership.announce_every", membership.announce_every),
            ("membership.ask_every", membership.ask_every),
            ("membership.ask_down_every", membership.ask_down_every),
            ("membership.forget_after", membership.forget_after),
            ("dialling.steady_after", dialling.steady_after),
            ("dialling.handshake_within", dialling.handshake_within),
            ("dialling.come_back_within", dialling.come_back_within),
            ("dialling.forget_after", dialling.forget_after),
        ];
        const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
        let is_fit = |time: Duration| time >= Duration::from_millis(1) && time <= YEAR;
        for (field, time) in times {
            ensure(is_fit(time), field, Shown(time), "1 ms to a year")?;
        }
        ensure(*silence >= 2 * *heartbeat, "silence", Shown(*silence), "at least twice heartbeat")?;
        ensure(dialling.defer <= YEAR, "dialling.defer", Shown(dialling.defer), "at most a year")?;
        let (answer, probe) = (membership.answer_within, membership.probe_every);
        ensure(
            2 * answer <= probe,
            "membership.answer_within",
            Shown(answer),
            "at most half of probe_every",
        )?;
        let suspect = membership.suspect_for;
        ensure(suspect >= probe, "membership.suspect_for", Shown(suspect), "at least probe_every")
    }

    fn check_limits(&self) -> Result<(), ConfigError> {
        const MIB: usize = 1024 * 1024;
        let Limits {
            message_bytes_max: message,
            fragment_bytes_max: fragment,
            queue_bytes_max: queue,
            bulk_queue_bytes_max: bulk,
            assembly_bytes_max: assembly,
        } = self.limits;
        let fragments = 16 * 1024..=64 * 1024;
        ensure(fragments.contains(&fragment), "limits.fragment_bytes_max", fragment, "16384 to 65536")?;
        let is_fit = (1024..=1024 * MIB).contains(&message);
        ensure(is_fit, "limits.message_bytes_max", message, "1024 to 1073741824")?;
        ensure(queue >= 2 * fragment, "limits.queue_bytes_max", queue, "at least twice fragment_bytes_max")?;
        ensure(bulk >= message, "limits.bulk_queue_bytes_max", bulk, "at least message_bytes_max")?;
        ensure(assembly >= message, "limits.assembly_bytes_max", assembly, "at least message_bytes_max")?;
        let Dialling { dials_max, accepts_max, .. } = self.dialling;
        ensure(dials_max >= 1, "dialling.dials_max", dials_max, "at least 1")?;
        ensure(accepts_max >= 1, "dialling.accepts_max", accepts_max, "at least 1")
    }

    /// How its links behave.
    pub(crate) fn link(&self) -> LinkConfig {
        let Limits {
            message_bytes_max: _,
            fragment_bytes_max,
            queue_bytes_max,
            bulk_queue_bytes_max,
            assembly_bytes_max: _,
        } = self.limits;
        LinkConfig {
            heartbeat: self.heartbeat,
            silence: self.silence,
            fragment_max: fragment_bytes_max,
            user_max: queue_bytes_max,
            bulk_max: bulk_queue_bytes_max,
            compression: self.compression,
            ..LinkConfig::default()
        }
    }

    /// What its links take, as its peers are told.
    pub(crate) fn takes(&self) -> hello::Limits {
        hello::Limits {
            message_max: self.limits.message_bytes_max as u64,
            window: self.limits.assembly_bytes_max as u64,
            ..hello::Limits::default()
        }
    }

    /// Where others reach it.
    pub fn reached_at(&self) -> &Endpoint {
        self.advertise.as_ref().unwrap_or(&self.listen)
    }
}

/// `feature` is what this build names in the handshake for it.
fn check_compression(compression: Compression, feature: Option<&str>) -> Result<(), ConfigError> {
    let Compression::Bulk { at_least_bytes } = compression else { return Ok(()) };
    const MISSING: &str = "never is, without the cargo feature `lz4`, which is `cluster-lz4` of ravelin";
    ensure(feature.is_some(), "compression", "bulk", MISSING)?;
    let is_fit = (1..=FRAGMENT_MAX).contains(&at_least_bytes);
    ensure(is_fit, "compression.bulk.at_least_bytes", at_least_bytes, "1 to 65472")
}

fn ensure(
    is_fit: bool,
    field: &'static str,
    value: impl fmt::Display,
    expected: &'static str,
) -> Result<(), ConfigError> {
    if is_fit { Ok(()) } else { Err(ConfigError::Field { field, value: value.to_string(), expected }) }
}

/// A time as it stands in a file.
struct Shown(Duration);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0.as_millis())
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ports {
    Certain,
    OrFree,
}

fn check_endpoint(field: &'static str, endpoint: &Endpoint, ports: Ports) -> Result<(), ConfigError> {
    let text = &*endpoint.0;
    let parts = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
    let is_host = |host: &str| {
        let is_v6 = host.starts_with('[') && host.ends_with(']');
        !host.is_empty() && (is_v6 || !host.contains([':', '[', ']']))
    };
    let is_plain = text.len() <= 255 && text.bytes().all(|byte| byte.is_ascii_graphic());
    let is_port = |port: u16| port != 0 || ports == Ports::OrFree;
    let is_fit = is_plain && parts.is_some_and(|(host, port)| is_host(host) && is_port(port));
    let expected = match ports {
        Ports::Certain => "host:port is, with a port from 1 to 65535",
        Ports::OrFree => "host:port is, with port 0 for one that is free",
    };
    ensure(is_fit, field, text, expected)
}

/// Whether it is all addresses of a machine, and so none in particular.
fn is_anywhere(endpoint: &Endpoint) -> bool {
    let host = endpoint.0.rsplit_once(':').map_or("", |(host, _)| host);
    host == "0.0.0.0" || host == "[::]"
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Field { field, value, expected } => {
                write!(f, "{field}: `{value}` is not possible: {expected}")
            }
            ConfigError::Text(why) => f.write_str(why.trim_end()),
            ConfigError::File { path, why } => write!(f, "{path}: {why}"),
        }
    }
}

impl std::error::Error for ConfigError {}
