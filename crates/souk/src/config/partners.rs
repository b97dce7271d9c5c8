//! How partners are told of public events: the keys `partners`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use souk_app::partners::Delivering;
use souk_webhooks::Options;

use super::Environment;

/// How partners are told of public events.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Partners {
    /// How long a webhook may take to answer, seconds.
    pub webhook_timeout_seconds: u64,
    /// How long to wait after each failed call of a webhook, seconds; after one more it is disabled.
    pub webhook_retry_seconds: Vec<u64>,
    /// Also calls webhooks without TLS and at private addresses. For development.
    pub webhooks_anywhere: bool,
    /// Streams of events of one process at once.
    pub streams: usize,
    /// As much do all streams of one process send together.
    pub stream_bytes_per_second: u32,
    /// How long a client may take nothing of its stream before that is cut, seconds.
    pub stream_stall_seconds: u64,
}

impl Default for Partners {
    fn default() -> Self {
        Self {
            webhook_timeout_seconds: 15,
            webhook_retry_seconds: Delivering::default().retries.iter().map(Duration::as_secs).collect(),
            webhooks_anywhere: false,
            streams: 2_000,
            stream_bytes_per_second: 8 << 20,
            stream_stall_seconds: 30,
        }
    }
}

impl Partners {
    /// When failed calls are repeated.
    pub fn delivering(&self) -> Delivering {
        Delivering { retries: self.webhook_retry_seconds.iter().copied().map(Duration::from_secs).collect() }
    }

    /// How webhooks are called.
    pub const fn calling(&self) -> Options {
        Options { timeout: Duration::from_secs(self.webhook_timeout_seconds), anywhere: self.webhooks_anywhere }
    }

    /// What is wrong with the settings, one line a key.
    pub fn problems(&self, environment: Environment) -> Vec<String> {
        let mut problems = Vec::new();
        if !(1..=20).contains(&self.webhook_timeout_seconds) {
            let found = self.webhook_timeout_seconds;
            problems.push(format!("  partners.webhook_timeout_seconds: {found}: expected 1 to 20"));
        }
        if self.webhook_retry_seconds.iter().any(|seconds| *seconds > 7 * 86_400)
            || self.webhook_retry_seconds.len() > 50
        {
            problems.push("  partners.webhook_retry_seconds: expected at most 50 numbers up to 604800".to_owned());
        }
        if self.webhooks_anywhere && environment == Environment::Production {
            problems.push(
                "  partners.webhooks_anywhere: true: production refuses it: strangers could call what only this machine can reach"
                    .to_owned(),
            );
        }
        if self.stream_bytes_per_second < 64 << 10 {
            let found = self.stream_bytes_per_second;
            problems.push(format!("  partners.stream_bytes_per_second: {found}: expected at least 65536"));
        }
        if self.stream_stall_seconds == 0 {
            problems.push("  partners.stream_stall_seconds: 0: expected at least 1".to_owned());
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_odd_is_named() {
        assert_eq!(Partners::default().problems(Environment::Production), Vec::<String>::new());
        let odd = Partners {
            webhook_timeout_seconds: 0,
            webhook_retry_seconds: vec![1_000_000],
            webhooks_anywhere: true,
            stream_stall_seconds: 0,
            stream_bytes_per_second: 1,
            ..Partners::default()
        };
        assert_eq!(odd.problems(Environment::Production).len(), 5);
        assert_eq!(odd.problems(Environment::Development).len(), 4);
    }
}
