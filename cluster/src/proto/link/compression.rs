//! `[pure]` What goes over the bulk stream, made smaller: fragment by fragment, each by itself.

use super::config::{Broken, LinkConfig};
use super::lz4::{self, Packer};
use crate::proto::Stream;
use crate::proto::frame::{Compressed, LENGTH_BYTES, length_at, put_compressed};
use bytes::Bytes;
use std::collections::BTreeSet;
use std::sync::Arc;

/// One that does not get smaller by this part of it goes as it is.
const WORTH: usize = 8;

/// What is compressed between two nodes. Both have to say so, else nothing is: one that says [`Never`](Self::Never), or
/// was built without the feature, is talked to without.
///
/// It is what goes over the bulk lane that is compressed, messages over 16 KiB, in fragments, each by itself; small
/// messages are not, but those of a flow that has a large one under way. The link's actor does it when it writes, without
/// a lock, and lets others have a turn after 128 KiB: neither who sends nor a heartbeat waits for a whole message. A
/// fragment that does not get an eighth smaller goes as it is. Limits and windows count what there was before.
///
/// It is for text, tables and the like over slow or costly lines. Beware: the length of what is compressed tells of its
/// content, through encryption too. Leave it off where an actor sends secrets and beside them what a stranger chose, and
/// lines are watched.
///
/// ```
/// use ravelin_cluster::{Compression, Config};
/// let compression = Compression::bulk();
/// let config = Config { compression, ..Config::new("shard-3".parse().unwrap(), "10.0.0.3:4370") };
/// assert_eq!(config.check().is_ok(), cfg!(feature = "lz4"));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Compression {
    /// Nothing, in neither direction.
    #[default]
    Never,
    /// Large messages, by LZ4; with the cargo feature `lz4`.
    Bulk {
        /// Fragments with less than so many bytes go as they are; 1 to 65,472, for none has more.
        at_least_bytes: usize,
    },
}

impl Compression {
    /// Fragments of at least 1 KiB.
    pub const fn bulk() -> Compression {
        Compression::Bulk { at_least_bytes: 1024 }
    }

    /// The feature that one names in the handshake who wants this; `None`: there is nothing to name, or this build has it
    /// not.
    pub fn feature(self) -> Option<&'static str> {
        match self {
            Compression::Bulk { .. } if lz4::IS_BUILT_IN => Some(lz4::FEATURE),
            Compression::Bulk { .. } | Compression::Never => None,
        }
    }

    /// This, on a link whose two sides have both named these features: as it is, or never.
    pub fn agreed(self, features: &BTreeSet<Arc<str>>) -> Compression {
        match self.feature() {
            Some(feature) if features.contains(feature) => self,
            _ => Compression::Never,
        }
    }

    /// Whether a name is that of a feature that this library names by itself.
    pub(crate) fn is_feature(name: &str) -> bool {
        name == lz4::FEATURE
    }
}

/// Makes chunks smaller, between the [`Outbox`](super::Outbox) and the transport: not under the lock of the outbox.
pub struct Compressor {
    at_least_bytes: usize,
    /// `None`: it never does.
    packer: Option<Packer>,
}

impl Compressor {
    /// One that does what [`LinkConfig::compression`] says, which is what was [agreed](Compression::agreed).
    pub fn new(config: &LinkConfig) -> Compressor {
        let (at_least_bytes, packer) = match config.compression {
            Compression::Never => (0, None),
            Compression::Bulk { at_least_bytes } => (at_least_bytes, Packer::new()),
        };
        Compressor { at_least_bytes, packer }
    }

    /// Makes a chunk of an outbox smaller, if that is wanted and worth it. Gives for how many bytes it was tried: what
    /// it took time for. At most one chunk's, 64 KiB.
    pub fn compress(&mut self, stream: Stream, chunk: &mut Bytes) -> usize {
        let Some(packer) = self.packer.as_mut().filter(|_| stream == Stream::Bulk) else { return 0 };
        let (mut out, mut kept, mut at, mut tried) = (Vec::new(), 0, 0, 0);
        while let Some(length) = length_at(chunk, at) {
            let end = at + LENGTH_BYTES + length;
            let Some(content) = chunk.get(at + LENGTH_BYTES..end) else { break };
            if length >= self.at_least_bytes {
                tried += length;
                if let Some(block) = packer.pack(content).filter(|block| is_worth(block.len(), length)) {
                    out.extend_from_slice(&chunk[kept..at]);
                    put_compressed(&mut out, length, block);
                    kept = end;
                }
            }
            at = end;
        }
        if kept > 0 {
            out.extend_from_slice(&chunk[kept..]);
            *chunk = out.into();
        }
        tried
    }
}

/// Also smaller by more than what stands around it.
fn is_worth(packed: usize, length: usize) -> bool {
    packed + length / WORTH + 4 < length
}

/// The content of the frame that was compressed. Takes memory for what it says it had, which is no more than a frame has,
/// and nothing if it lies.
pub(super) fn inflate(compressed: &Compressed) -> Result<Bytes, Broken> {
    let content = lz4::unpack(&compressed.block, usize::from(compressed.bytes));
    content.map(Bytes::from).ok_or(Broken::Compressed)
}
