//! What operators see and do of read models over HTTP.

use async_trait::async_trait;
use souk_api::{ControlError, ProjectionControl, ProjectionStatus};
use souk_ports::Position;
use souk_projector::{ProjectorError, RebuildOptions, State};
use tokio_util::sync::CancellationToken;

use crate::models::Models;

/// The read models of this process's database.
pub struct Control {
    models: Models,
    shutdown: CancellationToken,
}

impl Control {
    /// Rebuilds that run when `shutdown` comes are cancelled.
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
        ProjectorError::NotPoisoned { .. } => {
            ControlError::Conflict { reason: "not_stopped", message: error.to_string() }
        }
        other => ControlError::Unavailable(other.to_string()),
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
        let rebuild = self.models.rebuild();
        let options = RebuildOptions {
            projections: vec![projection.to_owned()],
            verify,
            cancel: self.shutdown.child_token(),
            ..RebuildOptions::default()
        };
        let projection = projection.to_owned();
        tokio::spawn(async move {
            match rebuild.run(options).await {
                Ok(outcome) if outcome.swapped => tracing::info!(projection, "the read model was rebuilt"),
                Ok(_) => tracing::warn!(projection, "the rebuilt read model differs; the live one stays"),
                Err(error) => tracing::error!(projection, %error, "the read model could not be rebuilt"),
            }
        });
        Ok(())
    }

    async fn retry(&self, projection: &str, position: Option<Position>) -> Result<(), ControlError> {
        let stopped = self.stopped_at(projection).await?;
        souk_projector::retry(self.models.pool(), projection, position.unwrap_or(stopped)).await.map_err(refused)
    }

    async fn skip(&self, projection: &str, position: Option<Position>) -> Result<(), ControlError> {
        let stopped = self.stopped_at(projection).await?;
        souk_projector::skip(self.models.pool(), projection, position.unwrap_or(stopped)).await.map_err(refused)
    }
}
