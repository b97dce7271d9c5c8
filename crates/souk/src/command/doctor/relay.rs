//! What copies the log to Kafka.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use souk_feed_kafka::Survey;
use souk_ports::Clock;

use crate::{config::Config, output::say, system::SystemClock, wire::Souk};

/// How long Kafka has to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// A relay that copied nothing for so long, though something waits, does not copy. Another one has taken over long before from one that
/// was killed.
const SLOW: TimeDelta = TimeDelta::seconds(30);

/// The relay.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Relay {
    /// Up to here the log is in Kafka.
    position: u64,
    lag: u64,
    /// When it last copied something.
    moved_at: Option<DateTime<Utc>>,
    /// Since when an event waits to be copied.
    waiting_since: Option<DateTime<Utc>>,
    /// Those that run, also to stand by.
    running: usize,
    /// The host of the one that copies.
    leader: Option<String>,
}

/// Whether Kafka answers, and how far the log is in it; what there is to do about it goes to `problems`.
pub async fn examine(config: &Config, souk: &Souk, problems: &mut Vec<String>) -> Option<Relay> {
    let silent = |_| {
        "Kafka does not answer, or no souk relay has made the topic yet: see kafka.brokers, and start souk relay"
            .to_owned()
    };
    let told = async {
        let feed = tokio::time::timeout(PATIENCE, souk.feed(config, false)).await.map_err(silent)?;
        feed.map_err(|failure| failure.to_string())?;
        let survey = tokio::time::timeout(PATIENCE, souk.survey_relay(config)).await.map_err(silent)?;
        survey.map_err(|error| error.to_string())
    };
    match told.await {
        Ok(survey) => {
            problems.extend(trouble(&survey, SystemClock.now()));
            Some(Relay::of(survey))
        }
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

fn trouble(survey: &Survey, now: DateTime<Utc>) -> Option<String> {
    let Survey { position, head, moved_at, waiting_since, relays, leader } = survey;
    let lag = head.saturating_sub(*position);
    if *relays == 0 {
        return Some(format!(
            "no souk relay runs: Kafka has the log up to {position}, {lag} behind its end, and what comes behind that reaches no read \
             model and no reaction; start souk relay"
        ));
    }
    let since = (*waiting_since)?;
    if now - since < SLOW || moved_at.is_some_and(|moved| now - moved < SLOW) {
        return None;
    }
    let who = match leader {
        Some(host) => format!("the relay at {host} copies nothing, see its log and its /ready"),
        None => format!("of {relays} relays none is elected, see their logs and Kafka's"),
    };
    Some(format!(
        "Kafka has the log up to {position}, {lag} behind its end, and an event waits since {}: {who}",
        seconds(since)
    ))
}

fn seconds(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

impl Relay {
    fn of(survey: Survey) -> Self {
        let Survey { position, head, moved_at, waiting_since, relays: running, leader } = survey;
        Self { position, lag: head.saturating_sub(position), moved_at, waiting_since, running, leader }
    }

    /// Says where it is.
    pub fn print(&self) {
        let Self { position, lag, moved_at, running, leader, .. } = self;
        let who = match (running, leader) {
            (0, _) => "none runs".to_owned(),
            (running, Some(host)) => format!("{running} run, led from {host}"),
            (running, None) => format!("{running} run, none leads"),
        };
        let moved = moved_at.map_or_else(|| "never moved".to_owned(), |at| format!("last moved {}", seconds(at)));
        say(format!("Relay                                      at {position:>8}, {lag:>6} behind, {moved}, {who}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_behind_is_named_and_who_catches_up_is_not() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let ago = |seconds| Some(now - TimeDelta::seconds(seconds));
        let survey = |waiting_since, moved_at, relays, leader: Option<&str>| Survey {
            position: 40,
            head: 42,
            moved_at,
            waiting_since,
            relays,
            leader: leader.map(str::to_owned),
        };
        let host = Some("10.0.0.7");
        for (survey, says) in [
            (survey(None, ago(9_000), 2, host), None),
            (survey(ago(2), ago(9_000), 2, host), None),
            // Much to do, and it is being done.
            (survey(ago(9_000), ago(1), 2, host), None),
            (
                survey(ago(60), ago(50), 2, host),
                Some("2 behind its end, and an event waits since 2027-01-15T07:59:00Z: the relay at 10.0.0.7"),
            ),
            (survey(ago(60), None, 2, None), Some("of 2 relays none is elected")),
            (survey(None, ago(60), 0, None), Some("no souk relay runs: Kafka has the log up to 40, 2 behind")),
            (survey(ago(1), ago(1), 0, None), Some("start souk relay")),
        ] {
            let trouble = trouble(&survey, now);
            match says {
                None => assert_eq!(trouble, None, "{survey:?}"),
                Some(says) => assert!(trouble.as_ref().is_some_and(|said| said.contains(says)), "{trouble:?}"),
            }
        }
    }
}
