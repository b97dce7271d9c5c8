//! The built-in plugin that reads pages, against pages of this machine.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use souk_ports::{
    Sandbox,
    sandbox::{Capabilities, Report, SandboxError, Task},
};
use souk_sandbox::WasmSandbox;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::OnceCell,
    task::JoinHandle,
};

use crate::{cached, task};

const RESEARCH: &[u8] = include_bytes!("../../../../plugins/research/package/research.wasm");

const GUIDE: &str =
    "<!doctype html><html><head><title>Cache &amp; guide</title><script>var cache = 'entries';</script></head>
<body><nav>Cache entries menu of the site</nav><h1 id=\"top\">Cache guide</h1>
<p>The cache keeps its entries for ten minutes. Old entries are <b>removed</b> when space is needed.</p>
<section id=\"set\"><h2>Changing it</h2><p>Set how long the cache keeps entries in the configuration:</p>
<pre><code class=\"language-toml\">[cache]\nlifetime = \"10m\" # &lt;unit&gt;</code></pre></section>
<footer>Cache entries of the footer</footer></body></html>";
const NOTES: &str = "# Release notes\n\nSince version 2 the cache keeps entries for **ten minutes** by default.\n\n```rust\nlet cache = Cache::new();\n```\n";
const LATIN: &[u8] = b"<p>Le caf\xe9 garde le cache des entries dix minutes.</p>";

/// Two hosts on one server. It ends with the test.
struct Pages {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
    sandbox: Arc<WasmSandbox>,
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Pages {
    async fn serve() -> Self {
        compiled().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
        let address = listener.local_addr().expect("has an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let noted = Arc::clone(&noted);
                tokio::spawn(async move { answer(stream, address, &noted).await });
            }
        });
        let sandbox = cached(|settings| {
            settings.http.exempt = vec![address];
            settings.http.wait = Duration::from_secs(2);
            for name in ["docs.example", "notes.example", "stranger.example"] {
                settings.http.names.insert(name.to_owned(), vec![address.ip()]);
            }
            let private = "10.0.0.1".parse().expect("an address");
            settings.http.names.insert("private.example".to_owned(), vec![private]);
        });
        Self { port: address.port(), asked, task, sandbox }
    }

    /// What was asked of the server, as `host/path`, sorted.
    fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.lock().expect("is not poisoned").clone();
        asked.sort();
        asked
    }

    fn url(&self, place: &str) -> String {
        let (host, path) = place.split_once('/').expect("host/path");
        format!("http://{host}:{}/{path}", self.port)
    }

    async fn run(&self, input: Value) -> Report {
        let hosts = ["docs.example", "notes.example", "private.example"].map(|host| format!("{host}:{}", self.port));
        let mut task = Task { input: input.to_string(), ..task(RESEARCH, "null") };
        task.declared.hosts = hosts.to_vec();
        task.declared.memory_mib = Some(256);
        self.sandbox.run(task).await
    }

    async fn research(&self, places: &[&str]) -> (Value, Report) {
        let sources: Vec<_> = places.iter().map(|place| self.url(place)).collect();
        let report = self.run(json!({"query": "How long does the cache keep entries?", "sources": sources})).await;
        let text = report.outcome.clone().expect("answers");
        (serde_json::from_str(&text).expect("JSON"), report)
    }
}

/// Compiles it once for all tests, which would each begin to otherwise.
async fn compiled() {
    static COMPILED: OnceCell<()> = OnceCell::const_new();
    let compile = async || {
        let sandbox = cached(|settings| settings.compile = Duration::from_secs(300));
        let task = task(RESEARCH, "null");
        let declared = Capabilities { hosts: vec!["*".into()], ..Capabilities::default() };
        sandbox.prepare(task.component, &task.digest, &declared).await.expect("compiles");
    };
    COMPILED.get_or_init(compile).await;
}

