//! A real Apache Kafka broker for tests and measurements: one node in KRaft mode on loopback, in a directory of its own.
//!
//! It is stopped when it is dropped, and also when the process that started it is gone, however that went. The jars come from
//! `SOUK_KAFKA_HOME` or the cache that `make setup` fills; without them there is an error and no broker.

use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
};
use tempfile::TempDir;

/// The version that `scripts/setup.sh` fetches.
const VERSION: &str = "4.1.1";
/// How long a broker may take to start, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(90);
/// Any will do: no other node asks.
const CLUSTER: &str = "4L6g3nShT-eMCtK--X86sw";

/// A broker.
#[derive(Debug)]
pub struct Broker {
    directory: TempDir,
    brokers: String,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    /// Ends the broker when this process is gone.
    guard: Child,
}

/// The broker of this test process, which lives as long as it. Nobody stops it: who wants to, starts one of his own.
///
/// # Errors
/// There is no Kafka, or it does not start.
pub fn shared() -> Result<&'static Broker, String> {
    static SHARED: OnceLock<Result<Broker, String>> = OnceLock::new();
    SHARED.get_or_init(Broker::start).as_ref().map_err(Clone::clone)
}

/// The directory with Kafka's jars.
///
/// # Errors
/// There are none.
pub fn home() -> Result<PathBuf, String> {
    let cache = || {
        let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let base = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
        Some(variable("SOUK_CACHE_DIR").or_else(|| Some(base?.join("souk")))?.join("kafka").join(VERSION))
    };
    let home = env::var_os("SOUK_KAFKA_HOME").map(PathBuf::from).or_else(cache).unwrap_or_default();
    let has_kafka = fs::read_dir(&home)
        .is_ok_and(|mut files| files.any(|file| file.is_ok_and(|file| is_kafka(&file.file_name().to_string_lossy()))));
    if has_kafka { Ok(home) } else { Err(format!("there is no Apache Kafka in {}: run `make setup`", home.display())) }
}

fn is_kafka(name: &str) -> bool {
    name.starts_with("kafka_") && Path::new(name).extension().is_some_and(|extension| extension == "jar")
}

impl Broker {
    /// Starts one and waits until it answers.
    ///
    /// # Errors
    /// There is no Kafka, or it does not start; the end of its log says why.
    pub fn start() -> Result<Self, String> {
        Self::start_with(&[])
    }

    /// Starts one with further settings, as `server.properties` has them, and waits until it answers.
    ///
    /// # Errors
    /// There is no Kafka, or it does not start; the end of its log says why.
    pub fn start_with(more: &[(&str, &str)]) -> Result<Self, String> {
        let home = home()?;
        let directory = tempfile::Builder::new().prefix("souk-kafka-").tempdir().map_err(|error| error.to_string())?;
        let (broker, controller) = free_ports().map_err(|error| format!("no free port: {error}"))?;
        let mut settings = settings(directory.path(), broker, controller);
        settings.extend(more.iter().map(|(key, value)| format!("{key}={value}\n")));
        let file = directory.path().join("server.properties");
        fs::write(&file, settings).map_err(|error| error.to_string())?;
        let format = java(&home)
            .args(["kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c"])
            .arg(&file)
            .output()
            .map_err(|error| format!("java cannot be started: {error}: run `make setup`"))?;
        if !format.status.success() {
            return Err(format!("Kafka's storage cannot be made: {}", String::from_utf8_lossy(&format.stderr)));
        }
        let mut broker = Self { directory, brokers: format!("127.0.0.1:{broker}"), running: None };
        broker.restart()?;
        Ok(broker)
    }

