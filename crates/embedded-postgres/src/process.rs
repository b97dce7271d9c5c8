//! Running other programs and looking for them.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::error::Error;

/// What a program left behind: whether it exited with 0, and all that it printed.
pub(crate) struct Finished {
    pub success: bool,
    pub output: String,
}

impl Finished {
    /// The last `lines` lines of what was printed.
    pub fn tail(&self, lines: usize) -> String {
        tail(&self.output, lines)
    }
}

/// The last `count` lines of `text`.
pub(crate) fn tail(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// A command that no variable meant for another PostgreSQL (`PGDATA`, `PGPORT`…) or for another language reaches.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    command.env("LC_ALL", "C").env("TZ", "UTC").current_dir("/");
    command
}

/// Runs `command` to its end, at most `limit` long, with nothing to read.
pub(crate) async fn run(mut command: Command, limit: Duration) -> Result<Finished, Error> {
    let program = PathBuf::from(command.as_std().get_program());
    command.stdin(Stdio::null()).kill_on_drop(true);
    let done = match tokio::time::timeout(limit, command.output()).await {
        Ok(done) => done,
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, format!("it did not end within {} s", limit.as_secs()))),
    };
    let done = done.map_err(|source| Error::Run { program, source })?;
    let mut output = String::from_utf8_lossy(&done.stdout).into_owned();
    output.push_str(&String::from_utf8_lossy(&done.stderr));
    Ok(Finished { success: done.status.success(), output })
}

/// Whether `path` is a file that somebody may execute.
pub(crate) fn executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// The directories of `PATH`, only absolute ones.
pub(crate) fn search_path() -> Vec<PathBuf> {
    env::var_os("PATH")
        .map(|path| env::split_paths(&path).filter(|directory| directory.is_absolute()).collect())
        .unwrap_or_default()
}

/// Where the program `name` is, looking in `PATH` and in the system's own directories.
pub(crate) fn which(name: &str) -> Option<PathBuf> {
    let system = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(PathBuf::from);
    search_path().into_iter().chain(system).map(|directory| directory.join(name)).find(|path| executable(path))
}
