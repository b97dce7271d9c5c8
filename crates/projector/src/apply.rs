//! Applying events to one generation: fold, flush and checkpoint in one transaction.

use std::{collections::BTreeSet, panic::AssertUnwindSafe, sync::Arc};

use souk_ports::{Position, RecordedEvent};
use sqlx::{PgConnection, PgPool};

use crate::{
    Changes, Decoder, Envelope, Generation, Projection, ProjectorError, Tables,
    checkpoint::{Checkpoint, Mark},
    error::is_transient,
    joint::Joint,
    memo::{Envelopes, Memo},
};

/// Writes one partition of one generation.
#[derive(Clone)]
pub(crate) struct Applier {
    pub pool: PgPool,
    pub projection: Arc<dyn Projection>,
    pub checkpoint: Checkpoint,
    /// Whether the generation must be live; a building one is filled by its rebuild only.
    pub live: bool,
    /// How many partitions the generation must be written from; unknown to who reads the log.
    pub partitions: Option<u32>,
    /// Positions that an operator skipped.
    pub skipped: BTreeSet<Position>,
    /// Writes little things together with those of others.
    pub joint: Option<Joint>,
    /// What others who apply the same events have decoded lately.
    pub memo: Option<Arc<Memo>>,
}

/// As many events as are little.
const LITTLE: usize = 400;

/// What became of a batch.
#[derive(Debug)]
pub(crate) enum Applied {
    /// It was written, and the checkpoint is at its end.
    Done,
    /// Somebody else moved the checkpoint, or the generation is no longer what it was. Nothing was written.
    Lost,
    /// This event cannot be taken. Everything before it was written.
    Poison(Box<RecordedEvent>, String),
}

impl Applier {
    pub fn generation(&self) -> &Generation {
        &self.checkpoint.generation
    }

    /// Applies `events`, which follow position `after` in order, and moves the checkpoint to `upto`, up to which there are no
    /// others.
    pub async fn apply_upto(
        &self,
        after: Position,
        events: &[RecordedEvent],
        upto: Position,
    ) -> Result<Applied, ProjectorError> {
        if upto <= after {
            return Ok(Applied::Done);
        }
        let (envelopes, poison) = self.decode(events);
        match poison {
            None => match self.write(after, upto, events.last(), &envelopes).await {
                Ok(true) => Ok(Applied::Done),
                Ok(false) => Ok(Applied::Lost),
                Err(Failure::Other(error)) => Err(error),
                Err(Failure::Poison(_)) => self.apply_singly(after, events, upto, &envelopes).await,
            },
            Some((at, problem)) => {
                // What comes before the event that cannot be read is written first; the checkpoint stays right before it.
                let before = &events[..at];
                let applied = match before.last() {
                    Some(last) => self.write(after, last.position, Some(last), &envelopes).await,
                    None => Ok(true),
                };
                match applied {
                    Ok(true) => Ok(Applied::Poison(Box::new(events[at].clone()), problem)),
                    Ok(false) => Ok(Applied::Lost),
                    Err(Failure::Other(error)) => Err(error),
                    Err(Failure::Poison(_)) => {
                        let upto = before.last().map_or(after, |last| last.position);
                        self.apply_singly(after, before, upto, &envelopes).await
                    }
                }
            }
        }
    }

    /// The wanted events, decoded, up to the first that cannot be; its index and the reason.
    fn decode(&self, events: &[RecordedEvent]) -> (Envelopes, Option<(usize, String)>) {
        let mut envelopes = Vec::with_capacity(events.len());
        let mut decoder = Decoder::default();
        for (at, event) in events.iter().enumerate() {
            if !self.takes(event) {
                continue;
            }
            let decoded = match &self.memo {
                Some(memo) => memo.decode(&mut decoder, event),
                None => decoder.decode(event).map(Arc::new),
            };
            match decoded {
                Ok(envelope) => envelopes.push(envelope),
                Err(problem) => return (envelopes.into(), Some((at, problem))),
            }
        }
        (envelopes.into(), None)
    }

    /// Whether the projection wants `event`, and no operator skipped it.
    pub fn takes(&self, event: &RecordedEvent) -> bool {
        self.projection.wants(event.stream.category) && !self.skipped.contains(&event.position)
    }

