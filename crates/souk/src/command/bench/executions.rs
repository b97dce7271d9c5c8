//! Plugins that run, and versions that are validated.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::future::try_join_all;
use serde_json::{Value, json};
use souk_embedded_postgres::testing;
use souk_package::{pack, sha256};
use souk_ports::sandbox::{Capabilities, DEFAULT_MEMORY_MIB, Grants, MAX_SECONDS, Sandbox, Task};
use souk_sandbox::{Settings, WasmSandbox};

use super::{
    http::{self, Connection, closed_loop},
    measure::{Budget, Pair, Row, percentile, rate},
    process::{self, Server},
    session::{Service, Session, account, password},
};
use crate::{failure::Failure, output::note, system::SystemRandom};

const CONNECTIONS: usize = 64;
/// Counts words, as [`floor`](super::floor) does natively.
const COMPONENT: &[u8] = include_bytes!("../../../../sandbox/fixtures/words.wasm");
/// What it is given: a paragraph.
const TEXT: &str = "an event is a fact and what follows from it can be found out again whenever somebody wants to know how it came to be \
     and so nothing is ever changed and nothing is ever lost and who asks what was true on a day is told what was true on that day";
/// Plugins of which versions are handed in at once.
const PLUGINS: usize = 4;
/// Versions of each, one after the other.
const VERSIONS: usize = 25;
/// How long a version may take to be approved.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often that is asked.
const LOOK: Duration = Duration::from_millis(10);

/// Executions of a component that is warm, against the same function called natively; its first run; validations.
///
/// # Errors
/// Souk gave a wrong answer, or the floor failed.
pub async fn measure(session: &Session, service: &Service) -> Result<Vec<Row>, Failure> {
    service.rest().await?;
    let vendor = Vendor::open(session, service).await?;
    let mut rows = warm(session, service, &vendor).await?;
    rows.extend(cold(session).await?);
    rows.extend(validations(session, service, &vendor).await?);
    Ok(rows)
}

async fn warm(session: &Session, service: &Service, vendor: &Vendor) -> Result<Vec<Row>, Failure> {
    let plugin = "bench-words";
    let mut connection = Connection::open(service.souk.address).await?;
    vendor.create(&mut connection, plugin).await?;
    vendor.submit(&mut connection, plugin, 0).await?;
    vendor.approved(&mut connection, plugin, 1).await?;
    let tokens = service.accounts(CONNECTIONS, "runner").await?;
    for token in &tokens {
        let install = http::post(&format!("/api/v1/plugins/{plugin}/install"), &http::bearer(token), "{}");
        http::expect(&connection.send(&install).await?, 201, &install)?;
    }
    let database = session.database("souk_bench_executions").await?;
    let floor = Server::floor(session.directory(), &database).await?;
    let measured = by_turns(session, service, &floor, plugin, &tokens).await;
    floor.stop().await?;
    measured
}

async fn by_turns(
    session: &Session,
    service: &Service,
    floor: &Server,
    plugin: &str,
    tokens: &[String],
) -> Result<Vec<Row>, Failure> {
    let body = json!({ "input": TEXT }).to_string();
    let again = |request: Vec<u8>| move || request.clone();
    let natively = || vec![again(http::post("/count", "", &body)); CONNECTIONS];
    let path = format!("/api/v1/plugins/{plugin}/execute");
    let executing = || tokens.iter().map(|token| again(http::post(&path, &http::bearer(token), &body))).collect();
    let (mut pairs, mut slowest) = (Vec::new(), Vec::new());
    for repetition in 0..=session.options.repetitions {
        // The first one is short and only warms up.
        let seconds = if repetition == 0 { 1 } else { session.options.seconds };
        note(format!("measuring: executions, {repetition} of {}", session.options.repetitions));
        let mut base = closed_loop(floor.address, natively(), seconds, 200).await?;
        let mut load = closed_loop(service.souk.address, executing(), seconds, 200).await?;
        service.settle().await?;
        if repetition > 0 {
            pairs.push(Pair { value: load.rate, floor: base.rate });
            slowest.push(Pair { value: percentile(&mut load.times, 99), floor: percentile(&mut base.times, 99) });
        }
    }
    let name = "executions of a warm component over HTTP, 64 connections";
    let floor = "axum, the same function called natively";
    let said =
        "each is a fresh instance of the component, two durable events and a sealed output; the floor keeps nothing";
    let rows = [
        Row::compared(name, "1/s", floor, &pairs, Budget::None).map(|row| row.with_note(said)),
        Row::compared("the same, p99", "ms", floor, &slowest, Budget::None),
    ];
    Ok(rows.into_iter().flatten().collect())
}

