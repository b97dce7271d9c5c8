//! Hears of every event soon after it was appended, so that what is remembered need not be asked for again.

use std::{
    convert::Infallible,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use souk_domain::id::UserId;
use souk_ports::{EventFeed, FeedError, Position};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::App;

/// How often the end of the log is asked for: silence alone does not tell whether nothing happened.
const ASK: Duration = Duration::from_millis(50);
/// How long to wait before following again after that failed.
const RETRY: Duration = Duration::from_millis(250);

/// Since when, and up to when, this process has heard of every event.
#[derive(Default)]
pub(crate) struct Following(Mutex<Option<Heard>>);

#[derive(Clone, Copy)]
struct Heard {
    since: Instant,
    upto: Instant,
}

impl Following {
    /// Whether a stream that was read at `confirmed`, and of which nothing was heard since, was still the same at most `age` ago.
    pub(crate) fn vouches(&self, confirmed: Instant, age: Duration) -> bool {
        let heard = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.is_some_and(|heard| confirmed >= heard.since && heard.upto.elapsed() <= age)
    }

    fn set(&self, heard: Option<Heard>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = heard;
    }
}

impl App {
    /// Lets this process remember nothing of `user` that was personal.
    pub(crate) async fn forget(&self, user: UserId) {
        self.ports.vault.forget(user).await;
        self.memories.clear_personal();
    }

    /// Follows `feed` for ever, so that remembered facts stay good without being read again. It must bring every event, in the
    /// log's order: one of several partitions is not followed, and facts are read as before.
    pub async fn follow(self, feed: std::sync::Arc<dyn EventFeed>) {
        if feed.partitions() != 1 {
            return;
        }
        loop {
            let Err(error) = self.follow_once(feed.as_ref()).await;
            self.following.set(None);
            tracing::debug!(%error, "not hearing of new events; reading facts again instead");
            sleep(RETRY).await;
        }
    }

    async fn follow_once(&self, feed: &dyn EventFeed) -> Result<Infallible, FeedError> {
        let mut heard = self.ports.log.head().await?;
        // What is read from now on has everything that is not going to be heard.
        let since = Instant::now();
        let mut batches = feed.subscribe(0, heard).await?;
        let mut asked: (Instant, Position) = (since, heard);
        let mut ticks = interval(ASK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                batch = batches.next() => {
                    let batch = batch?;
                    for event in &batch.events {
                        self.memories.hear(event.stream, event.position);
                        match event.event_type.as_str() {
                            "user.erasure_requested" => self.is_going(UserId::new(event.stream.uuid)),
                            // The key is gone already.
                            "user.erased" => self.forget(UserId::new(event.stream.uuid)).await,
                            _ => {}
                        }
                    }
                    heard = heard.max(batch.upto);
                }
                // Not before the last answer was reached, or one who is always a little behind would never get there.
                _ = ticks.tick(), if heard >= asked.1 => {
                    let now = Instant::now();
                    asked = (now, self.ports.log.head().await?);
                }
            }
            if heard >= asked.1 {
                self.following.set(Some(Heard { since, upto: asked.0 }));
            }
        }
    }
}
