//! What is possible in a config, and what is said of what is not.

use super::*;

fn config() -> Config {
    Config::new("shard-3".parse().unwrap(), "10.0.0.3:4370")
}

#[test]
fn what_is_configured_is_what_links_get() {
    const MIB: usize = 1 << 20;
    let limits = Limits {
        message_bytes_max: MIB,
        fragment_bytes_max: 20_000,
        queue_bytes_max: 2 * MIB,
        bulk_queue_bytes_max: 3 * MIB,
        assembly_bytes_max: 5 * MIB,
    };
    let (heartbeat, silence) = (Duration::from_millis(300), Duration::from_millis(900));
    let config = Config { limits, heartbeat, silence, ..config() };
    config.check().unwrap();
    let (link, takes) = (config.link(), config.takes());
    assert_eq!((link.heartbeat, link.silence), (heartbeat, silence));
    assert_eq!((link.fragment_max, link.user_max, link.bulk_max), (20_000, 2 * MIB, 3 * MIB));
    assert_eq!((takes.message_max, takes.window), (MIB as u64, 5 * MIB as u64));
}

#[test]
fn a_value_that_is_not_possible_is_named_with_what_is() {
    let rows: &[(&str, Change)] = &[
        ("", |_| ()),
        ("", |c| c.listen = Endpoint("localhost:0".into())),
        ("", |c| c.seeds = vec![Endpoint("[::1]:4370".into())]),
        ("", |c| c.membership = Timing::wan()),
        ("", |c| c.membership = Timing::local()),
        ("cluster: `` is not possible: 1 to 255 printable ASCII characters without spaces", |c| {
            c.cluster.clear()
        }),
        ("listen: `10.0.0.3` is not possible: host:port is, with port 0 for one that is free", |c| {
            c.listen = Endpoint("10.0.0.3".into());
        }),
        (
            "listen: `0.0.0.0:1` is not possible: an address at which others can reach it, or `advertise` beside it",
            |c| c.listen = Endpoint("0.0.0.0:1".into()),
        ),
        ("advertise: `10.0.0.3:0` is not possible: host:port is, with a port from 1 to 65535", |c| {
            c.advertise = Some(Endpoint("10.0.0.3:0".into()));
        }),
        ("advertise: `[::]:1` is not possible: an address at which others can reach it", |c| {
            c.advertise = Some(Endpoint("[::]:1".into()));
        }),
        ("seeds: `::1:4370` is not possible: host:port is, with a port from 1 to 65535", |c| {
            c.seeds = vec![Endpoint("::1:4370".into())];
        }),
        ("features: `` is not possible: names of 1 to 255 bytes", |c| {
            c.features = BTreeSet::from([String::new()])
        }),
        ("heartbeat: `0 ms` is not possible: 1 ms to a year", |c| c.heartbeat = Duration::ZERO),
        ("silence: `900 ms` is not possible: at least twice heartbeat", |c| {
            c.silence = Duration::from_millis(900)
        }),
        ("membership.answer_within: `200 ms` is not possible: at most half of probe_every", |c| {
            c.membership.answer_within = Duration::from_millis(200);
        }),
        ("membership.suspect_for: `299 ms` is not possible: at least probe_every", |c| {
            c.membership.suspect_for = Duration::from_millis(299);
        }),
        ("membership.forget_after: `31536000001 ms` is not possible: 1 ms to a year", |c| {
            c.membership.forget_after = Duration::from_millis(31_536_000_001);
        }),
        ("limits.fragment_bytes_max: `1` is not possible: 16384 to 65536", |c| {
            c.limits.fragment_bytes_max = 1
        }),
        ("limits.message_bytes_max: `0` is not possible: 1024 to 1073741824", |c| {
            c.limits.message_bytes_max = 0
        }),
        ("limits.queue_bytes_max: `1` is not possible: at least twice fragment_bytes_max", |c| {
            c.limits.queue_bytes_max = 1;
        }),
        ("limits.bulk_queue_bytes_max: `1` is not possible: at least message_bytes_max", |c| {
            c.limits.bulk_queue_bytes_max = 1;
        }),
        ("limits.assembly_bytes_max: `1` is not possible: at least message_bytes_max", |c| {
            c.limits.assembly_bytes_max = 1;
        }),
        ("dialling.dials_max: `0` is not possible: at least 1", |c| c.dialling.dials_max = 0),
    ];
    check(rows);
}

