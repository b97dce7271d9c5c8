//! What values are compared with: the same machine, minute and load generator, and nothing of Souk.

use std::{
    collections::{BTreeMap, HashMap},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::{self, DefaultBodyLimit, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    routing,
};
use bytes::Bytes;
use futures::{StreamExt, future::try_join_all};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::net::TcpListener;

use super::measure::rate;
use crate::{failure::Failure, output::say};

/// Clients that insert at once.
const CLIENTS: u32 = 32;
/// Rows that point selects choose from.
pub const SELECTED_ROWS: usize = 100_000;
/// A row like an event: as many bytes, and no index but its key.
const TABLES: &str = "CREATE TABLE IF NOT EXISTS floor_insert (id bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), \
     data bytea NOT NULL, metadata bytea NOT NULL)";
const INSERT: &str = "INSERT INTO floor_insert (data, metadata) VALUES (decode(repeat('78', 250), 'hex'), decode(repeat('79', 345), 'hex'))";
const SELECT: &str = "SELECT name, summary FROM floor_select WHERE id = $1";

/// What inserts single rows for the floor.
pub enum Inserter {
    /// `pgbench` of the server's own version.
    Pgbench(PathBuf),
    /// This program, where there is no `pgbench`.
    Sqlx,
}

impl Inserter {
    /// The `pgbench` beside the server's programs, else one on the `PATH`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn find(pool: &PgPool) -> Result<Self, Failure> {
        let mut connection = pool.acquire().await.map_err(Failure::new)?;
        let pid: i32 =
            sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *connection).await.map_err(Failure::new)?;
        let server = std::fs::read_link(format!("/proc/{pid}/exe")).ok();
        let beside = server.as_deref().and_then(Path::parent).map(|folder| folder.join("pgbench"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let elsewhere = std::env::split_paths(&path).map(|folder| folder.join("pgbench"));
        let found = beside.into_iter().chain(elsewhere).find(|program| program.is_file());
        Ok(found.map_or(Self::Sqlx, Self::Pgbench))
    }

    /// What the report calls it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Pgbench(_) => "pgbench, single-row inserts, 32 clients",
            Self::Sqlx => "sqlx, single-row inserts, 32 connections (there is no pgbench)",
        }
    }

    /// Single-row inserts a second.
    ///
    /// # Errors
    /// The database or `pgbench` failed.
    pub async fn rate(&self, url: &str, seconds: u64) -> Result<f64, Failure> {
        let pool = PgPoolOptions::new().max_connections(CLIENTS).connect(url).await.map_err(Failure::new)?;
        sqlx::query(TABLES).execute(&pool).await.map_err(Failure::new)?;
        let measured = match self {
            Self::Pgbench(program) => pgbench(program, url, seconds).await,
            Self::Sqlx => inserts(&pool, seconds).await,
        };
        pool.close().await;
        measured
    }
}

async fn pgbench(program: &Path, url: &str, seconds: u64) -> Result<f64, Failure> {
    let script = std::env::temp_dir().join(format!("souk-bench-{}.sql", std::process::id()));
    std::fs::write(&script, format!("{INSERT};\n")).map_err(Failure::new)?;
    let output = tokio::process::Command::new(program)
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2", &format!("--client={CLIENTS}")])
        .arg(format!("--time={seconds}"))
        .arg("--file")
        .arg(&script)
        // The address holds a password, but of a cluster that lives as long as this run.
        .arg(url)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await;
    drop(std::fs::remove_file(&script));
    let output = output.map_err(Failure::new)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    rate.ok_or_else(|| Failure::new(format!("pgbench failed: {}", String::from_utf8_lossy(&output.stderr))))
}

async fn inserts(pool: &PgPool, seconds: u64) -> Result<f64, Failure> {
    let started = Instant::now();
    let until = started + Duration::from_secs(seconds);
    let tasks = (0..CLIENTS).map(|_| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let mut connection = pool.acquire().await?;
            let mut count = 0;
            while Instant::now() < until {
                sqlx::query(INSERT).execute(&mut *connection).await?;
                count += 1;
            }
            Ok::<usize, sqlx::Error>(count)
        })
    });
    let mut count = 0;
    for done in try_join_all(tasks).await.map_err(Failure::new)? {
        count += done.map_err(Failure::new)?;
    }
    Ok(rate(count, started.elapsed()))
}

/// How long `COPY … TO` takes to hand out every event, seconds.
///
/// # Errors
/// The database failed.
pub async fn copy_out(pool: &PgPool) -> Result<f64, Failure> {
    let mut connection = pool.acquire().await.map_err(Failure::new)?;
    let started = Instant::now();
    let mut rows =
        connection.copy_out_raw("COPY souk_log.event TO STDOUT (FORMAT binary)").await.map_err(Failure::new)?;
    while let Some(chunk) = rows.next().await {
        chunk.map_err(Failure::new)?;
    }
    Ok(started.elapsed().as_secs_f64())
}

