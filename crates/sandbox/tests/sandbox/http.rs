//! Requests of plugins: which of them leave, and which come back.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use souk_ports::{
    Sandbox,
    sandbox::{Report, Task},
};
use souk_sandbox::{HttpSettings, WasmSandbox};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::{FETCH, cached, outcome, own_code, shared, task};

/// A server on this machine that the sandbox may reach as an exception. It ends with the test.
struct Server {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    task: JoinHandle<()>,
    sandbox: Arc<WasmSandbox>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
        let address = listener.local_addr().expect("has an address");
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let counted = Arc::clone(&counted);
                tokio::spawn(async move { answer(stream, address, &counted).await });
            }
        });
        let sandbox = cached(|all| settings(&mut all.http, address));
        Self { address, requests, task, sandbox }
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Says what `fetch` says.
    async fn fetch(&self, input: &str, hosts: &[&str]) -> Report {
        let port = self.address.port();
        self.sandbox.run(asking(&input.replace("PORT", &port.to_string()), hosts, port)).await
    }
}

/// What holds in these tests: some names, one exception, and limits that are soon reached.
fn settings(http: &mut HttpSettings, exempt: SocketAddr) {
    http.exempt = vec![exempt];
    for (name, addresses) in [
        ("friend.example", vec!["127.0.0.1"]),
        ("metadata.example", vec!["169.254.169.254"]),
        ("mapped.example", vec!["::ffff:169.254.169.254"]),
        ("mixed.example", vec!["127.0.0.1", "10.0.0.1"]),
        ("internal.example", vec!["fd00:ec2::254"]),
    ] {
        let addresses = addresses.iter().map(|address| address.parse().expect("is an address")).collect();
        http.names.insert(name.to_owned(), addresses);
    }
    (http.request, http.response, http.requests, http.wait) = (100_000, 100_000, 3, Duration::from_secs(5));
}

fn asking(input: &str, hosts: &[&str], port: u16) -> Task {
    let mut task = task(FETCH, &format!("{input:?}"));
    task.declared.hosts = hosts.iter().map(|host| host.replace("PORT", &port.to_string())).collect();
    task
}

async fn answer(mut stream: TcpStream, address: SocketAddr, requests: &AtomicUsize) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    requests.fetch_add(1, Ordering::SeqCst);
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let redirect = |to: String| format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
    let port = address.port();
    let text = match path {
        "/host" => {
            let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default().to_owned();
            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{host}", host.len())
        }
        "/to-metadata" => redirect("http://metadata.example/latest".into()),
        "/to-stranger" => redirect("http://stranger.example/".into()),
        "/to-friend" => redirect(format!("http://friend.example:{port}/host")),
        "/large" => format!("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n{}", "x".repeat(100_000)),
        "/larger" => format!("HTTP/1.1 200 OK\r\ncontent-length: 100001\r\n\r\n{}", "x".repeat(100_001)),
        "/headers" => format!("HTTP/1.1 200 OK\r\nx-large: {}\r\ncontent-length: 0\r\n\r\n", "x".repeat(100_000)),
        "/silent" => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            return;
        }
        _ => "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".into(),
    };
    // A client that is not interested any more has hung up.
    let _ = stream.write_all(text.as_bytes()).await;
    let mut rest = [0; 4096];
    while matches!(stream.read(&mut rest).await, Ok(1..)) {}
}

fn refusals(report: &Report) -> Vec<&'static str> {
    report.refused.iter().map(|refusal| refusal.code).collect()
}

#[tokio::test]
async fn a_declared_host_is_reached_under_its_name() {
    let server = Server::start().await;
    let report = server.fetch("get http://friend.example:PORT/host", &["friend.example:PORT"]).await;
    let expected = format!("\"200 20 friend.example:{}\"", server.address.port());
    assert_eq!(outcome(&report), Ok(expected.as_str()), "{:?}", report.outcome);
    assert!(report.refused.is_empty());
}

#[tokio::test]
async fn without_a_grant_there_is_no_http_at_all() {
    let mut declared = asking("get http://friend.example/", &["friend.example"], 80);
    declared.granted.hosts.clear();
    let undeclared = asking("get http://friend.example/", &[], 80);
    for task in [declared, undeclared] {
        let report = shared().run(task).await;
        assert_eq!(outcome(&report), Err("undeclared_import"));
        assert_eq!(report.usage.memory_bytes, 0);
    }
}