async fn answer(mut stream: TcpStream, address: SocketAddr, asked: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    asked.lock().expect("is not poisoned").push(format!("{host}{path}"));
    let port = address.port();
    let moved = |to: String| ("302 Found", format!("location: {to}\r\n"), Vec::new());
    let page = |sort: &str, body: &[u8]| ("200 OK", format!("content-type: {sort}\r\n"), body.to_vec());
    let (status, headers, body) = match path.as_str() {
        "/guide" => page("text/html; charset=utf-8", GUIDE.as_bytes()),
        "/notes.md" => page("text/plain", NOTES.as_bytes()),
        "/latin" => page("text/html; charset=ISO-8859-1", LATIN),
        "/broken" => page("text/html", b"<p>The cache <b>keeps entries<div>in a list</p></table><!-- never"),
        "/moved" => moved("/guide".into()),
        "/over" => moved(format!("http://notes.example:{port}/notes.md")),
        "/away" => moved(format!("http://stranger.example:{port}/guide")),
        "/round" => moved("/round".into()),
        "/huge" => page("text/plain", &b"cache keeps entries ".repeat(300_000)),
        "/zipped" => ("200 OK", "content-type: text/html\r\ncontent-encoding: gzip\r\n".into(), b"\x1f\x8b".to_vec()),
        "/image" => page("image/png", b"\x89PNG"),
        "/silent" => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            return;
        }
        _ => ("404 Not Found", String::new(), b"The cache keeps no entries here.".to_vec()),
    };
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len());
    // Who is not interested any more has hung up.
    let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
    let mut rest = [0; 4096];
    while matches!(stream.read(&mut rest).await, Ok(1..)) {}
}

fn list<'a>(answer: &'a Value, field: &str) -> &'a Vec<Value> {
    answer[field].as_array().unwrap_or_else(|| panic!("{field}: {answer}"))
}

/// Reason by source, the host's port left out.
fn reasons(answer: &Value) -> Vec<(String, String)> {
    let part = |error: &Value, field: &str| error[field].as_str().expect("a text").to_owned();
    list(answer, "errors").iter().map(|error| (part(error, "source"), part(error, "reason"))).collect()
}

#[tokio::test]
async fn every_quotation_stands_where_its_reference_says() {
    let pages = Pages::serve().await;
    let (answer, report) = pages.research(&["docs.example/guide", "notes.example/notes.md"]).await;
    // The page as a reader sees it, written down by hand and not by the parser under test.
    let guide = "The cache keeps its entries for ten minutes. Old entries are removed when space is needed. \
                 Set how long the cache keeps entries in the configuration: [cache]\nlifetime = \"10m\" # <unit>";
    let of = |url: &Value| if *url == json!(pages.url("docs.example/guide")) { guide } else { NOTES };
    let references = list(&answer, "references");
    assert!(references.len() >= 4, "{answer}");
    for reference in references {
        let fetched = [pages.url("docs.example/guide"), pages.url("notes.example/notes.md")];
        assert!(fetched.iter().any(|url| reference["url"] == **url), "{reference}");
        assert!(of(&reference["url"]).contains(reference["quote"].as_str().expect("a quotation")), "{reference}");
    }
    let reference = |of: &Value| &references[of["reference"].as_u64().expect("an id") as usize - 1];
    for (index, reference) in references.iter().enumerate() {
        assert_eq!(reference["id"], index + 1);
    }
    for detail in list(&answer, "details") {
        assert!(of(&reference(detail)["url"]).contains(detail["text"].as_str().expect("a text")), "{detail}");
    }
    let code = list(&answer, "codeExamples");
    let toml = code.iter().find(|code| code["language"] == "toml").expect("the code of the guide");
    assert_eq!(
        (&toml["code"], &toml["source"]),
        (&json!("[cache]\nlifetime = \"10m\" # <unit>"), &json!(pages.url("docs.example/guide")))
    );
    assert_eq!((&reference(toml)["heading"], &reference(toml)["anchor"]), (&json!("Changing it"), &json!("set")));
    assert!(code.iter().any(|code| code["language"] == "rust"), "{answer}");
    let summary = answer["summary"].as_str().expect("a text");
    assert!(
        summary.contains("The cache keeps its entries for ten minutes. [")
            && summary.contains("**ten minutes** by default. ["),
        "{summary}"
    );
    assert!(!answer.to_string().contains("menu") && !answer.to_string().contains("footer"), "{answer}");
    assert_eq!(answer["reliability"]["parts"], json!({"answered": 1.0, "coverage": 1.0, "agreement": 1.0}), "{answer}");
    assert_eq!(answer["reliability"]["score"], 100);
    assert_eq!(
        (pages.asked(), report.refused.len()),
        (vec!["docs.example/guide".into(), "notes.example/notes.md".into()], 0)
    );
}

#[tokio::test]
async fn the_order_of_sources_does_not_matter() {
    let pages = Pages::serve().await;
    let sources = ["docs.example/guide", "notes.example/notes.md", "docs.example/none", "docs.example/latin"];
    let (one, _) = pages.research(&sources).await;
    let mut turned = sources;
    turned.reverse();
    assert_eq!(one, pages.research(&turned).await.0);
    assert!(one.to_string().contains("Le café garde le cache"), "{one}");
    assert_eq!(one["reliability"]["parts"]["answered"], 0.75);
}

