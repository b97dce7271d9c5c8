//! The PostgreSQL that Souk works with: the one that was named, or its own.

use std::{str::FromStr, sync::Arc, time::Duration};

use souk_embedded_postgres::{Cluster, Options};
use sqlx::{
    Connection,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
};

use crate::{
    config::{Config, LogFormat},
    failure::Failure,
    output,
};

/// How often is looked whether Souk's own PostgreSQL still runs.
const LOOK: Duration = Duration::from_secs(1);
/// So long after it was used a connection is taken to work.
const TRUSTED: Duration = Duration::from_secs(1);

/// A database, and the cluster behind it where it is Souk's own.
pub struct Database {
    url: String,
    cluster: Option<Cluster>,
}

impl Database {
    /// Finds or starts the database.
    ///
    /// # Errors
    /// Souk's own PostgreSQL cannot be started; the error says what to do.
    pub async fn open(config: &Config) -> Result<Self, Failure> {
        if let Some(url) = &config.database_url {
            return Ok(Self { url: url.clone(), cluster: None });
        }
        // Who collects logs as JSON must find nothing else among them.
        let json = config.log.format == LogFormat::Json;
        let told = move |text: &str| if json { tracing::info!("{text}") } else { output::note(text) };
        let options = Options { on_progress: Arc::new(told), ..Options::new(&config.data_dir) };
        let cluster = Cluster::start(options).await.map_err(Failure::new)?;
        Ok(Self { url: cluster.url().to_owned(), cluster: Some(cluster) })
    }

    /// Its address. Holds a password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A pool of at most `connections`.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn pool(&self, connections: u32) -> Result<PgPool, Failure> {
        let failed = |error: sqlx::Error| Failure::new(error).during("connecting to PostgreSQL");
        // Statements find a few rows by their keys, whatever their arguments are: planning them once is enough.
        let options = PgConnectOptions::from_str(&self.url).map_err(failed)?;
        let options = options.options([("plan_cache_mode", "force_generic_plan")]);
        PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(3))
            // A ping before every statement would double the ways to the server. One that was used a moment ago needs none.
            .test_before_acquire(false)
            .before_acquire(|connection, about| {
                Box::pin(async move {
                    if about.idle_for >= TRUSTED {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_with(options)
            .await
            .map_err(failed)
    }

    /// Sees to it that Souk's own PostgreSQL runs, for as long as this is awaited. One that was named is its operator's.
    pub async fn tend(&self) -> std::convert::Infallible {
        let Some(cluster) = &self.cluster else { return std::future::pending().await };
        loop {
            tokio::time::sleep(LOOK).await;
            match cluster.revive().await {
                Ok(false) => {}
                Ok(true) => tracing::warn!("PostgreSQL was gone and was started again"),
                Err(error) => tracing::error!(%error, "PostgreSQL is gone and cannot be started"),
            }
        }
    }

    /// Lets go of it; Souk's own is stopped when nobody else uses it.
    ///
    /// # Errors
    /// Souk's own PostgreSQL did not stop.
    pub async fn close(self) -> Result<(), Failure> {
        match self.cluster {
            Some(cluster) => cluster.stop().await.map_err(Failure::new),
            None => Ok(()),
        }
    }
}
