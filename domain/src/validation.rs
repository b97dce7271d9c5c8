//! The validation of one version: an ordered list of steps, a confidence, a verdict.

use std::collections::BTreeSet;

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{
    decider::Decider,
    id::{PluginId, ValidationId, VendorId},
    listing::Kind,
    stream::Category,
};

mod adjudication;
mod cross_check;
mod step;

pub use self::{
    adjudication::{Appeal, Ruling},
    cross_check::CrossCheck,
    step::{Finding, Outcome, Severity, Step, penalty},
};
use self::{
    adjudication::{decide_adjudication, decide_appeal},
    step::step_completed,
};

/// A validation as its events tell it.
#[derive(Clone, Debug, Default)]
pub enum State {
    /// Never asked for.
    #[default]
    Absent,
    /// Under way or over.
    Requested(Box<Validation>),
}

/// A validation that was asked for.
#[derive(Clone, Debug)]
pub struct Validation {
    /// Which.
    pub id: ValidationId,
    /// Of which plugin.
    pub plugin: PluginId,
    /// Of which version.
    pub version: Version,
    /// SHA-256 of the archive.
    pub digest: String,
    /// Names of the steps, in order.
    pub pipeline: Vec<String>,
    /// Steps that ran, in order.
    pub completed: Vec<Step>,
    /// How far two runs of its samples agreed, where there was something to run.
    pub cross_check: Option<Box<CrossCheck>>,
    /// What came out, once it is over.
    pub conclusion: Option<Conclusion>,
    /// Whether a human was asked.
    pub escalated: bool,
    /// What a human said where the pipeline left it to one.
    pub adjudicated: Option<Ruling>,
    /// What its vendor said against its rejection.
    pub appeal: Option<Appeal>,
}

impl Validation {
    /// The name of the step that has to run next; none when all have run.
    #[must_use]
    pub fn next_step(&self) -> Option<&str> {
        self.pipeline.get(self.completed.len()).map(String::as_str)
    }

    /// The verdict that stands without a human; none when it is left to one.
    fn settled(&self) -> Result<Option<Verdict>, Error> {
        match &self.conclusion {
            None => Err(Error::NotConcluded),
            // What was found is not all that counts: whose version it is may speak against an approval.
            Some(_) if self.escalated => Ok(None),
            Some(Conclusion { verdict: Verdict::Escalate, .. }) => Ok(None),
            Some(conclusion) => Ok(Some(conclusion.verdict)),
        }
    }
}

/// The confidence that these steps amount to, and what it means under `thresholds`. What blocks, rejects whatever the
/// thresholds are.
#[must_use]
pub fn conclude(steps: &[Step], thresholds: Thresholds) -> (u8, Verdict) {
    let counted = || steps.iter().filter(|step| step.outcome != Outcome::Skipped);
    let penalty = counted().fold(0_u8, |sum, step| sum.saturating_add(step.penalty));
    let confidence = 100_u8.saturating_sub(penalty);
    let verdict = if counted().any(Step::blocks) {
        Verdict::Reject
    } else if confidence >= thresholds.approve {
        Verdict::Approve
    } else if confidence >= thresholds.escalate {
        Verdict::Escalate
    } else {
        Verdict::Reject
    };
    (confidence, verdict)
}

/// What to do with a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Let it be installed.
    Approve,
    /// Ask a human.
    Escalate,
    /// Refuse it.
    Reject,
}

/// What came out of a validation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// 0 to 100.
    pub confidence: u8,
    /// What to do.
    pub verdict: Verdict,
    /// SHA-256 of the report artifact.
    pub report: String,
}

/// From which confidence on a version is approved or escalated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Thresholds {
    /// At least this: approved.
    pub approve: u8,
    /// At least this, but under `approve`: a human decides. Below: rejected.
    pub escalate: u8,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { approve: 90, escalate: 70 }
    }
}

/// What can be asked of a validation.
#[derive(Clone, Debug)]
pub enum Command {
    /// Begin.
    Request {
        /// Which.
        id: ValidationId,
        /// Of which plugin.
        plugin: PluginId,
        /// Of which version.
        version: Version,
        /// SHA-256 of the archive.
        digest: String,
        /// The plugin's kind.
        kind: Kind,
        /// Names of the steps, in order.
        pipeline: Vec<String>,
    },
    /// Record a step.
    CompleteStep {
        /// What came out.
        step: Step,
    },
    /// Record how far two runs agreed.
    CrossCheck(CrossCheck),
    /// Sum up; every step must have run.
    Conclude {
        /// SHA-256 of the report artifact.
        report: String,
        /// From when on what happens.
        thresholds: Thresholds,
    },
    /// Ask a human.
    Escalate {
        /// Why.
        reason: String,
    },
    /// Its vendor speaks against a rejection.
    Appeal {
        /// Who owns the plugin now.
        vendor: VendorId,
        /// What speaks against it.
        reason: String,
    },
    /// A human's verdict.
    Adjudicate(Ruling),
}

