//! A concluded validation approves its version, asks a human, or rejects it; a human's ruling approves or rejects it.
//!
//! Whoever rules tells the plugin at once. The ruling is answered all the same, for the case that they were cut short between.

use std::time::Duration;

use async_trait::async_trait;
use souk_domain::{
    event::DomainEvent,
    plugin::{self, DecidedBy, Plugin, Plugins, ReleaseStatus},
    validation::{Command, Event, Outcome, State, Validation, Validations, Verdict},
};

use super::{Cause, Reaction};
use crate::{App, AppError, execute::Call, memory::About, plugins};

/// The longest reason given for a verdict, characters.
const MAX_REASON: usize = 1_000;

/// Why a version that nothing else speaks against is left to a human.
const MAY_NOT_PUBLISH: &str = "nothing was found that speaks against it, but when its validation ended its vendor was suspended or not verified, and \
     nothing of such a vendor is published";

pub(super) struct Verdicts;

#[async_trait]
impl Reaction for Verdicts {
    fn name(&self) -> &'static str {
        "verdicts"
    }

    fn handles(&self, event_type: &str) -> bool {
        matches!(event_type, "validation.concluded" | "validation.adjudicated")
    }

    fn at_once(&self) -> usize {
        8
    }

    async fn react(&self, app: &App, cause: &Cause<'_>) -> Result<(), AppError> {
        let DomainEvent::Validation(event) = &cause.event else { return Ok(()) };
        let fact = app.fact::<Validations>(cause.recorded.stream.uuid, Duration::ZERO).await?;
        let State::Requested(known) = &*fact.state else { return Err(AppError::NotFound("this validation")) };
        let listing = app.fact::<Plugins>(known.plugin.uuid(), Duration::ZERO).await?;
        let plugin = plugins::created(&listing.state)?;
        let about = About::plugin(known.plugin, plugin.vendor);
        let escalate = async |reason| {
            let call = Call::on(&cause.ctx, known.id.uuid(), about);
            app.execute::<Validations>(call, Command::Escalate { reason }).await.map(|_| ())
        };
        let command = match event {
            Event::Concluded { confidence, verdict: Verdict::Escalate, thresholds, .. } => {
                return escalate(reason(known, *confidence, thresholds.approve)).await;
            }
            // A human was asked the last time that this was tried, and does not hear `approved` meanwhile.
            Event::Concluded { verdict: Verdict::Approve, .. } if known.escalated => return Ok(()),
            Event::Concluded { verdict: Verdict::Approve, .. } if is_held_back(app, plugin, known).await? => {
                return escalate(MAY_NOT_PUBLISH.to_owned()).await;
            }
            Event::Concluded { confidence, verdict, thresholds, .. } => {
                concluded(known, *verdict, *confidence, thresholds.escalate)
            }
            Event::Adjudicated { version, ruling } => {
                let confidence = known.conclusion.as_ref().map(|conclusion| conclusion.confidence);
                plugins::ruled(known.id, version, confidence, ruling)
            }
            _ => return Ok(()),
        };
        let call = Call::on(&cause.ctx, known.plugin.uuid(), about);
        match app.execute::<Plugins>(call, command).await {
            // The version no longer waits for a verdict.
            Ok(_) | Err(AppError::Conflict { reason: "wrong_status", .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Whether a version waits for its approval, and is of a vendor who may not publish: suspended since it was handed in. A
/// version that was approved before stays so.
async fn is_held_back(app: &App, plugin: &Plugin, known: &Validation) -> Result<bool, AppError> {
    let release = plugin.versions.get(&known.version);
    let waits = release.is_some_and(|release| release.status == ReleaseStatus::Submitted);
    Ok(waits && !plugins::may_publish(app, plugin.vendor).await?)
}

/// What the plugin hears of a verdict of the pipeline.
fn concluded(known: &Validation, verdict: Verdict, confidence: u8, below: u8) -> plugin::Command {
    let (version, by) = (known.version.clone(), DecidedBy::Validation);
    if verdict == Verdict::Approve {
        let confidence = Some(confidence);
        plugin::Command::ApproveVersion { version, validation: known.id, confidence, by, overturns: false }
    } else {
        let reason = reason(known, confidence, below);
        plugin::Command::RejectVersion { version, confidence: Some(confidence), by, reason }
    }
}

/// What the verdict rests on, the worst first.
fn reason(known: &Validation, confidence: u8, below: u8) -> String {
    if let Some(check) = known.cross_check.as_ref().filter(|check| confidence >= below && check.is_discrepant()) {
        let consensus = f64::from(check.consensus()) / 1_000.0;
        return format!(
            "two runs of its samples agree to {consensus} only, and a human has to say whether they may differ"
        );
    }
    let mut findings: Vec<_> = known.completed.iter().flat_map(|step| &step.findings).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let failed = known.completed.iter().any(|step| step.outcome == Outcome::Failed);
    let start = if failed { "a step failed" } else { "too much was found" };
    let mut reason = format!("confidence {confidence} is below {below}: {start}");
    for finding in findings.iter().take(3) {
        reason.push_str("; ");
        reason.push_str(&finding.message);
    }
    reason.chars().take(MAX_REASON).collect()
}
