//! Finding PostgreSQL's programs, and getting them where there are none.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::account::Account;
use crate::cluster::Progress;
use crate::error::Error;
use crate::fetch;
use crate::install;
use crate::process::{command, executable, run, search_path};

const OLDEST: u32 = 14;
const QUICK: Duration = Duration::from_secs(30);
const PROGRAMS: [&str; 3] = ["initdb", "postgres", "pg_ctl"];

/// Where distributions put PostgreSQL; a directory with a `*` stands for all that match.
const KNOWN: [(&str, &str, &str); 9] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/usr/lib64", "pgsql", "bin"),
    ("/usr/local", "pgsql", "bin"),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// A directory with `initdb`, `postgres` and `pg_ctl` of one version.
#[derive(Clone, Debug)]
pub(crate) struct Binaries {
    directory: PathBuf,
    pub major: u32,
}

/// What may be done when there is no PostgreSQL.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Policy {
    system: bool,
    user: bool,
}

impl Policy {
    fn from_environment() -> Result<Policy, Error> {
        let value = env::var("SOUK_POSTGRES_INSTALL").unwrap_or_default();
        let (system, user) = match value.as_str() {
            "" | "auto" => (true, true),
            "system" => (true, false),
            "user" => (false, true),
            "never" => (false, false),
            _ => return Err(Error::InstallPolicy { value }),
        };
        Ok(Policy { system, user })
    }
}

impl Binaries {
    pub fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Programs for a new cluster, or of the major version `needed` by the cluster in `data`.
    pub async fn find(needed: Option<u32>, data: &Path, progress: &Progress) -> Result<Binaries, Error> {
        let fits = |found: &Binaries| found.major >= OLDEST && needed.is_none_or(|major| major == found.major);
        let mismatch = |found: &[Binaries]| Error::VersionMismatch {
            directory: data.into(),
            cluster: needed.unwrap_or_default(),
            installed: versions(found),
        };
        if let Some(directory) = env::var_os("SOUK_POSTGRES_BIN").filter(|value| !value.is_empty()) {
            let directory = PathBuf::from(directory);
            return match inspect(&directory).await {
                Some(found) if fits(&found) => Ok(found),
                Some(found) if found.major >= OLDEST => Err(mismatch(&[found])),
                _ => Err(Error::NoBinariesThere { directory }),
            };
        }
        let policy = Policy::from_environment()?;
        let mut found = installed().await;
        found.retain(|one| one.major >= OLDEST);
        if let Some(one) = found.iter().find(|one| fits(one)) {
            return Ok(one.clone());
        }
        let mut tried = Vec::new();
        if policy.system && found.is_empty() {
            tried.extend(install::install(progress).await);
            found = installed().await;
            if let Some(one) = found.iter().find(|one| fits(one)) {
                return Ok(one.clone());
            }
        }
        if policy.user && needed.is_none_or(|major| major == fetch::MAJOR) {
            match fetch::fetch(progress).await {
                Ok(directory) => match inspect(&directory).await {
                    Some(one) if fits(&one) => return Ok(one),
                    _ => tried.push(format!("the programs in {} do not run here", directory.display())),
                },
                Err(said) => tried.extend(said),
            }
        }
        if found.is_empty() {
            Err(Error::NoBinaries {
                tried: tried.iter().map(|said| format!("; {said}")).collect(),
                hint: install::hint().server,
            })
        } else {
            Err(mismatch(&found))
        }
    }

    /// Whether `account` can run them: a directory of root's home, for one, is closed to it.
    pub async fn check_for(&self, account: &Account) -> Result<(), Error> {
        let mut version = account.command(self.program("postgres"));
        version.arg("--version");
        let output = match run(version, QUICK).await {
            Ok(done) if done.success => return Ok(()),
            Ok(done) => done.tail(2),
            Err(error) => error.to_string(),
        };
        Err(Error::BinariesUnreachable { user: account.name().into(), directory: self.directory.clone(), output })
    }
}

fn versions(found: &[Binaries]) -> String {
    let majors: BTreeSet<u32> = found.iter().map(|one| one.major).collect();
    let majors: Vec<String> = majors.iter().map(u32::to_string).collect();
    majors.join(", ")
}

/// All that is installed: first what `PATH` names, then the newest first.
async fn installed() -> Vec<Binaries> {
    let mut seen = BTreeSet::new();
    let mut named = Vec::new();
    for directory in search_path() {
        if let Some(directory) = home_of_programs(&directory)
            && seen.insert(directory.clone())
        {
            named.extend(inspect(&directory).await);
        }
    }
    let mut others = Vec::new();
    for directory in known().into_iter().chain(fetch::fetched()) {
        if let Some(directory) = home_of_programs(&directory)
            && seen.insert(directory.clone())
        {
            others.extend(inspect(&directory).await);
        }
    }
    others.sort_by_key(|found| std::cmp::Reverse(found.major));
    named.extend(others);
    named
}

/// `directory`, or the one that its links lead to: the programs look for one another beside themselves.
fn home_of_programs(directory: &Path) -> Option<PathBuf> {
    let complete = |directory: &Path| PROGRAMS.iter().all(|name| executable(&directory.join(name)));
    if !complete(directory) {
        return None;
    }
    let target = directory.join("postgres").canonicalize().ok()?;
    let home = target.parent()?;
    Some(if complete(home) { home } else { directory }.into())
}

fn known() -> Vec<PathBuf> {
    let mut directories = Vec::new();
    for (parent, prefix, below) in KNOWN {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                directories.push(entry.path().join(below));
            }
        }
    }
    directories
}

async fn inspect(directory: &Path) -> Option<Binaries> {
    if !PROGRAMS.iter().all(|name| executable(&directory.join(name))) {
        return None;
    }
    let mut version = command(directory.join("postgres"));
    version.arg("--version");
    let done = run(version, QUICK).await.ok()?;
    Some(Binaries { directory: directory.into(), major: major(&done.output)? })
}

/// The major version in `postgres (PostgreSQL) 15.18 (Debian …)`.
fn major(output: &str) -> Option<u32> {
    let version = output.split_once("(PostgreSQL) ")?.1;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn the_major_version_is_read_from_releases_and_betas() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 19beta1\n"), Some(19));
        assert_eq!(major("command not found"), None);
    }
}
