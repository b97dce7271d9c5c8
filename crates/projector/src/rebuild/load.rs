//! Reading the log once, for all projections that are being rebuilt: one task reads ahead, one decodes, and one for each
//! projection folds and writes. Bounded queues between them bound the memory.

use std::{sync::Arc, time::Duration};

use souk_domain::stream::Category;
use souk_ports::{EventLog, Filter, Position, RecordedEvent};
use tokio::{sync::mpsc, task::JoinSet};

use super::{Rebuild, level::Building, meter::Meter};
use crate::{
    Changes, Decoder, Envelope, ProjectorError, Undecodable,
    apply::{Applier, Failure, fold},
};

/// Events that are read at once.
const PAGE: usize = 5_000;

/// A page of the log, decoded.
struct Page {
    last: Position,
    events: Vec<Decoded>,
}

struct Decoded {
    category: Category,
    position: Position,
    event: Result<Envelope, Box<Unreadable>>,
}

struct Unreadable {
    event: RecordedEvent,
    problem: String,
}

impl Rebuild {
    /// Fills the tables of `buildings` up to the end of the log, and says where that was.
    pub(super) async fn load(
        &self,
        buildings: &[Building],
        batch: usize,
        meter: &Meter,
    ) -> Result<Position, ProjectorError> {
        let mut tasks: JoinSet<Result<Position, ProjectorError>> = JoinSet::new();
        let (pages, mut raw) = mpsc::channel::<Vec<RecordedEvent>>(2);
        let log = Arc::clone(&self.log);
        tasks.spawn(async move { read_ahead(log.as_ref(), &pages).await });

        let mut sinks = Vec::new();
        for building in buildings {
            let (sink, decoded) = mpsc::channel::<Arc<Page>>(2);
            sinks.push(sink);
            let loader = Loader { applier: building.applier.clone(), batch: batch.max(1) };
            tasks.spawn(loader.run(decoded));
        }

        // Decoding runs here, so that the meter need not be shared.
        let mut failed = None;
        while let Some(page) = raw.recv().await {
            let appliers = buildings.iter().map(|building| &building.applier);
            match decode(&self.decoder, page, appliers.collect()).await {
                Ok(page) => {
                    let page = Arc::new(page);
                    for sink in &sinks {
                        // A loader that failed is noticed below.
                        let _ = sink.send(Arc::clone(&page)).await;
                    }
                    meter.read(page.last);
                    if sinks.iter().any(mpsc::Sender::is_closed) {
                        break;
                    }
                }
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        drop((sinks, raw));
        let mut reached = 0;
        while let Some(ended) = tasks.join_next().await {
            match ended {
                Ok(Ok(position)) => reached = reached.max(position),
                Ok(Err(error)) => failed = Some(failed.unwrap_or(error)),
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            }
        }
        failed.map_or(Ok(reached), Err)
    }
}

/// Sends page after page until the end of the log; answers where that was. Nobody listening is an end as well.
async fn read_ahead(log: &dyn EventLog, pages: &mpsc::Sender<Vec<RecordedEvent>>) -> Result<Position, ProjectorError> {
    let mut after = 0;
    loop {
        let page = read_page(log, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(after) };
        after = last.position;
        if pages.send(page).await.is_err() {
            return Ok(after);
        }
    }
}

/// A page of the log. A short absence of the database ends no rebuild.
pub(super) async fn read_page(
    log: &dyn EventLog,
    after: Position,
    limit: usize,
) -> Result<Vec<RecordedEvent>, ProjectorError> {
    let mut pause = Duration::from_millis(100);
    for _ in 0..6 {
        match log.read_all(after, &Filter::default(), limit).await {
            Ok(page) => return Ok(page),
            Err(error) if ProjectorError::from(error.clone()).is_transient() => {
                tracing::warn!(%error, "a rebuild waits for the log");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(log.read_all(after, &Filter::default(), limit).await?)
}

/// Decodes what any projection takes.
async fn decode(decoder: &Decoder, page: Vec<RecordedEvent>, appliers: Vec<&Applier>) -> Result<Page, ProjectorError> {
    let last = page.last().map_or(0, |event| event.position);
    let mut events = Vec::with_capacity(page.len());
    for event in page {
        if !appliers.iter().any(|applier| applier.takes(&event)) {
            continue;
        }
        let (category, position) = (event.stream.category, event.position);
        let event = match decoder.decode(&event).await {
            Ok(envelope) => Ok(envelope),
            Err(Undecodable::Poison(problem)) => Err(Box::new(Unreadable { event, problem })),
            Err(Undecodable::Vault(error)) => return Err(ProjectorError::Vault(error)),
        };
        events.push(Decoded { category, position, event });
    }
    Ok(Page { last, events })
}

/// Folds and writes for one projection.
struct Loader {
    applier: Applier,
    batch: usize,
}

impl Loader {
    async fn run(self, mut pages: mpsc::Receiver<Arc<Page>>) -> Result<Position, ProjectorError> {
        let (mut written, mut pending) = (0, Vec::new());
        let mut count = 0;
        while let Some(page) = pages.recv().await {
            count += page.events.len();
            pending.push(page);
            if count >= self.batch {
                written = self.write(written, &pending).await?;
                pending.clear();
                count = 0;
            }
        }
        self.write(written, &pending).await
    }

    /// Writes the pages and moves the checkpoint from `after` to their end.
    async fn write(&self, after: Position, pages: &[Arc<Page>]) -> Result<Position, ProjectorError> {
        let Some(to) = pages.last().map(|page| page.last) else { return Ok(after) };
        let changes = self.fold(pages)?;
        match self.applier.flush(after, to, changes).await {
            Ok(true) => Ok(to),
            Ok(false) => Err(self.interfered()),
            Err(Failure::Other(error)) => Err(error),
            Err(Failure::Poison(problem)) => Err(self.culprit(after, pages, problem).await),
        }
    }

    fn interfered(&self) -> ProjectorError {
        let generation = self.applier.generation();
        ProjectorError::Interfered { projection: generation.projection.clone(), generation: generation.generation }
    }

    fn taken<'a>(&'a self, pages: &'a [Arc<Page>]) -> impl Iterator<Item = &'a Decoded> {
        pages.iter().flat_map(|page| &page.events).filter(|decoded| {
            self.applier.projection.wants(decoded.category) && !self.applier.skipped.contains(&decoded.position)
        })
    }

    fn fold(&self, pages: &[Arc<Page>]) -> Result<Box<dyn Changes>, ProjectorError> {
        let mut changes = self.applier.projection.begin();
        for decoded in self.taken(pages) {
            match &decoded.event {
                Ok(envelope) => changes.fold(envelope),
                Err(unreadable) => {
                    let Unreadable { event, problem } = unreadable.as_ref();
                    return Err(ProjectorError::Poisoned {
                        projection: self.applier.projection.name().to_owned(),
                        position: event.position,
                        event_id: event.id,
                        event_type: event.event_type.clone(),
                        error: problem.clone(),
                    });
                }
            }
        }
        Ok(changes)
    }

    /// Which event the tables refuse, found by writing one by one.
    async fn culprit(&self, mut after: Position, pages: &[Arc<Page>], problem: String) -> ProjectorError {
        for envelope in self.taken(pages).filter_map(|decoded| decoded.event.as_ref().ok()) {
            let written = match fold(self.applier.projection.as_ref(), std::slice::from_ref(envelope)) {
                Ok(changes) => self.applier.flush(after, envelope.position, changes).await,
                Err(problem) => Err(Failure::Poison(problem)),
            };
            match written {
                Ok(true) => after = envelope.position,
                Ok(false) => return self.interfered(),
                Err(Failure::Other(error)) => return error,
                Err(Failure::Poison(error)) => {
                    return ProjectorError::Poisoned {
                        projection: self.applier.projection.name().to_owned(),
                        position: envelope.position,
                        event_id: envelope.id,
                        event_type: envelope.event_type.clone(),
                        error,
                    };
                }
            }
        }
        ProjectorError::Database(sqlx::Error::Protocol(problem))
    }
}
