//! `souk relay`

use crate::{
    config::{Config, FeedKind},
    failure::Failure,
    process::Process,
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
    base.close().await?;
    Err(Failure::new("this Souk has no feed through Kafka"))
}
