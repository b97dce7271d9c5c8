//! The feed: what fans events out to projectors and reactions.

use async_trait::async_trait;

use crate::log::{LogError, Position, RecordedEvent};

/// What goes wrong with a feed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FeedError {
    /// The log behind it failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The feed itself failed.
    #[error("the feed cannot be reached: {0}")]
    Unavailable(String),
}

/// Hands out events in order, partition by partition.
#[async_trait]
pub trait EventFeed: Send + Sync {
    /// How many partitions there are; events of one plugin (else of one aggregate) share one.
    fn partitions(&self) -> u32;

    /// The events of `partition` behind `after`, for ever.
    ///
    /// # Errors
    /// See [`FeedError`].
    async fn subscribe(&self, partition: u32, after: Position) -> Result<Box<dyn FeedBatches>, FeedError>;
}

/// A running subscription.
#[async_trait]
pub trait FeedBatches: Send {
    /// The next events, at least one; waits until there are some.
    ///
    /// # Errors
    /// See [`FeedError`]; subscribe again from where you were.
    async fn next(&mut self) -> Result<Vec<RecordedEvent>, FeedError>;
}
