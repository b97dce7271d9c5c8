//! A real SMTP server for tests: GreenMail on loopback, in a directory of its own, with TLS by a certificate that is made for it.
//!
//! It is stopped when it is dropped, and also when the process that started it is gone, however that went. The jar comes from
//! `SOUK_GREENMAIL_HOME` or the cache that `make setup` fills; without it there is an error and no server.

use std::{
    env, fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// The version that `scripts/setup.sh` fetches.
const VERSION: &str = "2.1.3";
/// How long the server may take to start, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(90);
/// Opens a store of keys that guards nothing.
const STORE: &str = "changeit";

/// A user that the server knows; others get their mail without one.
pub const USER: &str = "souk";
/// The user's password.
pub const PASSWORD: &str = "correct horse";

/// A mail that arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its subject, decoded.
    pub subject: String,
    /// All of it, as it came.
    pub source: String,
}

impl Received {
    /// A header as it came, without its folds; of several the first.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let head =
            self.source.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ").replace("\r\n\t", " ");
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    }

    /// Its text, plain and HTML, without the line breaks that quoted-printable makes.
    #[must_use]
    pub fn text(&self) -> String {
        self.source.replace("=\r\n", "").replace("=3D", "=")
    }
}

/// A server.
#[derive(Debug)]
pub struct Server {
    directory: TempDir,
    child: Child,
    /// Ends the server when this process is gone.
    guard: Child,
    plain: u16,
    tls: u16,
    api: u16,
}

fn home() -> Result<PathBuf, String> {
    let cache = || {
        let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let base = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
        Some(variable("SOUK_CACHE_DIR").or_else(|| Some(base?.join("souk")))?.join("greenmail").join(VERSION))
    };
    let home = env::var_os("SOUK_GREENMAIL_HOME").map(PathBuf::from).or_else(cache).unwrap_or_default();
    let jars = fs::read_dir(&home).ok().into_iter().flatten().flatten().map(|entry| entry.path());
    let jar = jars
        .into_iter()
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("greenmail-standalone")));
    jar.ok_or_else(|| format!("there is no GreenMail in {}: run `make setup`", home.display()))
}

impl Server {
    /// Starts one and waits until it answers.
    ///
    /// # Errors
    /// There is no GreenMail, or it does not start; the end of its log says why.
    pub fn start() -> Result<Self, String> {
        let jar = home()?;
        let directory = tempfile::Builder::new().prefix("souk-mail-").tempdir().map_err(|error| error.to_string())?;
        make_certificate(directory.path())?;
        let [plain, tls, api] = free_ports().map_err(|error| format!("no free port: {error}"))?;
        let log = fs::File::create(directory.path().join("greenmail.log")).map_err(|error| error.to_string())?;
        let err = log.try_clone().map_err(|error| error.to_string())?;
        let child = program("java")
            .args(["-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"])
            .args(["-Dgreenmail.smtp.hostname=127.0.0.1", "-Dgreenmail.smtps.hostname=127.0.0.1"])
            .arg(format!("-Dgreenmail.smtp.port={plain}"))
            .arg(format!("-Dgreenmail.smtps.port={tls}"))
            .args(["-Dgreenmail.api.hostname=127.0.0.1", "-Dgreenmail.users.login=local_part"])
            .arg(format!("-Dgreenmail.api.port={api}"))
            .arg(format!("-Dgreenmail.users={USER}:{PASSWORD}@souk.example"))
            .arg(format!("-Dgreenmail.tls.keystore.file={}", directory.path().join("keys").display()))
            .arg(format!("-Dgreenmail.tls.keystore.password={STORE}"))
            .arg(format!("-Dgreenmail.tls.key.password={STORE}"))
            .arg("-jar")
            .arg(jar)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(err)
            .spawn()
            .map_err(|error| format!("java cannot be started: {error}: run `make setup`"))?;
        let guard = guard(child.id(), directory.path())?;
        let mut server = Self { directory, child, guard, plain, tls, api };
        server.wait()?;
        Ok(server)
    }

