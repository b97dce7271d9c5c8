//! Following public events. However many follow, the end of the log is read and made public once; who is further behind reads pages from
//! the log until he is there, a few of them at a time, so that nobody who comes late holds up anybody else; those who are equally far behind
//! share their pages.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt};
use souk_ports::{EventLog, LogError, Position, RecordedEvent};
use tokio::{
    sync::{Semaphore, watch},
    time::sleep,
};

use super::{
    Filter, Mapper, PublicEvent,
    pages::Pages,
    ring::{Next, Ring},
};
use crate::AppError;

/// How long to wait before following the log again after that failed: at first, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// Recorded events in one read of the log.
const READ: usize = 500;
/// Reads of the log at a time by those who are behind.
const READERS: usize = 2;
/// As many recorded events one page looks through at most.
pub const MOST_LOOKED_THROUGH: usize = 5_000;

/// Events in order, and nothing else up to there.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// In order of position.
    pub events: Vec<Arc<PublicEvent>>,
    /// There is nothing else up to here.
    pub upto: Position,
}

/// A page of events.
#[derive(Clone, Debug)]
pub struct Page {
    /// In order of position.
    pub events: Vec<Arc<PublicEvent>>,
    /// Where the next page begins.
    pub next: Position,
    /// Whether the log ended there.
    pub end: bool,
}

/// Public events, to be paged through and followed.
pub struct PublicFeed {
    log: Arc<dyn EventLog>,
    mapper: Mapper,
    ring: watch::Sender<Ring>,
    readers: Semaphore,
    pages: Pages,
}

/// Somebody who follows.
pub struct Subscription {
    feed: Arc<PublicFeed>,
    ring: watch::Receiver<Ring>,
    after: Position,
}

