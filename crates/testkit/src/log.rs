//! The event log in memory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};
use futures::stream::{self, BoxStream};
use souk_domain::stream::StreamId;
use souk_ports::{
    Appended, Clock, EventLog, Expected, Filter, LogError, NewEvent, Position, RecordedEvent, log::check_append,
};
use tokio::sync::watch;
use uuid::Uuid;

use crate::lock;

/// Events in one batch of a subscription.
const BATCH: usize = 100;

/// An [`EventLog`] in memory: the model that the other adapters are measured by. Clones share the events.
#[derive(Clone)]
pub struct MemoryLog {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    events: Mutex<Events>,
    head: watch::Sender<Position>,
}

#[derive(Default)]
struct Events {
    /// The event at position `p` is at index `p - 1`.
    all: Vec<RecordedEvent>,
    /// Indexes into `all`, by version.
    streams: HashMap<StreamId, Vec<usize>>,
    ids: HashMap<Uuid, usize>,
}

impl MemoryLog {
    /// An empty log that records by `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { shared: Arc::new(Shared { clock, events: Mutex::default(), head: watch::Sender::new(0) }) }
    }

    /// Every event, in order.
    #[must_use]
    pub fn events(&self) -> Vec<RecordedEvent> {
        lock(&self.shared.events).all.clone()
    }
}

impl Default for MemoryLog {
    /// An empty log on a [`crate::ManualClock`] that stands still.
    fn default() -> Self {
        Self::new(Arc::new(crate::ManualClock::default()))
    }
}

impl Events {
    /// Where the first event behind `expected` stands in its stream.
    fn next_version(expected: Expected) -> u64 {
        match expected {
            Expected::NoStream => 0,
            Expected::Version(version) => version.saturating_add(1),
        }
    }

    fn stream(&self, stream: StreamId) -> &[usize] {
        self.streams.get(&stream).map_or(&[], Vec::as_slice)
    }

    /// What an earlier try with the same ids led to.
    fn earlier(&self, stream: StreamId, first: u64, events: &[NewEvent]) -> Option<Appended> {
        let first = usize::try_from(first).ok()?;
        let stored = self.stream(stream).get(first..first.checked_add(events.len())?)?;
        let same = stored.iter().zip(events).all(|(&index, event)| self.all[index].id == event.id);
        let last = &self.all[*stored.last()?];
        same.then_some(Appended::Ok { version: last.version, position: last.position })
    }

    fn append(
        &mut self,
        stream: StreamId,
        expected: Expected,
        events: Vec<NewEvent>,
        now: DateTime<Utc>,
    ) -> Result<Appended, LogError> {
        let first = Self::next_version(expected);
        let length = self.stream(stream).len() as u64;
        if first != length {
            return Ok(self
                .earlier(stream, first, &events)
                .unwrap_or(Appended::Conflict { actual: length.checked_sub(1) }));
        }
        if let Some(taken) = events.iter().find(|event| self.ids.contains_key(&event.id)) {
            return Err(LogError::Refused(format!("the event id {} is taken", taken.id)));
        }
        let recorded_at = self.all.last().map_or(now, |last| last.recorded_at.max(now));
        for (version, event) in (first..).zip(events) {
            let index = self.all.len();
            self.ids.insert(event.id, index);
            self.streams.entry(stream).or_default().push(index);
            self.all.push(RecordedEvent {
                id: event.id,
                stream,
                version,
                position: index as u64 + 1,
                event_type: event.event_type,
                schema_version: event.schema_version,
                recorded_at,
                data: event.data,
                metadata: event.metadata,
            });
        }
        Ok(Appended::Ok { version: self.stream(stream).len() as u64 - 1, position: self.all.len() as u64 })
    }

    fn behind(&self, after: Position, filter: &Filter, limit: usize) -> Vec<RecordedEvent> {
        let start = usize::try_from(after).map_or(self.all.len(), |after| after.min(self.all.len()));
        self.all[start..]
            .iter()
            .filter(|event| filter.categories.is_empty() || filter.categories.contains(&event.stream.category))
            .take(limit)
            .cloned()
            .collect()
    }
}

#[async_trait]
impl EventLog for MemoryLog {
    async fn append(&self, stream: StreamId, expected: Expected, events: Vec<NewEvent>) -> Result<Appended, LogError> {
        check_append(&events)?;
        let now = self.shared.clock.now().trunc_subsecs(6);
        let (appended, head) = {
            let mut stored = lock(&self.shared.events);
            (stored.append(stream, expected, events, now)?, stored.all.len() as u64)
        };
        self.shared.head.send_if_modified(|known| {
            let grown = head > *known;
            *known = head.max(*known);
            grown
        });
        Ok(appended)
    }

    async fn read_stream(&self, stream: StreamId, from: u64, limit: usize) -> Result<Vec<RecordedEvent>, LogError> {
        let stored = lock(&self.shared.events);
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        Ok(stored.stream(stream).iter().skip(from).take(limit).map(|&index| stored.all[index].clone()).collect())
    }

    async fn read_all(&self, after: Position, filter: &Filter, limit: usize) -> Result<Vec<RecordedEvent>, LogError> {
        Ok(lock(&self.shared.events).behind(after, filter, limit))
    }

    async fn read_at(&self, positions: &[Position]) -> Result<Vec<RecordedEvent>, LogError> {
        let mut wanted = positions.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        let stored = lock(&self.shared.events);
        Ok(wanted
            .into_iter()
            .filter_map(|position| stored.all.get(usize::try_from(position.checked_sub(1)?).ok()?).cloned())
            .collect())
    }

    async fn subscribe(
        &self,
        after: Position,
    ) -> Result<BoxStream<'static, Result<Vec<RecordedEvent>, LogError>>, LogError> {
        let reader = (Arc::clone(&self.shared), self.shared.head.subscribe(), after);
        Ok(Box::pin(stream::unfold(reader, |(shared, mut head, after)| async move {
            // The reader itself keeps the sender alive, so the wait ends only with an event.
            head.wait_for(|head| *head > after).await.ok()?;
            let batch = lock(&shared.events).behind(after, &Filter::default(), BATCH);
            let after = batch.last()?.position;
            Some((Ok(batch), (shared, head, after)))
        })))
    }

    async fn head(&self) -> Result<Position, LogError> {
        Ok(lock(&self.shared.events).all.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn passes_the_contract() {
        crate::contract::event_log::all(async || Arc::new(MemoryLog::default()) as Arc<dyn EventLog>).await;
        crate::contract::event_log::dense(async || Arc::new(MemoryLog::default()) as Arc<dyn EventLog>).await;
    }
}
