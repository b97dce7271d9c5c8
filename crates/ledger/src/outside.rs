//! The head that was signed last, in a file that a backup of the database does not carry.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

/// More than any checkpoint's text.
const MAX_NOTE: u64 = 1 << 20;

/// The file. Its folder is made when it is first written.
#[derive(Clone, Debug)]
pub struct Outside {
    path: PathBuf,
}

/// While it lives, no other process reads or writes through [`Outside::lock`].
pub struct Locked {
    path: PathBuf,
    _lock: fs::File,
}

impl Outside {
    /// The file at `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the lock beside it.
    ///
    /// # Errors
    /// Another process has it, or the folder cannot be written.
    pub fn lock(&self) -> io::Result<Locked> {
        let folder = folder(&self.path);
        fs::create_dir_all(folder)?;
        let lock =
            fs::OpenOptions::new().create(true).truncate(false).write(true).open(self.path.with_extension("lock"))?;
        lock.try_lock()?;
        Ok(Locked { path: self.path.clone(), _lock: lock })
    }
}

impl Locked {
    /// What is in it; none when there is no file.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self) -> io::Result<Option<String>> {
        match fs::File::open(&self.path) {
            Ok(file) => io::read_to_string(io::Read::take(file, MAX_NOTE)).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces it, all or nothing, and for good.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn replace(&self, note: &str) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        let mut file = fs::File::create(&beside)?;
        file.write_all(note.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        fs::File::open(folder(&self.path))?.sync_all()
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
