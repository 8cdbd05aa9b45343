//! `[pure]` What holds for the whole network: limits, and how connections behave.

use super::link::Link;
use super::luck::Ppm;
use std::time::Duration;

/// The settings of a network. Those of single links are set on top: [`Network::set_link`](super::Network::set_link).
///
/// ```
/// use ravelin_sim::net::{Link, Settings, StreamSettings};
/// use std::time::Duration;
/// let patient = StreamSettings { give_up_after: None, ..StreamSettings::default() };
/// let settings = Settings { link: Link::wan(), streams: patient, ..Settings::default() };
/// assert_eq!(settings.loopback, Link::perfect(Duration::from_micros(10)));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Settings {
    /// Every link that has no setting of its own.
    pub link: Link,
    /// From a node to itself. Cuts and partitions leave it alone.
    pub loopback: Link,
    /// The longest datagram, in bytes.
    pub datagram_len_max: usize,
    /// The most packets that one clogged link holds; datagrams above are lost, segments never are.
    pub held_max: usize,
    /// Connections.
    pub streams: StreamSettings,
}

/// How connections behave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StreamSettings {
    /// The most bytes, per direction, that are written and not yet read at the other end.
    pub buffer_len_max: usize,
    /// The most bytes that travel together; zero counts as one.
    pub segment_len_max: usize,
    /// How many reads and writes move fewer bytes than they could, and how many segments are cut short.
    pub short: Ppm,
    /// How long it takes to see that a segment was lost; twice as long for each further loss in a row.
    pub retry_after: Duration,
    /// How long an end waits for a sign that what it sent arrived, before it calls the connection
    /// [`TimedOut`](super::Broken::TimedOut). `None`: for ever. An end that sent nothing waits for nothing: it
    /// never learns that the other is gone.
    pub give_up_after: Option<Duration>,
}

impl Default for Settings {
    /// A quiet local network, datagrams up to 65,507 bytes as in UDP, 65,536 packets held per link.
    fn default() -> Settings {
        Settings {
            link: Link::lan(),
            loopback: Link::perfect(Duration::from_micros(10)),
            datagram_len_max: 65_507,
            held_max: 65_536,
            streams: StreamSettings::default(),
        }
    }
}

impl Default for StreamSettings {
    /// 64 KiB of buffer, 16 KiB segments, one in ten cut short, 200 ms to see a loss, 20 s to give up.
    fn default() -> StreamSettings {
        StreamSettings {
            buffer_len_max: 64 << 10,
            segment_len_max: 16 << 10,
            short: Ppm::percent(10),
            retry_after: Duration::from_millis(200),
            give_up_after: Some(Duration::from_secs(20)),
        }
    }
}
