//! What the long-running processes `souk relay`, `project` and `react` have in common: they begin, tell whoever probes them
//! how they are, say once that they are ready, and end on SIGTERM.

use std::{
    future::Future,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use axum::{Json, Router, extract::State, http::StatusCode, http::header, response::IntoResponse, routing::get};
use serde_json::json;
use souk_api::Metrics;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{config::Config, failure::Failure, output::say};

/// How long what a process depends on has to answer a probe.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a process that begins looks whether it is ready.
const LOOK: Duration = Duration::from_millis(50);

/// How a process is.
#[async_trait]
pub trait Condition: Send + Sync {
    /// Whether it can do its work.
    ///
    /// # Errors
    /// It cannot; a sentence says why.
    async fn ready(&self) -> Result<(), String>;

    /// Sets the gauges that only this process knows.
    async fn measure(&self);
}

/// A process between its beginning and its end.
pub struct Process {
    name: &'static str,
    probed_at: Option<SocketAddr>,
    health: Health,
    shutdown: CancellationToken,
}

/// What is told to who probes.
#[derive(Clone)]
struct Health {
    condition: Arc<OnceLock<Arc<dyn Condition>>>,
    metrics: Metrics,
    shutdown: CancellationToken,
}

impl Process {
    /// Begins: from now on SIGTERM ends the process in order, and probes are answered where `config.probe` says.
    ///
    /// # Errors
    /// No database is named, which the processes share, or the address for probes is taken.
    pub async fn begin(name: &'static str, config: &Config) -> Result<Self, Failure> {
        shared_database(name, config)?;
        let shutdown = shutdown_signal()?;
        let health = Health { condition: Arc::default(), metrics: Metrics::install(), shutdown: shutdown.clone() };
        let probed_at = match config.probe {
            Some(address) => {
                let listener = listen(address).await?;
                let bound = listener.local_addr().map_err(Failure::new)?;
                tokio::spawn(answer(listener, health.clone()));
                Some(bound)
            }
            None => None,
        };
        Ok(Self { name, probed_at, health, shutdown })
    }

    /// What `opening` opens; none when the process is told to end before that.
    ///
    /// # Errors
    /// Those of `opening`.
    pub async fn unless_stopped<T>(
        &self,
        opening: impl Future<Output = Result<T, Failure>>,
    ) -> Result<Option<T>, Failure> {
        tokio::select! {
            opened = opening => opened.map(Some),
            () = self.shutdown.cancelled() => Ok(None),
        }
    }

    /// Says that the process is ready once it is, and waits until it is told to end.
    pub async fn run(&self, condition: Arc<dyn Condition>) {
        let condition = self.health.condition.get_or_init(|| condition);
        let until_ready = async {
            while answers(condition.ready()).await.is_err() {
                tokio::time::sleep(LOOK).await;
            }
            let probed = self.probed_at.map(|address| format!(", probed at http://{address}")).unwrap_or_default();
            say(format!("souk {} is ready{probed}", self.name));
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = until_ready => {}
            () = self.shutdown.cancelled() => {}
        }
    }
}

/// Several processes need a database that all of them reach: Souk's own belongs to one machine and to `souk serve`.
///
/// # Errors
/// None is named.
pub fn shared_database(name: &str, config: &Config) -> Result<(), Failure> {
    if config.database_url.is_some() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "souk {name} is one of several processes that share a database: name it with DATABASE_URL (or --database-url). \
         `souk serve` does all their work in one process, and brings a database of its own"
    )))
}

/// Listens on `address`.
///
/// # Errors
/// It is taken, or is not of this machine.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| Failure::new(format!("listening on {address}: {error}")))
}

/// Is cancelled by SIGTERM or SIGINT.
///
/// # Errors
/// The system refuses.
pub fn shutdown_signal() -> Result<CancellationToken, Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::new)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::new)?;
    let token = CancellationToken::new();
    let told = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: what was begun is finished first");
        told.cancel();
    });
    Ok(token)
}

/// Answers probes for as long as the process lives.
async fn answer(listener: TcpListener, health: Health) {
    tokio::spawn(health.metrics.clone().keep_up());
    let router = Router::new()
        .route("/health", get(|| async { Json(json!({ "status": "ok" })) }))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(health);
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "probes are not answered any more");
    }
}

async fn ready(State(health): State<Health>) -> (StatusCode, Json<serde_json::Value>) {
    let outcome = match health.condition.get() {
        _ if health.shutdown.is_cancelled() => Err("it is stopping".to_owned()),
        None => Err("it is starting".to_owned()),
        Some(condition) => answers(condition.ready()).await,
    };
    match outcome {
        Ok(()) => (StatusCode::OK, Json(json!({ "status": "ready" }))),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "unavailable", "message": why }))),
    }
}

async fn answers(ready: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    timeout(PATIENCE, ready).await.unwrap_or_else(|_| Err("what it depends on does not answer".to_owned()))
}

async fn metrics(State(health): State<Health>) -> impl IntoResponse {
    if let Some(condition) = health.condition.get()
        && timeout(PATIENCE, condition.measure()).await.is_err()
    {
        tracing::warn!("the state of this process could not be measured in time");
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], health.metrics.render())
}
