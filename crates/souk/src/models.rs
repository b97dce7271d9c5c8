//! The read models, as they are written.

use std::sync::Arc;

use souk_ports::{EventFeed, EventLog};
use souk_projector::{Projection, ProjectionStatus, ProjectorError, Rebuild, Runner, RunnerOptions, Wake};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::{control::resume_rebuilds, workers::Workers};

/// The read models, as they are written.
#[derive(Clone)]
pub struct Models {
    pool: PgPool,
    log: Arc<dyn EventLog>,
    projections: Vec<Arc<dyn Projection>>,
}

impl Models {
    /// Those of the database that `pool` connects to, folded from `log`.
    pub fn new(pool: PgPool, log: Arc<dyn EventLog>) -> Self {
        Self { pool, log, projections: souk_projections::all() }
    }

    /// Connections to the database.
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The log that they are folded from.
    pub const fn log(&self) -> &Arc<dyn EventLog> {
        &self.log
    }

    /// Where each read model stands.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn statuses(&self) -> Result<Vec<ProjectionStatus>, ProjectorError> {
        souk_projector::status(&self.pool, self.log.as_ref(), &self.projections).await
    }

    /// What rebuilds them.
    pub fn rebuild(&self) -> Rebuild {
        Rebuild::new(self.pool.clone(), Arc::clone(&self.log), self.projections.clone())
    }

    /// Starts to keep them up to date with `feed`, and goes on with interrupted rebuilds that were asked for over HTTP; `wake` tells a reader in the same process.
    pub fn project(&self, feed: Arc<dyn EventFeed>, wake: Wake) -> Workers {
        let options = RunnerOptions { wake, ..RunnerOptions::default() };
        let (pool, log) = (self.pool.clone(), Arc::clone(&self.log));
        let runner = Runner::new(pool, feed, log, self.projections.clone(), options);
        let cancel = CancellationToken::new();
        let (running, resuming) = (runner.run(cancel.clone()), resume_rebuilds(self.clone(), cancel.clone()));
        Workers::new(
            async move {
                tokio::join!(running, resuming);
            },
            cancel,
        )
    }
}
