//! What every operation works with.

use std::{
    ops::Deref,
    sync::{Arc, OnceLock},
};

use souk_app::App;
use souk_ports::{
    Keyring, Position,
    store::{Idempotency, ReactionStore},
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{
    control::ProjectionControl, metrics::Metrics, middleware::rate_limit::Limiter,
    operations::system::ready::readiness, reads::Reads, settings::Settings, streams::Streams,
};

/// What the HTTP interface needs from whoever wires it.
pub struct Parts {
    /// The use cases.
    pub app: App,
    /// The read models; see [`crate::ReadModels`].
    pub reads: Arc<dyn Reads>,
    /// Tokens that clients hold.
    pub keyring: Arc<dyn Keyring>,
    /// Records of requests that were sent with an `Idempotency-Key`.
    pub idempotency: Arc<dyn Idempotency>,
    /// Parked events of reactions.
    pub reactions: Arc<dyn ReactionStore>,
    /// The runners and rebuilds of projections.
    pub projections: Arc<dyn ProjectionControl>,
    /// Counters and histograms.
    pub metrics: Metrics,
    /// Ends streams when the process ends.
    pub shutdown: CancellationToken,
    /// What was set.
    pub settings: Settings,
}

/// The state of the HTTP interface; cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

/// What [`Api`] shares.
pub struct Inner {
    pub(crate) app: App,
    pub(crate) reads: Arc<dyn Reads>,
    pub(crate) keyring: Arc<dyn Keyring>,
    pub(crate) idempotency: Arc<dyn Idempotency>,
    pub(crate) reactions: Arc<dyn ReactionStore>,
    pub(crate) projections: Arc<dyn ProjectionControl>,
    pub(crate) metrics: Metrics,
    pub(crate) shutdown: CancellationToken,
    pub(crate) streams: Streams,
    pub(crate) settings: Settings,
    pub(crate) limiter: Option<Limiter>,
    /// A permit for each archive that may be held in memory.
    pub(crate) uploads: Arc<Semaphore>,
    /// Seals stored answers, which can hold tokens and addresses.
    pub(crate) answer_key: [u8; 32],
    /// The log's head when readiness was first asked for: read models that have reached it are caught up.
    pub(crate) first_head: OnceLock<Position>,
}

impl Api {
    /// The interface over `parts`.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { app, reads, keyring, idempotency, reactions, projections, metrics, shutdown, settings } = parts;
        let answer_key = app.ports().vault.derived_secret("idempotency-answers");
        let limiter = settings.rate_limits.map(Limiter::new);
        let uploads = Arc::new(Semaphore::new(settings.uploads_at_once));
        let streams = Streams::new(settings.streams_at_once, settings.stream_bytes_per_second);
        let first_head = OnceLock::new();
        Self(Arc::new(Inner {
            app,
            reads,
            keyring,
            idempotency,
            reactions,
            projections,
            metrics,
            shutdown,
            streams,
            settings,
            limiter,
            uploads,
            answer_key,
            first_head,
        }))
    }

    /// Whether Souk can serve: the log and the read models answer, and the read models have caught up once since the start.
    pub async fn is_ready(&self) -> bool {
        readiness(self).await.is_ok()
    }
}

impl Deref for Api {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
