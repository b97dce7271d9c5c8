//! Souk as its four kinds of processes, several of each, on one database: started, killed, stopped and started again one by
//! one.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::Arc,
};

use souk_embedded_postgres::testing::{TestDir, data_dir};
use souk_tests::{
    client::Client,
    process::{self, Kind, Options, Souk},
};
use tokio::task::block_in_place;

use crate::support::{PASSWORD, unique};

/// How many processes of each kind, and what they are told.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub api: usize,
    pub relay: usize,
    pub project: usize,
    pub react: usize,
    /// Variables of all of them, such as where Kafka is.
    pub env: Vec<(String, String)>,
    /// Those that all of them have otherwise.
    pub without: Vec<String>,
}

impl Plan {
    /// Two of each that reads the log directly: no relay.
    pub fn direct() -> Self {
        Self { api: 2, project: 2, react: 2, ..Self::default() }
    }

    /// The same with the feed through this Kafka, and two relays.
    pub fn kafka(self, brokers: &str) -> Self {
        let plan = Self { relay: 2, ..self };
        plan.env("SOUK_EVENTS__FEED", "kafka").env("SOUK_KAFKA__BROKERS", brokers)
    }

    /// The same with the log at this KurrentDB.
    pub fn kurrentdb(self, url: &str) -> Self {
        self.env("SOUK_EVENTS__LOG", "kurrentdb").env("SOUK_KURRENTDB__URL", url)
    }

    /// The same without a variable that all have otherwise.
    pub fn without(mut self, key: &str) -> Self {
        self.without.push(key.to_owned());
        self
    }

    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.env.push((key.to_owned(), value.to_owned()));
        self
    }
}

/// One process of a cluster.
pub type Member = (Kind, usize);

/// One cluster at a time: each is up to eight processes and their servers, and a machine may have two cores.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The processes and their PostgreSQL, which is a server of their own. All of it is gone with this value.
pub struct Cluster {
    // Dropped in this order: first who uses the database.
    members: BTreeMap<Member, Souk>,
    postgres: souk_embedded_postgres::Cluster,
    env: Vec<(String, String)>,
    home: TestDir,
    _turn: tokio::sync::MutexGuard<'static, ()>,
}

impl Cluster {
    /// Starts the database, then all processes at once: they migrate it, whoever comes first.
    pub async fn start(plan: &Plan) -> Self {
        let turn = TURN.lock().await;
        let home = data_dir();
        let postgres = postgres(home.path()).await;
        let mut env = vec![
            ("DATABASE_URL".to_owned(), postgres.url().to_owned()),
            ("SOUK_KEK".to_owned(), "1f".repeat(31) + "20"),
            ("SOUK_RATE_LIMITS".to_owned(), "off".to_owned()),
        ];
        env.retain(|(key, _)| !plan.without.contains(key));
        env.extend(plan.env.iter().cloned());
        let mut cluster = Self { members: BTreeMap::new(), postgres, env, home, _turn: turn };
        let counts = [
            (Kind::Relay, plan.relay),
            (Kind::Api, plan.api),
            (Kind::Project, plan.project),
            (Kind::React, plan.react),
        ];
        let all: Vec<Member> = counts.iter().flat_map(|(kind, count)| (0..*count).map(|n| (*kind, n))).collect();
        cluster.run(&all);
        cluster
    }

    /// Starts processes, all at once, and waits until each is ready.
    pub fn run(&mut self, members: &[Member]) {
        let (env, home) = (&self.env, self.home.path());
        let started: Vec<(Member, Souk)> = block_in_place(|| {
            std::thread::scope(|scope| {
                let starting: Vec<_> =
                    members.iter().map(|member| scope.spawn(move || (*member, start(*member, home, env)))).collect();
                starting.into_iter().map(|thread| thread.join().expect("starts")).collect()
            })
        });
        self.members.extend(started);
    }

    /// A process that runs.
    pub fn member(&self, member: Member) -> &Souk {
        self.members.get(&member).unwrap_or_else(|| panic!("{member:?} does not run"))
    }

    /// Those that run, of all kinds.
    pub fn members(&self) -> impl Iterator<Item = (Member, &Souk)> {
        self.members.iter().map(|(member, souk)| (*member, souk))
    }

    /// Addresses of the HTTP interfaces that run.
    pub fn apis(&self) -> Vec<String> {
        self.members().filter(|((kind, _), _)| *kind == Kind::Api).map(|(_, souk)| souk.base().to_owned()).collect()
    }

    /// Nobody, at the first HTTP interface that runs.
    pub fn nobody(&self) -> Client {
        Client::new(self.apis().first().expect("an api"))
    }

    /// A new admin.
    pub async fn admin(&self) -> Client {
        let email = format!("{}@example.com", unique("admin"));
        self.nobody().register(&email, PASSWORD, "Ada Admin").await.expect("registers");
        let granted = self.command(&["admin", "grant", &email, "admin"]);
        assert!(granted.status.success(), "{}", String::from_utf8_lossy(&granted.stderr));
        self.nobody().login(&email, PASSWORD).await.expect("logs in")
    }

    /// Runs a command of `souk` on this cluster to its end.
    pub fn command(&self, arguments: &[&str]) -> Output {
        self.command_with(arguments, &[])
    }

