//! The event feed straight from a log: one partition, in the log's own order.

use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};
use souk_ports::{EventFeed, EventLog, FeedBatches, FeedError, LogError, Position, RecordedEvent};

/// An [`EventFeed`] that is a subscription to a log.
pub struct LogFeed {
    log: Arc<dyn EventLog>,
}

impl LogFeed {
    /// The feed of `log`.
    #[must_use]
    pub const fn new(log: Arc<dyn EventLog>) -> Self {
        Self { log }
    }
}

struct Subscription {
    batches: BoxStream<'static, Result<Vec<RecordedEvent>, LogError>>,
}

#[async_trait]
impl EventFeed for LogFeed {
    fn partitions(&self) -> u32 {
        1
    }

    async fn subscribe(&self, partition: u32, after: Position) -> Result<Box<dyn FeedBatches>, FeedError> {
        if partition != 0 {
            return Err(FeedError::Unavailable(format!("there is no partition {partition}, only 0")));
        }
        Ok(Box::new(Subscription { batches: self.log.subscribe(after).await? }))
    }
}

#[async_trait]
impl FeedBatches for Subscription {
    async fn next(&mut self) -> Result<Vec<RecordedEvent>, FeedError> {
        match self.batches.next().await {
            Some(batch) => Ok(batch?),
            None => Err(FeedError::Unavailable("the subscription to the log ended".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use souk_testkit::{FaultyLog, MemoryLog, contract};

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn passes_the_contract() {
        contract::event_feed::all(async || {
            let log: Arc<dyn EventLog> = Arc::new(MemoryLog::default());
            (Arc::clone(&log), Arc::new(LogFeed::new(log)) as Arc<dyn EventFeed>)
        })
        .await;
    }

    #[tokio::test]
    async fn there_is_one_partition() {
        let feed = LogFeed::new(Arc::new(MemoryLog::default()));
        assert_eq!(feed.partitions(), 1);
        assert!(feed.subscribe(1, 0).await.is_err());
    }

    #[tokio::test]
    async fn a_log_that_is_down_is_an_error_of_the_feed() {
        let log = Arc::new(FaultyLog::new(Arc::new(MemoryLog::default())));
        log.set_down(true);
        let feed = LogFeed::new(log);
        assert!(matches!(feed.subscribe(0, 0).await, Err(FeedError::Log(LogError::Unavailable(_)))));
    }
}
