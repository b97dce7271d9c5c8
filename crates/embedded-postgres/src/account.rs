//! The user of the operating system that the server runs as. PostgreSQL refuses to run as root.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

use crate::error::{Error, io};
use crate::process::{self, run, which};

const QUICK: Duration = Duration::from_secs(30);

/// Existing users to run the server as when Souk is root, in this order. `_postgres` is macOS's.
const KNOWN: [&str; 3] = ["postgres", "_postgres", "souk"];

#[derive(Clone, Debug)]
pub(crate) enum Account {
    /// Who runs Souk runs the server.
    Own,
    /// Souk is root: the server runs as another user.
    Other { uid: u32, gid: u32, name: String },
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl Account {
    /// Who a new cluster belongs to. Creates the user `souk` when root finds nobody fit.
    pub async fn for_new_cluster() -> Result<Account, Error> {
        if !is_root() {
            return Ok(Account::Own);
        }
        for name in KNOWN {
            if let Some(account) = lookup(name).await {
                return Ok(account);
            }
        }
        create().await;
        for name in ["souk", "nobody"] {
            if let Some(account) = lookup(name).await {
                return Ok(account);
            }
        }
        Err(Error::NoAccount)
    }

    /// Who the cluster in `directory` belongs to.
    pub fn owner_of(directory: &Path) -> Result<Account, Error> {
        let found = fs::metadata(directory).map_err(io("look at", directory))?;
        let me = rustix::process::geteuid().as_raw();
        match (found.uid(), me) {
            (0, 0) => Err(Error::OwnedByRoot { directory: directory.into() }),
            (owner, me) if owner == me => Ok(Account::Own),
            (owner, 0) => Ok(Account::Other { uid: owner, gid: found.gid(), name: format!("with id {owner}") }),
            (owner, me) => Err(Error::OtherOwner { directory: directory.into(), owner, me }),
        }
    }

    pub fn uid(&self) -> u32 {
        match self {
            Account::Own => rustix::process::geteuid().as_raw(),
            Account::Other { uid, .. } => *uid,
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Account::Own => "who runs Souk",
            Account::Other { name, .. } => name,
        }
    }

    /// A command that runs as this user, without root's groups (the standard library drops those itself when a
    /// privileged process changes its user).
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = process::command(program);
        if let Account::Other { uid, gid, .. } = self {
            command.uid(*uid).gid(*gid);
        }
        command
    }

    /// Gives `path` to this user.
    pub fn give(&self, path: &Path) -> Result<(), Error> {
        match self {
            Account::Own => Ok(()),
            Account::Other { uid, gid, .. } => {
                chown(path, Some(*uid), Some(*gid)).map_err(io("change the owner of", path))
            }
        }
    }

    /// Makes `directory`, which must not exist yet, for this user alone.
    pub fn make_private(&self, directory: &Path) -> Result<(), Error> {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new().mode(0o700).create(directory).map_err(io("create", directory))?;
        self.give(directory)
    }

    /// Whether this user gets to `directory` and can write there. Asked by trying: rights come from modes, lists,
    /// mounts and name spaces, and only the kernel knows them all.
    pub async fn reaches(&self, directory: &Path) -> Result<bool, Error> {
        if matches!(self, Account::Own) {
            return Ok(true);
        }
        let mut probe = self.command("/bin/sh");
        probe.args(["-c", "cd \"$1\" && : > .reached && rm .reached", "sh"]).arg(directory);
        Ok(run(probe, QUICK).await?.success)
    }
}

async fn lookup(name: &str) -> Option<Account> {
    let uid = id("-u", name).await?;
    let gid = id("-g", name).await?;
    (uid != 0).then(|| Account::Other { uid, gid, name: name.into() })
}

async fn id(which: &str, name: &str) -> Option<u32> {
    let mut command = process::command("id");
    command.args([which, name]);
    let answer = run(command, QUICK).await.ok()?;
    answer.success.then(|| answer.output.trim().parse().ok())?
}

/// Makes the user `souk`; who could not be made is noticed by looking it up.
async fn create() {
    let arguments: &[&[&str]] = if which("useradd").is_some() {
        &[&[
            "useradd",
            "--system",
            "--user-group",
            "--no-create-home",
            "--home-dir",
            "/nonexistent",
            "--shell",
            "/bin/false",
            "souk",
        ]]
    } else {
        &[&["addgroup", "-S", "souk"], &["adduser", "-S", "-D", "-H", "-G", "souk", "-s", "/bin/false", "souk"]]
    };
    for line in arguments {
        if let [program, rest @ ..] = line
            && let Some(path) = which(program)
        {
            let mut command = process::command(path);
            command.args(rest);
            let _ = run(command, QUICK).await;
        }
    }
}

/// Whether `error` says that something is not there.
pub(crate) fn absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
