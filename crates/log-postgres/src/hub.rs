//! Wakes subscribers.
//!
//! One task listens for notifications, one asks now and then, and the appender of this process tells at once. All of them
//! only say how far the log has come; subscribers always read it themselves, so a lost or wrong word costs time, not events.

use std::{sync::Arc, time::Duration};

use futures::stream::{self, BoxStream};
use souk_ports::{LogError, Position, RecordedEvent};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::{
    sync::watch,
    task::AbortHandle,
    time::{interval, sleep},
};
use tracing::debug;

use crate::read::Reader;

const CHANNEL: &str = "souk_log";
/// How long a subscriber waits at most for an event whose notification was lost.
const POLL: Duration = Duration::from_millis(250);
/// How long to wait before listening again after that failed.
const RELISTEN: Duration = Duration::from_millis(500);
/// A batch of a subscription has at most so many events,
const BATCH_EVENTS: usize = 1000;
/// and is over once it has so many bytes.
const BATCH_BYTES: usize = 8 << 20;

/// Tells how far the log has come.
#[derive(Clone)]
pub struct Publisher(watch::Sender<Position>);

impl Publisher {
    /// The log has come at least to `head`.
    pub fn reached(&self, head: Position) {
        self.0.send_if_modified(|known| {
            let grown = head > *known;
            if grown {
                *known = head;
            }
            grown
        });
    }
}

/// Knows how far the log has come, about. Its tasks end with it.
pub struct Hub {
    head: Publisher,
    tasks: [AbortHandle; 2],
}

impl Hub {
    pub fn start(reader: Reader, options: &PgConnectOptions, head: Position) -> Self {
        let head = Publisher(watch::Sender::new(head));
        let listening = tokio::spawn(listen(options.clone().application_name("souk log listener"), head.clone()));
        let polling = tokio::spawn(poll(reader, head.clone()));
        Self { head, tasks: [listening.abort_handle(), polling.abort_handle()] }
    }

    pub fn publisher(&self) -> Publisher {
        self.head.clone()
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

async fn listen(options: PgConnectOptions, head: Publisher) {
    loop {
        if let Err(error) = listen_once(&options, &head).await {
            debug!(%error, "not listening for new events; asking for them instead");
        }
        sleep(RELISTEN).await;
    }
}

async fn listen_once(options: &PgConnectOptions, head: &Publisher) -> Result<(), sqlx::Error> {
    // A pool of its own: a listener keeps its connection for ever.
    let pool = PgPoolOptions::new()
        .max_connections(1)
        // The pauses between tries to connect grow to a fifth of this: a server that is back is noticed soon.
        .acquire_timeout(Duration::from_secs(2))
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_lazy_with(options.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        let notification = listener.recv().await?;
        if let Ok(position) = notification.payload().parse() {
            head.reached(position);
        }
    }
}

async fn poll(reader: Reader, head: Publisher) {
    let mut ticks = interval(POLL);
    loop {
        ticks.tick().await;
        if head.0.receiver_count() > 0 {
            match reader.head().await {
                Ok(position) => head.reached(position),
                Err(error) => debug!(%error, "cannot ask for new events"),
            }
        }
    }
}

struct Subscription {
    reader: Reader,
    head: watch::Receiver<Position>,
    /// Keeps the tasks running that `head` hears from.
    _hub: Arc<Hub>,
    after: Position,
    /// Whether all that is said to be there was read: asking for what nobody has heard of mostly finds nothing.
    caught_up: bool,
    limit: usize,
}

/// The events behind `after`, for ever; the stream ends with the first error.
pub fn subscription(
    reader: Reader,
    hub: Arc<Hub>,
    after: Position,
) -> BoxStream<'static, Result<Vec<RecordedEvent>, LogError>> {
    let head = hub.head.0.subscribe();
    let start = Subscription { reader, head, _hub: hub, after, caught_up: false, limit: BATCH_EVENTS };
    Box::pin(stream::unfold(Some(start), |subscription| async move {
        let mut subscription = subscription?;
        match subscription.next().await {
            Ok(batch) => Some((Ok(batch), Some(subscription))),
            Err(error) => Some((Err(error), None)),
        }
    }))
}

impl Subscription {
    async fn next(&mut self) -> Result<Vec<RecordedEvent>, LogError> {
        loop {
            if self.caught_up {
                let after = self.after;
                self.head
                    .wait_for(|head| *head > after)
                    .await
                    .map_err(|_| LogError::Unavailable("nobody watches the log any more".to_owned()))?;
            }
            let batch = self.reader.bounded(self.after, self.limit, BATCH_BYTES).await?;
            self.after = batch.last().map_or(self.after, |last| last.position);
            self.caught_up = *self.head.borrow() <= self.after;
            if !batch.is_empty() {
                self.adapt(&batch);
                return Ok(batch);
            }
        }
    }

    /// Asks for no more than fits: an answer that is cut off costs its connection.
    fn adapt(&mut self, batch: &[RecordedEvent]) {
        let size: usize = batch.iter().map(|event| event.data.len() + event.metadata.len()).sum();
        let fitting = batch.len() * BATCH_BYTES / size.max(1);
        self.limit = fitting.clamp(1, BATCH_EVENTS);
    }
}
