//! Files that are being written.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

/// Drafts of this process, counted, so that each has a name of its own.
static COUNT: AtomicU64 = AtomicU64::new(0);
/// How many names are tried; those of another process with the same id (in another container) may be taken.
const NAMES: usize = 1_000;

/// A complete, synced file without its final name. It is locked for as long as this value lives, which tells whoever cleans
/// up that it is not left over.
pub(crate) struct Draft {
    path: PathBuf,
    _lock: File,
}

impl Draft {
    pub(crate) fn write(directory: &Path, bytes: &[u8]) -> io::Result<Self> {
        let (path, mut file) = create(directory)?;
        let written = file.lock().and_then(|()| file.write_all(bytes)).and_then(|()| file.sync_all());
        let draft = Self { path, _lock: file };
        match written {
            Ok(()) => Ok(draft),
            Err(error) => {
                draft.discard();
                Err(error)
            }
        }
    }

    /// Gives it its final name, in place of what may have it.
    pub(crate) fn rename(self, path: &Path) -> io::Result<()> {
        let renamed = fs::rename(&self.path, path);
        if renamed.is_err() {
            self.discard();
        }
        renamed
    }

    /// What cannot be removed now is removed when the store is opened next.
    fn discard(self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn create(directory: &Path) -> io::Result<(PathBuf, File)> {
    for _ in 0..NAMES {
        let path = directory.join(format!("{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{} is full of drafts", directory.display())))
}

/// Removes the drafts whose writer is gone.
pub(crate) fn clean(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        match file.try_lock() {
            Ok(()) => match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            },
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(())
}
