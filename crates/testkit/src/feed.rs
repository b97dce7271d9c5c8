//! A feed straight from a log.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};
use souk_ports::{EventFeed, EventLog, FeedBatch, FeedBatches, FeedError, LogError, Position, RecordedEvent};
use tokio::sync::watch;

/// The log's own order, in one partition.
pub struct LogFeed(pub Arc<dyn EventLog>);

struct LogBatches(BoxStream<'static, Result<Vec<RecordedEvent>, LogError>>);

#[async_trait]
impl EventFeed for LogFeed {
    fn partitions(&self) -> u32 {
        1
    }

    fn assigned(&self) -> watch::Receiver<BTreeSet<u32>> {
        watch::channel(BTreeSet::from([0])).1
    }

    async fn subscribe(&self, _partition: u32, after: Position) -> Result<Box<dyn FeedBatches>, FeedError> {
        Ok(Box::new(LogBatches(self.0.subscribe(after).await?)))
    }
}

#[async_trait]
impl FeedBatches for LogBatches {
    async fn next(&mut self) -> Result<FeedBatch, FeedError> {
        match self.0.next().await {
            Some(batch) => Ok(FeedBatch::of(batch?).unwrap_or_default()),
            None => Err(FeedError::Unavailable("the log ended".to_owned())),
        }
    }
}
