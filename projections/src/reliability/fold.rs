//! What events change in reliability.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;
use souk_domain::{
    event::DomainEvent,
    review,
    validation::{self, Thresholds},
};
use souk_projector::{Changes, Envelope};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{rows, stars::Stars};

/// Changes of reliability, by key.
#[derive(Default)]
pub(super) struct ReliabilityChanges {
    plugins: BTreeMap<Uuid, PluginPatch>,
    changes: Vec<Change>,
    validations: BTreeMap<Uuid, ValidationPatch>,
    steps: BTreeMap<(Uuid, String), Step>,
}

#[derive(Default)]
struct PluginPatch {
    concluded: Option<(u8, String)>,
    review_points: i64,
}

#[derive(Serialize)]
struct PluginDifference<'a> {
    plugin_id: Uuid,
    confidence: Option<u8>,
    version: Option<&'a str>,
    review_points: i64,
}

#[derive(Serialize)]
struct Change {
    plugin_id: Uuid,
    position: u64,
    at: DateTime<Utc>,
    cause: String,
    version: Option<String>,
    confidence: Option<u8>,
    review_points: i64,
}

#[derive(Default)]
struct ValidationPatch {
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
            validation::Event::StepCompleted { step, .. } => {
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
            validation::Event::Escalated { reason, .. } => patch.outcome.escalated = Some(reason.clone()),
            validation::Event::Adjudicated { verdict, reason, .. } => {
                patch.outcome.adjudicated = Some(rows::word(verdict));
                patch.outcome.adjudication = Some(reason.clone());
            }
        }
    }

    fn concluded(&mut self, event: &Envelope, version: &str, confidence: u8) {
        let Some(plugin) = event.plugin_id() else { return };
        self.plugins.entry(plugin.uuid()).or_default().concluded = Some((confidence, version.to_owned()));
        self.changes.push(Change {
            plugin_id: plugin.uuid(),
            position: event.position,
            at: event.recorded_at,
            cause: event.event_type.clone(),
            version: Some(version.to_owned()),
            confidence: Some(confidence),
            review_points: 0,
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
            cause: event.event_type.clone(),
            version: None,
            confidence: None,
            review_points: points,
        });
    }
}

#[async_trait]
impl Changes for ReliabilityChanges {
    fn fold(&mut self, event: &Envelope) {
        match &event.event {
            DomainEvent::Validation(change) => self.validation(event, change),
            DomainEvent::Review(change) => self.review(event, change),
            _ => {}
        }
    }

    async fn flush(self: Box<Self>, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let Self { plugins, mut changes, validations, steps } = *self;
        let plugins: Vec<_> = plugins
            .iter()
            .map(|(plugin_id, patch)| PluginDifference {
                plugin_id: *plugin_id,
                confidence: patch.concluded.as_ref().map(|(confidence, _)| *confidence),
                version: patch.concluded.as_ref().map(|(_, version)| version.as_str()),
                review_points: patch.review_points,
            })
            .collect();
        rows::write(connection, include_str!("plugins.sql"), &plugins).await?;
        changes.sort_by_key(|change| (change.plugin_id, change.position));
        rows::write(connection, include_str!("changes.sql"), &changes).await?;
        let (requested, outcomes): (Vec<_>, Vec<_>) =
            validations.into_values().map(|patch| (patch.requested, patch.outcome)).unzip();
        let requested: Vec<Requested> = requested.into_iter().flatten().collect();
        rows::write(connection, include_str!("requested.sql"), &requested).await?;
        rows::write(connection, include_str!("outcomes.sql"), &outcomes).await?;
        let steps: Vec<Step> = steps.into_values().collect();
        rows::write(connection, include_str!("steps.sql"), &steps).await
    }
}
