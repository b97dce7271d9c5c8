//! The server process: whether it runs, starting it, stopping it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};

use crate::account::{Account, absent};
use crate::binaries::Binaries;
use crate::error::{Error, io};
use crate::install;
use crate::place::Place;
use crate::process::{run, tail};
use crate::record::{DATABASE, ROLE, Record};
use crate::settings::{self, Profile};

/// Recovery after a crash replays up to `max_wal_size`; a slow disk takes minutes for it.
const START_LIMIT: Duration = Duration::from_secs(600);
const STOP_LIMIT: Duration = Duration::from_secs(120);
/// How long the processes of a server that was killed may take to notice.
const ORPHANS_LIMIT: Duration = Duration::from_secs(20);
/// How long a server that says it is ready may be without a socket.
const SOCKET_LIMIT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(10);

/// What the socket answers.
enum Answer {
    Ready,
    NoDatabase,
    NotYet,
    Nobody,
    Refusal(sqlx::Error),
}

async fn ask(url: &str) -> Answer {
    let error = match PgConnection::connect(url).await {
        Ok(connection) => {
            let _ = connection.close().await;
            return Answer::Ready;
        }
        Err(error) => error,
    };
    let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default();
    match (code.as_ref(), &error) {
        // The role is made right before the database: without it there is none.
        ("3D000" | "28P01" | "28000", _) => Answer::NoDatabase,
        ("57P03" | "57P02" | "57P01" | "53300", _) => Answer::NotYet,
        ("", sqlx::Error::Io(_) | sqlx::Error::Protocol(_)) => Answer::Nobody,
        _ => Answer::Refusal(error),
    }
}

/// Attaches to the server of `place` when it runs, waiting for one that is still starting. False when none runs.
pub(crate) async fn attach(place: &Place, record: &Record) -> Result<bool, Error> {
    let socket = place.socket_directory(record);
    let url = record.url(&socket, DATABASE);
    let began = Instant::now();
    loop {
        match ask(&url).await {
            Answer::Ready => return Ok(true),
            Answer::NoDatabase => return create_database(place, record).await.map(|()| true),
            Answer::Nobody if running(place).is_none() => return Ok(false),
            Answer::Nobody if ready(place) && began.elapsed() > SOCKET_LIMIT => {
                // Somebody removed its socket (from among the temporary files, say): only a new start makes it again.
                stop(place).await?;
                return Ok(false);
            }
            Answer::NotYet | Answer::Nobody if began.elapsed() < START_LIMIT => tokio::time::sleep(PAUSE).await,
            Answer::NotYet | Answer::Nobody => return Err(start_failed(place)),
            Answer::Refusal(source) => {
                return Err(Error::Database { doing: "a connection", source });
            }
        }
    }
}

/// The process of the server that runs in `place`.
pub(crate) fn running(place: &Place) -> Option<i32> {
    let pid = recorded_pid(place)?;
    runs_in(pid, &place.data()).then_some(pid)
}

fn recorded_pid(place: &Place) -> Option<i32> {
    let text = fs::read_to_string(place.data().join("postmaster.pid")).ok()?;
    text.lines().next()?.trim().parse().ok().filter(|pid| *pid > 0)
}

/// Whether the server says of itself that it takes connections: the eighth line of its pid file.
fn ready(place: &Place) -> bool {
    fs::read_to_string(place.data().join("postmaster.pid"))
        .is_ok_and(|text| text.lines().nth(7).is_some_and(|status| status.trim() == "ready"))
}

/// Whether process `pid` is the server of `data`: a server's working directory is its data directory, and a number
/// that another process got meanwhile is not mistaken for it.
#[cfg(target_os = "linux")]
fn runs_in(pid: i32, data: &Path) -> bool {
    let Ok(directory) = fs::read_link(format!("/proc/{pid}/cwd")) else {
        return false;
    };
    data.canonicalize().is_ok_and(|data| data == directory)
}

/// Whether process `pid` is a PostgreSQL: the best that can be told without `/proc`.
#[cfg(not(target_os = "linux"))]
fn runs_in(pid: i32, _data: &Path) -> bool {
    std::process::Command::new("ps")
        .args(["-o", "command=", "-p", &pid.to_string()])
        .output()
        .is_ok_and(|done| String::from_utf8_lossy(&done.stdout).contains("postgres"))
}

/// Starts the server and waits until it takes connections.
pub(crate) async fn launch(
    place: &Place,
    account: &Account,
    binaries: &Binaries,
    socket: &Path,
    profile: Profile,
) -> Result<(), Error> {
    let compression = compression(place, account, binaries).await?;
    let conf = place.data().join("souk.conf");
    fs::write(&conf, settings::render(profile, socket, compression)).map_err(io("write", &conf))?;
    account.give(&conf)?;
    remove_stale_locks(place, socket)?;
    let began = Instant::now();
    loop {
        fs::write(place.start_log(), "").map_err(io("write", place.start_log()))?;
        account.give(&place.start_log())?;
        // pg_ctl puts the server into a session of its own: an interrupt from the terminal does not reach it.
        let mut pg_ctl = account.command(binaries.program("pg_ctl"));
        pg_ctl.env("PGDATA", place.data()).current_dir(&place.root);
        pg_ctl.args(["start", "--wait", "--silent", "--timeout", &START_LIMIT.as_secs().to_string()]);
        pg_ctl.args(["--log", "log/start.log"]);
        if run(pg_ctl, START_LIMIT + STOP_LIMIT).await?.success {
            return Ok(());
        }
        let said = fs::read_to_string(place.start_log()).unwrap_or_default();
        let orphans = said.contains("pre-existing shared memory block");
        if !orphans || began.elapsed() > ORPHANS_LIMIT {
            return Err(start_failed(place));
        }
        tokio::time::sleep(PAUSE * 10).await;
    }
}

