//! The journal's file on the disk of a simulated node.

use std::io;

use ravelin::sim::{Mount, NodeFile};
use redb::{Builder, Database, DatabaseError, StorageBackend, StorageError};

use crate::journal::Medium;

const NAME: &str = "store.redb";
const UNFINISHED: &str = "store.redb.new";

/// The file as redb sees it.
#[derive(Debug)]
struct Storage(NodeFile);

impl StorageBackend for Storage {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_at(offset, data)
    }
}

impl Medium for Mount {
    fn is_there(&self) -> io::Result<bool> {
        self.exists(NAME)
    }

    fn make(&self, builder: &Builder) -> Result<Database, DatabaseError> {
        if self.exists(UNFINISHED).map_err(StorageError::Io)? {
            self.remove(UNFINISHED).map_err(StorageError::Io)?;
        }
        open(self, builder, UNFINISHED)
    }

    fn finish(&self) -> io::Result<()> {
        self.rename(UNFINISHED, NAME)
    }

    fn rewrite(&self) -> io::Result<()> {
        let file = self.open_or_create(NAME)?;
        let (len, mut chunk) = (file.len()?, vec![0; 1 << 16]);
        for at in (0..len).step_by(chunk.len()) {
            let part = (len - at).min(chunk.len() as u64) as usize;
            file.read_at(at, &mut chunk[..part])?;
            file.write_at(at, &chunk[..part])?;
        }
        file.sync()
    }

    fn open(&self, builder: &Builder) -> Result<Database, DatabaseError> {
        open(self, builder, NAME)
    }

    fn keep_name(&self) -> io::Result<()> {
        self.sync_dir()
    }
}

fn open(mount: &Mount, builder: &Builder, name: &str) -> Result<Database, DatabaseError> {
    builder.create_with_backend(Storage(mount.open_or_create(name).map_err(StorageError::Io)?))
}
