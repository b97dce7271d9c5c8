//! Moving the checkpoints of partitions in which nothing happens.
//!
//! Whenever an event goes to one partition, all others learn that they are complete up to it. A transaction for each of them,
//! projection by projection, would cost more than the events do; so they are gathered for a moment and written in one.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use souk_ports::Position;
use sqlx::PgPool;
use tokio::{sync::Notify, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    Wake,
    checkpoint::{Checkpoint, from_sql, to_sql},
};

/// How long watermarks are gathered; part of the time that a write takes to become visible.
const GATHER: Duration = Duration::from_millis(5);

/// A checkpoint that may move without an event.
#[derive(Clone)]
struct Pending {
    generation: i32,
    from: Position,
    to: Position,
    reached: Arc<AtomicU64>,
}

/// Watermarks that wait to be written, by projection and partition.
pub(crate) struct Watermarks {
    pending: Mutex<HashMap<(String, i32), Pending>>,
    came: Notify,
    wake: Wake,
}

impl Watermarks {
    pub fn new(wake: Wake) -> Self {
        Self { pending: Mutex::default(), came: Notify::new(), wake }
    }

    /// Asks for `checkpoint` to move from `from` to `to`; where it then is, `reached` says.
    pub fn ask(&self, checkpoint: &Checkpoint, from: Position, to: Position, reached: &Arc<AtomicU64>) {
        let key = (checkpoint.generation.projection.clone(), checkpoint.partition);
        let pending = Pending { generation: checkpoint.generation.generation, from, to, reached: Arc::clone(reached) };
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).insert(key, pending);
        self.came.notify_one();
    }

    /// Writes what is asked for, until `cancel`.
    pub async fn run(&self, pool: &PgPool, cancel: &CancellationToken) {
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = self.came.notified() => {}
            }
            sleep(GATHER).await;
            let asked = std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
            // What fails, or is locked at this moment, is asked for again when its follower looks.
            match write(pool, &asked).await {
                Ok(0) => {}
                Ok(_) => self.wake.all_moved(),
                Err(error) => tracing::debug!(%error, "watermarks could not be written and are tried again"),
            }
        }
    }
}

/// Moves the checkpoints that are where they were; how many.
async fn write(pool: &PgPool, asked: &HashMap<(String, i32), Pending>) -> Result<usize, sqlx::Error> {
    let (mut projections, mut partitions, mut generations) = (Vec::new(), Vec::new(), Vec::new());
    let (mut from, mut to) = (Vec::new(), Vec::new());
    for ((projection, partition), pending) in asked {
        projections.push(projection.as_str());
        partitions.push(*partition);
        generations.push(pending.generation);
        from.push(to_sql(pending.from));
        to.push(to_sql(pending.to));
    }
    let mut tx = souk_transaction::begin(pool).await?;
    sqlx::query("SELECT set_config('synchronous_commit', 'off', true)").execute(&mut *tx).await?;
    let moved: Vec<(String, i32, i64)> = sqlx::query_as(include_str!("sql/move_watermarks.sql"))
        .bind(projections)
        .bind(generations)
        .bind(partitions)
        .bind(from)
        .bind(to)
        .fetch_all(&mut *tx)
        .await?;
    tx.commit().await?;
    let count = moved.len();
    for (projection, partition, position) in moved {
        if let Some(pending) = asked.get(&(projection, partition)) {
            pending.reached.fetch_max(from_sql(position), Ordering::AcqRel);
        }
    }
    Ok(count)
}