/// What happens in a validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// It began.
    #[serde(rename = "validation.requested", rename_all = "camelCase")]
    Requested {
        /// Which.
        validation_id: ValidationId,
        /// Of which plugin.
        plugin_id: PluginId,
        /// Of which version.
        version: Version,
        /// SHA-256 of the archive.
        digest: String,
        /// The plugin's kind.
        kind: Kind,
        /// Names of the steps, in order.
        pipeline: Vec<String>,
    },
    /// A step ran.
    #[serde(rename = "validation.step_completed", rename_all = "camelCase", deserialize_with = "step_completed")]
    StepCompleted {
        /// Of which version.
        version: Version,
        /// What came out.
        #[serde(flatten)]
        step: Step,
    },
    /// Two runs of its samples were compared.
    #[serde(rename = "validation.cross_checked", rename_all = "camelCase")]
    CrossChecked {
        /// Of which version.
        version: Version,
        /// How far they agreed.
        #[serde(flatten)]
        check: CrossCheck,
    },
    /// It is over.
    #[serde(rename = "validation.concluded", rename_all = "camelCase")]
    Concluded {
        /// Of which version.
        version: Version,
        /// 0 to 100.
        confidence: u8,
        /// What to do.
        verdict: Verdict,
        /// SHA-256 of the report artifact.
        report: String,
        /// The thresholds that made the verdict.
        thresholds: Thresholds,
    },
    /// A human was asked.
    #[serde(rename = "validation.escalated", rename_all = "camelCase")]
    Escalated {
        /// Of which version.
        version: Version,
        /// Why.
        reason: String,
    },
    /// Its vendor spoke against its rejection.
    #[serde(rename = "validation.appealed", rename_all = "camelCase")]
    Appealed {
        /// Of which version.
        version: Version,
        /// Who owned the plugin then.
        vendor_id: VendorId,
        /// What speaks against it.
        reason: String,
    },
    /// A human decided.
    #[serde(rename = "validation.adjudicated", rename_all = "camelCase")]
    Adjudicated {
        /// Of which version.
        version: Version,
        /// What the human said.
        #[serde(flatten)]
        ruling: Ruling,
    },
}

impl Event {
    /// The type under which the log keeps it.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Requested { .. } => "validation.requested",
            Self::StepCompleted { .. } => "validation.step_completed",
            Self::CrossChecked { .. } => "validation.cross_checked",
            Self::Concluded { .. } => "validation.concluded",
            Self::Escalated { .. } => "validation.escalated",
            Self::Appealed { .. } => "validation.appealed",
            Self::Adjudicated { .. } => "validation.adjudicated",
        }
    }
}

/// Why a validation refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nobody asked for it.
    #[error("this validation was never requested")]
    NotRequested,
    /// Another version or archive has this id.
    #[error("this validation is of another version")]
    AlreadyRequested,
    /// No step at all, or one twice.
    #[error("a pipeline has at least one step, and each once")]
    InvalidPipeline,
    /// The step is not the next one.
    #[error("step `{0}` is not the next one of the pipeline")]
    UnexpectedStep(String),
    /// Steps are missing.
    #[error("step `{0}` has not run yet")]
    StepsMissing(String),
    /// It is over.
    #[error("this validation is concluded")]
    AlreadyConcluded,
    /// It is not over yet.
    #[error("this validation is not concluded yet")]
    NotConcluded,
    /// A human approves or rejects.
    #[error("a verdict is to approve or to reject")]
    VerdictNotFinal,
    /// Another human was faster and said otherwise.
    #[error("this validation was adjudicated otherwise already")]
    AlreadyAdjudicated,
    /// Only a rejection is appealed.
    #[error("only a rejected version is appealed, and this one is not rejected")]
    NotRejected,
    /// There is no appeal to answer.
    #[error("nobody appealed against this verdict")]
    NotAppealed,
    /// One appeal a version, and it is made already.
    #[error("this rejection was appealed already, and a version has one appeal")]
    AlreadyAppealed,
    /// The verdict contradicts a rejection that waits for another look.
    #[error("this rejection was appealed: decide about the appeal")]
    AppealOpen,
}

/// Decides about validations, on streams `validation-`.
pub struct Validations;

impl Decider for Validations {
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Error;

