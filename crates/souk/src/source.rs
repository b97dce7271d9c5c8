//! Which log and which feed a database goes with: a process that was told something else by mistake would write where nobody
//! reads, or fold another log's events into the read models.

use souk_store_postgres::{EventSource, PostgresStore};

use crate::{
    config::{Config, FeedKind, LogKind},
    failure::Failure,
};

/// What the configuration says.
pub fn configured(config: &Config) -> EventSource {
    let log = match config.events.log {
        LogKind::Postgres => "postgres",
        LogKind::KurrentDb => "kurrentdb",
    };
    let feed = match config.events.feed {
        FeedKind::Log => "log",
        FeedKind::Kafka => "kafka",
    };
    let partitions = i32::try_from(config.partitions()).unwrap_or(i32::MAX);
    EventSource { log: log.to_owned(), feed: feed.to_owned(), partitions }
}

/// Begins the database with what the configuration says, or holds that against what it was begun with.
///
/// # Errors
/// They differ, or the database cannot be reached. `migrating` may differ in the feed.
pub async fn agree(config: &Config, store: &PostgresStore, migrating: bool) -> Result<(), Failure> {
    let now = configured(config);
    let then = store.begin_with_events(&now).await.map_err(Failure::new)?;
    if now.log != then.log {
        return Err(Failure::new(format!(
            "events.log is {:?}, but what is in this database belongs to a log in {:?}: set events.log = {:?}, or begin with an \
             empty database",
            now.log, then.log, then.log
        )));
    }
    if now != then && !migrating {
        return Err(Failure::new(format!(
            "the configuration says events.feed = {:?} with {} partitions, but this database's read models follow {:?} with {}: \
             set it back (events.feed, kafka.partitions), or change over: end every process of Souk once the read models have \
             caught up, run `souk migrate` with the new configuration, and start them again",
            now.feed, now.partitions, then.feed, then.partitions
        )));
    }
    Ok(())
}
