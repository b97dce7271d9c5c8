//! Reading the log once, for all projections that are being rebuilt: one task reads ahead, a few decode, and one for each
//! projection folds while its previous chunk is being written. Bounded queues and a shared budget bound the memory.

use std::{
    num::NonZero,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::available_parallelism,
    time::Duration,
};

use futures::{StreamExt, TryStreamExt, future::BoxFuture, stream::FuturesUnordered};
use souk_domain::stream::Category;
use souk_ports::{EventLog, Filter, Position, RecordedEvent};
use tokio::{
    sync::{Semaphore, mpsc},
    task::{JoinHandle, JoinSet},
};
use uuid::Uuid;

use super::{Milestone, Phase, ProjectionReport, Rebuild, RebuildOptions, fill::Filler, level::Building, meter::Meter};
use crate::{
    Changes, Decoder, Envelope, ProjectorError,
    apply::{Applier, Failure, said},
};

/// Events that are read and decoded at once.
const PAGE: usize = 250;
/// Pages that are decoded at once.
const DECODING: usize = 4;
/// Pages that wait for whoever is busy with others.
const AHEAD: usize = 4;

/// A page of the log, decoded.
struct Page {
    last: Position,
    last_event: Uuid,
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

/// Why a load ended before its time.
enum Trouble {
    /// The tables of this building (by its place) refused a chunk behind its checkpoint.
    Refused(usize),
    Failed(ProjectorError),
}

impl From<ProjectorError> for Trouble {
    fn from(error: ProjectorError) -> Self {
        Self::Failed(error)
    }
}

impl Rebuild {
    /// Fills the tables of `buildings` up to the end of the log, from where each of them is, indexes them and compares them with
    /// the live ones; a report of each.
    pub(super) async fn load(
        &self,
        buildings: &mut [Building],
        options: &RebuildOptions,
        meter: &Meter,
    ) -> Result<Vec<ProjectionReport>, ProjectorError> {
        loop {
            let loaded = self.load_once(buildings, options, meter).await;
            for building in buildings.iter_mut() {
                building.look(&self.pool).await?;
            }
            match loaded {
                Ok(reports) => return Ok(reports),
                Err(Trouble::Failed(error)) => return Err(error),
                // Event by event, which names the one that the tables refuse. When none is refused alone, what was wrong is
                // gone, and the rest is loaded as before.
                Err(Trouble::Refused(which)) => {
                    buildings[which].filler.key().await?;
                    self.catch_up(&mut buildings[which], Position::MAX, meter).await?;
                }
            }
        }
    }

    async fn load_once(
        &self,
        buildings: &mut [Building],
        options: &RebuildOptions,
        meter: &Meter,
    ) -> Result<Vec<ProjectionReport>, Trouble> {
        let from = buildings.iter().map(Building::reached).min().unwrap_or(0);
        let page = PAGE.min(options.batch.max(1));
        let mut tasks = JoinSet::new();
        let (pages, raw) = mpsc::channel::<Vec<RecordedEvent>>(AHEAD);
        let log = Arc::clone(&self.log);
        tasks.spawn(async move {
            read_ahead(log.as_ref(), from, page, &pages).await?;
            Ok(None)
        });

        let budget = Arc::new(Budget::new(options.memory, buildings.len()));
        let mut sinks = Vec::new();
        for (place, building) in buildings.iter().enumerate() {
            let (sink, decoded) = mpsc::channel::<Arc<Page>>(AHEAD);
            sinks.push(sink);
            let loader = Loader {
                place,
                applier: building.appliers[0].clone(),
                filler: building.filler.clone(),
                batch: options.batch.max(1),
                budget: Arc::clone(&budget),
                on_milestone: Arc::clone(&options.on_milestone),
                reached: building.reached(),
                pending: None,
                writing: None,
            };
            tasks.spawn(async move {
                loader.run(decoded).await?;
                Ok(Some(place))
            });
        }

        let appliers: Arc<Vec<Applier>> =
            Arc::new(buildings.iter().map(|building| building.appliers[0].clone()).collect());
        let distributed = self.distribute(raw, &sinks, &appliers, meter).await;
        drop(sinks);
        meter.phase(Phase::Indexing);
        self.compare_loaded(buildings, tasks, distributed.err().map(Trouble::Failed), meter).await
    }

