//! Tasks in the background, and their orderly end.

use std::{future::Future, sync::Arc, time::Duration};

use souk_ports::{
    Clock,
    store::{Idempotency, Outputs, StoreError},
};
use souk_store_postgres::PostgresStore;
use tokio_util::sync::CancellationToken;

use crate::system::SystemClock;

/// How long the answer to a request with an `Idempotency-Key` can be asked for again.
const ANSWERS_KEPT: Duration = Duration::from_secs(48 * 3600);
/// How long outputs of executions are kept.
const OUTPUTS_KEPT: Duration = Duration::from_secs(24 * 3600);
/// How often what has had its time is forgotten.
const UPKEEP: Duration = Duration::from_secs(3600);

/// A task in the background.
pub struct Workers {
    task: tokio::task::JoinHandle<()>,
    cancel: CancellationToken,
}

impl Workers {
    /// Starts `work`, which ends in order soon after `cancel`.
    pub fn new(work: impl Future<Output = ()> + Send + 'static, cancel: CancellationToken) -> Self {
        Self { task: tokio::spawn(work), cancel }
    }

    /// Ends it in order: what it has begun is finished.
    pub async fn stop(self) {
        self.cancel.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "a background task ended badly");
        }
    }
}

/// Starts to forget what has had its time: answers kept for repeated requests, and logins that are over. Several processes
/// that do so are no harm.
pub fn keep_house(store: Arc<PostgresStore>) -> Workers {
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let work = async move {
        let mut every = tokio::time::interval(UPKEEP);
        loop {
            tokio::select! {
                _ = every.tick() => {}
                () = stop.cancelled() => return,
            }
            let forgotten = async {
                Ok::<_, StoreError>((
                    store.prune(ANSWERS_KEPT).await?,
                    store.prune_logins(SystemClock.now()).await?,
                    store.forget_outputs(OUTPUTS_KEPT).await?,
                ))
            };
            match forgotten.await {
                Ok((answers, logins, outputs)) => tracing::debug!(answers, logins, outputs, "forgot what had its time"),
                Err(error) => tracing::warn!(%error, "what had its time could not be forgotten"),
            }
        }
    };
    Workers::new(work, cancel)
}
