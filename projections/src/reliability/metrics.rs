//! What is read of how validations and executions went.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use souk_domain::validation::Verdict;
use souk_projector::ReadGuard;
use sqlx::FromRow;
use uuid::Uuid;

use crate::QueryError;

/// Days with cross-checks, cross-checks, and patterns of either sort in one answer; the newest or most frequent ones.
const MOST: i64 = 100;

/// How validations and executions of a plugin went.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    /// Over all cross-checks.
    pub consensus: Consensus,
    /// By day, the newest first, days without cross-checks left out; at most 100.
    pub days: Vec<Consensus>,
    /// Each cross-check, the newest first, at most 100.
    pub agreement: Vec<Agreement>,
    /// Why executions failed, the most frequent first, at most 100.
    pub executions: Vec<Pattern>,
    /// What validations found, the most frequent first, at most 100.
    pub validations: Vec<Pattern>,
}

/// How far cross-checks agreed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Consensus {
    /// Of which UTC day; none for all.
    pub day: Option<NaiveDate>,
    /// How many there were.
    pub checks: i64,
    /// Their mean, 0 to 1; none without any.
    pub mean: Option<f64>,
    /// How many agreed above 0.95.
    pub above_950: i64,
    /// How many agreed above 0.9.
    pub above_900: i64,
    /// How many agreed above 0.8.
    pub above_800: i64,
    /// How many agreed above 0.7; the others are discrepancies.
    pub above_700: i64,
    /// How many were tried again.
    pub retried: i64,
}

/// How far reviewer and executor agreed on a version.
#[derive(Clone, Debug, PartialEq, Serialize, FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Agreement {
    /// Position of the event.
    pub position: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Of which version.
    pub version: String,
    /// Samples that were run.
    pub samples: i64,
    /// The consensus of each attempt, thousandths.
    #[sqlx(json)]
    pub attempts: Vec<u16>,
    /// That of the last attempt, which counts, thousandths.
    pub consensus: i16,
    /// Whether a moderator was asked about the version, for whatever reason.
    pub escalated: bool,
    /// What the moderator said.
    #[sqlx(json(nullable))]
    pub adjudicated: Option<Verdict>,
}

/// Failures that are alike.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pattern {
    /// Code of the failures, or rule of the findings.
    pub code: String,
    /// Whose fault, or how severe.
    pub nature: String,
    /// How many.
    pub count: i64,
    /// Of all failures of its sort, 0 to 1.
    pub share: f64,
    /// When it was seen first.
    pub first_at: DateTime<Utc>,
    /// When it was seen last.
    pub last_at: DateTime<Utc>,
    /// How many versions have it.
    pub version_count: i64,
    /// Those versions, the one seen last first, at most 20.
    pub versions: Vec<String>,
}

/// A row of either sort of pattern.
#[derive(FromRow)]
struct PatternRow {
    source: String,
    code: String,
    nature: String,
    count: i64,
    share: f64,
    first_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
    version_count: i64,
    versions: Vec<String>,
}

pub(super) async fn metrics(guard: &ReadGuard, plugin: Uuid) -> Result<Metrics, QueryError> {
    let mut days: Vec<Consensus> =
        sqlx::query_as(include_str!("consensus.sql")).bind(plugin).bind(MOST).fetch_all(guard.pool()).await?;
    let consensus = if days.is_empty() { Consensus::default() } else { days.remove(0) };
    let agreement =
        sqlx::query_as(include_str!("agreement.sql")).bind(plugin).bind(MOST).fetch_all(guard.pool()).await?;
    let patterns: Vec<PatternRow> =
        sqlx::query_as(include_str!("patterns.sql")).bind(plugin).bind(MOST).fetch_all(guard.pool()).await?;
    let (executions, validations): (Vec<_>, Vec<_>) = patterns.into_iter().partition(|row| row.source == "execution");
    let pattern = |row: PatternRow| {
        let PatternRow { code, nature, count, share, first_at, last_at, version_count, versions, .. } = row;
        Pattern { code, nature, count, share, first_at, last_at, version_count, versions }
    };
    Ok(Metrics {
        consensus,
        days,
        agreement,
        executions: executions.into_iter().map(pattern).collect(),
        validations: validations.into_iter().map(pattern).collect(),
    })
}