/// LZ4 costs a fraction of the built-in compression, but not every build has it.
async fn compression(place: &Place, account: &Account, binaries: &Binaries) -> Result<&'static str, Error> {
    let mut probe = account.command(binaries.program("postgres"));
    probe.env("PGDATA", place.data()).current_dir(&place.root);
    // Not the whole configuration is read: souk.conf may be of another version or not be written yet.
    probe.arg("--config-file=/dev/null").arg("-D").arg(place.data());
    probe.args(["-c", "wal_compression=lz4", "-C", "wal_compression"]);
    let done = run(probe, STOP_LIMIT).await?;
    Ok(if done.success { "lz4" } else { "on" })
}

/// Removes the lock files that name a process which is no server any more but whose number is in use: by another
/// process, or by a dead server that its parent has not collected. PostgreSQL would take it for a running server. The
/// pid file of a process that is gone is left to PostgreSQL, which then also looks for the dead server's memory.
fn remove_stale_locks(place: &Place, socket: &Path) -> Result<(), Error> {
    if running(place).is_some() {
        return Ok(());
    }
    let mut stale = vec![socket.join(".s.PGSQL.5432.lock")];
    if let Some(pid) = recorded_pid(place).and_then(Pid::from_raw)
        && rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
    {
        stale.push(place.data().join("postmaster.pid"));
    }
    for path in stale {
        match fs::remove_file(&path) {
            Err(error) if !absent(&error) => return Err(io("remove", path)(error)),
            _ => {}
        }
    }
    Ok(())
}

/// Creates what is missing of the role and the database, and looks for the extensions that read models are made with.
pub(crate) async fn create_database(place: &Place, record: &Record) -> Result<(), Error> {
    let refused = |doing: &'static str| move |source: sqlx::Error| Error::Database { doing, source };
    let url = record.admin_url(&place.socket_directory(record));
    let mut admin = PgConnection::connect(&url).await.map_err(refused("a connection"))?;
    let extension = "pg_trgm";
    let known: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_available_extensions WHERE name = $1")
        .bind(extension)
        .fetch_optional(&mut admin)
        .await
        .map_err(refused("the list of extensions"))?;
    if known.is_none() {
        return Err(Error::ExtensionMissing { extension, hint: install::hint().modules });
    }
    let role: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_roles WHERE rolname = $1")
        .bind(ROLE)
        .fetch_optional(&mut admin)
        .await
        .map_err(refused("the list of roles"))?;
    let verb = if role.is_some() { "ALTER" } else { "CREATE" };
    let statement = format!("{verb} ROLE {ROLE} LOGIN CREATEDB PASSWORD '{}'", record.password);
    admin.execute(AssertSqlSafe(statement)).await.map_err(refused("a role"))?;
    let database: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_database WHERE datname = $1")
        .bind(DATABASE)
        .fetch_optional(&mut admin)
        .await
        .map_err(refused("the list of databases"))?;
    if database.is_none() {
        let statement = format!("CREATE DATABASE {DATABASE} OWNER {ROLE}");
        admin.execute(AssertSqlSafe(statement)).await.map_err(refused("a database"))?;
    }
    admin.close().await.map_err(refused("to say goodbye"))
}

/// Only who administers a cluster may ask for it.
pub(crate) async fn checkpoint(place: &Place, record: &Record) -> Result<(), Error> {
    let refused = |doing: &'static str| move |source: sqlx::Error| Error::Database { doing, source };
    let url = record.admin_url(&place.socket_directory(record));
    let mut admin = PgConnection::connect(&url).await.map_err(refused("a connection"))?;
    admin.execute("CHECKPOINT").await.map_err(refused("a checkpoint"))?;
    admin.close().await.map_err(refused("to say goodbye"))
}

/// Stops the server of `place`, if it runs: connections are cut, what was committed is kept.
pub(crate) async fn stop(place: &Place) -> Result<(), Error> {
    let Some(pid) = running(place) else {
        return Ok(());
    };
    if let Some(process) = Pid::from_raw(pid) {
        // Who is gone already needs no signal.
        let _ = kill_process(process, Signal::INT);
    }
    let began = Instant::now();
    while running(place) == Some(pid) || runs_in(pid, &place.data()) {
        if began.elapsed() > STOP_LIMIT {
            return Err(Error::StopTimedOut { directory: place.data(), pid, seconds: STOP_LIMIT.as_secs() });
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// The failure to start, with the end of what the server logged.
pub(crate) fn start_failed(place: &Place) -> Error {
    let mut newest = fs::read_dir(place.log())
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| *path != place.start_log())
        .filter_map(|path| Some((path.metadata().ok()?.modified().ok()?, path)))
        .max()
        .and_then(|(_, path)| fs::read(path).ok())
        .map(|text| tail(&String::from_utf8_lossy(&text), 12))
        .unwrap_or_default();
    if !newest.is_empty() {
        newest.push('\n');
    }
    let first = fs::read(place.start_log()).unwrap_or_default();
    Error::StartFailed {
        directory: place.data(),
        log_directory: place.log(),
        log: newest + &tail(&String::from_utf8_lossy(&first), 12),
    }
}