    const CATEGORY: Category = Category::Validation;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Error> {
        let decided = match (state, command) {
            (State::Absent, Command::Request { id, plugin, version, digest, kind, pipeline }) => {
                let distinct: BTreeSet<_> = pipeline.iter().collect();
                if pipeline.is_empty() || distinct.len() < pipeline.len() {
                    return Err(Error::InvalidPipeline);
                }
                Some(Event::Requested { validation_id: id, plugin_id: plugin, version, digest, kind, pipeline })
            }
            (State::Absent, _) => return Err(Error::NotRequested),
            (State::Requested(known), Command::Request { id, plugin, version, digest, .. }) => {
                if (id, plugin, &version, &digest) != (known.id, known.plugin, &known.version, &known.digest) {
                    return Err(Error::AlreadyRequested);
                }
                None
            }
            (State::Requested(known), Command::CompleteStep { step }) => decide_step(known, step)?,
            (State::Requested(known), Command::CrossCheck(check)) => match (&known.cross_check, &known.conclusion) {
                (Some(_), _) => None,
                (None, Some(_)) => return Err(Error::AlreadyConcluded),
                (None, None) => Some(Event::CrossChecked { version: known.version.clone(), check }),
            },
            (State::Requested(known), Command::Conclude { report, thresholds }) => {
                decide_conclusion(known, report, thresholds)?
            }
            (State::Requested(known), Command::Escalate { reason }) => decide_escalation(known, reason)?,
            (State::Requested(known), Command::Appeal { vendor, reason }) => decide_appeal(known, vendor, reason)?,
            (State::Requested(known), Command::Adjudicate(ruling)) => decide_adjudication(known, ruling)?,
        };
        Ok(decided.into_iter().collect())
    }

    fn evolve(state: State, event: &Event) -> State {
        match (state, event) {
            (State::Absent, Event::Requested { validation_id, plugin_id, version, digest, pipeline, .. }) => {
                State::Requested(Box::new(Validation {
                    id: *validation_id,
                    plugin: *plugin_id,
                    version: version.clone(),
                    digest: digest.clone(),
                    pipeline: pipeline.clone(),
                    completed: vec![],
                    cross_check: None,
                    conclusion: None,
                    escalated: false,
                    adjudicated: None,
                    appeal: None,
                }))
            }
            (State::Requested(mut validation), event) => {
                match event {
                    Event::StepCompleted { step, .. } => validation.completed.push(step.clone()),
                    Event::CrossChecked { check, .. } => validation.cross_check = Some(Box::new(check.clone())),
                    Event::Concluded { confidence, verdict, report, .. } => {
                        validation.conclusion =
                            Some(Conclusion { confidence: *confidence, verdict: *verdict, report: report.clone() });
                    }
                    Event::Escalated { .. } => validation.escalated = true,
                    Event::Appealed { reason, .. } => {
                        validation.appeal = Some(Appeal { reason: reason.clone(), answer: None });
                    }
                    Event::Adjudicated { ruling, .. } => validation.rule(ruling),
                    Event::Requested { .. } => {}
                }
                State::Requested(validation)
            }
            (state, _) => state,
        }
    }
}

fn decide_step(known: &Validation, step: Step) -> Result<Option<Event>, Error> {
    if known.completed.contains(&step) {
        return Ok(None);
    }
    if known.conclusion.is_some() {
        return Err(Error::AlreadyConcluded);
    }
    if known.next_step() != Some(step.name.as_str()) {
        return Err(Error::UnexpectedStep(step.name));
    }
    Ok(Some(Event::StepCompleted { version: known.version.clone(), step }))
}

fn decide_conclusion(known: &Validation, report: String, thresholds: Thresholds) -> Result<Option<Event>, Error> {
    if let Some(missing) = known.next_step() {
        return Err(Error::StepsMissing(missing.to_owned()));
    }
    let (confidence, verdict) = match conclude(&known.completed, thresholds) {
        // What answers differently each time is for a human to judge.
        (confidence, Verdict::Approve) if known.cross_check.as_ref().is_some_and(|check| check.is_discrepant()) => {
            (confidence, Verdict::Escalate)
        }
        found => found,
    };
    let conclusion = Conclusion { confidence, verdict, report };
    match &known.conclusion {
        Some(before) if *before == conclusion => Ok(None),
        Some(_) => Err(Error::AlreadyConcluded),
        None => {
            let Conclusion { confidence, verdict, report } = conclusion;
            let version = known.version.clone();
            Ok(Some(Event::Concluded { version, confidence, verdict, report, thresholds }))
        }
    }
}

fn decide_escalation(known: &Validation, reason: String) -> Result<Option<Event>, Error> {
    match known.settled()? {
        // A rejection is appealed, and by its vendor only.
        Some(Verdict::Reject) => Err(Error::AlreadyConcluded),
        _ if known.escalated || known.adjudicated.is_some() => Ok(None),
        _ => Ok(Some(Event::Escalated { version: known.version.clone(), reason })),
    }
}

#[cfg(test)]
mod tests;
