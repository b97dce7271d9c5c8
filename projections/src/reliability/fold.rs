//! What events change in reliability.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use semver::Version;
use serde::Serialize;
use souk_domain::{
    event::DomainEvent,
    execution, review,
    validation::{self, CrossCheck, Thresholds},
};
use souk_projector::{Changes, Envelope, Tables};
use uuid::Uuid;

use super::patterns::{CrossChecked, Failures};
use crate::{
    copy::{Fields, Row, copy},
    outcomes::Outcomes,
    rows::{self, each, held, split},
    stars::Stars,
};

/// Outcomes of executions by day.
const EXECUTIONS: &str = "reliability_execution";
/// What a finding takes, with its texts, bytes.
const FINDING: usize = 600;

/// Changes of reliability, by key.
#[derive(Default)]
pub(super) struct ReliabilityChanges {
    plugins: BTreeMap<Uuid, PluginPatch>,
    changes: Vec<Change>,
    executions: BTreeMap<(Uuid, NaiveDate), ExecutionDay>,
    validations: BTreeMap<Uuid, ValidationPatch>,
    steps: BTreeMap<(Uuid, String), Step>,
    cross_checks: Vec<CrossChecked>,
    failures: Failures,
    /// In all steps.
    findings: usize,
}

#[derive(Default)]
struct PluginPatch {
    concluded: Option<(u8, String)>,
    review_points: i64,
    outcomes: Outcomes,
    cross_check_points: i64,
}

struct PluginDifference<'a> {
    plugin_id: Uuid,
    patch: &'a PluginPatch,
}

impl PluginPatch {
    fn confidence(&self) -> Option<i16> {
        self.concluded.as_ref().map(|(confidence, _)| i16::from(*confidence))
    }

    fn version(&self) -> Option<&str> {
        self.concluded.as_ref().map(|(_, version)| version.as_str())
    }
}

impl Row for PluginDifference<'_> {
    const TARGET: (&'static str, &'static str) =
        ("reliability_plugin", "plugin_id, confidence, version, review_points, succeeded, failed, cross_check_points");

    fn put(&self, fields: &mut Fields<'_>) {
        let Self { plugin_id, patch } = self;
        fields.uuid(*plugin_id).maybe_small(patch.confidence()).maybe_text(patch.version());
        fields.big(patch.review_points).big(patch.outcomes.succeeded).big(patch.outcomes.failed);
        fields.big(patch.cross_check_points);
    }
}

#[derive(Serialize)]
struct Change {
    plugin_id: Uuid,
    position: u64,
    at: DateTime<Utc>,
    cause: &'static str,
    version: Option<String>,
    confidence: Option<u8>,
    review_points: i64,
    cross_check_points: i64,
}

impl Row for Change {
    const TARGET: (&'static str, &'static str) = (
        "reliability_change",
        "plugin_id, position, at, cause, version, confidence, review_points, cross_check_points",
    );

    fn put(&self, fields: &mut Fields<'_>) {
        fields.uuid(self.plugin_id).big(rows::big(self.position)).time(self.at).text(self.cause);
        fields.maybe_text(self.version.as_deref()).maybe_small(self.confidence.map(i16::from));
        // A review moves the score by a point, a cross-check by two at most.
        fields.int(i32::try_from(self.review_points).unwrap_or_default());
        fields.int(i32::try_from(self.cross_check_points).unwrap_or_default());
    }
}

/// What executions of a plugin add to a day.
#[derive(Serialize)]
struct ExecutionDay {
    plugin_id: Uuid,
    day: NaiveDate,
    #[serde(flatten)]
    outcomes: Outcomes,
    position: u64,
    at: DateTime<Utc>,
}

#[derive(Default)]
struct ValidationPatch {
    /// Whether its stream begins among these changes, so that no table has it or a step of it yet.
    begins: bool,
    requested: Option<Requested>,
    outcome: Outcome,
}

#[derive(Serialize)]
struct Requested {
    validation_id: Uuid,
    plugin_id: Uuid,
    version: String,
    digest: String,
    pipeline: Vec<String>,
    requested_at: DateTime<Utc>,
    position: u64,
}

