//! What the server tells of itself: `INFO` and `CONFIG GET`.
//!
//! Both are renderings of `Facts`, a plain value that a connection gets from whoever knows.

use std::fmt::{Display, Write};
use std::time::Duration;

use crate::config::Config;
use crate::reply::{Blob, Reply};
use crate::topic::{Case, matches};

/// The Redis whose behaviour is followed. Clients look at it to know what they may ask for.
pub const REDIS_VERSION: &str = "7.2.0";

/// How the server does at one moment.
#[derive(Clone, Debug)]
pub struct Facts {
    pub config: Config,
    pub uptime: Duration,
    pub clients: usize,
    pub commands: u64,
    pub keys: usize,
    pub expiring: usize,
    /// How many actors ended otherwise than they should, and how many of them chaos had killed.
    pub crashes: u64,
    pub chaos_kills: u64,
    /// How many other stores hear what is published here; `None`: it is of no cluster.
    pub peers: Option<usize>,
}

/// `INFO`: the sections asked for; all of them if none is.
pub fn info(facts: &Facts, sections: &[impl AsRef<[u8]>]) -> Reply {
    let wanted = |section: &str| {
        let is = |word: &[u8], name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        let names = [section, "all", "default", "everything"];
        sections.is_empty() || sections.iter().any(|word| names.iter().any(|name| is(word.as_ref(), name)))
    };
    let config = &facts.config;
    let keys = format!("keys={},expires={},avg_ttl=0", facts.keys, facts.expiring);
    let all: [(&str, Lines<'_>); 6] = [
        (
            "Server",
            &[
                ("redis_version", &REDIS_VERSION),
                ("redis_mode", &"standalone"),
                ("server_name", &"ravelin-store"),
                ("process_id", &std::process::id()),
                ("tcp_port", &config.port),
                ("uptime_in_seconds", &facts.uptime.as_secs()),
                ("runtime", &config.runtime),
                ("partitions", &config.partitions.count()),
            ],
        ),
        ("Clients", &[("connected_clients", &facts.clients)]),
        ("Persistence", &[("loading", &0), ("appendfsync", &config.fsync)]),
        (
            "Stats",
            &[
                ("total_commands_processed", &facts.commands),
                ("actor_crashes", &facts.crashes),
                ("chaos_kills", &facts.chaos_kills),
            ],
        ),
        (
            "Cluster",
            &[
                ("cluster_enabled", &u8::from(facts.peers.is_some())),
                ("cluster_peers", &facts.peers.unwrap_or(0)),
            ],
        ),
        // Redis does not list an empty database.
        ("Keyspace", if facts.keys == 0 { &[] } else { &[("db0", &keys)] }),
    ];
    let mut text = String::new();
    for (section, lines) in all.into_iter().filter(|(section, _)| wanted(section)) {
        let gap = if text.is_empty() { "" } else { "\r\n" };
        // Writing to a String does not fail.
        let _ = write!(text, "{gap}# {section}\r\n");
        for (name, value) in lines {
            let _ = write!(text, "{name}:{value}\r\n");
        }
    }
    Reply::Text(Blob::from(text.as_bytes()))
}

type Lines<'a> = &'a [(&'a str, &'a dyn Display)];

/// `CONFIG GET`: the settings whose names match any of the patterns.
pub fn settings(config: &Config, patterns: &[impl AsRef<[u8]>]) -> Reply {
    let all = [
        ("appendfsync", config.fsync.to_string()),
        ("appendonly", "yes".to_owned()),
        ("databases", "1".to_owned()),
        ("dir", config.data.display().to_string()),
        ("maxclients", config.max_clients.to_string()),
        ("maxmemory", "0".to_owned()),
        ("maxmemory-policy", "noeviction".to_owned()),
        ("port", config.port.to_string()),
        ("save", String::new()),
    ];
    let wanted =
        |name: &str| patterns.iter().any(|pattern| matches(pattern.as_ref(), name.as_bytes(), Case::Ignored));
    let found = all.into_iter().filter(|(name, _)| wanted(name));
    Reply::Map(found.map(|(name, value)| (Reply::bulk(name), Reply::bulk(value))).collect())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn facts() -> Facts {
        Facts {
            config: Config::default(),
            uptime: Duration::from_secs(7),
            clients: 2,
            commands: 3,
            keys: 4,
            expiring: 1,
            crashes: 5,
            chaos_kills: 6,
            peers: None,
        }
    }

    fn text(reply: Reply) -> String {
        let Reply::Text(text) = reply else { panic!("{reply:?}") };
        String::from_utf8_lossy(&text).into_owned()
    }

    #[test]
    fn info_gives_the_sections_asked_for() {
        let rows: [(&[&str], &[&str], &[&str]); 4] = [
            (
                &[],
                &["# Server\r\n", "\r\n\r\n# Clients\r\nconnected_clients:2\r\n", "db0:keys=4,expires=1"],
                &[],
            ),
            (&["KEYSPACE"], &["# Keyspace\r\ndb0:keys=4"], &["# Server"]),
            (&["clients", "stats"], &["# Clients", "# Stats"], &["# Server"]),
            (&["nonsense"], &[], &["#"]),
        ];
        for (sections, there, not_there) in rows {
            let text = text(info(&facts(), sections));
            assert!(there.iter().all(|part| text.contains(part)), "{sections:?}: {text}");
            assert!(!not_there.iter().any(|part| text.contains(part)), "{sections:?}: {text}");
        }
    }

    #[test]
    fn settings_are_found_by_pattern() {
        let rows: [(&[&str], &[&str]); 6] = [
            (&["save"], &["save"]),
            (&["SAVE", "appendonly"], &["appendonly", "save"]),
            (&["append*"], &["appendfsync", "appendonly"]),
            (&["*max*ol*y*"], &["maxmemory-policy"]),
            (&["s?ve"], &["save"]),
            (&["none", "", "savee", "?"], &[]),
        ];
        for (patterns, expected) in rows {
            let Reply::Map(pairs) = settings(&Config::default(), patterns) else { panic!("no map") };
            let names: Vec<_> = pairs.into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, expected.iter().map(Reply::bulk).collect::<Vec<_>>(), "{patterns:?}");
        }
    }
}
