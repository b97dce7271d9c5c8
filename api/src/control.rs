//! What operators see and do of projections. The binary offers it, since it runs them.

use async_trait::async_trait;
use serde::Serialize;
use souk_ports::Position;
use souk_projector::State;
use utoipa::ToSchema;
use uuid::Uuid;

/// Where a projection stands.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectionStatus {
    /// Its name.
    #[schema(example = "catalogue")]
    pub name: String,
    /// The generation that serves.
    pub generation: i32,
    /// The last position that it holds.
    pub position: Position,
    /// The last position of the log.
    pub head: Position,
    /// How many positions it is behind.
    pub lag: u64,
    /// What it does.
    pub state: ProjectionState,
    /// The rebuild that runs, if one does.
    pub progress: Option<RebuildProgress>,
    /// The event that stops it, if one does.
    pub stopped_by: Option<StoppingEvent>,
    /// What else stops it: `checkpoint_ahead`, `other_log` or `wrong_partition_count`, a colon, and a sentence.
    pub trouble: Option<String>,
}

/// What a projection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProjectionState {
    /// It follows the feed.
    Live,
    /// It follows the feed while a new generation is built.
    Rebuilding,
    /// An event stops it until an operator decides, or its checkpoint cannot be followed.
    Stopped,
    /// Another version of Souk wrote it; it must be rebuilt.
    Outdated,
}

/// A rebuild that runs.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RebuildProgress {
    /// `loading`, `indexing`, `comparing`, `catching_up` or `swapping`.
    pub phase: String,
    /// Events read.
    pub read: u64,
    /// Events to read.
    pub head: u64,
    /// Events a second, over the last seconds.
    pub rate: f64,
    /// Seconds until all are read, at this rate.
    pub seconds_left: Option<f64>,
}

/// An event that stops a projection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoppingEvent {
    /// Where it is.
    pub position: Position,
    /// Which.
    pub event_id: Uuid,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Why it cannot be taken.
    pub error: String,
}

impl ProjectionState {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Rebuilding => "rebuilding",
            Self::Stopped => "stopped",
            Self::Outdated => "outdated",
        }
    }
}

impl From<souk_projector::ProjectionStatus> for ProjectionStatus {
    fn from(status: souk_projector::ProjectionStatus) -> Self {
        let souk_projector::ProjectionStatus {
            name,
            generation,
            position,
            head,
            lag,
            state,
            progress,
            stopped_by,
            trouble,
        } = status;
        Self {
            name,
            generation,
            position,
            head,
            lag,
            state: match state {
                State::Live => ProjectionState::Live,
                State::Rebuilding => ProjectionState::Rebuilding,
                State::Stopped => ProjectionState::Stopped,
                State::Outdated => ProjectionState::Outdated,
            },
            progress: progress.map(|running| RebuildProgress {
                phase: running.phase,
                read: running.read,
                head: running.head,
                rate: running.rate,
                seconds_left: running.seconds_left,
            }),
            stopped_by: stopped_by.map(|event| StoppingEvent {
                position: event.position,
                event_id: event.event_id,
                event_type: event.event_type,
                error: event.error,
            }),
            trouble,
        }
    }
}

/// Why an operator is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlError {
    /// There is no such projection (404).
    UnknownProjection,
    /// It cannot be done now (409).
    Conflict {
        /// Stable snake case.
        reason: &'static str,
        /// A sentence.
        message: String,
    },
    /// The database does not answer (503). The text is for the logs.
    Unavailable(String),
}

/// What operators see and do of projections.
#[async_trait]
pub trait ProjectionControl: Send + Sync {
    /// Where every projection stands, in order of their names.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn status(&self) -> Result<Vec<ProjectionStatus>, ControlError>;

    /// Starts to rebuild a projection behind, and does not wait for it; with `verify`, the new generation does not serve when it
    /// differs from the live one for no declared reason.
    ///
    /// # Errors
    /// `UnknownProjection`; conflict `already_rebuilding`.
    async fn rebuild(&self, projection: &str, verify: bool) -> Result<(), ControlError>;

    /// Ends the rebuild of a projection, whichever process runs it or ran it, and gives back the disk that it took.
    ///
    /// # Errors
    /// `UnknownProjection`; conflict `not_rebuilding`.
    async fn cancel_rebuild(&self, projection: &str) -> Result<(), ControlError>;

    /// Lets a stopped projection try its event again: the one at `position`, else the one that stops it.
    ///
    /// # Errors
    /// `UnknownProjection`; conflict `not_stopped`.
    async fn retry(&self, projection: &str, position: Option<Position>) -> Result<(), ControlError>;

    /// Lets a stopped projection go on without its event, now and in rebuilds: the one at `position`, else the one that
    /// stops it.
    ///
    /// # Errors
    /// `UnknownProjection`; conflict `not_stopped`.
    async fn skip(&self, projection: &str, position: Option<Position>) -> Result<(), ControlError>;
}
