//! Where the cluster lives: in `DIR/postgres`, or elsewhere when the server's user cannot get there.

use std::env;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use crate::account::{Account, absent, is_root};
use crate::cluster::Progress;
use crate::error::{Error, io};
use crate::random;
use crate::record::{Record, sync_directory};

/// The longest directory that a socket fits in: `sun_path` has 104 bytes on some systems, the name takes 14.
const LONGEST_SOCKET_DIRECTORY: usize = 88;

/// Creates Souk's data directory where it is missing and makes its path absolute, without links.
///
/// It is for its owner alone; root's lets the server's user pass through, who can list nothing in it.
pub(crate) fn data_dir(path: &Path) -> Result<PathBuf, Error> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(if is_root() { 0o711 } else { 0o700 })
        .create(path)
        .map_err(io("create", path))?;
    path.canonicalize().map_err(io("find", path))
}

/// The directory of one cluster.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub root: PathBuf,
}

impl Place {
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    pub fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    /// What the server says before its own log is open.
    pub fn start_log(&self) -> PathBuf {
        self.log().join("start.log")
    }

    /// There from the first moment until the cluster is made.
    fn unfinished(&self) -> PathBuf {
        self.root.join("unfinished")
    }

    /// There from when the cluster is made.
    fn complete(&self) -> PathBuf {
        self.root.join("complete")
    }

    pub fn is_complete(&self) -> bool {
        self.complete().exists()
    }

    /// Says that the cluster is made. Whatever came before is on disk already.
    pub fn finish(&self) -> Result<(), Error> {
        fs::rename(self.unfinished(), self.complete()).map_err(io("write", self.complete()))?;
        sync_directory(&self.root)
    }

    /// Makes the directory for a cluster to come, marked as unfinished.
    fn make(root: PathBuf, account: &Account) -> Result<Place, Error> {
        account.make_private(&root)?;
        let place = Place { root };
        fs::write(place.unfinished(), "").map_err(io("write", place.unfinished()))?;
        Ok(place)
    }