#[tokio::test]
async fn no_other_host_is_reached() {
    let server = Server::start().await;
    for url in [
        "http://stranger.example/",
        "http://friend.example:1/",
        "https://friend.example:PORT.stranger.example/",
        "http://127.0.0.1:PORT/",
    ] {
        let report = server.fetch(&format!("get {url}"), &["friend.example:PORT"]).await;
        let denied = ["HttpRequestDenied", "HttpRequestUriInvalid"].contains(&own_code(&report));
        assert!(denied, "{url}: {:?}", report.outcome);
    }
    let report = server.fetch("get http://stranger.example/", &["friend.example:PORT"]).await;
    assert_eq!(refusals(&report), ["host_not_declared"]);
    assert_eq!(report.refused[0].target, "stranger.example:80");
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn private_addresses_are_refused_whatever_they_are_called() {
    let server = Server::start().await;
    for (url, host) in [
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254"),
        ("http://metadata.example/", "metadata.example"),
        ("http://[::ffff:169.254.169.254]/", "[::ffff:169.254.169.254]"),
        ("http://[::ffff:a9fe:a9fe]/", "[::ffff:169.254.169.254]"),
        ("http://mapped.example/", "mapped.example"),
        ("http://internal.example/", "internal.example"),
        ("http://mixed.example:PORT/", "mixed.example:PORT"),
        // Spellings that only the system's resolver takes for an address.
        ("http://2852039166/", "2852039166"),
        ("http://0xa9.0xfe.0xa9.0xfe/", "0xa9.0xfe.0xa9.0xfe"),
        ("http://127.1/", "127.1"),
        ("http://localhost/", "localhost"),
        ("http://[::1]:PORT/", "[::1]:PORT"),
        ("https://10.0.0.1/", "10.0.0.1"),
    ] {
        let report = server.fetch(&format!("get {url}"), &[host]).await;
        assert_eq!(own_code(&report), "DestinationIpProhibited", "{url}");
        assert_eq!(refusals(&report), ["address_refused"], "{url}");
    }
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_following_it_is_checked_again() {
    let server = Server::start().await;
    let hosts = ["friend.example:PORT", "metadata.example"];
    let report = server.fetch("get http://friend.example:PORT/to-metadata", &hosts).await;
    assert_eq!(outcome(&report), Ok("\"302 0 \""));
    let report = server.fetch("follow http://friend.example:PORT/to-metadata", &hosts).await;
    assert_eq!((own_code(&report), refusals(&report)), ("DestinationIpProhibited", vec!["address_refused"]));
    let report = server.fetch("follow http://friend.example:PORT/to-stranger", &hosts).await;
    assert_eq!((own_code(&report), refusals(&report)), ("HttpRequestDenied", vec!["host_not_declared"]));
    let report = server.fetch("follow http://friend.example:PORT/to-friend", &hosts).await;
    assert!(outcome(&report).is_ok_and(|output| output.starts_with("\"200 20 friend.example")), "{:?}", report.outcome);
    assert_eq!(server.requests(), 5);
}

#[tokio::test]
async fn what_is_too_large_does_not_pass() {
    let server = Server::start().await;
    let hosts = ["friend.example:PORT"];
    let url = "http://friend.example:PORT";
    let whole = server.fetch(&format!("get {url}/large"), &hosts).await;
    assert!(outcome(&whole).is_ok_and(|output| output.starts_with("\"200 100000 x")), "{:?}", whole.outcome);
    let cut = server.fetch(&format!("get {url}/larger"), &hosts).await;
    assert_eq!((own_code(&cut), refusals(&cut)), ("body", vec!["response_too_large"]));
    let headers = server.fetch(&format!("get {url}/headers"), &hosts).await;
    assert_eq!(outcome(&headers), Err("plugin_failed"));
    let asked = server.requests();
    let header = server.fetch(&format!("header 20000 {url}/"), &hosts).await;
    assert_eq!(
        (own_code(&header), refusals(&header)),
        ("HttpRequestHeaderSectionSize(None)", vec!["request_too_large"])
    );
    assert_eq!(server.requests(), asked);
    let body = server.fetch(&format!("post 200000 {url}/"), &hosts).await;
    assert_eq!(refusals(&body), ["request_too_large"]);
    let body = server.fetch(&format!("post 100000 {url}/"), &hosts).await;
    assert_eq!(outcome(&body), Ok("\"200 2 ok\""), "{:?}", body.outcome);
}

#[tokio::test]
async fn requests_are_counted() {
    let server = Server::start().await;
    let report = server.fetch("many http://friend.example:PORT/", &["friend.example:PORT"]).await;
    assert_eq!((own_code(&report), refusals(&report)), ("ConnectionLimitReached", vec!["too_many_requests"]));
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn nobody_waits_for_a_silent_host_for_ever() {
    let server = Server::start().await;
    let report = server.fetch("get http://friend.example:PORT/silent", &["friend.example:PORT"]).await;
    assert_eq!(own_code(&report), "HttpResponseTimeout");
}
