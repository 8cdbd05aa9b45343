//! Where the journal's file is: in a folder, or on a simulated disk.

use std::fs;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use redb::{Builder, Database, DatabaseError, StorageError};

/// How much of the file is written again at once.
const CHUNK: usize = 1 << 20;

/// A place for one file, which has another name until it is whole.
pub trait Medium: Send + Sync + 'static {
    /// Whether the file is there, and was whole once.
    fn is_there(&self) -> io::Result<bool>;

    /// Makes a new database under the other name. What has that name is of a start that did not come to its end.
    fn make(&self, builder: &Builder) -> Result<Database, DatabaseError>;

    /// Gives what was made the file's name.
    fn finish(&self) -> io::Result<()>;

    /// Writes each byte of the file again as it is read, and syncs it. A sync that failed leaves pages behind that read
    /// as written and will never be: the system takes them for safe. After this they are.
    fn rewrite(&self) -> io::Result<()>;

    /// Opens the database.
    fn open(&self, builder: &Builder) -> Result<Database, DatabaseError>;

    /// From now on a power cut does not take the file's name away, and all that is in the file with it.
    fn keep_name(&self) -> io::Result<()>;
}

/// A file of the operating system's.
pub struct OnDisk(PathBuf);

impl OnDisk {
    pub fn at(path: PathBuf) -> OnDisk {
        OnDisk(path)
    }

    fn unfinished(&self) -> PathBuf {
        self.0.with_extension("redb.new")
    }
}

impl Medium for OnDisk {
    fn is_there(&self) -> io::Result<bool> {
        self.0.try_exists()
    }

    fn make(&self, builder: &Builder) -> Result<Database, DatabaseError> {
        if let Some(folder) = self.0.parent() {
            fs::create_dir_all(folder).map_err(|error| {
                StorageError::Io(io::Error::new(error.kind(), format!("no folder for it: {error}")))
            })?;
        }
        let unfinished = self.unfinished();
        match builder.create(&unfinished) {
            Err(DatabaseError::Storage(_)) if unfinished.exists() => {
                fs::remove_file(&unfinished).map_err(StorageError::Io)?;
                builder.create(&unfinished)
            }
            made => made,
        }
    }

    fn finish(&self) -> io::Result<()> {
        fs::rename(self.unfinished(), &self.0)
    }

    fn rewrite(&self) -> io::Result<()> {
        let mut file = fs::File::options().read(true).write(true).open(&self.0)?;
        if let Err(fs::TryLockError::WouldBlock) = file.try_lock() {
            return Err(io::Error::other("another process has it open"));
        }
        let (mut chunk, mut at) = (vec![0; CHUNK], 0);
        loop {
            file.seek(io::SeekFrom::Start(at))?;
            let count = file.read(&mut chunk)?;
            if count == 0 {
                return file.sync_all();
            }
            file.seek(io::SeekFrom::Start(at))?;
            file.write_all(&chunk[..count])?;
            at += count as u64;
        }
    }

    fn open(&self, builder: &Builder) -> Result<Database, DatabaseError> {
        builder.open(&self.0)
    }

    /// The file's name is in its folder, and the folder's, which may be new too, in the one around it.
    fn keep_name(&self) -> io::Result<()> {
        let path = fs::canonicalize(&self.0)?;
        path.ancestors().skip(1).take(2).try_for_each(sync_folder)
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// Elsewhere a folder is no file that can be opened.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
