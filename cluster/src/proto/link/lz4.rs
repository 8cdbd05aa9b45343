//! `[pure]` Blocks of LZ4, with the feature `lz4`; without it there are none.

/// What the handshake calls it.
pub(super) const FEATURE: &str = "lz4";

/// Whether this build has it.
pub(super) const IS_BUILT_IN: bool = cfg!(feature = "lz4");

#[cfg(feature = "lz4")]
pub(super) use real::{Packer, unpack};
#[cfg(not(feature = "lz4"))]
pub(super) use stub::{Packer, unpack};

#[cfg(feature = "lz4")]
mod real {
    use lz4_flex::block::{
        CompressTable, compress_into_with_table, decompress_into, get_maximum_output_size,
    };

    /// Makes blocks, with one table and one buffer for all.
    pub(in super::super) struct Packer {
        table: CompressTable,
        block: Vec<u8>,
    }

    impl Packer {
        pub(in super::super) fn new() -> Option<Packer> {
            Some(Packer { table: CompressTable::default(), block: Vec::new() })
        }

        /// The block of these bytes.
        pub(in super::super) fn pack(&mut self, bytes: &[u8]) -> Option<&[u8]> {
            let most = get_maximum_output_size(bytes.len());
            if self.block.len() < most {
                self.block.resize(most, 0);
            }
            let length = compress_into_with_table(bytes, &mut self.block, &mut self.table).ok()?;
            self.block.get(..length)
        }
    }

    /// The bytes of this block, if it has just so many. A buffer of its own, so that a block that lies gets to see
    /// nothing of another.
    pub(in super::super) fn unpack(block: &[u8], bytes: usize) -> Option<Vec<u8>> {
        let mut out = vec![0; bytes];
        let has = decompress_into(block, &mut out).ok()?;
        (has == bytes).then_some(out)
    }
}

#[cfg(not(feature = "lz4"))]
mod stub {
    /// There is none.
    pub(in super::super) enum Packer {}

    impl Packer {
        pub(in super::super) fn new() -> Option<Packer> {
            None
        }

        pub(in super::super) fn pack(&mut self, _: &[u8]) -> Option<&[u8]> {
            match *self {}
        }
    }

    pub(in super::super) fn unpack(_: &[u8], _: usize) -> Option<Vec<u8>> {
        None
    }
}
