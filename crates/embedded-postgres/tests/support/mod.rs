//! Other processes for the tests: the test program runs itself again, as one that only plays a part.

#![allow(dead_code, reason = "each test program uses another share of it")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use souk_embedded_postgres::{Cluster, Options, ServeLock, testing};
use sqlx::{Connection, PgConnection};

/// What the other process plays; absent in the tests themselves.
const PART: &str = "SOUK_TEST_PART";
const DIRECTORY: &str = "SOUK_TEST_DIRECTORY";
/// Marks the lines that are meant for the test: the test runner prints others.
const SAYS: &str = "says: ";

pub struct Other {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Other {
    /// Starts `part` on `directory` in a process group of its own.
    pub fn start(part: &str, directory: &Path, environment: &[(&str, &str)]) -> Other {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "plays_its_part", "--nocapture"])
            .env(PART, part)
            .env(DIRECTORY, directory)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0);
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Other { child, output }
    }

    /// The next line that it says.
    pub fn says(&mut self) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the other process ended without a word");
            if let Some((_, said)) = line.split_once(SAYS) {
                return said.trim_end().replace("\\n", "\n");
            }
        }
    }

    pub fn tell(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills its whole process group at once, as an interrupt from the terminal would reach it.
    pub fn kill_group(mut self) {
        let group = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).unwrap();
        self.child.wait().unwrap();
    }

    pub fn wait(mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Plays the part that the environment names, if it names one.
pub fn play() {
    let Ok(part) = std::env::var(PART) else { return };
    let directory = std::env::var_os(DIRECTORY).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        match part.as_str() {
            "use" => match Cluster::start(Options::new(directory)).await {
                Ok(cluster) => {
                    say(cluster.url());
                    hear();
                    cluster.stop().await.unwrap();
                    say("stopped");
                }
                Err(error) => say(&error.to_string()),
            },
            "serve" => {
                let lock = ServeLock::acquire(Path::new(&directory)).unwrap();
                say("serving");
                hear();
                drop(lock);
            }
            "test" => {
                let database = testing::database().await;
                say(&database.url);
                hear();
                std::process::abort();
            }
            other => panic!("no such part: {other}"),
        }
    });
}

#[allow(clippy::print_stdout, reason = "the test reads it")]
fn say(text: &str) {
    println!("{SAYS}{}", text.replace('\n', "\\n"));
}

fn hear() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}

/// The process of the server of the cluster in `root`, as long as its pid file is there.
pub fn server(root: &Path) -> Option<i32> {
    let text = fs::read_to_string(root.join("data/postmaster.pid")).ok()?;
    text.lines().next()?.parse().ok()
}

/// Whether the process runs; one that only waits to be collected by its parent does not.
pub fn alive(pid: i32) -> bool {
    let id = rustix::process::Pid::from_raw(pid).unwrap();
    let zombie = fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "));
    rustix::process::test_kill_process(id).is_ok() && !zombie
}

/// Whether a process that was told to end does so: its last file may be gone a moment before it is.
pub fn ends(pid: i32) -> bool {
    (0..200).any(|_| {
        let gone = !alive(pid);
        if !gone {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        gone
    })
}

/// Waits for `condition`, at most half a minute.
pub async fn eventually(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..600 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never happened: {what}");
}

pub async fn execute(url: &str, statement: &'static str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

pub async fn number(url: &str, query: &'static str) -> i64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let number = sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    number
}

pub async fn text(url: &str, query: &'static str) -> String {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let text = sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    text
}

pub async fn start(directory: &Path) -> Cluster {
    Cluster::start(Options::new(directory)).await.unwrap()
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