#[tokio::test]
async fn no_host_is_asked_that_was_not_named() {
    let pages = Pages::serve().await;
    let (answer, report) = pages.research(&["docs.example/moved", "docs.example/away", "docs.example/over"]).await;
    let source = &list(&answer, "sources")[0];
    assert_eq!(
        (&source["url"], &source["requested"]),
        (&json!(pages.url("docs.example/guide")), &json!(pages.url("docs.example/moved")))
    );
    let refused = |place: &str| (pages.url(place), "redirect_to_other_host".to_owned());
    assert_eq!(reasons(&answer), [refused("docs.example/away"), refused("docs.example/over")]);
    assert!(report.refused.is_empty(), "it does not even try: {:?}", report.refused);
    assert!(pages.asked().iter().all(|asked| asked.starts_with("docs.example/")), "{:?}", pages.asked());
    // Named as a source, the host of a redirect is one of those that may be asked.
    let (answer, _) = pages.research(&["docs.example/over", "notes.example/notes.md"]).await;
    assert_eq!((reasons(&answer), list(&answer, "sources").len()), (vec![], 1), "two ways to one page");
    let before = pages.asked().len();
    let (answer, report) = pages.research(&["stranger.example/guide", "private.example/guide"]).await;
    let expected = [("private.example/guide", "address_refused"), ("stranger.example/guide", "host_not_granted")];
    assert_eq!(reasons(&answer), expected.map(|(place, reason)| (pages.url(place), reason.to_owned())));
    let codes: std::collections::BTreeSet<_> = report.refused.iter().map(|refusal| refusal.code).collect();
    assert_eq!(codes.into_iter().collect::<Vec<_>>(), ["address_refused", "host_not_declared"]);
    assert_eq!((pages.asked().len(), &answer["reliability"]["score"]), (before, &json!(0)));
}

#[tokio::test]
async fn what_cannot_be_read_is_named_and_the_rest_is_answered() {
    let pages = Pages::serve().await;
    let bad = [
        ("docs.example/huge", "too_large"),
        ("docs.example/image", "unsupported_type"),
        ("docs.example/none", "http_status"),
        ("docs.example/round", "too_many_redirects"),
        ("docs.example/silent", "timeout"),
        ("docs.example/zipped", "unsupported_encoding"),
    ];
    let all: Vec<_> = bad.iter().map(|(place, _)| *place).chain(["docs.example/broken"]).collect();
    let (answer, _) = pages.research(&all).await;
    assert_eq!(reasons(&answer), bad.map(|(place, reason)| (pages.url(place), reason.to_owned())));
    assert_eq!(list(&answer, "details")[0]["text"], "The cache keeps entries");
}

#[tokio::test]
async fn a_question_that_is_none_is_refused_before_anybody_is_asked() {
    let pages = Pages::serve().await;
    let url = pages.url("docs.example/guide");
    for (input, code) in [
        (json!("x"), "input_invalid"),
        (json!({"query": "cache", "sources": [url], "depth": 1}), "input_invalid"),
        (json!({"query": "cache", "sources": [url], "maxResults": 0}), "input_invalid"),
        (json!({"query": " ?! ", "sources": [url]}), "query_invalid"),
        (json!({"query": "x".repeat(501), "sources": [url]}), "query_invalid"),
        (json!({"query": "cache"}), "no_sources"),
        (json!({"query": "cache", "sources": vec![&url; 21]}), "too_many_sources"),
        (json!({"query": "cache", "sources": ["file:///etc/passwd"]}), "source_invalid"),
        (json!({"query": "cache", "sources": ["http://user@docs.example/"]}), "source_invalid"),
        (
            json!({"query": "cache", "documents": [{"name": "a", "content": "b"}, {"name": "a", "content": "c"}]}),
            "document_invalid",
        ),
        (
            json!({"query": "cache", "documents": [{"name": "a", "content": "b", "contentType": "image/png"}]}),
            "document_invalid",
        ),
    ] {
        match pages.run(input.clone()).await.outcome {
            Err(SandboxError::Plugin { code: own, message }) => {
                assert_eq!(own, "invalid_input", "{input}: {message}");
                assert!(message.starts_with(&format!("{code}: ")), "{input}: {message}");
            }
            other => panic!("{input} should be refused as {code}: {other:?}"),
        }
    }
    assert_eq!(pages.asked(), Vec::<String>::new());
}
