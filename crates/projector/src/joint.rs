//! Small writes of several read models in one transaction.
//!
//! An event changes several read models. Each has a follower of its own in each partition, and a transaction of its own costs more than
//! what is written in it, when that is little. So followers hand small writes to one task, which writes what came meanwhile together:
//! what partitions have for one read model is folded as one. When anything of it is refused, nothing is written, and every follower
//! writes by itself: then only the one that is refused stops.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

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
    memo::Envelopes,
};

/// As many writes as one transaction takes.
const TOGETHER: usize = 64;
/// How long nothing is written together once no session could be had, and once the role may not have one.
const REST: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(600));
/// What PostgreSQL calls that.
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// What a follower wants written.
struct Write {
    applier: Applier,
    mark: Mark,
    envelopes: Envelopes,
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
    pub async fn write(&self, applier: &Applier, mark: Mark, envelopes: Envelopes) -> Option<bool> {
        let (answer, answered) = oneshot::channel();
        let write = Write { applier: applier.clone(), mark, envelopes, answer };
        self.writes.send(write).await.ok()?;
        answered.await.ok()
    }
}

async fn run(pool: PgPool, mut handed: mpsc::Receiver<Write>) {
    let (mut writes, mut schemas) = (Vec::new(), BTreeMap::new());
    let (mut session, mut rested) = (None, None::<Instant>);
    while handed.recv_many(&mut writes, TOGETHER).await > 0 {
        // Those who follow the same feed heard of the same event a moment ago.
        yield_now().await;
        while writes.len() < TOGETHER {
            let Ok(write) = handed.try_recv() else { break };
            writes.push(write);
        }
        let mut writes = std::mem::take(&mut writes);
        once(&mut writes);
        // Who waits for an answer and gets none finds out alone what is wrong.
        if !learn(&mut schemas, &writes) || rested.is_some_and(|at| Instant::now() < at) {
            continue;
        }
        session = match session {
            Some(session) => Session::fit(session).await,
            None => None,
        };
        if session.is_none() {
            match Session::open(&pool).await {
                Ok(opened) => (session, rested) = (Some(opened), None),
                Err(error) => {
                    rested = Some(Instant::now() + rest(&error));
                    continue;
                }
            }
        }
        let path = schemas.values().map(String::as_str).collect::<Vec<_>>().join(",");
        if let Err(failure) = write_all(&mut session, &path, writes).await {
            tracing::debug!(?failure, "what was to be written together is written one by one");
        }
    }
}

/// How long to rest after `error`.
fn rest(error: &sqlx::Error) -> Duration {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    if code.as_deref() == Some(INSUFFICIENT_PRIVILEGE) {
        tracing::warn!(%error, "read models are written one by one, which takes longer: GRANT TEMPORARY on the database to this role");
        REST.1
    } else {
        tracing::debug!(%error, "read models are written one by one for a moment");
        REST.0
    }
}

/// Leaves out the writes of checkpoints that an earlier one moves. A partition that was taken away and given back has two followers for a
/// moment, who may both have read the same events behind the same place.
fn once(writes: &mut Vec<Write>) {
    let mut seen = BTreeSet::new();
    writes.retain(|Write { applier: Applier { checkpoint, .. }, .. }| {
        let Generation { projection, generation, .. } = &checkpoint.generation;
        seen.insert((projection.clone(), *generation, checkpoint.partition))
    });
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
        *session = unused;
        let Some(places) = in_place.filter(|places| places.len() < writes.len()) else {
            written?;
            for Write { answer, .. } in writes {
                // A follower that was cancelled does not wait any more.
                let _ = answer.send(true);
            }
            return Ok(());
        };
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
fn by_projection(writes: &[Write]) -> Vec<(&dyn Projection, Vec<&Arc<Envelope>>)> {
    let mut all: BTreeMap<&str, (&dyn Projection, Vec<&Arc<Envelope>>)> = BTreeMap::new();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Changes, checkpoint::Checkpoint};

    struct Nothing;

    impl Projection for Nothing {
        fn name(&self) -> &'static str {
            "nothing"
        }
        fn schema_sql(&self) -> &'static str {
            ""
        }
        fn index_sql(&self) -> &'static str {
            ""
        }
        fn tables(&self) -> &'static [&'static str] {
            &[]
        }
        fn begin(&self) -> Box<dyn Changes> {
            unreachable!("nothing is folded")
        }
    }

    fn write(partition: i32) -> (Write, oneshot::Receiver<bool>) {
        let (projection, schema) = ("nothing".to_owned(), "nothing_1".to_owned());
        let generation = Generation { projection, generation: 1, schema, version: 1, skipped: BTreeSet::new() };
        let applier = Applier {
            pool: PgPool::connect_lazy("postgres://nobody@localhost/none").unwrap(),
            projection: Arc::new(Nothing),
            checkpoint: Checkpoint { generation, partition },
            live: true,
            partitions: None,
            skipped: BTreeSet::new(),
            joint: None,
            memo: None,
        };
        let (answer, answered) = oneshot::channel();
        (Write { applier, mark: Mark { after: 3, to: 5, last: None }, envelopes: Arc::new([]), answer }, answered)
    }

    #[tokio::test]
    async fn a_checkpoint_is_moved_once_in_a_transaction() {
        let (first, mut of_first) = write(0);
        let (other, mut of_other) = write(1);
        let (second, of_second) = write(0);
        let mut writes = vec![first, other, second];
        once(&mut writes);
        let partitions: Vec<i32> = writes.iter().map(|write| write.applier.checkpoint.partition).collect();
        assert_eq!(partitions, [0, 1]);
        assert!(of_second.await.is_err(), "it has to be tried alone");
        assert!(of_first.try_recv() == Err(oneshot::error::TryRecvError::Empty) && of_other.try_recv().is_err());
    }
}
