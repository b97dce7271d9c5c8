//! Programs of this binary that run beside the measurement, as they do for users.

use std::{
    net::SocketAddr,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::failure::Failure;

/// How long a program may take to say that it is ready, and to end.
const PATIENCE: Duration = Duration::from_secs(120);
/// Where the programs log, in their data directory.
const LOG: &str = "bench.log";
/// How often the memory of a program is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// A program that listens.
pub struct Server {
    child: Child,
    // Kept open, so that a line that the program prints does not end it.
    _lines: Lines<BufReader<ChildStdout>>,
    /// Where it listens.
    pub address: SocketAddr,
    /// How long it took until it said so.
    pub start: Duration,
}

impl Server {
    /// `souk serve` on `data_dir`, as it comes but for the limits on requests, which one address would reach at once.
    ///
    /// # Errors
    /// It does not become ready.
    pub async fn souk(data_dir: &Path) -> Result<Self, Failure> {
        Self::part(data_dir, &["serve", "--listen", "127.0.0.1:0"], &[]).await
    }

    /// `souk` with `arguments` and `variables` on `data_dir`, without limits on requests.
    ///
    /// # Errors
    /// It does not become ready.
    pub async fn part(data_dir: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Result<Self, Failure> {
        let mut command = souk(data_dir)?;
        command.env("SOUK_RATE_LIMITS", "off").envs(variables.iter().copied()).args(arguments);
        Self::start(command).await
    }

    /// The server of floors over the database at `url`.
    ///
    /// # Errors
    /// It does not become ready.
    pub async fn floor(data_dir: &Path, url: &str) -> Result<Self, Failure> {
        let mut command = souk(data_dir)?;
        command.env("DATABASE_URL", url).args(["bench", "--floor-server"]);
        Self::start(command).await
    }

    async fn start(mut command: Command) -> Result<Self, Failure> {
        let started = Instant::now();
        let mut child = command.spawn().map_err(Failure::new)?;
        let stdout = child.stdout.take().ok_or_else(|| Failure::new("a program has no output"))?;
        let mut lines = BufReader::new(stdout).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await.map_err(Failure::new)? {
                let ready = line.contains(" is ready");
                if let Some((_, address)) = line.split_once("http://").filter(|_| ready) {
                    return address.trim().parse::<SocketAddr>().map_err(Failure::new);
                }
            }
            Err(Failure::new("a server ended before it was ready"))
        };
        let address = tokio::time::timeout(PATIENCE, ready)
            .await
            .map_err(|_| Failure::new(format!("a server was not ready within {PATIENCE:?}")))??;
        Ok(Self { child, _lines: lines, address, start: started.elapsed() })
    }

    /// Ends it in order.
    ///
    /// # Errors
    /// It does not end, or not well.
    pub async fn stop(mut self) -> Result<(), Failure> {
        let pid = self.child.id().and_then(|pid| rustix::process::Pid::from_raw(i32::try_from(pid).ok()?));
        if let Some(pid) = pid {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).map_err(Failure::new)?;
        }
        let status = tokio::time::timeout(PATIENCE, self.child.wait())
            .await
            .map_err(|_| Failure::new(format!("a server did not end within {PATIENCE:?}")))?
            .map_err(Failure::new)?;
        if status.success() { Ok(()) } else { Err(Failure::new(format!("a server ended with {status}"))) }
    }
}

/// What a program said that ran to its end.
pub struct Ended {
    /// Its output.
    pub stdout: String,
    /// The most memory it had at once, bytes; none where the system does not tell.
    pub peak_memory: Option<u64>,
}

/// Runs `souk` with `arguments` on `data_dir` to its end.
///
/// # Errors
/// It fails.
pub async fn run(data_dir: &Path, arguments: &[&str]) -> Result<Ended, Failure> {
    let mut child = souk(data_dir)?.args(arguments).spawn().map_err(Failure::new)?;
    let mut output = child.stdout.take().ok_or_else(|| Failure::new("a program has no output"))?;
    let pid = child.id().unwrap_or_default();
    let watching = async {
        let mut peak = None;
        loop {
            peak = peak.max(peak_memory(pid));
            tokio::select! {
                ended = child.wait() => return ended.map(|status| (status, peak)),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    };
    let mut stdout = String::new();
    let (ended, read) = tokio::join!(watching, output.read_to_string(&mut stdout));
    let (status, peak_memory) = ended.map_err(Failure::new)?;
    read.map_err(Failure::new)?;
    if !status.success() {
        return Err(Failure::new(format!("souk {} ended with {status}", arguments.join(" "))));
    }
    Ok(Ended { stdout, peak_memory })
}

/// The most memory that a process had at once so far, bytes.
fn peak_memory(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

/// The end of what the programs on `data_dir` logged.
pub fn last_words(data_dir: &Path) -> String {
    let log = std::fs::read(data_dir.join(LOG)).unwrap_or_default();
    let tail = &log[log.len().saturating_sub(4_000)..];
    String::from_utf8_lossy(tail).into_owned()
}

/// This program, with nothing of the user's own configuration but how it logs and where PostgreSQL is. Its log goes to a file
/// in `data_dir`: a terminal would be what is measured.
fn souk(data_dir: &Path) -> Result<Command, Failure> {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(data_dir.join(LOG)).map_err(Failure::new)?;
    let mut command = Command::new(std::env::current_exe().map_err(Failure::new)?);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let kept = ["SOUK_LOG__", "SOUK_POSTGRES_", "SOUK_CACHE_DIR"].iter().any(|kept| text.starts_with(kept));
        if text == "DATABASE_URL" || (text.starts_with("SOUK_") && !kept) {
            command.env_remove(&name);
        }
    }
    command
        .arg("--data-dir")
        .arg(data_dir)
        .current_dir(data_dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true);
    Ok(command)
}