    /// Empties a place whose cluster was never finished, so that it can be made again.
    pub fn clear_unfinished(&self) -> Result<(), Error> {
        for directory in [self.data(), self.log(), self.root.join("socket")] {
            match fs::remove_dir_all(&directory) {
                Err(error) if !absent(&error) => return Err(io("remove", directory)(error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// The directory of the socket that `record` names.
    pub fn socket_directory(&self, record: &Record) -> PathBuf {
        self.root.join(&record.socket_directory)
    }
}

/// The place that `record` names, checked to be one that a server can run in.
pub(crate) fn recorded(data_dir: &Path, record: &Record) -> Result<(Place, Account), Error> {
    let place = Place { root: data_dir.join(&record.directory) };
    if !place.root.is_dir() {
        return Err(Error::ClusterMissing { record: Record::path(data_dir), directory: place.root });
    }
    let account = Account::owner_of(&place.root)?;
    if !place.is_complete() && !place.unfinished().exists() {
        return Err(Error::NotOurs { directory: place.root });
    }
    Ok((place, account))
}

/// Makes a place for a new cluster and records it.
pub(crate) async fn create(data_dir: &Path, account: &Account, progress: &Progress) -> Result<(Place, Record), Error> {
    let inside = Place { root: data_dir.join("postgres") };
    remove_leftover(data_dir, &inside)?;
    let mut place = Place::make(inside.root, account)?;
    let mut directory = PathBuf::from("postgres");
    if !account.reaches(&place.root).await? {
        fs::remove_dir_all(&place.root).map_err(io("remove", &place.root))?;
        place = elsewhere(data_dir, account).await?;
        directory.clone_from(&place.root);
        progress(&format!(
            "the user {} cannot reach {}, so the cluster lives in {}",
            account.name(),
            data_dir.display(),
            place.root.display()
        ));
    }
    let record = Record::new(directory)?;
    record.write(data_dir)?;
    Ok((place, record))
}

/// Removes what a start left that was interrupted before it wrote a record. Anything else is not ours to remove.
fn remove_leftover(data_dir: &Path, place: &Place) -> Result<(), Error> {
    if place.is_complete() {
        return Err(Error::RecordMissing { record: Record::path(data_dir), directory: place.root.clone() });
    }
    let mut entries = match fs::read_dir(&place.root) {
        Ok(entries) => entries,
        Err(error) if absent(&error) => return Ok(()),
        Err(error) => return Err(io("read", &place.root)(error)),
    };
    if place.unfinished().exists() || entries.next().is_none() {
        fs::remove_dir_all(&place.root).map_err(io("remove", &place.root))
    } else {
        Err(Error::NotOurs { directory: place.root.clone() })
    }
}

/// A private place outside `data_dir`: as lasting as `data_dir` is, so among the temporary files only when `data_dir`
/// is there too.
async fn elsewhere(data_dir: &Path, account: &Account) -> Result<Place, Error> {
    let temporary = env::temp_dir();
    let temporary = temporary.canonicalize().unwrap_or(temporary);
    let name = random::hex(8)?;
    let lasting = Path::new("/var/lib/souk");
    let mut candidates = Vec::new();
    if data_dir.starts_with(&temporary) {
        candidates.push(temporary.join(format!("souk-postgres-{name}")));
    }
    candidates.push(lasting.join(&name));
    candidates.push(Path::new("/var/tmp").join(format!("souk-postgres-{name}")));
    let made = fs::DirBuilder::new().recursive(true).mode(0o711).create(lasting);
    let mut last = made.err().map(io("create", lasting));
    for root in candidates {
        match Place::make(root, account) {
            Ok(place) if account.reaches(&place.root).await? => return Ok(place),
            Ok(place) => {
                fs::remove_dir_all(&place.root).map_err(io("remove", &place.root))?;
                last = None;
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| Error::Unreachable { user: account.name().into(), directory: data_dir.into() }))
}

/// Sees to it that the directory of the socket exists and is private, and records it when it had to change.
///
/// It is in the cluster's own directory unless that path is too long for a socket, has letters that the server's
/// settings would misread, or is on a file system without sockets; then it is a directory among the temporary files.
pub(crate) fn prepare_socket(
    data_dir: &Path,
    place: &Place,
    record: &mut Record,
    account: &Account,
) -> Result<PathBuf, Error> {
    let inside = place.root.join("socket");
    let chosen = place.socket_directory(record);
    if suits(&chosen) && private(&chosen, account) && (chosen == inside || record.socket_directory.is_absolute()) {
        return Ok(chosen);
    }
    if suits(&inside) && !inside.exists() {
        account.make_private(&inside)?;
        if holds_sockets(&inside) {
            return remember(data_dir, record, "socket".into(), inside);
        }
    }
    let temporary = env::temp_dir();
    let base = if suits(&temporary.join("souk-0123456789abcdef")) { temporary } else { "/tmp".into() };
    let outside = base.join(format!("souk-{}", random::hex(8)?));
    account.make_private(&outside)?;
    remember(data_dir, record, outside.clone(), outside)
}

fn remember(data_dir: &Path, record: &mut Record, name: PathBuf, directory: PathBuf) -> Result<PathBuf, Error> {
    if record.socket_directory != name {
        record.socket_directory = name;
        record.write(data_dir)?;
    }
    Ok(directory)
}

fn suits(directory: &Path) -> bool {
    directory.to_str().is_some_and(|text| {
        text.len() <= LONGEST_SOCKET_DIRECTORY
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte))
    })
}

/// Whether `directory` is a directory itself (no link to one) that only the server's user can enter.
fn private(directory: &Path, account: &Account) -> bool {
    fs::symlink_metadata(directory)
        .is_ok_and(|found| found.is_dir() && found.uid() == account.uid() && found.mode() & 0o077 == 0)
}

fn holds_sockets(directory: &Path) -> bool {
    let probe = directory.join("probe");
    let bound = UnixListener::bind(&probe).is_ok();
    let _ = fs::remove_file(&probe);
    bound
}