    /// The same, with further variables.
    pub fn command_with(&self, arguments: &[&str], more: &[(&str, &str)]) -> Output {
        let mut env: Vec<(&str, &str)> = self.env.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        env.extend(more);
        block_in_place(|| process::run(self.home.path(), arguments, &env)).expect("souk runs")
    }

    /// Starts a command of `souk` whose log goes to `stderr`. It is killed with this value.
    pub fn begin(&self, arguments: &[&str], stderr: impl Into<Stdio>) -> tokio::process::Child {
        let child = tokio::process::Command::new(process::binary().expect("is built"))
            .args(arguments)
            .arg("--data-dir")
            .arg(self.home.path())
            .envs(self.env.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .kill_on_drop(true)
            .spawn();
        child.expect("souk starts")
    }

    /// Starts a command of `souk` that does not end by itself, and ends it once its log says `words`.
    pub async fn complains(&self, arguments: &[&str], words: &str) {
        let path = self.home.path().join("complaint.log");
        let mut child = self.begin(arguments, std::fs::File::create(&path).expect("is made"));
        for _ in 0..1_200 {
            if std::fs::read_to_string(&path).expect("is read").contains(words) {
                child.kill().await.expect("is killed");
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{arguments:?} never said {words:?}: {}", std::fs::read_to_string(&path).expect("is read"));
    }

    /// Changes a variable of all processes that are started from now on.
    pub fn set_variable(&mut self, key: &str, value: &str) {
        self.env.push((key.to_owned(), value.to_owned()));
    }

    /// `kill -9`
    pub fn kill(&mut self, member: Member) {
        let souk = self.members.remove(&member).unwrap_or_else(|| panic!("{member:?} does not run"));
        block_in_place(|| souk.kill()).expect("is killed");
    }

    /// SIGTERM, and how it ended.
    pub fn stop(&mut self, member: Member) -> ExitStatus {
        let souk = self.members.remove(&member).unwrap_or_else(|| panic!("{member:?} does not run"));
        block_in_place(|| souk.stop()).expect("ends")
    }

    /// A variable of all processes.
    pub fn variable(&self, key: &str) -> Option<&str> {
        // The last one counts.
        self.env.iter().rev().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// Kills PostgreSQL without any goodbye, and starts it again.
    pub async fn crash_postgres(&self) {
        self.restart_postgres("KILL").await;
    }

    /// Ends PostgreSQL by a signal, and starts it again. `INT` lets it end in order, and cuts its connections.
    pub async fn restart_postgres(&self, signal: &str) {
        let file = self.home.path().join("postgres/data/postmaster.pid");
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let pid = text.lines().next().expect("a process id");
        assert!(
            std::process::Command::new("kill")
                .args([&format!("-{signal}"), pid])
                .status()
                .expect("kill runs")
                .success()
        );
        while !self.postgres.revive().await.expect("PostgreSQL starts again") {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// SIGTERM to all, one kind after the other: who asks first, who brings events last.
    pub fn stop_all(&mut self) -> Vec<(Member, ExitStatus)> {
        let members: Vec<Member> = self.members.keys().copied().collect();
        members.into_iter().map(|member| (member, self.stop(member))).collect()
    }
}

impl Drop for Cluster {
    /// A test that fails shows what its processes complained about.
    #[allow(clippy::print_stdout, reason = "a test's report")]
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for file in std::fs::read_dir(self.home.path()).into_iter().flatten().flatten() {
            let path = file.path();
            if path.extension().is_some_and(|extension| extension == "log") {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                let complains = |line: &&str| line.contains("WARN") || line.contains("ERROR");
                // Slow statements are no news on a busy machine.
                let complaints: Vec<&str> =
                    text.lines().filter(complains).filter(|line| !line.contains("WARN sqlx::")).collect();
                let last = complaints.iter().skip(complaints.len().saturating_sub(15)).copied();
                println!("{}:\n{}", file.file_name().display(), last.collect::<Vec<_>>().join("\n"));
            }
        }
    }
}

/// The stand-in for a KurrentDB server as a process of its own. It ends with this value, or with the tests.
pub struct Standin {
    child: Child,
    url: String,
}

impl Standin {
    pub fn start(arguments: &[&str]) -> Self {
        let program = process::program("souk-kurrent-standin").expect("is built");
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the stand-in starts");
        let mut url = String::new();
        BufReader::new(child.stdout.take().expect("a stdout")).read_line(&mut url).expect("a line");
        Self { child, url: url.trim().to_owned() }
    }

    /// Its connection string.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

/// A PostgreSQL that lets in as many as the one of docker-compose.yml.
async fn postgres(home: &Path) -> souk_embedded_postgres::Cluster {
    let start = async || {
        let mut options = souk_embedded_postgres::Options::new(home);
        options.on_progress = Arc::new(|_| {});
        souk_embedded_postgres::Cluster::start(options).await.expect("PostgreSQL starts")
    };
    let first = start().await;
    std::fs::write(home.join("postgres/data/custom.conf"), "max_connections = 400\n").expect("is written");
    first.stop().await.expect("PostgreSQL stops");
    start().await
}

fn start((kind, number): Member, home: &Path, env: &[(String, String)]) -> Souk {
    let name = format!("{}-{number}", kind.command());
    let binary = std::env::var_os("SOUK_TEST_BINARY").map(PathBuf::from);
    let options = Options { env: env.to_vec(), name: Some(name), binary, ..Options::default() };
    Souk::start_as(kind, home, &options).unwrap_or_else(|error| panic!("{kind:?} {number}: {error}"))
}
