//! The feed: what fans events out to projectors and reactions.

use std::collections::BTreeSet;

use async_trait::async_trait;
use tokio::sync::watch;

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

/// What a subscription hands out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedBatch {
    /// Events in order of position. None when only `upto` moved: what happened belongs to other partitions.
    pub events: Vec<RecordedEvent>,
    /// Every event of the partition up to this position has been handed out. Never before the last event.
    pub upto: Position,
}

impl FeedBatch {
    /// A batch that is complete up to its last event; none without one.
    #[must_use]
    pub fn of(events: Vec<RecordedEvent>) -> Option<Self> {
        let upto = events.last()?.position;
        Some(Self { events, upto })
    }

    /// Adds the batch that follows.
    pub fn append(&mut self, mut next: Self) {
        self.events.append(&mut next.events);
        self.upto = self.upto.max(next.upto);
    }
}

/// Hands out events in order, partition by partition.
#[async_trait]
pub trait EventFeed: Send + Sync {
    /// How many partitions there are; events of one plugin (else of one aggregate) share one.
    fn partitions(&self) -> u32;

    /// The partitions that this process should follow for the projections, as they change. It may follow others as well, or
    /// the same ones as another process for a while: checkpoints decide who writes. A channel that is closed stays as it is.
    fn assigned(&self) -> watch::Receiver<BTreeSet<u32>>;

    /// The events of `partition` behind `after`, for ever. Any partition, assigned or not.
    ///
    /// # Errors
    /// See [`FeedError`].
    async fn subscribe(&self, partition: u32, after: Position) -> Result<Box<dyn FeedBatches>, FeedError>;
}

/// A running subscription.
#[async_trait]
pub trait FeedBatches: Send {
    /// What comes next: events, or a later position up to which there are none; waits until there is either.
    ///
    /// # Errors
    /// See [`FeedError`]; subscribe again from where you were.
    async fn next(&mut self) -> Result<FeedBatch, FeedError>;
}