/// The first run of a component that nobody has compiled, and of one whose compiled code is on disk.
async fn cold(session: &Session) -> Result<Vec<Row>, Failure> {
    let (mut compiled, mut loaded) = (Vec::new(), Vec::new());
    for repetition in 1..=session.options.repetitions {
        note(format!("measuring: cold starts, {repetition} of {}", session.options.repetitions));
        let directory = testing::data_dir();
        for times in [&mut compiled, &mut loaded] {
            let settings = Settings::new(directory.path().to_owned());
            let opened = tokio::task::spawn_blocking(move || WasmSandbox::open(settings, &SystemRandom)).await;
            let sandbox = opened.map_err(Failure::new)?.map_err(Failure::new)?;
            let started = Instant::now();
            let report = sandbox.run(task()).await;
            times.push(started.elapsed().as_secs_f64() * 1_000.0);
            report.outcome.map_err(Failure::new)?;
        }
    }
    let rows = [
        Row::plain("cold start: a component of 63 kB, compiled and run", "ms", &compiled, Budget::None),
        Row::plain("cold start: the same, its compiled code on disk", "ms", &loaded, Budget::None),
    ];
    Ok(rows.into_iter().flatten().collect())
}

fn task() -> Task {
    Task {
        component: Bytes::from_static(COMPONENT),
        digest: sha256(COMPONENT),
        input: Value::from(TEXT).to_string(),
        declared: Capabilities::default(),
        granted: Grants { memory_mib: DEFAULT_MEMORY_MIB, seconds: MAX_SECONDS, ..Grants::default() },
        seed: 1,
        files: Arc::new([]),
    }
}

/// Versions a second from being handed in to being approved, with every step, and two runs of a sample each.
async fn validations(session: &Session, service: &Service, vendor: &Vendor) -> Result<Option<Row>, Failure> {
    let mut rates = Vec::new();
    for repetition in 1..=session.options.repetitions {
        note(format!("measuring: validations, {repetition} of {}", session.options.repetitions));
        let mut connections = Vec::new();
        for plugin in 0..PLUGINS {
            let mut connection = Connection::open(service.souk.address).await?;
            let plugin = format!("bench-validated-{repetition}-{plugin}");
            vendor.create(&mut connection, &plugin).await?;
            connections.push((connection, plugin));
        }
        let started = Instant::now();
        try_join_all(connections.iter_mut().map(async |(connection, plugin)| {
            for version in 0..VERSIONS {
                vendor.submit(connection, plugin, version).await?;
            }
            vendor.approved(connection, plugin, VERSIONS).await
        }))
        .await?;
        rates.push(rate(PLUGINS * VERSIONS, started.elapsed()));
    }
    let name = "validations: handed in over HTTP, approved and shown so";
    let said = format!(
        "{PLUGINS} vendors' plugins at once, {VERSIONS} versions each: a skill with a component of 63 kB and a sample that is run twice"
    );
    Ok(Row::plain(name, "1/s", &rates, Budget::None).map(|row| row.with_note(said)))
}

/// Who hands in what is run.
struct Vendor {
    headers: String,
}