type Change = fn(&mut Config);

/// What is said of a config that was changed so.
fn check(rows: &[(&str, Change)]) {
    for (expected, change) in rows {
        let mut config = config();
        change(&mut config);
        let said = config.check().map_or_else(|error| error.to_string(), |()| String::new());
        assert_eq!(said, *expected);
    }
}

#[test]
fn what_is_offered_and_compressed_is_possible_or_named_with_what_is() {
    check(&[
        ("features: `64` is not possible: at most 63 names", |c| {
            c.features = (0..64).map(|n| n.to_string()).collect()
        }),
        ("features: `lz4` is not possible: it is offered by the field compression", |c| {
            c.features = BTreeSet::from(["lz4".to_owned()])
        }),
        ("", |c| c.compression = Compression::bulk()),
        ("compression.bulk.at_least_bytes: `0` is not possible: 1 to 65472", |c| {
            c.compression = Compression::Bulk { at_least_bytes: 0 }
        }),
        ("compression.bulk.at_least_bytes: `65473` is not possible: 1 to 65472", |c| {
            c.compression = Compression::Bulk { at_least_bytes: 65_473 }
        }),
    ]);
}

#[test]
fn a_build_without_compression_says_what_it_lacks() {
    let error = check_compression(Compression::bulk(), None).unwrap_err();
    let said = "compression: `bulk` is not possible: never is, without the cargo feature `lz4`, which is `cluster-lz4` of ravelin";
    assert_eq!(error.to_string(), said);
    assert_eq!(check_compression(Compression::Never, None), Ok(()));
}

#[test]
fn where_others_reach_it_is_where_it_listens_unless_it_says_otherwise() {
    let mut config = config();
    assert_eq!(config.reached_at().to_string(), "10.0.0.3:4370");
    config.advertise = Some(Endpoint("203.0.113.9:4370".into()));
    assert_eq!(config.reached_at().to_string(), "203.0.113.9:4370");
}

#[cfg(feature = "config-file")]
mod toml {
    use super::*;
    use ravelin_supervisor::backoff::Backoff;

    const SHORT: &str = "name = 'shard-3'\nlisten = '10.0.0.3:4370'\n";

    #[test]
    fn a_file_with_two_fields_is_the_default() {
        assert_eq!(Config::from_toml(SHORT), Ok(config()));
    }

    const LONG: &str = r#"
    name = "shard-3"
    incarnation = 7
    cluster = "chat"
    role = "client"
    clients = "start"
    listen = "0.0.0.0:0"
    advertise = "10.0.0.3:4370"
    seeds = ["10.0.0.1:4370", "b:1"]
    dns = ["srv:_r._tcp.chat", "chat:4370"]
    discover_every_ms = 1
    features = ["zstd"]
    heartbeat_ms = 2
    silence_ms = 4
    compression = "never"
    [limits]
    message_bytes_max = 20001
    fragment_bytes_max = 20002
    queue_bytes_max = 50003
    bulk_queue_bytes_max = 20004
    assembly_bytes_max = 20005
    [membership]
    preset = "wan"
    probe_every_ms = 10
    answer_within_ms = 5
    suspect_for_ms = 12
    gossip_every_ms = 13
    announce_every_ms = 14
    ask_every_ms = 15
    ask_down_every_ms = 16
    forget_after_ms = 17
    [dialling]
    backoff_first_ms = 18
    backoff_max_ms = 19
    steady_after_ms = 20
    defer_ms = 21
    handshake_within_ms = 22
    come_back_within_ms = 23
    forget_after_ms = 24
    dials_max = 25
    accepts_max = 26
    "#;

