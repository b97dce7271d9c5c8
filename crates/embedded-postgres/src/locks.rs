//! Advisory file locks. They belong to an open file, so the kernel frees them whatever way a process ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::cluster::Progress;
use crate::error::{Error, io};

/// How long another process may take to start or stop the cluster: it may be installing PostgreSQL meanwhile.
const PATIENCE: Duration = Duration::from_secs(900);
const SAY_SO_AFTER: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(20);

fn open(path: &Path) -> Result<File, Error> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(io("open the lock", path))
}

fn taken(outcome: Result<(), TryLockError>, path: &Path) -> Result<bool, Error> {
    match outcome {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(io("lock", path)(error)),
    }
}

/// The right to start or stop the cluster. Dropping it gives it back.
pub(crate) struct StartLock {
    _file: File,
}

impl StartLock {
    /// Waits until nobody else starts or stops the cluster of `data_dir`.
    pub async fn acquire(data_dir: &Path, progress: &Progress) -> Result<StartLock, Error> {
        let path = data_dir.join("postgres.start.lock");
        let file = open(&path)?;
        let began = Instant::now();
        let mut said = false;
        while !taken(file.try_lock(), &path)? {
            if began.elapsed() > PATIENCE {
                return Err(Error::Busy { path, seconds: PATIENCE.as_secs() });
            }
            if !said && began.elapsed() > SAY_SO_AFTER {
                progress("waiting for another Souk command that is starting or stopping PostgreSQL");
                said = true;
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(StartLock { _file: file })
    }
}

/// One user's share in the cluster.
pub(crate) struct UsersLock {
    file: File,
    path: PathBuf,
}

impl UsersLock {
    /// Joins the users. Only who holds the [`StartLock`] may call it: then nobody is leaving as the last one.
    pub fn join(data_dir: &Path, _guard: &StartLock) -> Result<UsersLock, Error> {
        let path = data_dir.join("postgres.users.lock");
        let file = open(&path)?;
        if !taken(file.try_lock_shared(), &path)? {
            return Err(Error::Busy { path, seconds: 0 });
        }
        Ok(UsersLock { file, path })
    }

    /// Whether nobody else uses the cluster. This process is no user any more afterwards: while it holds this value it
    /// keeps others out when it was the last, and counts for nothing when it was not.
    pub fn is_last(&self, _guard: &StartLock) -> Result<bool, Error> {
        self.file.unlock().map_err(io("unlock", &self.path))?;
        taken(self.file.try_lock(), &self.path)
    }
}

/// The right to be the one `souk serve` of a data directory, held until it is dropped or the process ends.
#[derive(Debug)]
pub struct ServeLock {
    _file: File,
}

impl ServeLock {
    /// Takes `DIR/souk.lock` and writes the process id into it. Creates `DIR` when it is missing.
    ///
    /// # Errors
    /// [`Error::AlreadyServing`] when another process holds it; [`Error::Io`] when the file cannot be used.
    pub fn acquire(data_dir: &Path) -> Result<ServeLock, Error> {
        let directory = crate::place::data_dir(data_dir)?;
        let path = directory.join("souk.lock");
        let mut file = open(&path)?;
        if !taken(file.try_lock(), &path)? {
            let mut pid = String::new();
            file.read_to_string(&mut pid).map_err(io("read", &path))?;
            let pid = pid.trim();
            return Err(Error::AlreadyServing { directory, pid: if pid.is_empty() { "unknown" } else { pid }.into() });
        }
        let written =
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(io("write", &path))?;
        Ok(ServeLock { _file: file })
    }
}
