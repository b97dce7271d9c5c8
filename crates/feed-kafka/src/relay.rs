//! The side that writes.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::StreamExt;
use souk_ports::{EventLog, Position, RecordedEvent};
use tokio::{
    sync::{mpsc, watch},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::{
    KafkaFeedError, Settings,
    client::blocking,
    member::Member,
    session::{Control, Session},
    topics,
};

/// The pause after a failure: the first, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How long a relay that was fenced, or needs an operator, waits before it tries again.
const LONG_PAUSE: Duration = Duration::from_secs(10);
/// Bytes of data and metadata that a transaction takes at most, and one event more.
const MAX_BYTES: usize = 8 << 20;

/// Where a relay stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelayStatus {
    /// Whether it relays, or stands by.
    pub leading: bool,
    /// How often it began to lead.
    pub terms: u64,
    /// The last position that it committed or found.
    pub position: Position,
    /// Why it does not go on, beginning with a name and a colon.
    pub trouble: Option<String>,
}

/// Copies the log to the topic. Any number of processes may run one: a consumer group elects who does it, and the transactions
/// of one who has not noticed that he no longer leads are refused.
pub struct Relay {
    settings: Settings,
    log: Arc<dyn EventLog>,
    status: watch::Sender<RelayStatus>,
}

impl Relay {
    /// A relay of `log`.
    #[must_use]
    pub fn new(settings: Settings, log: Arc<dyn EventLog>) -> Self {
        Self { settings, log, status: watch::Sender::default() }
    }

    /// Where it stands, as it changes. Stays readable when the relay has ended.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<RelayStatus> {
        self.status.subscribe()
    }

    /// Runs until `cancel`; a transaction that was begun is finished first. What goes wrong is logged, told by
    /// [`Relay::status`], and tried again.
    pub async fn run(&self, cancel: CancellationToken) {
        let mut pause = PAUSE.0;
        while !cancel.is_cancelled() {
            let terms = self.status.borrow().terms;
            let ended = self.stand(&cancel).await;
            self.status.send_modify(|status| status.leading = false);
            let Err(error) = ended else { continue };
            if error.needs_operator() {
                tracing::error!(%error, "the relay stops until that is repaired");
            } else {
                tracing::warn!(%error, "the relay pauses and tries again");
            }
            self.status.send_modify(|status| status.trouble = Some(error.to_string()));
            // A try that went well at first starts the pauses from the beginning.
            pause = if self.status.borrow().terms > terms { PAUSE.0 } else { (pause * 2).min(PAUSE.1) };
            let wait =
                if error.needs_operator() || matches!(error, KafkaFeedError::Fenced) { LONG_PAUSE } else { pause };
            tokio::select! {
                () = cancel.cancelled() => {}
                () = sleep(wait) => {}
            }
        }
    }

    /// Stands by, and leads whenever elected.
    async fn stand(&self, cancel: &CancellationToken) -> Result<(), KafkaFeedError> {
        let settings = self.settings.clone();
        blocking(&self.settings.brokers, move || topics::ensure(&settings)).await?;
        let control = self.settings.control();
        // Leaving the group at a failure lets another relay try.
        let member = Member::join(&self.settings, &control, &control)?;
        let mut assigned = member.assigned();
        loop {
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = until(&mut assigned, true) => {}
            }
            let stop = cancel.child_token();
            let mut lost = member.assigned();
            let lead = self.lead(&stop);
            tokio::pin!(lead);
            tokio::select! {
                ended = &mut lead => ended?,
                () = until(&mut lost, false) => {
                    stop.cancel();
                    lead.await?;
                }
            }
            self.status.send_modify(|status| status.leading = false);
            if cancel.is_cancelled() {
                return Ok(());
            }
        }
    }

    /// Relays until `stop`.
    async fn lead(&self, stop: &CancellationToken) -> Result<(), KafkaFeedError> {
        let settings = self.settings.clone();
        let (session, control) = blocking(&self.settings.brokers, move || Session::open(&settings)).await?;
        let after = control.as_ref().map_or(0, |control| control.position);
        if let Some(control) = control {
            verify(self.log.as_ref(), &self.settings.topic, &control).await?;
        }
        tracing::info!(topic = self.settings.topic, position = after, "this process relays the log to Kafka");
        self.status.send_modify(|status| {
            (status.leading, status.position, status.trouble) = (true, after, None);
            status.terms += 1;
        });
        let (sender, batches) = mpsc::channel(8);
        let (status, max) = (self.status.clone(), self.settings.max_batch);
        let mut writing = Box::pin(blocking(&self.settings.brokers, move || write(session, batches, &status, max)));
        let feeding = self.read(after, &sender);
        tokio::select! {
            () = stop.cancelled() => {}
            ended = &mut writing => return ended,
            ended = feeding => ended?,
        }
        // What was handed over is still written.
        drop(sender);
        writing.await
    }

    /// Hands over what the log has behind `after`, for ever.
    async fn read(&self, after: Position, sender: &mpsc::Sender<Vec<RecordedEvent>>) -> Result<(), KafkaFeedError> {
        let mut batches = self.log.subscribe(after).await?;
        while let Some(batch) = batches.next().await {
            if sender.send(batch?).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// A log that was restored from a backup may end before what was relayed, or go on differently.
pub async fn verify(log: &dyn EventLog, topic: &str, control: &Control) -> Result<(), KafkaFeedError> {
    let Control { position, event } = *control;
    let topic = topic.to_owned();
    let head = log.head().await?;
    if position > head {
        return Err(KafkaFeedError::Ahead { topic, position, head });
    }
    match log.read_at(&[position]).await?.first().map(|event| event.id) {
        Some(found) if found == event => Ok(()),
        found => {
            let found = found.map_or_else(|| "none".to_owned(), |id| id.to_string());
            Err(KafkaFeedError::OtherLog { topic, position, event, found })
        }
    }
}

/// Waits until the control topic's only partition is, or is not, this member's. One who is no member any more has none.
async fn until(assigned: &mut watch::Receiver<BTreeSet<u32>>, elected: bool) {
    if assigned.wait_for(|assigned| assigned.contains(&0) == elected).await.is_err() && elected {
        std::future::pending::<()>().await;
    }
}

/// Writes batch after batch, each with what has come meanwhile, until there are no more. Blocks.
fn write(
    mut session: Session,
    mut batches: mpsc::Receiver<Vec<RecordedEvent>>,
    status: &watch::Sender<RelayStatus>,
    max: usize,
) -> Result<(), KafkaFeedError> {
    while let Some(mut events) = batches.blocking_recv() {
        let size = |events: &[RecordedEvent]| -> usize {
            events.iter().map(|event| event.data.len() + event.metadata.len()).sum()
        };
        let mut bytes = size(&events);
        session.rest();
        while events.len() < max && bytes < MAX_BYTES {
            let Ok(more) = batches.try_recv() else { break };
            bytes += size(&more);
            events.extend(more);
        }
        let last = events.last().map(|event| event.position);
        session.relay(&events)?;
        if let Some(position) = last {
            status.send_modify(|status| status.position = position);
            tracing::debug!(position, events = events.len(), "relayed");
        }
    }
    Ok(())
}
