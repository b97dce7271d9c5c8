//! `souk relay`

use crate::{
    config::{Config, FeedKind},
    failure::Failure,
    process::Process,
};

/// Copies events from the log to Kafka, and does nothing else, until SIGTERM.
///
/// # Errors
/// There is nothing to relay.
pub async fn run(config: &Config) -> Result<(), Failure> {
    let _process = Process::begin("relay", config).await?;
    match config.events.feed {
        FeedKind::Log => Err(Failure::new(
            "there is nothing to relay: the feed is read straight from the log (events.feed = \"log\"). Without Kafka no \
             souk relay is needed",
        )),
        FeedKind::Kafka => Err(Failure::new("this Souk has no feed through Kafka")),
    }
}
