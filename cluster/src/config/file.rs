//! A [`Config`] as TOML.

use super::{Clients, Config, ConfigError, Limits};
use crate::name::{Endpoint, Incarnation, Role};
use crate::proto::link::Compression;
use crate::proto::members::Timing;
use crate::proto::reach::Dialling;
use ravelin_supervisor::backoff::Backoff;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// A file. What it does not have is as in [`Config::new`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    listen: String,
    incarnation: Option<u64>,
    cluster: Option<String>,
    role: Option<RoleName>,
    clients: Option<ClientsName>,
    advertise: Option<String>,
    #[serde(default)]
    seeds: Vec<String>,
    #[serde(default)]
    dns: Vec<String>,
    discover_every_ms: Option<u64>,
    #[serde(default)]
    features: BTreeSet<String>,
    heartbeat_ms: Option<u64>,
    silence_ms: Option<u64>,
    #[serde(default)]
    compression: CompressionName,
    #[serde(default)]
    limits: LimitsTable,
    #[serde(default)]
    membership: MembershipTable,
    #[serde(default)]
    dialling: DiallingTable,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RoleName {
    Member,
    Client,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ClientsName {
    Refused,
    Use,
    Start,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum CompressionName {
    #[default]
    Never,
    Bulk {
        at_least_bytes: Option<usize>,
    },
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsTable {
    message_bytes_max: Option<usize>,
    fragment_bytes_max: Option<usize>,
    queue_bytes_max: Option<usize>,
    bulk_queue_bytes_max: Option<usize>,
    assembly_bytes_max: Option<usize>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Preset {
    Local,
    #[default]
    Lan,
    Wan,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct MembershipTable {
    #[serde(default)]
    preset: Preset,
    probe_every_ms: Option<u64>,
    answer_within_ms: Option<u64>,
    suspect_for_ms: Option<u64>,
    gossip_every_ms: Option<u64>,
    announce_every_ms: Option<u64>,
    ask_every_ms: Option<u64>,
    ask_down_every_ms: Option<u64>,
    forget_after_ms: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DiallingTable {
    backoff_first_ms: Option<u64>,
    backoff_max_ms: Option<u64>,
    steady_after_ms: Option<u64>,
    defer_ms: Option<u64>,
    handshake_within_ms: Option<u64>,
    come_back_within_ms: Option<u64>,
    forget_after_ms: Option<u64>,
    dials_max: Option<usize>,
    accepts_max: Option<usize>,
}

impl Config {
    /// What this text says, checked. `name` and `listen` must be there; the fields are those of [`Config`], times in
    /// milliseconds with `_ms` behind the name, and `membership` may name a preset, `local`, `lan` or `wan`, from which its other
    /// fields differ. `compression` is `"never"`, or a table `compression.bulk`, whose `at_least_bytes` may be left out.
    ///
    /// # Errors
    /// Names the line and the field, the value, and what is expected. A field that does not exist is an error too.
    ///
    /// ```
    /// use ravelin_cluster::Config;
    /// let config = Config::from_toml(r#"
    ///     name = "shard-3"
    ///     listen = "0.0.0.0:4370"
    ///     advertise = "10.0.0.3:4370"
    ///     dns = ["srv:_ravelin._tcp.chat.default.svc.cluster.local"]
    ///     [membership]
    ///     preset = "wan"
    ///     [limits]
    ///     message_bytes_max = 1048576
    /// "#).unwrap();
    /// assert_eq!(config.name.as_str(), "shard-3");
    /// let error = Config::from_toml("name = 'shard 3'\nlisten = '10.0.0.3:4370'").unwrap_err();
    /// assert!(error.to_string().starts_with("name: `shard 3` is not possible"), "{error}");
    /// ```
    pub fn from_toml(text: &str) -> Result<Config, ConfigError> {
        let file: File = toml::from_str(text).map_err(|why| ConfigError::Text(why.to_string()))?;
        let config = file.config()?;
        config.check()?;
        Ok(config)
    }

    /// What this file says, checked: see [`Config::from_toml`]. It blocks while it reads.
    ///
    /// # Errors
    /// As [`Config::from_toml`], and [`ConfigError::File`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Config, ConfigError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|why| ConfigError::File { path: path.display().to_string(), why: why.to_string() })?;
        Config::from_toml(&text).map_err(|error| match error {
            ConfigError::Text(why) => ConfigError::File { path: path.display().to_string(), why },
            other => other,
        })
    }
}

impl File {
    fn config(self) -> Result<Config, ConfigError> {
        const NAME: &str = "1 to 255 letters, digits and - _ . @ : / are";
        const DNS: &str = "host:port is, or srv:name";
        let bad =
            |field, value: &str, expected| ConfigError::Field { field, value: value.to_owned(), expected };
        let name = self.name.parse().map_err(|_| bad("name", &self.name, NAME))?;
        let default = Config::new(name, &self.listen);
        let dns = self.dns.iter().map(|text| text.parse().map_err(|_| bad("dns", text, DNS)));
        Ok(Config {
            incarnation: self.incarnation.map(Incarnation),
            cluster: self.cluster.unwrap_or(default.cluster),
            role: match self.role {
                Some(RoleName::Client) => Role::Client,
                Some(RoleName::Member) | None => Role::Member,
            },
            clients: match self.clients {
                Some(ClientsName::Refused) => Clients::Refused,
                Some(ClientsName::Use) => Clients::Use,
                Some(ClientsName::Start) => Clients::Start,
                None => default.clients,
            },
            advertise: self.advertise.map(|text| Endpoint(text.into())),
            seeds: self.seeds.into_iter().map(|text| Endpoint(text.into())).collect(),
            dns: dns.collect::<Result<_, _>>()?,
            discover_every: ms(self.discover_every_ms, default.discover_every),
            features: self.features,
            heartbeat: ms(self.heartbeat_ms, default.heartbeat),
            silence: ms(self.silence_ms, default.silence),
            compression: self.compression.compression(),
            limits: self.limits.over(default.limits),
            membership: self.membership.timing(),
            dialling: self.dialling.over(default.dialling),
            name: default.name,
            listen: default.listen,
        })
    }
}

impl CompressionName {
    fn compression(self) -> Compression {
        match self {
            CompressionName::Never => Compression::Never,
            CompressionName::Bulk { at_least_bytes: None } => Compression::bulk(),
            CompressionName::Bulk { at_least_bytes: Some(at_least_bytes) } => {
                Compression::Bulk { at_least_bytes }
            }
        }
    }
}

impl LimitsTable {
    fn over(self, default: Limits) -> Limits {
        Limits {
            message_bytes_max: self.message_bytes_max.unwrap_or(default.message_bytes_max),
            fragment_bytes_max: self.fragment_bytes_max.unwrap_or(default.fragment_bytes_max),
            queue_bytes_max: self.queue_bytes_max.unwrap_or(default.queue_bytes_max),
            bulk_queue_bytes_max: self.bulk_queue_bytes_max.unwrap_or(default.bulk_queue_bytes_max),
            assembly_bytes_max: self.assembly_bytes_max.unwrap_or(default.assembly_bytes_max),
        }
    }
}

impl MembershipTable {
    fn timing(self) -> Timing {
        let default = match self.preset {
            Preset::Local => Timing::local(),
            Preset::Lan => Timing::lan(),
            Preset::Wan => Timing::wan(),
        };
        Timing {
            probe_every: ms(self.probe_every_ms, default.probe_every),
            answer_within: ms(self.answer_within_ms, default.answer_within),
            suspect_for: ms(self.suspect_for_ms, default.suspect_for),
            gossip_every: ms(self.gossip_every_ms, default.gossip_every),
            announce_every: ms(self.announce_every_ms, default.announce_every),
            ask_every: ms(self.ask_every_ms, default.ask_every),
            ask_down_every: ms(self.ask_down_every_ms, default.ask_down_every),
            forget_after: ms(self.forget_after_ms, default.forget_after),
        }
    }
}

impl DiallingTable {
    fn over(self, default: Dialling) -> Dialling {
        let backoff = match default.backoff {
            Backoff::Exponential { first, cap, factor, jitter } => Backoff::Exponential {
                first: ms(self.backoff_first_ms, first),
                cap: ms(self.backoff_max_ms, cap),
                factor,
                jitter,
            },
            other @ (Backoff::Immediate | Backoff::Linear { .. }) => other,
        };
        Dialling {
            backoff,
            steady_after: ms(self.steady_after_ms, default.steady_after),
            defer: ms(self.defer_ms, default.defer),
            handshake_within: ms(self.handshake_within_ms, default.handshake_within),
            come_back_within: ms(self.come_back_within_ms, default.come_back_within),
            forget_after: ms(self.forget_after_ms, default.forget_after),
            dials_max: self.dials_max.unwrap_or(default.dials_max),
            accepts_max: self.accepts_max.unwrap_or(default.accepts_max),
        }
    }
}

fn ms(value: Option<u64>, default: Duration) -> Duration {
    value.map_or(default, Duration::from_millis)
}
