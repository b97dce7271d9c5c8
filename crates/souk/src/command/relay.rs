//! `souk relay`

use std::sync::Arc;

use async_trait::async_trait;
use souk_feed_kafka::RelayStatus;
use tokio::sync::watch;

use crate::{
    config::{Config, FeedKind},
    failure::Failure,
    process::{Condition, Process},
    wire::Base,
};

/// Copies events from the log to Kafka, and does nothing else, until SIGTERM.
///
/// # Errors
/// There is nothing to relay, or the database or the log cannot be had.
pub async fn run(config: &Config) -> Result<(), Failure> {
    let process = Process::begin("relay", config).await?;
    if config.events.feed == FeedKind::Log {
        return Err(Failure::new(
            "there is nothing to relay: the feed is read straight from the log (events.feed = \"log\"). Without Kafka no \
             souk relay is needed",
        ));
    }
    let Some(base) = process.unless_stopped(Base::open(config)).await? else { return Ok(()) };
    let relaying = base.relay(config).await;
    let relayed = match relaying {
        Ok(Some((relaying, status))) => {
            process.run(Arc::new(Relaying { status })).await;
            relaying.stop().await;
            Ok(())
        }
        Ok(None) => Ok(()),
        Err(failure) => Err(failure),
    };
    base.close().await?;
    relayed
}

/// How relaying goes.
struct Relaying {
    status: watch::Receiver<RelayStatus>,
}

#[async_trait]
impl Condition for Relaying {
    /// It leads or stands by, and nothing is in its way.
    async fn ready(&self) -> Result<(), String> {
        self.status.borrow().trouble.clone().map_or(Ok(()), Err)
    }

    #[expect(clippy::cast_precision_loss, reason = "positions stay far below 2^52, and a gauge is a float")]
    async fn measure(&self) {
        let RelayStatus { leading, position, trouble, .. } = self.status.borrow().clone();
        metrics::gauge!("souk_relay_leading").set(if leading { 1.0 } else { 0.0 });
        metrics::gauge!("souk_relay_position").set(position as f64);
        metrics::gauge!("souk_relay_trouble").set(if trouble.is_some() { 1.0 } else { 0.0 });
    }
}
