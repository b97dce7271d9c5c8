//! Subscriptions.

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt};
use kurrentdb::{Position as Place, StreamPosition, SubscribeToAllOptions, Subscription, SubscriptionEvent};
use souk_ports::{LogError, Position, RecordedEvent};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};
use tracing::info;

use crate::{
    client::{Current, Supervisor, in_time},
    error::Trouble,
    event::recorded,
    read::{nowhere, place, streams_of},
};

/// Events that wait for their reader.
const AHEAD: usize = 1_000;
/// Events in one batch.
const BATCH: usize = 500;

type Given = Result<RecordedEvent, LogError>;
type Batches = BoxStream<'static, Result<Vec<RecordedEvent>, LogError>>;

/// Batches of events behind `after`, for ever. A broken subscription is taken up again where it was, which is the last event
/// or the last checkpoint: behind a checkpoint the server looks at no record a second time.
pub async fn subscribe(supervisor: Arc<Supervisor>, after: Position) -> Result<Batches, LogError> {
    let mut follower = Follower { supervisor, at: None, after };
    if after > 0 {
        let Some(place) = place(after) else { return Ok(stream::pending().boxed()) };
        follower.at = Some(place);
    }
    let subscribed = follower.resubscribe().await.map_err(|trouble| nowhere(after, trouble))?;
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        tokio::select! {
            () = follower.run(subscribed, &sender) => {}
            () = sender.closed() => {}
        }
    });
    Ok(stream::unfold(Some(receiver), |receiver| async move { batch(receiver?).await }).boxed())
}

/// The events that wait, or the next one; an error ends it.
async fn batch(
    mut receiver: mpsc::Receiver<Given>,
) -> Option<(Result<Vec<RecordedEvent>, LogError>, Option<mpsc::Receiver<Given>>)> {
    let mut given = Vec::new();
    if receiver.recv_many(&mut given, BATCH).await == 0 {
        let error = LogError::Unavailable("the subscription ended".to_owned());
        return Some((Err(error), None));
    }
    let (mut events, mut failed) = (Vec::with_capacity(given.len()), None);
    for event in given {
        match event {
            Ok(event) => events.push(event),
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        None => Some((Ok(events), Some(receiver))),
        Some(error) if events.is_empty() => Some((Err(error), None)),
        // The error is last, so the channel is empty and closed; the next call says that it ended.
        Some(_) => Some((Ok(events), Some(receiver))),
    }
}

/// Follows the log, and remembers how far it came.
struct Follower {
    supervisor: Arc<Supervisor>,
    at: Option<Place>,
    after: Position,
}

impl Follower {
    async fn open(&self, current: &Current) -> Result<Subscription, Trouble> {
        let options = SubscribeToAllOptions::default().filter(streams_of(&[])).requires_leader(true);
        let options = options.position(self.at.map_or(StreamPosition::Start, StreamPosition::Position));
        let options = match &self.supervisor.settings.authentication {
            Some(authentication) => options.authenticated(authentication.clone()),
            None => options,
        };
        let mut subscription = current.client.subscribe_to_all(&options).await;
        // A server confirms before anything else.
        in_time(self.supervisor.options.deadline, subscription.next_subscription_event()).await?;
        Ok(subscription)
    }

    /// Subscribes, again until there is a server or patience is over.
    async fn resubscribe(&self) -> Result<(Subscription, Current), Trouble> {
        let end = Instant::now() + self.supervisor.options.patience;
        let mut tries: u32 = 0;
        loop {
            let current = self.supervisor.client().await?;
            match self.open(&current).await {
                Ok(subscription) => return Ok((subscription, current)),
                Err(trouble @ Trouble::Lost { .. }) if Instant::now() >= end => return Err(trouble),
                Err(Trouble::Lost { .. }) => self.supervisor.replace(&current),
                Err(trouble) => return Err(trouble),
            }
            sleep(self.supervisor.wait(tries)).await;
            tries += 1;
        }
    }

    async fn run(&mut self, mut subscribed: (Subscription, Current), sender: &mpsc::Sender<Given>) {
        loop {
            let trouble = match self.follow(&mut subscribed.0, sender).await {
                Ok(()) => return,
                Err(trouble) => trouble,
            };
            info!(?trouble, after = self.after, "a subscription broke and is taken up again");
            subscribed = match self.resubscribe().await {
                Ok(subscribed) => subscribed,
                Err(trouble) => return drop(sender.send(Err(nowhere(self.after, trouble))).await),
            };
        }
    }

    /// Passes events on until the subscription breaks; ends well when nobody reads them or one cannot be read.
    async fn follow(&mut self, subscription: &mut Subscription, sender: &mpsc::Sender<Given>) -> Result<(), Trouble> {
        loop {
            match subscription.next_subscription_event().await? {
                SubscriptionEvent::EventAppeared(event) => {
                    let Some(event) = event.event else { continue };
                    self.at = Some(event.position);
                    let given = match recorded(event) {
                        Ok(None) => continue,
                        Ok(Some(event)) if event.position <= self.after => continue,
                        Ok(Some(event)) => {
                            self.after = event.position;
                            Ok(event)
                        }
                        Err(error) => Err(error),
                    };
                    let last = given.is_err();
                    if sender.send(given).await.is_err() || last {
                        return Ok(());
                    }
                }
                SubscriptionEvent::Checkpoint(place) => self.at = Some(place),
                _ => {}
            }
        }
    }
}
