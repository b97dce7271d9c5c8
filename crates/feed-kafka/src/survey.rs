//! Looking from outside how far the relay is, without being one.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rdkafka::{consumer::Consumer, error::KafkaError, groups::GroupInfo, message::Message};
use souk_ports::{EventLog, Filter, Position};

use crate::{
    KafkaFeedError, Settings,
    client::{self, blocking},
    relay::verify,
    seek,
    session::{self, Control},
    topics,
};

const PATIENCE: Duration = Duration::from_secs(10);

/// How far the log is in the topic, and who copies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Up to here the log is in the topic; 0 when nothing of it is.
    pub position: Position,
    /// Where the log ends.
    pub head: Position,
    /// When the last stretch of the log was copied; none when none ever was.
    pub moved_at: Option<DateTime<Utc>>,
    /// When the first event was recorded that is not in the topic; none when all are.
    pub waiting_since: Option<DateTime<Utc>>,
    /// How many relays there are, with those that stand by. One that was killed counts until its session is over.
    pub relays: usize,
    /// From which host the one is connected that leads; none while none is elected.
    pub leader: Option<String>,
}

/// What the relay wrote last of itself, and when.
type Last = (Control, Option<DateTime<Utc>>);

/// What Kafka knows.
struct Told {
    control: Option<Last>,
    relays: usize,
    leader: Option<String>,
}

/// Looks how far `log` is in the topic.
///
/// # Errors
/// Kafka or the log does not answer, or what was copied is not of this log.
pub async fn survey(settings: &Settings, log: &dyn EventLog) -> Result<Survey, KafkaFeedError> {
    let asked = settings.clone();
    let Told { control, relays, leader } = blocking(&settings.brokers, move || ask(&asked)).await?;
    if let Some((control, _)) = &control {
        verify(log, &settings.topic, control).await?;
    }
    let (position, moved_at) = control.map_or((0, None), |(control, at)| (control.position, at));
    let waiting = log.read_all(position, &Filter::default(), 1).await?;
    let waiting_since = waiting.first().map(|event| event.recorded_at);
    // Last, so that nothing is ahead of it.
    let head = log.head().await?;
    Ok(Survey { position, head, moved_at, waiting_since, relays, leader })
}

/// Blocks.
fn ask(settings: &Settings) -> Result<Told, KafkaFeedError> {
    let name = settings.control();
    let failed = |error: &KafkaError| KafkaFeedError::of(&format!("group `{name}`"), &settings.brokers, error);
    let groups = client::reader(settings)?.fetch_group_list(Some(&name), PATIENCE).map_err(|error| failed(&error))?;
    let group = groups.groups().iter().find(|group| group.name() == name);
    let (relays, leader) = group.map_or((0, None), |group| (group.members().len(), leader(group)));
    Ok(Told { control: control(settings)?, relays, leader })
}

fn leader(group: &GroupInfo) -> Option<String> {
    let elected = group.members().iter().find(|member| member.assignment().is_some_and(has_partitions));
    elected.map(|member| member.client_host().trim_start_matches('/').to_owned())
}

/// Whether an assignment of Kafka's consumer protocol names a topic: behind two bytes of a version, four bytes count them.
fn has_partitions(assignment: &[u8]) -> bool {
    assignment.get(2..6).is_some_and(|count| count.iter().any(|byte| *byte > 0))
}

fn control(settings: &Settings) -> Result<Option<Last>, KafkaFeedError> {
    let name = settings.control();
    let read = || {
        seek::last(settings, &name, |message| {
            let at = message.timestamp().to_millis().and_then(DateTime::from_timestamp_millis);
            session::control(message).map(|control| (control, at))
        })
    };
    if !topics::check(settings, &name, 1)? {
        return Ok(None);
    }
    let found = read()?;
    if found.is_some() || !topics::check(settings, &settings.topic, settings.partitions)? {
        return Ok(found);
    }
    // A relay may have begun in between: both are written at once.
    let begun = seek::has_events(settings)?;
    let found = read()?;
    if begun && found.is_none() {
        let (topic, brokers) = (settings.topic.clone(), settings.brokers.clone());
        return Err(KafkaFeedError::ControlLost { control: name, topic, brokers });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::has_partitions;

    #[test]
    fn who_leads_has_the_only_partition() {
        assert!(!has_partitions(&[]) && !has_partitions(&[0, 1, 0, 0, 0, 0, 255, 255, 255, 255]));
        let elected = [&[0, 1, 0, 0, 0, 1, 0, 2][..], b"t.", &[0, 0, 0, 1, 0, 0, 0, 0, 255, 255, 255, 255]].concat();
        assert!(has_partitions(&elected));
    }
}
