//! What goes wrong while read models are written.

use souk_ports::{FeedError, LogError, Position};
use uuid::Uuid;

/// What goes wrong while read models are written.
#[derive(Debug, thiserror::Error)]
pub enum ProjectorError {
    /// The database cannot be reached, or refused.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The feed failed.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// A projection cannot take an event.
    #[error("projection `{projection}` cannot take event {event_id} (`{event_type}`) at position {position}: {error}")]
    Poisoned {
        /// The projection.
        projection: String,
        /// Where the event is.
        position: Position,
        /// Which event.
        event_id: Uuid,
        /// Its type.
        event_type: String,
        /// Why.
        error: String,
    },
    /// No projection has this name.
    #[error("there is no projection `{0}`")]
    UnknownProjection(String),
    /// A projection has no live generation: `migrate` never ran.
    #[error("projection `{0}` has no live generation")]
    NoGeneration(String),
    /// A feed with another number of partitions wrote the live generation.
    #[error(
        "the live generation of projection `{projection}` was written from {known} partitions, the feed has {given}: \
         its checkpoints must stand at one position to be converted; let it catch up, or rebuild it, and migrate"
    )]
    WrongPartitions {
        /// The projection.
        projection: String,
        /// How many partitions have checkpoints.
        known: i64,
        /// How many the feed has.
        given: u32,
    },
    /// The live generation was written by another version of the projection.
    #[error("the live generation of projection `{projection}` has version {live}, this Souk has {known}: rebuild it")]
    Outdated {
        /// The projection.
        projection: String,
        /// The version that wrote the live generation.
        live: i32,
        /// The version of this program.
        known: i32,
    },
    /// Somebody else rebuilds this projection.
    #[error("projection `{0}` is being rebuilt already")]
    AlreadyRebuilding(String),
    /// The rebuild was cancelled.
    #[error("the rebuild was cancelled")]
    Cancelled,
    /// The rebuild was interrupted, and can go on later from where it was.
    #[error("the rebuild was interrupted; run again, it goes on from where it was")]
    Interrupted,
    /// There is no rebuild of this projection to cancel.
    #[error("projection `{0}` is not being rebuilt")]
    NotRebuilding(String),
    /// Nothing of that kind waits for a decision.
    #[error("no event at position {position} stops projection `{projection}`")]
    NotPoisoned {
        /// The projection.
        projection: String,
        /// The position that was named.
        position: Position,
    },
    /// A generation was changed by somebody else while it was being built.
    #[error("generation {generation} of projection `{projection}` was changed by another process")]
    Interfered {
        /// The projection.
        projection: String,
        /// The generation.
        generation: i32,
    },
    /// The two generations never stood at one position.
    #[error("projection `{0}` could not be brought to one position in both generations")]
    NeverLevel(String),
}

impl ProjectorError {
    /// Whether trying again later may help.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Database(error) => is_transient(error),
            Self::Log(LogError::Unavailable(_)) | Self::Feed(_) => true,
            _ => false,
        }
    }
}

/// Whether `error` is about the connection or the moment, and not about the data.
pub(crate) fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            // Connection, transaction rollback, resources, operator intervention, lock timeout, system and internal errors.
            ["08", "40", "53", "57", "58", "XX"].iter().any(|class| code.starts_with(class)) || code == "55P03"
        }
        sqlx::Error::Encode(_)
        | sqlx::Error::Decode(_)
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::TypeNotFound { .. }
        | sqlx::Error::RowNotFound => false,
        _ => true,
    }
}