    fn wait(&mut self) -> Result<(), String> {
        let until = Instant::now() + PATIENCE;
        let why = loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                break format!("it ended: {status}");
            }
            if greets(self.plain) && self.get("/api/configuration").is_ok() {
                return Ok(());
            }
            if Instant::now() > until {
                break "it does not answer".to_owned();
            }
            std::thread::sleep(Duration::from_millis(100));
        };
        let text = fs::read_to_string(self.directory.path().join("greenmail.log")).unwrap_or_default();
        let tail: Vec<_> = text.lines().rev().take(30).collect();
        Err(format!("GreenMail does not start: {why}\n{}", tail.into_iter().rev().collect::<Vec<_>>().join("\n")))
    }

    /// Where it speaks SMTP without TLS.
    #[must_use]
    pub const fn plain(&self) -> u16 {
        self.plain
    }

    /// Where it speaks SMTP over TLS, as `localhost` and `127.0.0.1`.
    #[must_use]
    pub const fn tls(&self) -> u16 {
        self.tls
    }

    /// The certificate that it has, a PEM file.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.directory.path().join("certificate.pem")
    }

    /// What arrived for `address`, in order.
    ///
    /// # Errors
    /// The server does not answer as it should.
    pub fn inbox(&self, address: &str) -> Result<Vec<Received>, String> {
        let (status, body) = self.get(&format!("/api/user/{address}/messages/INBOX"))?;
        // Whom nothing was sent to it does not know.
        if status != 200 && body.contains("not found") {
            return Ok(Vec::new());
        }
        let list: Value = serde_json::from_str(&body).map_err(|error| format!("{status} {error}: {body}"))?;
        let list = list.as_array().ok_or_else(|| format!("{status}: {body}"))?;
        let text = |mail: &Value, field: &str| mail[field].as_str().unwrap_or_default().to_owned();
        Ok(list
            .iter()
            .map(|mail| Received { subject: text(mail, "subject"), source: text(mail, "mimeMessage") })
            .collect())
    }

    /// Asks its own interface.
    fn get(&self, path: &str) -> Result<(u16, String), String> {
        let failed = |error: std::io::Error| error.to_string();
        let mut stream = connect(self.api).map_err(failed)?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").map_err(failed)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).map_err(failed)?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
        let status = head.split_whitespace().nth(1).and_then(|code| code.parse().ok()).ok_or("no status")?;
        let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
            unchunked(body)
        } else {
            body.to_owned()
        };
        Ok((status, body))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = self.guard.kill();
        let _ = self.guard.wait();
    }
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let Ok(size) = usize::from_str_radix(size.trim(), 16) else { break };
        let Some(part) = rest.get(..size).filter(|part| !part.is_empty()) else { break };
        whole.push_str(part);
        body = rest.get(size + 2..).unwrap_or_default();
    }
    whole
}

fn connect(port: u16) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    Ok(stream)
}

/// Whether something says `220`.
fn greets(port: u16) -> bool {
    let mut greeting = [0; 3];
    connect(port).and_then(|mut stream| stream.read_exact(&mut greeting)).is_ok() && &greeting == b"220"
}

/// A program of the Java runtime.
fn program(name: &str) -> Command {
    let home = env::var_os("JAVA_HOME").map(|java| PathBuf::from(java).join("bin").join(name));
    Command::new(home.filter(|path| path.is_file()).unwrap_or_else(|| PathBuf::from(name)))
}

/// Makes a key and a certificate of its own for this server.
fn make_certificate(directory: &Path) -> Result<(), String> {
    let keys = directory.join("keys");
    let run = |arguments: &[&str]| {
        let output = program("keytool")
            .args(arguments)
            .args(["-alias", "souk", "-storepass", STORE, "-keystore"])
            .arg(&keys)
            .output()
            .map_err(|error| format!("keytool cannot be started: {error}: run `make setup`"))?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() { Ok(output.stdout) } else { Err(format!("keytool failed: {said}")) }
    };
    run(&[
        "-genkeypair",
        "-keyalg",
        "EC",
        "-groupname",
        "secp256r1",
        "-dname",
        "CN=localhost",
        "-ext",
        "san=dns:localhost,ip:127.0.0.1",
        "-validity",
        "30",
        "-storetype",
        "PKCS12",
    ])?;
    let certificate = run(&["-exportcert", "-rfc"])?;
    fs::write(directory.join("certificate.pem"), certificate).map_err(|error| error.to_string())
}

fn free_ports() -> std::io::Result<[u16; 3]> {
    let listeners =
        [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
    let [one, two, three] = listeners.map(|listener| listener.local_addr().map(|address| address.port()));
    Ok([one?, two?, three?])
}

/// A shell that ends the server and removes its directory once this end of the pipe closes, whatever the reason.
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
