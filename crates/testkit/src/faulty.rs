//! A log that fails on demand, to test what callers do about unknown outcomes.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use futures::stream::BoxStream;
use souk_domain::stream::StreamId;
use souk_ports::{Appended, EventLog, Expected, Filter, LogError, NewEvent, Position, RecordedEvent};

use crate::lock;

/// What happens to one append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is applied, as if nothing were wrong.
    Pass,
    /// It is not applied, and the caller does not learn that.
    LostBefore,
    /// It is applied, and the caller does not learn that.
    LostAfter,
}

/// Wraps a log. Appends meet the faults that were planned, one each, then pass; while it is down, every call fails.
pub struct FaultyLog {
    inner: Arc<dyn EventLog>,
    plan: Mutex<VecDeque<Fault>>,
    down: AtomicBool,
    reads: AtomicU64,
}

impl FaultyLog {
    /// A wrapper without faults yet.
    #[must_use]
    pub fn new(inner: Arc<dyn EventLog>) -> Self {
        Self { inner, plan: Mutex::default(), down: AtomicBool::new(false), reads: AtomicU64::new(0) }
    }

    /// What the next appends meet, in order, behind what is planned already.
    pub fn plan(&self, faults: impl IntoIterator<Item = Fault>) {
        lock(&self.plan).extend(faults);
    }

    /// Takes the log down, or brings it back.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// How often a stream was read.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::SeqCst)
    }

    fn reach(&self) -> Result<(), LogError> {
        if self.down.load(Ordering::SeqCst) { Err(lost("the log is down")) } else { Ok(()) }
    }
}

fn lost(why: &str) -> LogError {
    LogError::Unavailable(why.to_owned())
}

#[async_trait]
impl EventLog for FaultyLog {
    async fn append(&self, stream: StreamId, expected: Expected, events: Vec<NewEvent>) -> Result<Appended, LogError> {
        self.reach()?;
        let fault = lock(&self.plan).pop_front().unwrap_or(Fault::Pass);
        if fault == Fault::LostBefore {
            return Err(lost("the connection broke"));
        }
        let appended = self.inner.append(stream, expected, events).await?;
        if fault == Fault::LostAfter { Err(lost("the connection broke")) } else { Ok(appended) }
    }

    async fn read_stream(&self, stream: StreamId, from: u64, limit: usize) -> Result<Vec<RecordedEvent>, LogError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.reach()?;
        self.inner.read_stream(stream, from, limit).await
    }

    async fn read_all(&self, after: Position, filter: &Filter, limit: usize) -> Result<Vec<RecordedEvent>, LogError> {
        self.reach()?;
        self.inner.read_all(after, filter, limit).await
    }

    async fn read_at(&self, positions: &[Position]) -> Result<Vec<RecordedEvent>, LogError> {
        self.reach()?;
        self.inner.read_at(positions).await
    }

    async fn subscribe(
        &self,
        after: Position,
    ) -> Result<BoxStream<'static, Result<Vec<RecordedEvent>, LogError>>, LogError> {
        self.reach()?;
        self.inner.subscribe(after).await
    }

    async fn head(&self) -> Result<Position, LogError> {
        self.reach()?;
        self.inner.head().await
    }
}