#[derive(Default, Serialize)]
struct Outcome {
    validation_id: Uuid,
    confidence: Option<u8>,
    verdict: Option<String>,
    report: Option<String>,
    thresholds: Option<Thresholds>,
    escalated: Option<String>,
    adjudicated: Option<String>,
    adjudication: Option<String>,
    concluded_at: Option<DateTime<Utc>>,
}

/// A validation that is new, with all that became of it.
#[derive(Serialize)]
struct NewValidation<'a> {
    #[serde(flatten)]
    requested: &'a Requested,
    outcome: &'a Outcome,
}

impl ValidationPatch {
    /// The row of a validation that was requested among these changes.
    fn row(&self) -> Option<NewValidation<'_>> {
        Some(NewValidation { requested: self.requested.as_ref()?, outcome: &self.outcome })
    }
}

impl Row for NewValidation<'_> {
    const TARGET: (&'static str, &'static str) = (
        "reliability_validation",
        "validation_id, plugin_id, version, digest, pipeline, confidence, verdict, report, thresholds, escalated, \
         adjudicated, adjudication, requested_at, concluded_at, position",
    );

    fn put(&self, fields: &mut Fields<'_>) {
        let Self { requested, outcome } = self;
        fields.uuid(requested.validation_id).uuid(requested.plugin_id).text(&requested.version);
        fields.text(&requested.digest).texts(&requested.pipeline).maybe_small(outcome.confidence.map(i16::from));
        fields.maybe_text(outcome.verdict.as_deref()).maybe_text(outcome.report.as_deref());
        fields.maybe(outcome.thresholds.as_ref(), |fields, thresholds| {
            fields.json(thresholds);
        });
        fields.maybe_text(outcome.escalated.as_deref()).maybe_text(outcome.adjudicated.as_deref());
        fields.maybe_text(outcome.adjudication.as_deref()).time(requested.requested_at);
        fields.maybe_time(outcome.concluded_at).big(rows::big(requested.position));
    }
}

impl Row for Step {
    const TARGET: (&'static str, &'static str) =
        ("reliability_step", "validation_id, name, position, outcome, penalty, findings, finding_count, completed_at");

    fn put(&self, fields: &mut Fields<'_>) {
        fields.uuid(self.validation_id).text(&self.name).big(rows::big(self.position)).text(&self.outcome);
        fields.small(i16::from(self.penalty)).json(&self.findings).big(i64::from(self.finding_count));
        fields.time(self.completed_at);
    }
}

#[derive(Serialize)]
struct Step {
    validation_id: Uuid,
    name: String,
    position: u64,
    outcome: String,
    penalty: u8,
    findings: Vec<validation::Finding>,
    finding_count: u32,
    completed_at: DateTime<Utc>,
}

impl ReliabilityChanges {
    fn validation(&mut self, event: &Envelope, change: &validation::Event) {
        let id = event.stream.uuid;
        let patch = self.validations.entry(id).or_default();
        patch.outcome.validation_id = id;
        patch.begins |= event.version == 0;
        match change {
            validation::Event::Requested { plugin_id, version, digest, pipeline, .. } => {
                patch.requested = Some(Requested {
                    validation_id: id,
                    plugin_id: plugin_id.uuid(),
                    version: version.to_string(),
                    digest: digest.clone(),
                    pipeline: pipeline.clone(),
                    requested_at: event.recorded_at,
                    position: event.position,
                });
            }
            validation::Event::StepCompleted { version, step } => {
                let row = Step {
                    validation_id: id,
                    name: step.name.clone(),
                    position: event.position,
                    outcome: rows::word(&step.outcome),
                    penalty: step.penalty,
                    findings: step.findings.clone(),
                    finding_count: step.finding_count,
                    completed_at: event.recorded_at,
                };
                self.findings += step.findings.len();
                self.found(event, version, &step.findings);
                self.steps.insert((id, step.name.clone()), row);
            }
            validation::Event::Concluded { version, confidence, verdict, report, thresholds } => {
                let outcome = &mut patch.outcome;
                outcome.confidence = Some(*confidence);
                outcome.verdict = Some(rows::word(verdict));
                outcome.report = Some(report.clone());
                outcome.thresholds = Some(*thresholds);
                outcome.concluded_at = Some(event.recorded_at);
                self.concluded(event, &version.to_string(), *confidence);
            }
            validation::Event::CrossChecked { version, check } => self.cross_checked(event, version, check),
            validation::Event::Escalated { reason, .. } => patch.outcome.escalated = Some(reason.clone()),
            validation::Event::Appealed { .. } => {}
            validation::Event::Adjudicated { ruling, .. } => {
                patch.outcome.adjudicated = Some(rows::word(&ruling.verdict));
                patch.outcome.adjudication = Some(ruling.reason.clone());
            }
        }
    }

