//! Membership in a consumer group: which partitions of a topic belong to this process. Nothing is read through it.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rdkafka::{
    ClientContext,
    consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance},
    error::KafkaError,
};
use tokio::sync::watch;

use crate::{KafkaFeedError, Settings, client};

/// How long a member that fell silent keeps its partitions. Brokers allow no less than 6 s unless told to.
const SESSION_MS: &str = "8000";

/// A member, until it is dropped.
pub struct Member {
    assigned: watch::Receiver<BTreeSet<u32>>,
    leave: Arc<AtomicBool>,
}

impl Member {
    /// Joins `group` for `topic`; returns at once, with nothing assigned yet.
    pub fn join(settings: &Settings, group: &str, topic: &str) -> Result<Self, KafkaFeedError> {
        let mut config = client::config(settings)?;
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "latest")
            .set("session.timeout.ms", SESSION_MS)
            .set("heartbeat.interval.ms", "1500")
            // Whoever has a partition keeps it when others come.
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("queued.max.messages.kbytes", "64")
            .set("fetch.message.max.bytes", "1024");
        let (sender, assigned) = watch::channel(BTreeSet::new());
        let failed = |error: &KafkaError| KafkaFeedError::of(&format!("group `{group}`"), &settings.brokers, error);
        let context = Context { topic: topic.to_owned(), assigned: sender };
        let consumer: BaseConsumer<Context> = config.create_with_context(context).map_err(|error| failed(&error))?;
        consumer.subscribe(&[topic]).map_err(|error| failed(&error))?;
        let leave = Arc::new(AtomicBool::new(false));
        let (stop, group) = (Arc::clone(&leave), group.to_owned());
        let spawned = std::thread::Builder::new().name("souk-kafka-group".to_owned()).spawn(move || {
            while !stop.load(Ordering::Acquire) {
                if let Some(Err(error)) = consumer.poll(Duration::from_millis(100)) {
                    tracing::debug!(group, %error, "a consumer group");
                }
            }
            consumer.context().assigned.send_replace(BTreeSet::new());
        });
        spawned.map_err(|error| KafkaFeedError::Setting(format!("a thread cannot be started: {error}")))?;
        Ok(Self { assigned, leave })
    }

    /// The partitions that are this member's, as they change.
    pub fn assigned(&self) -> watch::Receiver<BTreeSet<u32>> {
        self.assigned.clone()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // Leaving takes a moment; the thread does it.
        self.leave.store(true, Ordering::Release);
    }
}

struct Context {
    topic: String,
    assigned: watch::Sender<BTreeSet<u32>>,
}

impl ClientContext for Context {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(topic = self.topic, %error, reason, "a member of a group");
    }
}

impl ConsumerContext for Context {
    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(given) = rebalance {
            // Only to be a member: what is in the partitions is read elsewhere.
            let _ = consumer.pause(given);
        }
        let Ok(list) = consumer.assignment() else { return };
        let elements = list.elements_for_topic(&self.topic);
        let now = elements.iter().filter_map(|element| u32::try_from(element.partition()).ok()).collect();
        self.assigned.send_if_modified(|assigned| {
            let changed = *assigned != now;
            if changed {
                tracing::info!(topic = self.topic, before = ?assigned, ?now, "partitions of this process");
                *assigned = now;
            }
            changed
        });
    }
}