    /// Event by event, to find the one that a batch failed on. Everything before it is written.
    async fn apply_singly(
        &self,
        mut after: Position,
        events: &[RecordedEvent],
        upto: Position,
        envelopes: &[Arc<Envelope>],
    ) -> Result<Applied, ProjectorError> {
        for envelope in envelopes {
            let event = events.iter().find(|event| event.position == envelope.position);
            match self.write_alone(mark(after, envelope.position, event), std::slice::from_ref(envelope)).await {
                Ok(true) => after = envelope.position,
                Ok(false) => return Ok(Applied::Lost),
                Err(Failure::Other(error)) => return Err(error),
                Err(Failure::Poison(problem)) => {
                    return event
                        .map_or(Ok(Applied::Lost), |event| Ok(Applied::Poison(Box::new(event.clone()), problem)));
                }
            }
        }
        // Each alone went well: the batch failed for a reason that is gone. What remains are events that nobody wants.
        if upto <= after {
            return Ok(Applied::Done);
        }
        match self.write_alone(mark(after, upto, events.last()), &[]).await {
            Ok(true) => Ok(Applied::Done),
            Ok(false) => Ok(Applied::Lost),
            Err(failure) => Err(failure.into_error()),
        }
    }

    /// Folds and writes `envelopes` with the checkpoint, whose last event is `last`; false when it is not at `after`.
    async fn write(
        &self,
        after: Position,
        to: Position,
        last: Option<&RecordedEvent>,
        envelopes: &Envelopes,
    ) -> Result<bool, Failure> {
        let mark = mark(after, to, last);
        if let Some(joint) = self.joint.as_ref().filter(|_| envelopes.len() <= LITTLE)
            && let Some(written) = joint.write(self, mark, Arc::clone(envelopes)).await
        {
            return Ok(written);
        }
        self.write_alone(mark, envelopes).await
    }

    async fn write_alone(&self, mark: Mark, envelopes: &[Arc<Envelope>]) -> Result<bool, Failure> {
        let changes = fold(self.projection.as_ref(), envelopes).map_err(Failure::Poison)?;
        let mut tx = souk_transaction::begin(&self.pool).await.map_err(Failure::of)?;
        // First, because it waits for whoever writes this generation now, and tells whether all was in vain.
        if !self.advance(&mut tx, mark).await.map_err(Failure::of)? {
            return Ok(false);
        }
        changes.flush(&mut Tables::new(&mut tx)).await.map_err(Failure::of)?;
        tx.commit().await.map_err(Failure::of)?;
        Ok(true)
    }

    /// Moves the checkpoint, and makes unqualified names mean the generation's; false when the checkpoint is not where it should be.
    #[cfg(not(feature = "faulty-checkpoint"))]
    async fn advance(&self, tx: &mut PgConnection, mark: Mark) -> Result<bool, sqlx::Error> {
        self.checkpoint.advance(tx, mark, self.live, self.partitions).await
    }

    /// Wrong on purpose: what is killed between this commit and the flush's is lost for ever.
    #[cfg(feature = "faulty-checkpoint")]
    async fn advance(&self, tx: &mut PgConnection, mark: Mark) -> Result<bool, sqlx::Error> {
        self.generation().enter(tx).await?;
        let mut own = self.pool.acquire().await?;
        self.checkpoint.advance(&mut own, mark, self.live, self.partitions).await
    }
}

/// Why nothing was written.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The data cannot be taken.
    Poison(String),
    /// Anything else.
    Other(ProjectorError),
}

impl Failure {
    pub fn of(error: sqlx::Error) -> Self {
        if is_transient(&error) { Self::Other(error.into()) } else { Self::Poison(error.to_string()) }
    }

    fn into_error(self) -> ProjectorError {
        match self {
            Self::Other(error) => error,
            Self::Poison(problem) => ProjectorError::Database(sqlx::Error::Protocol(problem)),
        }
    }
}

fn mark(after: Position, to: Position, last: Option<&RecordedEvent>) -> Mark {
    Mark { after, to, last: last.map(|event| (event.position, event.id)) }
}

/// The changes of `envelopes`. A fold is total; one that panics all the same must stop its projection and nothing else.
pub(crate) fn fold<'a>(
    projection: &dyn Projection,
    envelopes: impl IntoIterator<Item = &'a Arc<Envelope>>,
) -> Result<Box<dyn Changes>, String> {
    std::panic::catch_unwind(AssertUnwindSafe(|| {
        let mut changes = projection.begin();
        for envelope in envelopes {
            changes.fold(envelope);
        }
        changes
    }))
    .map_err(|panic| said(panic.as_ref()))
}

/// What a fold that panicked said.
pub(crate) fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    format!("the fold panicked: {}", said.unwrap_or("without a word"))
}
