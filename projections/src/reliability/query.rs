//! What is read of reliability and validations.

use chrono::{DateTime, Utc};
use serde::Serialize;
use souk_domain::validation::{Finding, Outcome, Thresholds, Verdict};
use souk_projector::ReadGuard;
use sqlx::FromRow;
use uuid::Uuid;

use super::metrics::{Metrics, metrics};
use crate::{
    QueryError,
    cursor::{self, Cursor, Page},
};

/// How reliable a plugin is, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReliabilityPage {
    /// 0 to 100; none before the first concluded validation.
    pub score: Option<i16>,
    /// What the score is the sum of.
    pub parts: Parts,
    /// What moved it, the newest first, at most 200.
    pub history: Vec<Change>,
    /// How validations and executions went.
    pub metrics: Metrics,
}

/// What a score is the sum of; the sum is held between 0 and 100.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Parts {
    /// The confidence of the validation that was concluded last.
    pub validation: Option<i16>,
    /// The version of that validation.
    pub version: Option<String>,
    /// Live verified reviews: +1 for 5 stars, -1 for 1 or 2, together between -30 and 10.
    pub reviews: i64,
    /// Outcomes of executions: between -40 and 10.
    pub executions: i64,
    /// Executions that answered.
    pub succeeded: i64,
    /// Executions that did not, by the plugin's own fault.
    pub failed: i64,
    /// Cross-checks of executions.
    pub cross_checks: i64,
}

/// A change of a score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// When.
    pub at: DateTime<Utc>,
    /// Position of the event that caused it.
    pub position: i64,
    /// Type of the event that caused it; `executions` for those of a day.
    pub cause: String,
    /// The version that was validated or cross-checked, where that was the cause.
    pub version: Option<String>,
    /// What it adds to its part of the score.
    pub points: i64,
    /// The score before; none while nothing was validated.
    pub before: Option<i64>,
    /// By how much the score moved; none for the first one.
    pub delta: Option<i64>,
    /// The score since then; none while nothing was validated.
    pub score: Option<i64>,
    /// Whether a bound kept the score from moving by the points: that of the score, or that of the reviews.
    pub clamped: bool,
    /// Executions of the day that answered, where they are the cause.
    pub succeeded: Option<i64>,
    /// Executions of the day that did not by the plugin's fault, where they are the cause.
    pub failed: Option<i64>,
}

/// Changes in an answer that has more than them.
const NEWEST: i64 = 200;

/// The reliability of a plugin; of one that nothing is known of, no score.
///
/// # Errors
/// See [`QueryError`].
pub async fn reliability(guard: &ReadGuard, plugin: Uuid) -> Result<ReliabilityPage, QueryError> {
    #[derive(FromRow)]
    struct Row {
        score: Option<i16>,
        #[sqlx(flatten)]
        parts: Parts,
    }
    let row: Option<Row> =
        sqlx::query_as(include_str!("reliability.sql")).bind(plugin).fetch_optional(guard.pool()).await?;
    let history = changes(guard, plugin, i64::MAX, NEWEST).await?;
    let (score, parts) = row.map_or((None, Parts::default()), |row| (row.score, row.parts));
    Ok(ReliabilityPage { score, parts, history, metrics: metrics(guard, plugin).await? })
}

