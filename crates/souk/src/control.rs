//! What operators see and do of read models over HTTP.

use std::time::Duration;

use async_trait::async_trait;
use souk_api::{ControlError, ProjectionControl, ProjectionStatus};
use souk_ports::Position;
use souk_projector::{Interrupted, ProjectorError, RebuildOptions, State};
use tokio_util::sync::CancellationToken;

use crate::models::Models;

/// The read models of this process's database.
pub struct Control {
    models: Models,
    shutdown: CancellationToken,
}

impl Control {
    /// Rebuilds that run when `shutdown` comes are interrupted: the next serving process goes on with them.
    pub fn new(models: Models, shutdown: CancellationToken) -> Self {
        Self { models, shutdown }
    }

    /// The position that `projection` is stopped at.
    async fn stopped_at(&self, projection: &str) -> Result<Position, ControlError> {
        let status = self.models.statuses().await.map_err(refused)?;
        let status = status.iter().find(|status| status.name == projection).ok_or(ControlError::UnknownProjection)?;
        let poison = status.stopped_by.as_ref().ok_or_else(|| not_stopped(projection))?;
        Ok(poison.position)
    }
}

fn not_stopped(projection: &str) -> ControlError {
    ControlError::Conflict { reason: "not_stopped", message: format!("no event stops the read model {projection}") }
}

fn refused(error: ProjectorError) -> ControlError {
    match error {
        ProjectorError::UnknownProjection(_) => ControlError::UnknownProjection,
        ProjectorError::AlreadyRebuilding(_) => {
            ControlError::Conflict { reason: "already_rebuilding", message: error.to_string() }
        }
        ProjectorError::NotRebuilding(_) => {
            ControlError::Conflict { reason: "not_rebuilding", message: error.to_string() }
        }
        ProjectorError::NotPoisoned { .. } => {
            ControlError::Conflict { reason: "not_stopped", message: error.to_string() }
        }
        other => ControlError::Unavailable(other.to_string()),
    }
}

/// How often rebuilds that were interrupted are looked for.
const LOOK: Duration = Duration::from_secs(5);

/// Goes on with rebuilds that were asked for over HTTP and interrupted by a crash or a restart, until `stop`.
pub async fn resume_rebuilds(models: Models, stop: CancellationToken) {
    loop {
        match souk_projector::interrupted(models.pool()).await {
            Ok(found) => {
                for asked in found {
                    rebuild(models.clone(), asked, stop.clone()).await;
                }
            }
            Err(error) => tracing::warn!(%error, "interrupted rebuilds could not be looked for"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

async fn rebuild(models: Models, asked: Interrupted, interrupt: CancellationToken) {
    let names = asked.projections.join(", ");
    let options = RebuildOptions {
        projections: asked.projections,
        verify: asked.verify,
        served: true,
        interrupt,
        ..RebuildOptions::default()
    };
    match models.rebuild().run(options).await {
        Ok(outcome) => {
            for report in outcome.reports.iter().filter(|report| !report.is_equal()) {
                tracing::warn!(%report, "the rebuilt read model differs from the live one");
            }
            if outcome.swapped {
                tracing::info!(names, "rebuilt");
            } else {
                tracing::warn!(names, "the rebuilt read model differs for no declared reason; the live one stays");
            }
        }
        // Another process was faster, or it is gone on with later.
        Err(ProjectorError::AlreadyRebuilding(_) | ProjectorError::Interrupted) => {}
        Err(error) => tracing::error!(names, %error, "the read model could not be rebuilt"),
    }
}

#[async_trait]
impl ProjectionControl for Control {
    async fn status(&self) -> Result<Vec<ProjectionStatus>, ControlError> {
        let statuses = self.models.statuses().await.map_err(refused)?;
        Ok(statuses.into_iter().map(Into::into).collect())
    }

    async fn rebuild(&self, projection: &str, verify: bool) -> Result<(), ControlError> {
        let status = self.models.statuses().await.map_err(refused)?;
        let status = status.iter().find(|status| status.name == projection).ok_or(ControlError::UnknownProjection)?;
        if status.state == State::Rebuilding {
            return Err(refused(ProjectorError::AlreadyRebuilding(projection.to_owned())));
        }
        let asked = Interrupted { projections: vec![projection.to_owned()], verify };
        tokio::spawn(rebuild(self.models.clone(), asked, self.shutdown.child_token()));
        Ok(())
    }

    async fn cancel_rebuild(&self, projection: &str) -> Result<(), ControlError> {
        souk_projector::cancel(self.models.pool(), projection).await.map_err(refused)
    }

    async fn retry(&self, projection: &str, position: Option<Position>) -> Result<(), ControlError> {
        let stopped = self.stopped_at(projection).await?;
        souk_projector::retry(self.models.pool(), projection, position.unwrap_or(stopped)).await.map_err(refused)
    }

    async fn skip(&self, projection: &str, position: Option<Position>) -> Result<(), ControlError> {
        // One that only rebuilds meet stops nothing, and is named by its position.
        let position = match position {
            Some(position) => position,
            None => self.stopped_at(projection).await?,
        };
        souk_projector::skip(self.models.pool(), projection, position).await.map_err(refused)
    }
}