/// Answers `GET /` with a constant, `GET /{id}` with one row of the database, `POST /count` with the words of its input, and `GET` of a
/// plugin's page with what was handed in by `POST /pages`, until it is killed or told to end.
///
/// # Errors
/// The database cannot be had.
pub async fn serve(url: &str) -> Result<(), Failure> {
    let pool =
        PgPoolOptions::new().max_connections(16).test_before_acquire(false).connect(url).await.map_err(Failure::new)?;
    for statement in [
        "CREATE TABLE IF NOT EXISTS floor_select (id bigint PRIMARY KEY, name text NOT NULL, summary text NOT NULL)",
        "INSERT INTO floor_select SELECT n, 'name ' || n, repeat('summary ', 10) FROM generate_series(0, $1 - 1) n \
         ON CONFLICT DO NOTHING",
        "ANALYZE floor_select",
    ] {
        let query = sqlx::query(statement);
        let query = if statement.contains("$1") { query.bind(SELECTED_ROWS as i64) } else { query };
        query.execute(&pool).await.map_err(Failure::new)?;
    }
    let router = Router::new()
        .route("/", routing::get(async || Json(json!({ "status": "ok" }))))
        .route("/{id}", routing::get(select))
        .with_state(pool)
        .route("/count", routing::post(async |Json(body): Json<Input>| Json(count(&body.input))))
        .merge(pages());
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.map_err(Failure::new)?;
    say(format!("the floor is ready at http://{}", listener.local_addr().map_err(Failure::new)?));
    let mut terminate =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(Failure::new)?;
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream: &mut tokio::net::TcpStream| {
        let _ = stream.set_nodelay(true);
    });
    let serving = axum::serve(listener, router);
    tokio::select! {
        served = async { serving.await } => served.map_err(Failure::new),
        _ = terminate.recv() => Ok(()),
    }
}

/// A page, for every one of `names`.
#[derive(Serialize, Deserialize)]
pub struct Shown {
    /// What each answer has beside its length and the date.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub page: String,
    /// The plugins that have one.
    pub names: Vec<String>,
}

/// Pages in memory: each has bytes of its own, as if they were different.
struct Pages {
    headers: HeaderMap,
    bodies: HashMap<String, Bytes>,
}

impl Pages {
    fn of(shown: Shown) -> Result<Self, axum::http::Error> {
        let mut headers = HeaderMap::new();
        for (name, value) in shown.headers {
            headers.insert(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
        }
        let body = |name| (name, Bytes::copy_from_slice(shown.page.as_bytes()));
        Ok(Self { headers, bodies: shown.names.into_iter().map(body).collect() })
    }
}

/// What answering a page takes that was found: its name in the path, bytes from memory, and headers.
fn pages() -> Router {
    type Handed = Arc<OnceLock<Pages>>;
    let take = async |State(handed): State<Handed>, Json(shown): Json<Shown>| {
        let pages = Pages::of(shown).map_err(|_| StatusCode::BAD_REQUEST)?;
        handed.set(pages).map_err(|_| StatusCode::CONFLICT)?;
        Ok::<_, StatusCode>(StatusCode::NO_CONTENT)
    };
    let show = async |State(handed): State<Handed>, extract::Path(name): extract::Path<String>| {
        let pages = handed.get().ok_or(StatusCode::NOT_FOUND)?;
        let body = pages.bodies.get(&name).ok_or(StatusCode::NOT_FOUND)?;
        Ok::<_, StatusCode>((pages.headers.clone(), body.clone()))
    };
    Router::new()
        .route("/pages", routing::post(take).layer(DefaultBodyLimit::disable()))
        .route("/api/v1/plugins/{name}", routing::get(show))
        .with_state(Handed::default())
}

#[derive(Deserialize)]
struct Input {
    input: String,
}

/// What the component of the executions answers.
fn count(text: &str) -> serde_json::Value {
    let mut distinct = BTreeMap::<&str, u32>::new();
    for word in text.split_whitespace() {
        *distinct.entry(word).or_default() += 1;
    }
    json!({ "output": { "words": distinct.values().sum::<u32>(), "distinct": distinct } })
}

async fn select(
    State(pool): State<PgPool>,
    extract::Path(id): extract::Path<i64>,
) -> Result<Json<serde_json::Value>, StatusCode> {
    let row: Result<(String, String), sqlx::Error> = sqlx::query_as(SELECT).bind(id).fetch_one(&pool).await;
    let (name, summary) = row.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(Json(json!({ "name": name, "summary": summary })))
}
