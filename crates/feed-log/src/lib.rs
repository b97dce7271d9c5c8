//! The event feed straight from a log: one partition, in the log's own order.
//!
//! However many subscribers there are, the end of the log is read once: one subscription fills a ring of recent events, and
//! whoever is inside the ring is served from it. Whoever is further behind reads pages from the log until he is there.

mod tail;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use souk_ports::{EventFeed, EventLog, FeedBatch, FeedBatches, FeedError, Filter, Position, RecordedEvent};
use tokio::sync::watch;

use crate::tail::{Next, Ring, Tail};

/// How much is held and handed out at once.
#[derive(Clone, Copy)]
struct Limits {
    /// Events in the ring,
    ring_events: usize,
    /// and bytes of their data and metadata.
    ring_bytes: usize,
    /// Events in a batch.
    batch_events: usize,
    /// A batch is over once it has so many bytes of data and metadata.
    batch_bytes: usize,
}

const LIMITS: Limits = Limits { ring_events: 8192, ring_bytes: 32 << 20, batch_events: 1000, batch_bytes: 8 << 20 };

/// An [`EventFeed`] whose subscribers share one subscription to a log; it exists while there are subscribers.
pub struct LogFeed {
    tail: Arc<Tail>,
}

impl LogFeed {
    /// The feed of `log`.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>) -> Self {
        Self::limited(log, LIMITS)
    }

    fn limited(log: Arc<dyn EventLog>, limits: Limits) -> Self {
        Self { tail: Arc::new(Tail::new(log, limits)) }
    }
}

struct Subscription {
    tail: Arc<Tail>,
    ring: watch::Receiver<Ring>,
    after: Position,
    /// How many failures of the tail are no news to the subscriber.
    failures: u64,
    /// What was read while subscribing.
    read: Vec<RecordedEvent>,
    /// Events in a page, so that it has about as many bytes as a batch may have.
    page: usize,
}

#[async_trait]
impl EventFeed for LogFeed {
    fn partitions(&self) -> u32 {
        1
    }

    fn assigned(&self) -> watch::Receiver<BTreeSet<u32>> {
        watch::channel(BTreeSet::from([0])).1
    }

    async fn subscribe(&self, partition: u32, after: Position) -> Result<Box<dyn FeedBatches>, FeedError> {
        if partition != 0 {
            return Err(FeedError::Unavailable(format!("there is no partition {partition}, only 0")));
        }
        let tail = Arc::clone(&self.tail);
        let ring = tail.watch();
        let (failures, behind) = {
            let ring = ring.borrow();
            (ring.failures(), ring.lacks(after))
        };
        let page = tail.limits.batch_events;
        let mut subscription = Subscription { tail, ring, after, failures, read: Vec::new(), page };
        if behind {
            // A log that is down is known at once.
            subscription.read = subscription.page().await?;
        }
        Ok(Box::new(subscription))
    }
}

impl Subscription {
    /// What the log has behind the position; empty at the end of the log, where from now on the tail is.
    async fn page(&mut self) -> Result<Vec<RecordedEvent>, FeedError> {
        let page = self.tail.log.read_all(self.after, &Filter::default(), self.page).await?;
        let Some(last) = page.last() else {
            self.tail.start(self.after);
            return Ok(page);
        };
        self.after = last.position;
        let bytes = page.iter().map(tail::size).sum::<usize>().max(1);
        let limits = self.tail.limits;
        self.page = (page.len() * limits.batch_bytes / bytes).clamp(1, limits.batch_events);
        Ok(page)
    }

    /// What the ring has behind the position. An older failure of the tail is no news to one who gets on without it.
    fn look(&mut self) -> Next {
        let ring = self.ring.borrow_and_update();
        let next = ring.next(self.after, self.failures, self.tail.limits);
        if !matches!(next, Next::Wait) {
            self.failures = ring.failures();
        }
        next
    }
}

#[async_trait]
impl FeedBatches for Subscription {
    async fn next(&mut self) -> Result<FeedBatch, FeedError> {
        if let Some(read) = FeedBatch::of(std::mem::take(&mut self.read)) {
            return Ok(read);
        }
        loop {
            match self.look() {
                Next::Events(events) => {
                    self.after = events.last().map_or(self.after, |last| last.position);
                    let events = events.iter().map(|event| RecordedEvent::clone(event)).collect();
                    return Ok(FeedBatch { events, upto: self.after });
                }
                Next::Pages => {
                    let page = self.page().await?;
                    if let Some(page) = FeedBatch::of(page) {
                        return Ok(page);
                    }
                }
                Next::Wait => {
                    let changed = self.ring.changed().await;
                    changed.map_err(|_| FeedError::Unavailable("nobody follows the log any more".to_owned()))?;
                }
                Next::Failed(error) => return Err(error),
            }
        }
    }
}
