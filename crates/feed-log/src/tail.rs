//! The end of the log, read once for all subscribers.

use std::{collections::VecDeque, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt};
use souk_ports::{EventLog, FeedError, Position, RecordedEvent};
use tokio::{sync::watch, time::sleep};

use crate::Limits;

/// How long to wait before subscribing to the log again after that failed: at first, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Bytes of data and metadata.
pub fn size(event: &RecordedEvent) -> usize {
    event.data.len() + event.metadata.len()
}

/// What comes next for a subscriber.
pub enum Next {
    /// These events, at least one.
    Events(Vec<Arc<RecordedEvent>>),
    /// Nothing until the ring changes.
    Wait,
    /// The ring begins too late for him: he reads from the log.
    Pages,
    /// Nothing, for this reason.
    Failed(FeedError),
}

/// The latest events of the log, without a gap.
#[derive(Default)]
pub struct Ring {
    /// Which run fills it: a run that was replaced must not.
    run: u64,
    /// Whether it is being filled.
    running: bool,
    /// Every event behind this position is in `events`, or still comes.
    floor: Position,
    events: VecDeque<Arc<RecordedEvent>>,
    bytes: usize,
    /// How often filling it failed, and why the last time.
    failures: u64,
    failure: Option<FeedError>,
}

impl Ring {
    pub const fn failures(&self) -> u64 {
        self.failures
    }

    /// Whether it may lack events behind `after`.
    pub const fn lacks(&self, after: Position) -> bool {
        !self.running || after < self.floor
    }

    /// What comes behind `after` for a subscriber who knows of the first `known` failures.
    pub fn next(&self, after: Position, known: u64, limits: Limits) -> Next {
        if self.lacks(after) {
            return Next::Pages;
        }
        let start = self.events.partition_point(|event| event.position <= after);
        if start == self.events.len() {
            return match &self.failure {
                Some(failure) if self.failures > known => Next::Failed(failure.clone()),
                _ => Next::Wait,
            };
        }
        let mut bytes = 0;
        let events = self.events.range(start..).take(limits.batch_events).take_while(|event| {
            let fits = bytes < limits.batch_bytes;
            bytes += size(event);
            fits
        });
        Next::Events(events.cloned().collect())
    }

    fn restart(&mut self, after: Position) {
        self.run += 1;
        self.running = true;
        self.floor = after;
        self.clear();
    }

    fn clear(&mut self) {
        self.events = VecDeque::new();
        self.bytes = 0;
    }

    fn push(&mut self, batch: Vec<RecordedEvent>, limits: Limits) {
        self.bytes += batch.iter().map(size).sum::<usize>();
        self.events.extend(batch.into_iter().map(Arc::new));
        while self.events.len() > limits.ring_events || self.bytes > limits.ring_bytes {
            let Some(oldest) = self.events.pop_front() else { return };
            self.bytes -= size(&oldest);
            self.floor = oldest.position;
        }
    }
}

/// Keeps the ring filled while somebody watches it.
pub struct Tail {
    pub log: Arc<dyn EventLog>,
    pub limits: Limits,
    ring: watch::Sender<Ring>,
}

impl Tail {
    pub fn new(log: Arc<dyn EventLog>, limits: Limits) -> Self {
        Self { log, limits, ring: watch::Sender::new(Ring::default()) }
    }

    pub fn watch(&self) -> watch::Receiver<Ring> {
        self.ring.subscribe()
    }

    /// Fills the ring from `after` on, where the log was found to end, unless it has what is behind that already.
    ///
    /// A ring that begins later, because its first subscriber was ahead of the log, begins anew.
    pub fn start(self: &Arc<Self>, after: Position) {
        self.ring.send_if_modified(|ring| {
            let needed = ring.lacks(after);
            if needed {
                ring.restart(after);
                tokio::spawn(Arc::clone(self).run(ring.run, after));
            }
            needed
        });
    }

    async fn run(self: Arc<Self>, run: u64, after: Position) {
        tokio::select! {
            () = self.ring.closed() => {}
            () = self.follow(run, after) => {}
        }
        // Whoever came in between finds no ring, reads, and starts it again.
        self.change(run, |ring| {
            ring.running = false;
            ring.clear();
        });
    }

    async fn follow(&self, run: u64, mut after: Position) {
        let mut pause = PAUSE.0;
        loop {
            // A log that panics must not leave the subscribers waiting for ever.
            let failure = match AssertUnwindSafe(self.fill(run, &mut after, &mut pause)).catch_unwind().await {
                Ok(Ok(())) => return,
                Ok(Err(failure)) => failure,
                Err(_) => FeedError::Unavailable("reading the log panicked".to_owned()),
            };
            tracing::debug!(%failure, after, "the subscription to the log failed and is renewed");
            let current = self.change(run, |ring| {
                ring.failures += 1;
                ring.failure = Some(failure);
            });
            if !current {
                return;
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    /// Fills the ring until another run does.
    async fn fill(&self, run: u64, after: &mut Position, pause: &mut Duration) -> Result<(), FeedError> {
        let mut batches = self.log.subscribe(*after).await?;
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            *after = batch.last().map_or(*after, |last| last.position);
            *pause = PAUSE.0;
            if !self.change(run, |ring| ring.push(batch, self.limits)) {
                return Ok(());
            }
        }
        Err(FeedError::Unavailable("the subscription to the log ended".to_owned()))
    }

    /// Changes the ring and wakes the subscribers, when `run` is the one that fills it; whether it is.
    fn change(&self, run: u64, change: impl FnOnce(&mut Ring)) -> bool {
        self.ring.send_if_modified(|ring| {
            let current = ring.run == run;
            if current {
                change(ring);
            }
            current
        })
    }
}
