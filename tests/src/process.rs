//! The real binary as a process: started on a folder of its own, stopped whatever happens to who started it.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
};

/// Where cargo put the binary: beside the test or demo that runs.
///
/// # Errors
/// It is not built.
pub fn binary() -> Result<PathBuf, String> {
    program("souk")
}

/// Where cargo put a program of this workspace.
///
/// # Errors
/// It is not built.
pub fn program(name: &str) -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    own.ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| format!("the program {name} is not built: run `cargo build --workspace --bins` first"))
}

/// Which of Souk's processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// All in one.
    Serve,
    /// HTTP only.
    Api,
    /// From the log to Kafka.
    Relay,
    /// Read models.
    Project,
    /// Reactions.
    React,
}

impl Kind {
    /// The subcommand.
    #[must_use]
    pub const fn command(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Api => "api",
            Self::Relay => "relay",
            Self::Project => "project",
            Self::React => "react",
        }
    }

    /// The flag that says where it answers HTTP, be it only probes.
    const fn listens_by(self) -> &'static str {
        match self {
            Self::Serve | Self::Api => "--listen",
            Self::Relay | Self::Project | Self::React => "--probe",
        }
    }
}

/// A running process of Souk that stays until it is told to end.
pub struct Souk {
    child: Child,
    _guard: Guard,
    base: String,
    data_dir: PathBuf,
    log: PathBuf,
}

/// How to start it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Variables on top of those of this process.
    pub env: Vec<(String, String)>,
    /// Where to listen; a free port when empty.
    pub listen: Option<String>,
    /// Shows the logs of Souk.
    pub show_log: bool,
    /// What its log is called, `NAME.log` in its folder; `souk` when empty. For several processes on one folder.
    pub name: Option<String>,
    /// Another binary than the one that was built beside this test.
    pub binary: Option<PathBuf>,
}

impl Options {
    /// Adds a variable.
    #[must_use]
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.env.push((key.to_owned(), value.to_owned()));
        self
    }
}

impl Souk {
    /// Starts `souk serve` on `data_dir` and waits for the line that says it is ready.
    ///
    /// # Errors
    /// It is not built, or ended before it was ready; the end of its log says why.
    pub fn start(data_dir: &Path, options: &Options) -> Result<Self, String> {
        Self::start_as(Kind::Serve, data_dir, options)
    }

    /// Starts a process of this kind on `data_dir` and waits for the line that says it is ready.
    ///
    /// # Errors
    /// It is not built, or ended before it was ready; the end of its log says why.
    pub fn start_as(kind: Kind, data_dir: &Path, options: &Options) -> Result<Self, String> {
        let binary = match &options.binary {
            Some(binary) => binary.clone(),
            None => binary()?,
        };
        std::fs::create_dir_all(data_dir).map_err(|error| error.to_string())?;
        let log = data_dir.join(format!("{}.log", options.name.as_deref().unwrap_or("souk")));
        let stderr = if options.show_log {
            Stdio::inherit()
        } else {
            let file = std::fs::OpenOptions::new().create(true).append(true).open(&log);
            Stdio::from(file.map_err(|error| format!("{}: {error}", log.display()))?)
        };
        let mut child = Command::new(binary)
            .arg(kind.command())
            .arg("--data-dir")
            .arg(data_dir)
            .args([kind.listens_by(), options.listen.as_deref().unwrap_or("127.0.0.1:0")])
            .envs(options.env.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .map_err(|error| format!("souk cannot be started: {error}"))?;
        let guard = Guard::watch(child.id())?;
        let stdout = child.stdout.take().ok_or("souk has no stdout")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
        let Some(base) = line.split_whitespace().find(|word| word.starts_with("http://")) else {
            let status = child.wait().map_err(|error| error.to_string())?;
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let from = text.len().saturating_sub(4_000);
            let tail = text.get(from..).unwrap_or(&text);
            return Err(format!("souk ended ({status}) before it was ready; it printed {line:?} and logged:\n{tail}"));
        };
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            child,
            _guard: guard,
            data_dir: data_dir.to_owned(),
            log,
        })
    }

    /// `http://127.0.0.1:PORT`: its HTTP interface, or where it is probed.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Its folder.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The file its log goes to, unless it is shown.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Sends a signal by its name, such as `STOP` and `CONT`, which halt a process and let it go on.
    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// `kill -9`, without any goodbye.
    ///
    /// # Errors
    /// The process cannot be killed.
    pub fn kill(mut self) -> Result<(), String> {
        self.child.kill().map_err(|error| error.to_string())?;
        self.child.wait().map(drop).map_err(|error| error.to_string())
    }

    /// SIGTERM, and how it ended.
    ///
    /// # Errors
    /// The process cannot be waited for.
    pub fn stop(mut self) -> Result<ExitStatus, String> {
        terminate(self.child.id());
        self.child.wait().map_err(|error| error.to_string())
    }

    /// Waits until Souk ends by itself, for instance by Ctrl-C.
    ///
    /// # Errors
    /// The process cannot be waited for.
    pub fn wait(mut self) -> Result<ExitStatus, String> {
        self.child.wait().map_err(|error| error.to_string())
    }
}

impl Drop for Souk {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            terminate(self.child.id());
            drop(self.child.wait());
        }
    }
}

fn terminate(pid: u32) {
    signal(pid, "TERM");
}

fn signal(pid: u32, name: &str) {
    drop(Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status());
}

/// Ends Souk when the process that started it is gone: its end of the pipe closes, whatever the reason.
struct Guard {
    child: Child,
}

impl Guard {
    fn watch(pid: u32) -> Result<Self, String> {
        let script = "cat >/dev/null; kill -TERM \"$1\" 2>/dev/null; \
            i=0; while kill -0 \"$1\" 2>/dev/null && [ $i -lt 300 ]; do sleep 0.1; i=$((i+1)); done; \
            kill -KILL \"$1\" 2>/dev/null; true";
        let child = Command::new("sh")
            .args(["-c", script, "guard", &pid.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("sh cannot be started: {error}"))?;
        Ok(Self { child })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

/// Runs `souk` with `arguments` to its end.
///
/// # Errors
/// It is not built or cannot be started.
pub fn run<A: AsRef<OsStr>>(data_dir: &Path, arguments: &[A], env: &[(&str, &str)]) -> Result<Output, String> {
    Command::new(binary()?)
        .arg("--data-dir")
        .arg(data_dir)
        .args(arguments)
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())
}
