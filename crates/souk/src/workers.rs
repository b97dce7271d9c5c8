//! Tasks in the background, and their orderly end.

use std::{future::Future, sync::Arc, time::Duration};

use souk_app::{
    App,
    notices::{Posted, post_due},
    partners, schedule, traffic,
};
use souk_ports::{
    Clock, Notices,
    partner::PartnerStore,
    store::{Idempotency, Outputs, StoreError, WebhookBodies},
};
use souk_store_postgres::PostgresStore;
use tokio_util::sync::CancellationToken;

use crate::system::SystemClock;

/// How long the answer to a request with an `Idempotency-Key` can be asked for again.
const ANSWERS_KEPT: Duration = Duration::from_secs(48 * 3600);
/// How long outputs of executions are kept.
const OUTPUTS_KEPT: Duration = Duration::from_secs(24 * 3600);
/// How long what payment gateways sent is kept: longer than any dispute about a payment can be opened.
const WEBHOOKS_KEPT: Duration = Duration::from_secs(180 * 24 * 3600);
/// How long notices and the record of their mails are kept: longer than any event is still told (30 days), or one that is answered
/// again would be mailed again.
const NOTICES_KEPT: Duration = Duration::from_secs(180 * 24 * 3600);
/// How often somebody looks for mails that wait.
const POST: Duration = Duration::from_secs(2);
/// How often while the store does not answer.
const POST_RETRY: Duration = Duration::from_secs(15);
/// How long attempts to call webhooks of partners are kept.
const DELIVERIES_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// How often somebody looks for what is due. A license that is over is refused at once; this only records it.
const DUE: Duration = Duration::from_secs(30);
/// How often looks at pages are written down. A process that crashes loses those since the last time.
const COUNTED: Duration = Duration::from_secs(60);
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
                    store.forget_bodies(WEBHOOKS_KEPT).await?,
                    store.forget_notices(NOTICES_KEPT).await?,
                    store.forget_deliveries(DELIVERIES_KEPT).await?,
                ))
            };
            match forgotten.await {
                Ok((answers, logins, outputs, webhooks, notices, deliveries)) => {
                    tracing::debug!(
                        answers,
                        logins,
                        outputs,
                        webhooks,
                        notices,
                        deliveries,
                        "forgot what had its time"
                    );
                }
                Err(error) => tracing::warn!(%error, "what had its time could not be forgotten"),
            }
        }
    };
    Workers::new(work, cancel)
}

/// Starts to do what is due: licenses that end, subscriptions that are billed or over. Several processes that do so are no harm: each
/// thing is decided once.
pub fn keep_time(app: App) -> Workers {
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let work = async move {
        let mut every = tokio::time::interval(DUE);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = every.tick() => {}
                () = stop.cancelled() => return,
            }
            match schedule::run_due(&app).await {
                Ok(ran) if ran.anything() => tracing::info!(?ran, "did what was due"),
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "what is due was not done; trying again"),
            }
        }
    };
    Workers::new(work, cancel)
}

/// Starts to call the webhooks of partners. Several processes that do so share them.
pub fn call_webhooks(app: App) -> Workers {
    let cancel = CancellationToken::new();
    Workers::new(partners::deliver::run(app, cancel.clone()), cancel)
}

/// Starts to write down how often pages were looked at; also once more when it ends.
pub fn keep_count(app: App) -> Workers {
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let work = async move {
        loop {
            let over = stop.run_until_cancelled(tokio::time::sleep(COUNTED)).await.is_none();
            match traffic::write_down(&app).await {
                Ok(views) => tracing::debug!(views, "wrote down looks at pages"),
                Err(error) => tracing::warn!(%error, "looks at pages were not written down"),
            }
            if over {
                return;
            }
        }
    };
    Workers::new(work, cancel)
}

/// Starts to send the mails that wait. Several processes that do so share them: each mail is claimed by one.
pub fn post(app: App) -> Workers {
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let work = async move {
        if app.ports().post.is_none() {
            return stop.cancelled().await;
        }
        while !stop.is_cancelled() {
            // What is under way is finished: a mail that was cut off is sent a second time.
            let pause = match post_due(&app).await {
                Ok(posted) if posted.any() => {
                    count(posted);
                    Duration::ZERO
                }
                Ok(_) => POST,
                Err(error) => {
                    tracing::warn!(%error, "mails that wait were not sent; trying again");
                    POST_RETRY
                }
            };
            stop.run_until_cancelled(tokio::time::sleep(pause)).await;
        }
    };
    Workers::new(work, cancel)
}

fn count(posted: Posted) {
    let Posted { sent, later, failed, dropped, erased, lost } = posted;
    tracing::debug!(sent, later, failed, dropped, erased, lost, "worked off mails");
    if failed > 0 {
        tracing::error!(failed, "mails were given up: see GET /api/v1/admin/mail?state=failed");
    }
    for (outcome, times) in
        [("sent", sent), ("later", later), ("failed", failed), ("dropped", dropped), ("erased", erased), ("lost", lost)]
    {
        metrics::counter!("souk_mails_total", "outcome" => outcome).increment(times);
    }
}