    /// Waits for `tasks`, and compares each building, by its place, as soon as the task is over that filled and indexed it: while
    /// the last index is made, nothing else would be left to do.
    async fn compare_loaded(
        &self,
        buildings: &mut [Building],
        mut tasks: JoinSet<Result<Option<usize>, Trouble>>,
        mut failed: Option<Trouble>,
        meter: &Meter,
    ) -> Result<Vec<ProjectionReport>, Trouble> {
        let mut loaded: Vec<_> = buildings.iter_mut().map(Some).collect();
        let mut reports: Vec<_> = loaded.iter().map(|_| None).collect();
        let at_once = &Semaphore::new(available_parallelism().map_or(1, NonZero::get));
        let mut comparing = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(ended) = tasks.join_next() => {
                    match ended {
                        Ok(Ok(place)) => {
                            let building = place.and_then(|place| Some((place, loaded[place].take()?)));
                            if let (Some((place, building)), None) = (building, &failed) {
                                comparing.push(async move {
                                    let _turn = at_once.acquire().await;
                                    building.look(&self.pool).await?;
                                    Ok::<_, ProjectorError>((place, self.compare_level(building, meter).await?))
                                });
                            }
                        }
                        Ok(Err(trouble)) => failed = Some(failed.unwrap_or(trouble)),
                        Err(panic) if panic.is_panic() => std::panic::resume_unwind(panic.into_panic()),
                        Err(_) => {}
                    }
                    if tasks.is_empty() {
                        meter.phase(Phase::Comparing);
                    }
                }
                Some(compared) = comparing.next() => match compared {
                    Ok((place, report)) => reports[place] = Some(report),
                    Err(error) => failed = failed.or(Some(Trouble::Failed(error))),
                },
                else => break,
            }
        }
        failed.map_or_else(|| Ok(reports.into_iter().flatten().collect()), Err)
    }

    /// Decodes page after page, in order, and gives each to all loaders.
    async fn distribute(
        &self,
        raw: mpsc::Receiver<Vec<RecordedEvent>>,
        sinks: &[mpsc::Sender<Arc<Page>>],
        appliers: &Arc<Vec<Applier>>,
        meter: &Meter,
    ) -> Result<(), ProjectorError> {
        let pages = futures::stream::unfold(raw, async |mut raw| raw.recv().await.map(|page| (page, raw)));
        let decoding = pages.map(|page| {
            let appliers = Arc::clone(appliers);
            let task = tokio::spawn(async move { Ok::<_, ProjectorError>(decode(page, &appliers)) });
            async move { Guard(task).join().await }
        });
        let mut decoded = std::pin::pin!(decoding.buffered(DECODING));
        while let Some(page) = decoded.try_next().await? {
            let page = Arc::new(page);
            for sink in sinks {
                // A loader that failed is noticed below.
                let _ = sink.send(Arc::clone(&page)).await;
            }
            meter.read(page.last);
            if sinks.iter().any(mpsc::Sender::is_closed) {
                break;
            }
        }
        Ok(())
    }
}

/// A task that ends with whoever waits for it.
struct Guard<T>(JoinHandle<T>);

impl<T> Drop for Guard<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T, E: From<ProjectorError>> Guard<Result<T, E>> {
    async fn join(mut self) -> Result<T, E> {
        match (&mut self.0).await {
            Ok(result) => result,
            Err(panic) if panic.is_panic() => std::panic::resume_unwind(panic.into_panic()),
            Err(_) => Err(ProjectorError::Interrupted.into()),
        }
    }
}