impl Vendor {
    /// Registers one, and an admin who verifies it.
    async fn open(session: &Session, service: &Service) -> Result<Self, Failure> {
        let tokens = service.accounts(2, "bench-vendor").await?;
        let [token, _] = tokens.as_slice() else { return Err(Failure::new("two accounts have two tokens")) };
        let headers = http::bearer(token);
        process::run(session.directory(), &["admin", "grant", &account("bench-vendor", 1), "admin"]).await?;
        let mut connection = Connection::open(service.souk.address).await?;
        // Roles are those of the time at which somebody signs in.
        let login = json!({ "email": account("bench-vendor", 1), "password": password(1) });
        let admin = told(&mut connection, "/api/v1/auth/login", "", &login, 200).await?;
        let admin = http::bearer(text(&admin, "accessToken")?);
        let named = json!({ "name": "Bench", "slug": "bench-vendor" });
        let created = told(&mut connection, "/api/v1/vendors", &headers, &named, 201).await?;
        let verify = format!("/api/v1/vendors/{}/verify", text(&created, "id")?);
        told(&mut connection, &verify, &admin, &json!({}), 200).await?;
        Ok(Self { headers })
    }

    async fn create(&self, connection: &mut Connection, plugin: &str) -> Result<(), Failure> {
        let listing = json!({
            "name": plugin, "displayName": plugin, "kind": "skill", "summary": "Counts words.", "description": "Counts words.",
            "category": "text", "tags": [], "license": "MIT", "pricing": { "model": "free" },
        });
        told(connection, "/api/v1/plugins", &self.headers, &listing, 201).await.map(|_| ())
    }

    async fn submit(&self, connection: &mut Connection, plugin: &str, version: usize) -> Result<(), Failure> {
        let manifest = json!({
            "name": plugin, "version": format!("1.0.{version}"), "kind": "skill", "summary": "Counts words.", "license": "MIT",
            "entry": "words.wasm",
            "samples": [{ "name": "three", "input": "a b a", "expected": { "words": 3, "distinct": { "a": 2, "b": 1 } } }],
        });
        let skill = format!(
            "---\nname: words\ndescription: Counts words, release {version}.\n---\n\n# Words\n\nHand in a text.\n"
        );
        let files = [("SKILL.md".to_owned(), skill.into_bytes()), ("words.wasm".to_owned(), COMPONENT.to_vec())];
        let archive = pack::pack(files).map_err(Failure::new)?;
        let request = http::post_form(
            &format!("/api/v1/plugins/{plugin}/versions"),
            &self.headers,
            &[("manifest", manifest.to_string().as_bytes()), ("artifact", &archive)],
        );
        http::expect(&connection.send(&request).await?, 202, &request)
    }

    /// Waits until `count` versions of `plugin` are approved.
    async fn approved(&self, connection: &mut Connection, plugin: &str, count: usize) -> Result<(), Failure> {
        let request = http::get(&format!("/api/v1/plugins/{plugin}/versions?limit=100"), "");
        let until = Instant::now() + PATIENCE;
        loop {
            let answer = connection.send(&request).await?;
            http::expect(&answer, 200, &request)?;
            let listed: Value = serde_json::from_slice(answer.body).map_err(Failure::new)?;
            let statuses = listed["items"].as_array().into_iter().flatten().map(|version| &version["status"]);
            let (approved, others): (Vec<_>, Vec<_>) = statuses.partition(|status| *status == "approved");
            if approved.len() == count {
                return Ok(());
            }
            let stuck = others.iter().find(|status| **status == "rejected" || **status == "needs_review");
            if let Some(status) = stuck {
                return Err(Failure::new(format!("a version of {plugin} is {status}")));
            }
            if Instant::now() >= until {
                return Err(Failure::new(format!("{} of {count} versions of {plugin} are approved", approved.len())));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// What is answered to `body`.
async fn told(
    connection: &mut Connection,
    path: &str,
    headers: &str,
    body: &Value,
    expected: u16,
) -> Result<Value, Failure> {
    let request = http::post(path, headers, &body.to_string());
    let answer = connection.send(&request).await?;
    http::expect(&answer, expected, &request)?;
    serde_json::from_slice(answer.body).map_err(Failure::new)
}

fn text<'a>(answer: &'a Value, field: &str) -> Result<&'a str, Failure> {
    answer[field].as_str().ok_or_else(|| Failure::new(format!("an answer has no {field}")))
}