    fn found(&mut self, event: &Envelope, version: &Version, findings: &[validation::Finding]) {
        let Some(plugin) = event.plugin_id().filter(|_| !findings.is_empty()) else { return };
        let version = version.to_string();
        for finding in findings {
            self.failures.finding(plugin.uuid(), &version, finding, event.recorded_at);
        }
    }

    fn concluded(&mut self, event: &Envelope, version: &str, confidence: u8) {
        let Some(plugin) = event.plugin_id() else { return };
        self.plugins.entry(plugin.uuid()).or_default().concluded = Some((confidence, version.to_owned()));
        self.changes.push(Change {
            plugin_id: plugin.uuid(),
            position: event.position,
            at: event.recorded_at,
            cause: event.event.event_type(),
            version: Some(version.to_owned()),
            confidence: Some(confidence),
            review_points: 0,
            cross_check_points: 0,
        });
    }

    fn review(&mut self, event: &Envelope, change: &review::Event) {
        let points = Stars::of(change).points();
        let Some(plugin) = event.plugin_id().filter(|_| points != 0) else { return };
        self.plugins.entry(plugin.uuid()).or_default().review_points += points;
        self.changes.push(Change {
            plugin_id: plugin.uuid(),
            position: event.position,
            at: event.recorded_at,
            cause: event.event.event_type(),
            version: None,
            confidence: None,
            review_points: points,
            cross_check_points: 0,
        });
    }

    fn cross_checked(&mut self, event: &Envelope, version: &Version, check: &CrossCheck) {
        let Some(plugin) = event.plugin_id() else { return };
        let points = check.points();
        self.cross_checks.push(CrossChecked::of(event, plugin.uuid(), &version.to_string(), check));
        if points == 0 {
            return;
        }
        self.plugins.entry(plugin.uuid()).or_default().cross_check_points += points;
        self.changes.push(Change {
            plugin_id: plugin.uuid(),
            position: event.position,
            at: event.recorded_at,
            cause: event.event.event_type(),
            version: Some(version.to_string()),
            confidence: None,
            review_points: 0,
            cross_check_points: points,
        });
    }
}

impl ReliabilityChanges {
    fn execution(&mut self, event: &Envelope, change: &execution::Event) {
        let outcomes = Outcomes::of(change);
        let Some(plugin_id) = event.plugin_id().map(|plugin| plugin.uuid()) else { return };
        if let execution::Event::Failed { version, failure } = change {
            self.failures.execution(plugin_id, &version.to_string(), failure, event.recorded_at);
        }
        if outcomes.is_none() {
            return;
        }
        self.plugins.entry(plugin_id).or_default().outcomes.add(outcomes);
        let (day, position, at) = (event.recorded_at.date_naive(), event.position, event.recorded_at);
        let known = self.executions.entry((plugin_id, day));
        let known = known.or_insert(ExecutionDay { plugin_id, day, outcomes: Outcomes::default(), position, at });
        known.outcomes.add(outcomes);
        (known.position, known.at) = (known.position.max(position), known.at.max(at));
    }
}

