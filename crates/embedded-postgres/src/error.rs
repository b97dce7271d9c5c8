use std::io;
use std::path::PathBuf;

/// Why the private cluster or a lock is not to be had. Every message says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or directory could not be used.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A program of PostgreSQL or of the system could not be run at all.
    #[error("cannot run {}: {source}", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no PostgreSQL and none could be installed.
    #[error(
        "no PostgreSQL (14 or newer) was found{tried}. Install it ({hint}), or name the directory of initdb, postgres \
         and pg_ctl in SOUK_POSTGRES_BIN, or set DATABASE_URL to a server of your own"
    )]
    NoBinaries {
        /// What was tried to get it, each with its outcome; empty when nothing was allowed or possible.
        tried: String,
        /// How to install it on this system.
        hint: &'static str,
    },
    /// `SOUK_POSTGRES_BIN` names a directory without PostgreSQL.
    #[error(
        "SOUK_POSTGRES_BIN is {}, but initdb, postgres and pg_ctl of PostgreSQL 14 or newer are not all there: correct \
         it or unset it",
        directory.display()
    )]
    NoBinariesThere {
        /// The directory that was named.
        directory: PathBuf,
    },
    /// `SOUK_POSTGRES_INSTALL` has a value that means nothing.
    #[error("SOUK_POSTGRES_INSTALL is {value:?}; expected auto, system, user or never")]
    InstallPolicy {
        /// The value that was given.
        value: String,
    },
    /// The cluster was made by another major version than those that are installed.
    #[error(
        "the cluster in {} was made by PostgreSQL {cluster}, but only PostgreSQL {installed} is installed: install \
         PostgreSQL {cluster} beside it, or set SOUK_POSTGRES_BIN to its programs",
        directory.display()
    )]
    VersionMismatch {
        /// The cluster's data directory.
        directory: PathBuf,
        /// The major version that made it.
        cluster: u32,
        /// The major versions that were found.
        installed: String,
    },
    /// The user that the server runs as cannot run the programs that were found.
    #[error(
        "PostgreSQL must not run as root, and the user {user} cannot run it from {} ({output}): install PostgreSQL for \
         the whole system or name another directory in SOUK_POSTGRES_BIN",
        directory.display()
    )]
    BinariesUnreachable {
        /// The server's user.
        user: String,
        /// Where the programs are.
        directory: PathBuf,
        /// What the attempt said.
        output: String,
    },
    /// Root found no user to run the server as.
    #[error(
        "PostgreSQL must not run as root, and there is no user postgres, souk or nobody to run it as: create one (useradd \
         --system souk)"
    )]
    NoAccount,
    /// The cluster belongs to somebody else.
    #[error(
        "the cluster in {} belongs to user id {owner}, not to user id {me} who runs Souk: run Souk as its owner or as \
         root, or choose another --data-dir",
        directory.display()
    )]
    OtherOwner {
        /// The cluster's directory.
        directory: PathBuf,
        /// Who owns it.
        owner: u32,
        /// Who asks.
        me: u32,
    },
    /// The cluster is owned by root, as whom PostgreSQL never runs.
    #[error(
        "the cluster in {} is owned by root, and PostgreSQL refuses to run as root: give it to another user (chown -R \
         postgres)",
        directory.display()
    )]
    OwnedByRoot {
        /// The cluster's directory.
        directory: PathBuf,
    },
    /// The server's user can no longer get into its own directory.
    #[error(
        "the user {user}, as whom PostgreSQL runs, can no longer reach {}: allow it to pass through the directories above \
         (chmod o+x)",
        directory.display()
    )]
    Unreachable {
        /// The server's user.
        user: String,
        /// The cluster's directory.
        directory: PathBuf,
    },
    /// `postgres.json` names a cluster that is not there.
    #[error(
        "{} says that the cluster is in {}, but there is none: bring it back, or delete {} to start with an empty database",
        record.display(), directory.display(), record.display()
    )]
    ClusterMissing {
        /// The record.
        record: PathBuf,
        /// The directory that it names.
        directory: PathBuf,
    },
    /// There is a cluster, but the record with its passwords is gone.
    #[error(
        "there is a cluster in {}, but {} with its passwords is missing: bring the file back, or move the cluster away to \
         start with an empty database",
        directory.display(), record.display()
    )]
    RecordMissing {
        /// The record that should be there.
        record: PathBuf,
        /// The cluster's directory.
        directory: PathBuf,
    },
    /// The record cannot be understood.
    #[error("{} is not a record of a cluster ({reason}): bring back the file that Souk wrote", path.display())]
    RecordInvalid {
        /// The record.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The place of the cluster holds something else.
    #[error("{} holds files that are not Souk's: move them away or choose another --data-dir", directory.display())]
    NotOurs {
        /// The directory.
        directory: PathBuf,
    },
    /// `initdb` failed.
    #[error("initdb could not make a cluster in {}:\n{output}", directory.display())]
    Initdb {
        /// The data directory.
        directory: PathBuf,
        /// What it printed.
        output: String,
    },
    /// The server did not come up.
    #[error("PostgreSQL did not start in {}; the end of its log in {}:\n{log}", directory.display(), log_directory.display())]
    StartFailed {
        /// The data directory.
        directory: PathBuf,
        /// Where the server logs.
        log_directory: PathBuf,
        /// The tail of the log.
        log: String,
    },
    /// The server did not go down.
    #[error(
        "PostgreSQL in {} (process {pid}) did not stop within {seconds} s; the data is safe, stop it with: kill -QUIT {pid}",
        directory.display()
    )]
    StopTimedOut {
        /// The data directory.
        directory: PathBuf,
        /// The server.
        pid: i32,
        /// How long was waited.
        seconds: u64,
    },
    /// The server has no module that the read models need.
    #[error("this PostgreSQL has no extension {extension}: install the package with its additional modules ({hint})")]
    ExtensionMissing {
        /// The extension.
        extension: &'static str,
        /// The package on this system.
        hint: &'static str,
    },
    /// The cluster runs, but does not do as told.
    #[error("the private PostgreSQL refused {doing}: {source}")]
    Database {
        /// What was tried.
        doing: &'static str,
        /// What it said.
        source: sqlx::Error,
    },
    /// Another Souk command is starting or stopping the cluster and does not come to an end.
    #[error("another Souk command has been starting or stopping the cluster for {seconds} s (it holds {}): end it", path.display())]
    Busy {
        /// The lock.
        path: PathBuf,
        /// How long was waited.
        seconds: u64,
    },
    /// Another `souk serve` runs on this directory.
    #[error(
        "souk serve is already running on {} (process {pid}): stop it first, or choose another --data-dir",
        directory.display()
    )]
    AlreadyServing {
        /// Souk's data directory.
        directory: PathBuf,
        /// The process that serves, or `unknown` for the moment in which it has not said yet.
        pid: String,
    },
    /// The system gave no random bytes for a password.
    #[error("the system gave no random bytes: {0}")]
    Random(String),
}

/// Turns an I/O error into an [`Error`] that names what was done to which path.
pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
    let path = path.into();
    move |source| Error::Io { doing, path, source }
}
