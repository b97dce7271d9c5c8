//! Small writes of several read models in one transaction.
//!
//! An event changes several read models. Each has a follower of its own in each partition, and a transaction of its own costs more than
//! what is written in it, when that is little. So followers hand small writes to one task, which writes what came meanwhile together:
//! what partitions have for one read model is folded as one. When anything of it is refused, nothing is written, and every follower
//! writes by itself: then only the one that is refused stops.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use sqlx::PgPool;
use tokio::{
    sync::{mpsc, oneshot},
    task::yield_now,
    time::Instant,
};

use crate::{
    Envelope, Generation, Projection, Tables,
    apply::{Applier, Failure, fold},
    batch::{Batch, Session},
    checkpoint::{Mark, to_sql},
};

/// As many writes as one transaction takes.
const TOGETHER: usize = 64;
/// How long nothing is written together once no session could be had.
const REST: Duration = Duration::from_secs(10);

/// What a follower wants written.
struct Write {
    applier: Applier,
    mark: Mark,
    envelopes: Arc<[Envelope]>,
    /// Whether it was written: not when somebody else moved the checkpoint.
    answer: oneshot::Sender<bool>,
}

/// Hands writes to the task that writes them together.
#[derive(Clone)]
pub(crate) struct Joint {
    writes: mpsc::Sender<Write>,
}

impl Joint {
    /// Also the task, which ends when nobody can hand it anything any more.
    pub fn new(pool: PgPool) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (writes, handed) = mpsc::channel(TOGETHER);
        (Self { writes }, run(pool, handed))
    }

    /// Writes what `envelopes` change and moves the checkpoint of `applier` along `mark`; false when that is not at its beginning. None
    /// when it was refused together with the others: it has to be tried alone.
    pub async fn write(&self, applier: &Applier, mark: Mark, envelopes: Arc<[Envelope]>) -> Option<bool> {
        let (answer, answered) = oneshot::channel();
        let write = Write { applier: applier.clone(), mark, envelopes, answer };
        self.writes.send(write).await.ok()?;
        answered.await.ok()
    }
}

async fn run(pool: PgPool, mut handed: mpsc::Receiver<Write>) {
    let (mut writes, mut schemas) = (Vec::new(), BTreeMap::new());
    let (mut session, mut refused) = (None, None::<Instant>);
    while handed.recv_many(&mut writes, TOGETHER).await > 0 {
        // Those who follow the same feed heard of the same event a moment ago.
        yield_now().await;
        while writes.len() < TOGETHER {
            let Ok(write) = handed.try_recv() else { break };
            writes.push(write);
        }
        let writes = std::mem::take(&mut writes);
        // Who waits for an answer and gets none finds out alone what is wrong.
        if !learn(&mut schemas, &writes) || refused.is_some_and(|at| at.elapsed() < REST) {
            continue;
        }
        if session.is_none() {
            match Session::open(&pool).await {
                Ok(opened) => (session, refused) = (Some(opened), None),
                Err(error) => {
                    tracing::warn!(%error, "small writes are not written together for a while");
                    refused = Some(Instant::now());
                }
            }
        }
        let path = schemas.values().map(String::as_str).collect::<Vec<_>>().join(",");
        if let Err(failure) = write_all(&mut session, &path, writes).await {
            tracing::debug!(?failure, "what was to be written together is written one by one");
        }
    }
}

/// Remembers where the tables of each projection are: a path that stays the same keeps plans good. Names of tables begin with those
/// of projections, so that there is one of each. False when `writes` are of two generations of one projection.
fn learn(schemas: &mut BTreeMap<String, String>, writes: &[Write]) -> bool {
    for Write { applier, .. } in writes {
        let Generation { projection, schema, .. } = applier.generation();
        schemas.insert(projection.clone(), schema.clone());
    }
    writes.iter().all(|write| {
        let Generation { projection, schema, .. } = write.applier.generation();
        schemas.get(projection) == Some(schema)
    })
}

/// Writes what of `writes` follows checkpoints, and answers those that are done with.
async fn write_all(session: &mut Option<Session>, path: &str, mut writes: Vec<Write>) -> Result<(), Failure> {
    while let (false, Some(opened)) = (writes.is_empty(), session.take()) {
        let mut batch = begin(opened, path, &writes);
        let written = write(&mut batch, &writes).await;
        let (in_place, unused) = batch.end();
        let Some(places) = in_place.filter(|places| places.len() < writes.len()) else {
            written?;
            *session = unused;
            for Write { answer, .. } in writes {
                // A follower that was cancelled does not wait any more.
                let _ = answer.send(true);
            }
            return Ok(());
        };
        *session = unused;
        // Nothing was written, since somebody else has written a part of it.
        let mut place = 0;
        let (rest, passed): (Vec<_>, Vec<_>) = writes.into_iter().partition(|_| {
            place += 1;
            places.contains(&place)
        });
        for Write { answer, .. } in passed {
            let _ = answer.send(false);
        }
        writes = rest;
    }
    Ok(())
}

async fn write(batch: &mut Batch, writes: &[Write]) -> Result<(), Failure> {
    for (projection, envelopes) in by_projection(writes) {
        let changes = fold(projection, envelopes).map_err(Failure::Poison)?;
        changes.flush(&mut Tables::gathered(batch)).await.map_err(Failure::of)?;
    }
    batch.commit().await.map_err(Failure::of)
}

/// What `writes` have for each projection, in the order of the log.
fn by_projection(writes: &[Write]) -> Vec<(&dyn Projection, Vec<&Envelope>)> {
    let mut all: BTreeMap<&str, (&dyn Projection, Vec<&Envelope>)> = BTreeMap::new();
    for Write { applier, envelopes, .. } in writes {
        let projection = applier.projection.as_ref();
        all.entry(projection.name()).or_insert_with(|| (projection, Vec::new())).1.extend(envelopes.iter());
    }
    for (_, envelopes) in all.values_mut() {
        envelopes.sort_unstable_by_key(|envelope| envelope.position);
    }
    all.into_values().collect()
}

/// A transaction that begins by moving the checkpoints of `writes`, and makes unqualified names mean tables in `path`.
fn begin(session: Session, path: &str, writes: &[Write]) -> Batch {
    let (mut projections, mut generations, mut partitions) = (Vec::new(), Vec::new(), Vec::new());
    let (mut here, mut there, mut event_positions, mut events) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut counts = Vec::new();
    for Write { applier: Applier { checkpoint, partitions: count, .. }, mark, .. } in writes {
        projections.push(checkpoint.generation.projection.as_str());
        generations.push(checkpoint.generation.generation);
        partitions.push(checkpoint.partition);
        here.push(to_sql(mark.after));
        there.push(to_sql(mark.to));
        event_positions.push(mark.last.map(|(position, _)| to_sql(position)));
        events.push(mark.last.map(|(_, event)| event));
        counts.push(count.map(i64::from));
    }
    Batch::of(session, writes.len(), |values| {
        values.bind(projections).bind(generations).bind(partitions).bind(here).bind(there);
        values.bind(event_positions).bind(events).bind(counts).bind(path);
    })
}