#[async_trait]
impl Changes for ReliabilityChanges {
    fn fold(&mut self, event: &Envelope) {
        match &event.event {
            DomainEvent::Validation(change) => self.validation(event, change),
            DomainEvent::Review(change) => self.review(event, change),
            DomainEvent::Execution(change) => self.execution(event, change),
            _ => {}
        }
    }

    fn size(&self) -> usize {
        held::<(Uuid, PluginPatch)>(self.plugins.len(), 20)
            + held::<Change>(self.changes.len(), 60)
            + held::<(Uuid, NaiveDate, ExecutionDay)>(self.executions.len(), 0)
            + held::<(Uuid, ValidationPatch)>(self.validations.len(), 350)
            + held::<(Uuid, String, Step)>(self.steps.len(), 100)
            + held::<CrossChecked>(self.cross_checks.len(), 30)
            + self.failures.size()
            + self.findings * FINDING
    }

    async fn flush(self: Box<Self>, tables: &mut Tables<'_>) -> Result<(), sqlx::Error> {
        let Self { plugins, mut changes, executions, validations, steps, mut cross_checks, failures, .. } = *self;
        if tables.are_fresh() {
            let rows = plugins.iter().map(|(plugin_id, patch)| PluginDifference { plugin_id: *plugin_id, patch });
            copy(tables, each(rows)).await?;
        } else {
            flush_plugins(tables, &plugins).await?;
        }
        changes.sort_by_key(|change| (change.plugin_id, change.position));
        rows::insert(tables, include_str!("changes.sql"), each(changes)).await?;
        let executions: Vec<_> = executions.into_values().collect();
        rows::write(tables, EXECUTIONS, include_str!("executions.sql"), &executions).await?;
        cross_checks.sort_by_key(|check| (check.plugin_id, check.position));
        rows::insert(tables, include_str!("cross_checks.sql"), each(cross_checks)).await?;
        rows::write(tables, Failures::TABLE, include_str!("failures.sql"), &failures.into_rows()).await?;
        let begins = |step: &Step| validations.get(&step.validation_id).is_some_and(|patch| patch.begins);
        let (new, old) = split(&steps, begins);
        rows::insert(tables, include_str!("steps.sql"), new).await?;
        rows::write(tables, Step::TARGET.0, include_str!("steps.sql"), &old).await?;
        let (new, rest) = split(&validations, |patch| patch.begins && patch.requested.is_some());
        rows::insert(tables, include_str!("new_validations.sql"), each(new.filter_map(ValidationPatch::row))).await?;
        let again: Vec<_> = rest.iter().filter_map(|patch| patch.row()).collect();
        let old: Vec<_> = rest.iter().filter(|patch| patch.requested.is_none()).map(|patch| &patch.outcome).collect();
        rows::write(tables, NewValidation::TARGET.0, include_str!("new_validations.sql"), &again).await?;
        rows::write(tables, NewValidation::TARGET.0, include_str!("outcomes.sql"), &old).await
    }
}

/// Adds what changed to the rows of plugins, or makes them.
async fn flush_plugins(tables: &mut Tables<'_>, plugins: &BTreeMap<Uuid, PluginPatch>) -> Result<(), sqlx::Error> {
    if plugins.is_empty() {
        return Ok(());
    }
    tables.key(PluginDifference::TARGET.0).await?;
    tables
        .run(include_str!("plugins.sql"), |values| {
            values
                .bind(plugins.keys().copied().collect::<Vec<_>>())
                .bind(plugins.values().map(PluginPatch::confidence).collect::<Vec<_>>())
                .bind(plugins.values().map(PluginPatch::version).collect::<Vec<_>>())
                .bind(plugins.values().map(|patch| patch.review_points).collect::<Vec<_>>())
                .bind(plugins.values().map(|patch| patch.outcomes.succeeded).collect::<Vec<_>>())
                .bind(plugins.values().map(|patch| patch.outcomes.failed).collect::<Vec<_>>())
                .bind(plugins.values().map(|patch| patch.cross_check_points).collect::<Vec<_>>());
        })
        .await?;
    Ok(())
}