impl PublicFeed {
    /// The public events of `log`.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, mapper: Mapper) -> Self {
        let ring = watch::Sender::new(Ring::default());
        Self { log, mapper, ring, readers: Semaphore::new(READERS), pages: Pages::default() }
    }

    /// What makes the events public.
    #[must_use]
    pub const fn mapper(&self) -> &Mapper {
        &self.mapper
    }

    /// Position of the log's last event.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn head(&self) -> Result<Position, AppError> {
        Ok(self.log.head().await?)
    }

    /// Refuses a position that [`Self::page`] would refuse.
    ///
    /// # Errors
    /// `Unavailable`; `Invalid` for a position that the log never gave.
    pub async fn check(&self, after: Position) -> Result<(), AppError> {
        let _turn = self.readers.acquire().await;
        self.recorded(after, 1).await.map(drop)
    }

    /// At most `limit` events behind `after` that pass `filter`; fewer, or none, when many others lie between.
    ///
    /// # Errors
    /// `Unavailable`; `Invalid` for a position that the log never gave.
    pub async fn page(&self, after: Position, filter: &Filter, limit: usize) -> Result<Page, AppError> {
        let mut page = Page { events: Vec::new(), next: after, end: false };
        let mut looked = 0;
        while page.events.len() < limit && looked < MOST_LOOKED_THROUGH {
            let Batch { events, upto } = self.read(page.next).await?;
            if upto == page.next {
                page.end = true;
                break;
            }
            looked += READ;
            let mut passing = events.into_iter().filter(|event| filter.passes(event));
            let room = limit - page.events.len();
            page.events.extend(passing.by_ref().take(room));
            // What did not fit comes with the next page.
            let cut = passing.next().and_then(|_| page.events.last());
            page.next = cut.map_or(upto, |last| last.position);
        }
        Ok(page)
    }

    /// Follows from behind `after`.
    #[must_use]
    pub fn subscribe(self: &Arc<Self>, after: Position) -> Subscription {
        Subscription { feed: Arc::clone(self), ring: self.ring.subscribe(), after }
    }

    /// The next recorded events behind `after`, made public; `upto` is `after` at the end of the log.
    async fn read(&self, after: Position) -> Result<Batch, AppError> {
        if let Some(batch) = self.pages.find(after) {
            return Ok(batch);
        }
        let _turn = self.readers.acquire().await;
        // Who had the turn before may have wanted the same.
        if let Some(batch) = self.pages.find(after) {
            return Ok(batch);
        }
        let recorded = self.recorded(after, READ).await?;
        let (mut events, mut upto) = (Vec::new(), after);
        for recorded in &recorded {
            match self.mapper.map(recorded) {
                Ok(event) => events.extend(event.map(Arc::new)),
                // What is before it can be told.
                Err(_) if upto > after => break,
                Err(newer) => return Err(AppError::Unavailable(newer.to_string())),
            }
            upto = recorded.position;
        }
        let batch = Batch { events, upto };
        self.pages.keep(after, &batch);
        Ok(batch)
    }

    /// What the log has. Whoever asks has a turn.
    async fn recorded(&self, after: Position, limit: usize) -> Result<Vec<RecordedEvent>, AppError> {
        self.log.read_all(after, &souk_ports::Filter::default(), limit).await.map_err(|error| match error {
            // Some logs know which positions there are.
            LogError::Refused(_) => AppError::invalid("after", "is no position of this log"),
            error => error.into(),
        })
    }

    /// Fills the ring from `after` on, where the log was found to end, unless it has what is behind that already.
    fn start(self: &Arc<Self>, after: Position) {
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
        self.change(run, Ring::stop);
    }

    async fn follow(&self, run: u64, mut after: Position) {
        let mut pause = PAUSE.0;
        loop {
            let before = after;
            // A log that panics must not leave the followers waiting for ever.
            let problem = match AssertUnwindSafe(self.fill(run, &mut after)).catch_unwind().await {
                Ok(Ok(())) => return,
                Ok(Err(problem)) => problem,
                Err(_) => AppError::Internal("following the log panicked".to_owned()),
            };
            pause = if after > before { PAUSE.0 } else { (pause * 2).min(PAUSE.1) };
            tracing::warn!(%problem, after, "public events are not followed for now");
            sleep(pause).await;
        }
    }

    /// Fills the ring until another run does.
    async fn fill(&self, run: u64, after: &mut Position) -> Result<(), AppError> {
        let mut batches = self.log.subscribe(*after).await?;
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            let mut told = Vec::new();
            let mut upto = *after;
            let mut newer = None;
            for recorded in &batch {
                match self.mapper.map(recorded) {
                    Ok(event) => told.extend(event),
                    Err(problem) => {
                        newer = Some(problem);
                        break;
                    }
                }
                upto = recorded.position;
            }
            *after = upto;
            if !self.change(run, |ring| ring.push(told, upto)) {
                return Ok(());
            }
            if let Some(newer) = newer {
                return Err(AppError::Unavailable(newer.to_string()));
            }
        }
        Err(AppError::Unavailable("the subscription to the log ended".to_owned()))
    }

    /// Changes the ring and wakes the followers, when `run` is the one that fills it; whether it is.
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

impl Subscription {
    /// Where it is.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.after
    }

    /// What comes next; waits until there is something. Who gives up waiting and asks again misses nothing.
    ///
    /// # Errors
    /// `Unavailable`; ask again.
    pub async fn next(&mut self) -> Result<Batch, AppError> {
        loop {
            let next = self.ring.borrow_and_update().next(self.after);
            match next {
                Next::Events(events, upto) => {
                    self.after = upto;
                    return Ok(Batch { events, upto });
                }
                Next::Wait => {
                    let changed = self.ring.changed().await;
                    changed.map_err(|_| AppError::Unavailable("nobody follows the log any more".to_owned()))?;
                }
                Next::Read => {
                    let read = self.feed.read(self.after).await?;
                    if read.upto > self.after {
                        self.after = read.upto;
                        return Ok(read);
                    }
                    self.feed.start(self.after);
                }
            }
        }
    }
}