/// Sends page after page until the end of the log. Nobody listening is an end as well. A short absence of the database ends
/// no rebuild.
async fn read_ahead(
    log: &dyn EventLog,
    mut after: Position,
    page: usize,
    pages: &mpsc::Sender<Vec<RecordedEvent>>,
) -> Result<(), ProjectorError> {
    let mut failures = 0;
    loop {
        let mut scan = log.scan(after, page);
        let error = loop {
            match scan.try_next().await {
                Ok(Some(page)) => {
                    failures = 0;
                    after = page.last().map_or(after, |last| last.position);
                    if pages.send(page).await.is_err() {
                        return Ok(());
                    }
                }
                Ok(None) => return Ok(()),
                Err(error) => break ProjectorError::from(error),
            }
        };
        if !error.is_transient() || failures >= TRIES {
            return Err(error);
        }
        wait_for_log(&error, failures).await;
        failures += 1;
    }
}

/// How often a log that is away is asked again.
const TRIES: u32 = 6;

async fn wait_for_log(error: &ProjectorError, failures: u32) {
    tracing::warn!(%error, "a rebuild waits for the log");
    tokio::time::sleep(Duration::from_millis(100) * 2_u32.pow(failures)).await;
}

/// A page of the log. A short absence of the database ends no rebuild.
pub(super) async fn read_page(
    log: &dyn EventLog,
    after: Position,
    limit: usize,
) -> Result<Vec<RecordedEvent>, ProjectorError> {
    for failures in 0..TRIES {
        match log.read_all(after, &Filter::default(), limit).await.map_err(ProjectorError::from) {
            Ok(page) => return Ok(page),
            Err(error) if error.is_transient() => wait_for_log(&error, failures).await,
            Err(error) => return Err(error),
        }
    }
    Ok(log.read_all(after, &Filter::default(), limit).await?)
}

/// Decodes what any projection takes.
fn decode(page: Vec<RecordedEvent>, appliers: &[Applier]) -> Page {
    let (last, last_event) = page.last().map_or_else(Default::default, |event| (event.position, event.id));
    let mut events = Vec::with_capacity(page.len());
    let mut decoder = Decoder::default();
    for event in page {
        if !appliers.iter().any(|applier| applier.takes(&event)) {
            continue;
        }
        let (category, position) = (event.stream.category, event.position);
        let event = decoder.decode(&event).map_err(|problem| Box::new(Unreadable { event, problem }));
        events.push(Decoded { category, position, event });
    }
    Page { last, last_event, events }
}

/// The memory that all loaders share: half of it for changes that wait, the rest for those that are being written.
struct Budget {
    limit: usize,
    /// What waits, by loader, bytes.
    waiting: Vec<AtomicUsize>,
    /// What is being written, bytes.
    written: AtomicUsize,
}

impl Budget {
    fn new(limit: usize, loaders: usize) -> Self {
        let waiting = (0..loaders).map(|_| AtomicUsize::new(0)).collect();
        Self { limit, waiting, written: AtomicUsize::new(0) }
    }

    /// The changes of `loader` take `size` now.
    fn wait(&self, loader: usize, size: usize) {
        self.waiting[loader].store(size, Ordering::Relaxed);
    }

    /// Those of `loader`, which take `size`, are being written.
    fn begin(&self, loader: usize, size: usize) {
        self.written.fetch_add(size, Ordering::Relaxed);
        self.wait(loader, 0);
    }

    fn end(&self, size: usize) {
        self.written.fetch_sub(size, Ordering::Relaxed);
    }

    /// Whether `loader` has to write what waits: who has most does, when all together have too much.
    fn is_spent(&self, loader: usize) -> bool {
        let sizes = || self.waiting.iter().map(|size| size.load(Ordering::Relaxed));
        sizes().sum::<usize>() >= self.limit / 2 && sizes().max() == Some(self.waiting[loader].load(Ordering::Relaxed))
    }

    /// Whether what is being written has to be gone before more may wait.
    fn is_full(&self) -> bool {
        self.written.load(Ordering::Relaxed) >= self.limit
    }
}

/// Changes that are not written yet.
struct Chunk {
    changes: Box<dyn Changes>,
    last: (Position, Uuid),
    events: usize,
    size: usize,
}

/// Folds and writes for one projection.
struct Loader {
    place: usize,
    applier: Applier,
    filler: Filler,
    batch: usize,
    budget: Arc<Budget>,
    on_milestone: Arc<dyn Fn(Milestone) -> BoxFuture<'static, ()> + Send + Sync>,
    /// Where the last chunk ends that is written, or being written.
    reached: Position,
    pending: Option<Chunk>,
    writing: Option<Guard<Result<(), Trouble>>>,
}