/// What moved the score of a plugin, the newest first, `limit` at once.
///
/// # Errors
/// See [`QueryError`].
pub async fn history(
    guard: &ReadGuard,
    plugin: Uuid,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page<Change>, QueryError> {
    let context = format!("reliability {plugin}");
    let before = Cursor::decode_optional(&context, cursor)?.map_or(i64::MAX, |cursor| cursor.key);
    let rows = changes(guard, plugin, before, i64::from(limit) + 1).await?;
    Ok(cursor::page(rows, limit as usize, &context, |row| Cursor { key: row.position, id: plugin }, |row| row))
}

async fn changes(guard: &ReadGuard, plugin: Uuid, before: i64, limit: i64) -> Result<Vec<Change>, QueryError> {
    let query = sqlx::query_as(include_str!("history.sql")).bind(plugin).bind(before).bind(limit);
    Ok(query.fetch_all(guard.pool()).await?)
}

/// By how many points one failed execution moves the score of a plugin that has it already, 0 or less; none while nothing is
/// validated or nothing failed.
///
/// # Errors
/// See [`QueryError`].
pub async fn failure_impact(guard: &ReadGuard, plugin: Uuid) -> Result<Option<i64>, QueryError> {
    Ok(sqlx::query_scalar(include_str!("impact.sql")).bind(plugin).fetch_optional(guard.pool()).await?)
}

/// The validation of one version.
#[derive(Clone, Debug, PartialEq, Serialize, FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Validation {
    /// Which.
    pub id: Uuid,
    /// Of which version.
    pub version: String,
    /// SHA-256 of the archive, hex.
    pub digest: String,
    /// Where it stands.
    #[sqlx(json)]
    pub status: ValidationStatus,
    /// 0 to 100, once it is concluded.
    pub confidence: Option<i16>,
    /// What the pipeline said, once it is concluded.
    #[sqlx(json(nullable))]
    pub verdict: Option<Verdict>,
    /// From which confidence on versions were approved or escalated.
    #[sqlx(json(nullable))]
    pub thresholds: Option<Thresholds>,
    /// SHA-256 of the full report, once it is concluded.
    pub report: Option<String>,
    /// Why a moderator was asked.
    pub escalated: Option<String>,
    /// What a moderator said.
    #[sqlx(json(nullable))]
    pub adjudicated: Option<Verdict>,
    /// Why the moderator said so.
    pub adjudication: Option<String>,
    /// Names of all steps, in order.
    pub pipeline: Vec<String>,
    /// The steps that ran, in order.
    #[sqlx(json)]
    pub steps: Vec<Step>,
    /// When it began.
    pub requested_at: DateTime<Utc>,
    /// When it was concluded.
    pub concluded_at: Option<DateTime<Utc>>,
    /// What its vendor said against its rejection, as `moderation` knows it.
    #[sqlx(json(nullable))]
    pub appeal: Option<Appeal>,
    /// Where in the log it began, by which the list is ordered.
    #[serde(skip)]
    position: i64,
}

/// A vendor's appeal against a rejection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Appeal {
    /// Where it stands.
    pub state: AppealState,
    /// What the vendor says; for the vendor and moderators.
    pub reason: String,
    /// When it was made.
    pub appealed_at: DateTime<Utc>,
    /// When a moderator answered.
    pub answered_at: Option<DateTime<Utc>>,
}

/// Where an appeal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppealState {
    /// Waits for a moderator.
    Open,
    /// The rejection stands, for good.
    Upheld,
    /// The version was approved after all.
    Overturned,
}

/// Where a validation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValidationStatus {
    /// Steps are running.
    Running,
    /// The pipeline gave its verdict.
    Concluded,
    /// A moderator was asked.
    Escalated,
    /// A moderator decided.
    Adjudicated,
}

/// A step of a validation that ran.
#[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Points it takes from the confidence.
    pub penalty: u8,
    /// What it found, worst first, at most 50.
    pub findings: Vec<Finding>,
    /// How many findings there were in all.
    pub finding_count: u32,
    /// When it ended.
    pub completed_at: DateTime<Utc>,
}

/// The validations of a plugin's versions, the newest first.
///
/// # Errors
/// See [`QueryError`].
pub async fn validations(
    guard: &ReadGuard,
    plugin: Uuid,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page<Validation>, QueryError> {
    let context = format!("validations {plugin}");
    let before = Cursor::decode_optional(&context, cursor)?.map_or(i64::MAX, |cursor| cursor.key);
    let rows = select(guard, plugin, None, before, i64::from(limit) + 1).await?;
    Ok(cursor::page(rows, limit as usize, &context, |row| Cursor { key: row.position, id: row.id }, |row| row))
}

/// One validation of a plugin's versions.
///
/// # Errors
/// See [`QueryError`].
pub async fn validation(guard: &ReadGuard, plugin: Uuid, id: Uuid) -> Result<Option<Validation>, QueryError> {
    Ok(select(guard, plugin, Some(id), i64::MAX, 1).await?.pop())
}

async fn select(
    guard: &ReadGuard,
    plugin: Uuid,
    id: Option<Uuid>,
    before: i64,
    limit: i64,
) -> Result<Vec<Validation>, QueryError> {
    let query = sqlx::query_as(include_str!("validations.sql")).bind(plugin).bind(id).bind(before).bind(limit);
    Ok(query.fetch_all(guard.pool()).await?)
}