    /// Its `bootstrap.servers`.
    #[must_use]
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// Where it keeps everything: topics, settings, its log.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Starts it again on the same ports and data; nothing when it runs.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart(&mut self) -> Result<(), String> {
        if self.running.is_some() {
            return Ok(());
        }
        let log = self.directory.path().join("kafka.log");
        let out = fs::OpenOptions::new().create(true).append(true).open(&log).map_err(|error| error.to_string())?;
        let err = out.try_clone().map_err(|error| error.to_string())?;
        let child = java(&home()?)
            .arg("kafka.Kafka")
            .arg(self.directory.path().join("server.properties"))
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .map_err(|error| format!("java cannot be started: {error}: run `make setup`"))?;
        let guard = guard(child.id(), self.directory.path())?;
        let running = self.running.insert(Running { child, guard });
        let until = Instant::now() + PATIENCE;
        let why = loop {
            if let Ok(Some(status)) = running.child.try_wait() {
                break format!("it ended: {status}");
            }
            if answers(&self.brokers) {
                return Ok(());
            }
            if Instant::now() > until {
                break "it does not answer".to_owned();
            }
            std::thread::sleep(Duration::from_millis(100));
        };
        let text = fs::read_to_string(&log).unwrap_or_default();
        let tail: Vec<_> = text.lines().rev().take(30).collect();
        Err(format!("Kafka does not start: {why}\n{}", tail.into_iter().rev().collect::<Vec<_>>().join("\n")))
    }

    /// SIGTERM, and waits for its end.
    pub fn stop(&mut self) {
        self.end("-TERM");
    }

    /// `kill -9`, without any goodbye.
    pub fn kill(&mut self) {
        self.end("-KILL");
    }

    fn end(&mut self, signal: &str) {
        let Some(mut running) = self.running.take() else { return };
        let _ = Command::new("kill").args([signal, &running.child.id().to_string()]).status();
        let _ = running.child.wait();
        // Its work is done: it must not take the directory with it.
        let _ = running.guard.kill();
        let _ = running.guard.wait();
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

fn java(home: &Path) -> Command {
    let program =
        env::var_os("JAVA_HOME").map(|java| PathBuf::from(java).join("bin/java")).filter(|java| java.is_file());
    let mut command = Command::new(program.unwrap_or_else(|| PathBuf::from("java")));
    command.args(["-Xmx384m", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]);
    command.args(["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp"]).arg(home.join("*"));
    command
}

fn free_ports() -> std::io::Result<(u16, u16)> {
    let (one, two) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
    Ok((one.local_addr()?.port(), two.local_addr()?.port()))
}

fn settings(directory: &Path, broker: u16, controller: u16) -> String {
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@127.0.0.1:{controller}\n\
         listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{broker}\n\
         controller.listener.names=CONTROLLER\n\
         listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n\
         log.dirs={}\n\
         num.network.threads=2\n\
         num.io.threads=2\n\
         background.threads=2\n\
         log.index.size.max.bytes=1048576\n\
         log.cleaner.dedupe.buffer.size=4194304\n\
         offsets.topic.num.partitions=1\n\
         offsets.topic.replication.factor=1\n\
         transaction.state.log.num.partitions=1\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         group.initial.rebalance.delay.ms=0\n\
         auto.create.topics.enable=false\n",
        directory.join("data").display()
    )
}

/// Whether the broker can be asked for its topics.
fn answers(brokers: &str) -> bool {
    let consumer: Result<BaseConsumer, _> =
        ClientConfig::new().set("bootstrap.servers", brokers).set("log_level", "0").create();
    consumer.is_ok_and(|consumer| consumer.fetch_metadata(None, Duration::from_secs(2)).is_ok())
}

/// A shell that ends the broker and removes its directory once this end of the pipe closes, whatever the reason.
fn guard(pid: u32, directory: &Path) -> Result<Child, String> {
    Command::new("sh")
        .args([
            "-c",
            "cat >/dev/null; kill -KILL \"$1\" 2>/dev/null; sleep 0.2; rm -rf \"$2\"",
            "guard",
            &pid.to_string(),
        ])
        .arg(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("sh cannot be started: {error}"))
}