impl Loader {
    async fn run(mut self, mut pages: mpsc::Receiver<Arc<Page>>) -> Result<(), Trouble> {
        while let Some(page) = pages.recv().await {
            self.fold(&page)?;
            let full = self
                .pending
                .as_ref()
                .is_some_and(|chunk| chunk.events >= self.batch || self.budget.is_spent(self.place));
            if full {
                self.write().await?;
            } else if self.budget.is_full() {
                self.written().await?;
            }
        }
        self.write().await?;
        self.written().await?;
        Ok(self.filler.index().await.map_err(ProjectorError::from)?)
    }

    fn fold(&mut self, page: &Page) -> Result<(), ProjectorError> {
        let reached = self.reached;
        if page.last <= reached {
            return Ok(());
        }
        let chunk = self.pending.get_or_insert_with(|| Chunk {
            changes: self.applier.projection.begin(),
            last: (reached, Uuid::default()),
            events: 0,
            size: 0,
        });
        for decoded in page.events.iter().filter(|decoded| decoded.position > reached) {
            let applier = &self.applier;
            if !applier.projection.wants(decoded.category) || applier.skipped.contains(&decoded.position) {
                continue;
            }
            match &decoded.event {
                Ok(envelope) => {
                    std::panic::catch_unwind(AssertUnwindSafe(|| chunk.changes.fold(envelope))).map_err(|panic| {
                        let Envelope { position, id, event, .. } = envelope;
                        poisoned(applier, (*position, *id, event.event_type()), said(panic.as_ref()))
                    })?;
                }
                Err(unreadable) => {
                    let Unreadable { event, problem } = unreadable.as_ref();
                    let which = (event.position, event.id, event.event_type.as_str());
                    return Err(poisoned(applier, which, problem.clone()));
                }
            }
            chunk.events += 1;
        }
        chunk.last = (page.last, page.last_event);
        chunk.size = chunk.changes.size();
        self.budget.wait(self.place, chunk.size);
        Ok(())
    }

    /// Waits until nothing is being written.
    async fn written(&mut self) -> Result<(), Trouble> {
        match self.writing.take() {
            Some(writing) => writing.join().await,
            None => Ok(()),
        }
    }

    /// Begins to write what is pending, once what was pending before is written.
    async fn write(&mut self) -> Result<(), Trouble> {
        let Some(chunk) = self.pending.take() else { return Ok(()) };
        self.written().await?;
        self.budget.begin(self.place, chunk.size);
        let (filler, budget, place) = (self.filler.clone(), Arc::clone(&self.budget), self.place);
        let on_milestone = Arc::clone(&self.on_milestone);
        let after = std::mem::replace(&mut self.reached, chunk.last.0);
        self.writing = Some(Guard(tokio::spawn(async move {
            let written = filler.flush(after, chunk.last, chunk.changes).await;
            budget.end(chunk.size);
            match written {
                Ok(true) => {
                    let projection = filler.projection.name().to_owned();
                    on_milestone(Milestone::Written { projection, position: chunk.last.0 }).await;
                    Ok(())
                }
                Ok(false) => Err(interfered(&filler).into()),
                Err(Failure::Other(error)) => Err(error.into()),
                Err(Failure::Poison(problem)) => {
                    tracing::warn!(projection = filler.projection.name(), problem, "a chunk was refused");
                    Err(Trouble::Refused(place))
                }
            }
        })));
        Ok(())
    }
}

fn interfered(filler: &Filler) -> ProjectorError {
    let generation = &filler.generation;
    ProjectorError::Interfered { projection: generation.projection.clone(), generation: generation.generation }
}

fn poisoned(applier: &Applier, which: (Position, Uuid, &str), error: String) -> ProjectorError {
    let (position, event_id, event_type) = which;
    ProjectorError::Poisoned {
        projection: applier.projection.name().to_owned(),
        position,
        event_id,
        event_type: event_type.to_owned(),
        error,
    }
}
