//! Rows that tell what went wrong, and how far independent runs agreed.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use souk_domain::{
    execution::Failure,
    validation::{CrossCheck, Finding, Severity},
};
use souk_projector::Envelope;
use uuid::Uuid;

use crate::{
    copy::{Fields, Row},
    rows::{self, held},
};

/// Two runs of a version's samples that were compared.
#[derive(Serialize)]
pub(super) struct CrossChecked {
    pub plugin_id: Uuid,
    pub position: u64,
    validation_id: Uuid,
    at: DateTime<Utc>,
    version: String,
    samples: u32,
    attempts: Vec<u16>,
    consensus: u16,
}

impl CrossChecked {
    pub fn of(event: &Envelope, plugin_id: Uuid, version: &str, check: &CrossCheck) -> Self {
        Self {
            plugin_id,
            position: event.position,
            validation_id: event.stream.uuid,
            at: event.recorded_at,
            version: version.to_owned(),
            samples: check.samples,
            attempts: check.attempts.clone(),
            consensus: check.consensus(),
        }
    }
}

impl Row for CrossChecked {
    const TARGET: (&'static str, &'static str) =
        ("reliability_cross_check", "plugin_id, position, validation_id, at, version, samples, attempts, consensus");

    fn put(&self, fields: &mut Fields<'_>) {
        fields.uuid(self.plugin_id).big(rows::big(self.position)).uuid(self.validation_id).time(self.at);
        fields.text(&self.version).big(i64::from(self.samples)).json(&self.attempts);
        // Thousandths of a consensus are 1,000 at most.
        fields.small(i16::try_from(self.consensus).unwrap_or(i16::MAX));
    }
}

#[derive(Clone, Copy, Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
enum Source {
    Execution,
    Validation,
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    plugin_id: Uuid,
    source: Source,
    code: String,
    nature: String,
    version: String,
}

#[derive(Serialize)]
struct Seen {
    count: i64,
    first_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
}

#[derive(Serialize)]
pub(super) struct Failed {
    #[serde(flatten)]
    key: Key,
    #[serde(flatten)]
    seen: Seen,
}

/// How often what failed, by plugin and version.
#[derive(Default)]
pub(super) struct Failures(BTreeMap<Key, Seen>);

impl Failures {
    pub const TABLE: &'static str = "reliability_failure";

    pub fn execution(&mut self, plugin_id: Uuid, version: &str, failure: &Failure, at: DateTime<Utc>) {
        let (source, nature) = (Source::Execution, rows::word(&failure.fault));
        self.add(Key { plugin_id, source, code: failure.code.clone(), nature, version: version.to_owned() }, at);
    }

    /// What costs nothing is no failure.
    pub fn finding(&mut self, plugin_id: Uuid, version: &str, finding: &Finding, at: DateTime<Utc>) {
        if finding.severity > Severity::Info {
            let (source, nature) = (Source::Validation, rows::word(&finding.severity));
            self.add(Key { plugin_id, source, code: finding.rule.clone(), nature, version: version.to_owned() }, at);
        }
    }

    fn add(&mut self, key: Key, at: DateTime<Utc>) {
        let seen = self.0.entry(key).or_insert(Seen { count: 0, first_at: at, last_at: at });
        seen.count += 1;
        (seen.first_at, seen.last_at) = (seen.first_at.min(at), seen.last_at.max(at));
    }

    pub fn size(&self) -> usize {
        held::<(Key, Seen)>(self.0.len(), 60)
    }

    pub fn into_rows(self) -> Vec<Failed> {
        self.0.into_iter().map(|(key, seen)| Failed { key, seen }).collect()
    }
}