    #[test]
    fn every_field_can_be_in_a_file() {
        let ms = Duration::from_millis;
        let expected = Config {
            name: "shard-3".parse().unwrap(),
            incarnation: Some(Incarnation(7)),
            cluster: "chat".to_owned(),
            role: Role::Client,
            clients: super::Clients::Start,
            listen: Endpoint("0.0.0.0:0".into()),
            advertise: Some(Endpoint("10.0.0.3:4370".into())),
            seeds: vec![Endpoint("10.0.0.1:4370".into()), Endpoint("b:1".into())],
            dns: vec!["srv:_r._tcp.chat".parse().unwrap(), "chat:4370".parse().unwrap()],
            discover_every: ms(1),
            features: BTreeSet::from(["zstd".to_owned()]),
            heartbeat: ms(2),
            silence: ms(4),
            compression: Compression::Never,
            limits: Limits {
                message_bytes_max: 20001,
                fragment_bytes_max: 20002,
                queue_bytes_max: 50003,
                bulk_queue_bytes_max: 20004,
                assembly_bytes_max: 20005,
            },
            membership: Timing {
                probe_every: ms(10),
                answer_within: ms(5),
                suspect_for: ms(12),
                gossip_every: ms(13),
                announce_every: ms(14),
                ask_every: ms(15),
                ask_down_every: ms(16),
                forget_after: ms(17),
            },
            dialling: Dialling {
                backoff: Backoff::exponential(ms(18), ms(19)).jitter(0.5),
                steady_after: ms(20),
                defer: ms(21),
                handshake_within: ms(22),
                come_back_within: ms(23),
                forget_after: ms(24),
                dials_max: 25,
                accepts_max: 26,
            },
        };
        assert_eq!(Config::from_toml(LONG), Ok(expected));
    }

    #[test]
    fn compression_is_a_word_or_a_table() {
        let rows = [
            ("", Compression::Never),
            ("compression = 'never'", Compression::Never),
            ("[compression.bulk]", Compression::bulk()),
            ("[compression.bulk]\nat_least_bytes = 5000", Compression::Bulk { at_least_bytes: 5000 }),
        ];
        for (text, expected) in rows {
            let compression = Config::from_toml(&format!("{SHORT}{text}")).map(|config| config.compression);
            assert_eq!(compression, Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_in_a_file_is_named_with_its_value_and_what_is_expected() {
        let rows = [
            ("listen = 'a:1'", &["missing field `name`"][..]),
            (&format!("{SHORT}sedes = []"), &["line 3", "unknown field `sedes`", "`seeds`"]),
            (&format!("{SHORT}silence_ms = 'long'"), &["line 3", "silence_ms = 'long'", "expected u64"]),
            (&format!("{SHORT}silence_ms = -1"), &["line 3", "silence_ms = -1", "expected u64"]),
            (&format!("{SHORT}role = 'boss'"), &["line 3", "role = 'boss'", "`member` or `client`"]),
            (
                &format!("{SHORT}[membership]\npreset = 'moon'"),
                &["line 4", "'moon'", "`local`, `lan`, `wan`"],
            ),
            (&format!("{SHORT}compression = 'all'"), &["line 3", "`all`", "`never` or `bulk`"]),
            (&format!("{SHORT}[compression.bulk]\nleast = 1"), &["line 4", "least = 1", "at_least_bytes"]),
            (&format!("{SHORT}dns = ['chat']"), &["dns: `chat` is not possible: host:port is, or srv:name"]),
            (
                &format!("{SHORT}silence_ms = 1"),
                &["silence: `1 ms` is not possible: at least twice heartbeat"],
            ),
            ("name = 'a b'\nlisten = 'a:1'", &["name: `a b` is not possible: 1 to 255 letters, digits and"]),
            ("name = ", &["line 1"]),
        ];
        for (text, expected) in rows {
            let said = Config::from_toml(text).unwrap_err().to_string();
            assert!(expected.iter().all(|part| said.contains(part)), "{text}\n{said}");
        }
        let said = Config::from_file("no such file").unwrap_err().to_string();
        assert!(said.starts_with("no such file: "), "{said}");
    }
}
