use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::account::{Account, is_root};
use crate::binaries::Binaries;
use crate::error::Error;
use crate::initialise::initialise;
use crate::locks::{StartLock, UsersLock};
use crate::place::{self, Place};
use crate::record::{DATABASE, Record};
use crate::server;
use crate::settings::Profile;

/// Is told in one sentence what is going on whenever a start takes longer than attaching to a running server.
pub type Progress = Arc<dyn Fn(&str) + Send + Sync>;

/// What [`Cluster::start`] needs to know.
#[derive(Clone)]
pub struct Options {
    /// Souk's data directory; created when it is missing.
    pub data_dir: PathBuf,
    /// Where progress goes.
    pub on_progress: Progress,
}

impl Options {
    /// The cluster of `data_dir`, starting silently.
    pub fn new(data_dir: impl Into<PathBuf>) -> Options {
        Options { data_dir: data_dir.into(), on_progress: Arc::new(|_| {}) }
    }
}

/// A running cluster that this process uses.
///
/// Dropping it only lets go: the server then keeps running until the next user stops it. End with [`Cluster::stop`].
#[must_use = "the cluster is left running unless it is stopped"]
pub struct Cluster {
    data_dir: PathBuf,
    place: Place,
    record: Record,
    url: String,
    users: UsersLock,
    progress: Progress,
    profile: Profile,
}

impl Cluster {
    /// Attaches to the cluster of `options.data_dir`, or starts it, making it first when there is none. Its database
    /// `souk` exists afterwards and belongs to the role that [`Cluster::url`] logs in as; that role may create other
    /// databases and trusted extensions, and is no superuser.
    ///
    /// # Errors
    /// Every way in which PostgreSQL can be missing, unfit, damaged or unwilling; see [`Error`].
    pub async fn start(options: Options) -> Result<Cluster, Error> {
        Cluster::start_as(options, Profile::Durable).await
    }

    pub(crate) async fn start_as(options: Options, profile: Profile) -> Result<Cluster, Error> {
        let data_dir = place::data_dir(&options.data_dir)?;
        let progress = options.on_progress;
        let guard = StartLock::acquire(&data_dir, &progress).await?;
        let users = UsersLock::join(&data_dir, &guard)?;
        match bring_up(&data_dir, &progress, profile).await {
            Ok((place, record)) => Ok(Cluster {
                url: record.url(&place.socket_directory(&record), DATABASE),
                data_dir,
                place,
                record,
                users,
                progress,
                profile,
            }),
            Err(error) => {
                give_up(&data_dir, users, &guard).await;
                Err(error)
            }
        }
    }

    /// The address of the database `souk`, for `sqlx` and libpq. It contains the password: do not log it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same for another database of this cluster, which need not exist yet.
    pub fn url_for(&self, database: &str) -> String {
        self.record.url(&self.place.socket_directory(&self.record), database)
    }

    /// Starts the server again when it is gone, killed by whoever short of memory, say. Whether it had to. What was
    /// committed is there again, and the address stays as it was.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub async fn revive(&self) -> Result<bool, Error> {
        if server::running(&self.place).is_some() {
            return Ok(false);
        }
        let _guard = StartLock::acquire(&self.data_dir, &self.progress).await?;
        bring_up(&self.data_dir, &self.progress, self.profile).await?;
        Ok(true)
    }

    /// Writes to disk what the server has put off, so that a measurement does not pay for what was before it.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn checkpoint(&self) -> Result<(), Error> {
        server::checkpoint(&self.place, &self.record).await
    }

    /// Stops the server when no other process uses it, else only detaches. Close the pools first: the connections that
    /// are still open are cut.
    ///
    /// # Errors
    /// [`Error::StopTimedOut`] when the server is still there after two minutes; [`Error::Io`] and [`Error::Busy`]
    /// when the locks cannot be used.
    pub async fn stop(self) -> Result<(), Error> {
        let guard = StartLock::acquire(&self.data_dir, &self.progress).await?;
        let users = self.users;
        if users.is_last(&guard)? {
            server::stop(&self.place).await?;
        }
        Ok(())
    }

    /// The directory of the cluster.
    pub(crate) fn root(&self) -> &Path {
        &self.place.root
    }
}

async fn bring_up(data_dir: &Path, progress: &Progress, profile: Profile) -> Result<(Place, Record), Error> {
    let (place, account, mut record, binaries) = match Record::read(data_dir)? {
        Some(record) => {
            let (place, account) = place::recorded(data_dir, &record)?;
            if place.is_complete() && server::attach(&place, &record).await? {
                return Ok((place, record));
            }
            let binaries = Binaries::find(made_by(&place), &place.data(), progress).await?;
            if !account.reaches(&place.root).await? {
                return Err(Error::Unreachable { user: account.name().into(), directory: place.root });
            }
            (place, account, record, binaries)
        }
        None => {
            // The programs come first: a package often brings the user postgres along.
            let binaries = Binaries::find(None, data_dir, progress).await?;
            let account = Account::for_new_cluster().await?;
            let (place, record) = place::create(data_dir, &account, progress).await?;
            (place, account, record, binaries)
        }
    };
    if is_root() {
        binaries.check_for(&account).await?;
    }
    let new = !place.is_complete();
    if new {
        progress(&format!("creating a private PostgreSQL {} cluster in {}", binaries.major, place.root.display()));
        initialise(&place, &account, &binaries, &record, profile).await?;
    }
    let socket = place::prepare_socket(data_dir, &place, &mut record, &account)?;
    progress(&format!("starting PostgreSQL {} in {}", binaries.major, place.root.display()));
    server::launch(&place, &account, &binaries, &socket, profile).await?;
    if new {
        server::create_database(&place, &record).await?;
    }
    if !server::attach(&place, &record).await? {
        return Err(server::start_failed(&place));
    }
    Ok((place, record))
}

/// The major version that made a finished cluster.
fn made_by(place: &Place) -> Option<u32> {
    if !place.is_complete() {
        return None;
    }
    let text = std::fs::read_to_string(place.data().join("PG_VERSION")).ok()?;
    text.trim().parse().ok()
}

/// After a start that failed half-way: leaves no server behind that nobody uses. The failure is what is reported.
async fn give_up(data_dir: &Path, users: UsersLock, guard: &StartLock) {
    let alone = users.is_last(guard).unwrap_or(false);
    if alone
        && let Ok(Some(record)) = Record::read(data_dir)
        && let Ok((place, _)) = place::recorded(data_dir, &record)
    {
        let _ = server::stop(&place).await;
    }
}
