//! The samples of a version, run twice and compared: by a reviewer in their order, by an executor in reverse, each with another seed.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};
use souk_domain::validation::{CrossCheck, Finding, Severity};
use souk_package::{
    finding,
    samples::{Expected, Sample},
};
use souk_ports::sandbox::{Grants, Sandbox, SandboxError, Task};

use super::{
    property,
    similarity::{SAME, mean, similarity},
};
use crate::executions::Runnable;

/// Tries: after a discrepancy once more.
const ATTEMPTS: u32 = 2;

/// What came of it.
#[derive(Debug, Default)]
pub struct Trial {
    /// What the samples found.
    pub findings: Vec<Finding>,
    /// How far the two runs agreed; none without samples.
    pub cross_check: Option<CrossCheck>,
}

/// The output of a sample, or why there is none.
type Output = Result<Value, SandboxError>;

/// Runs the samples of `runnable`. The same version is always run with the same seeds.
///
/// # Errors
/// The sandbox does not work at present.
pub async fn try_out(
    sandbox: &dyn Sandbox,
    runnable: &Runnable,
    samples: &[Sample],
    grants: &Grants,
) -> Result<Trial, SandboxError> {
    let Runnable { component, digest, declared, .. } = runnable;
    if let Err(error) = sandbox.prepare(component.clone(), digest, declared).await {
        return match is_ours(&error) {
            true => Err(error),
            false => Ok(Trial { findings: vec![not_loaded(&error)], cross_check: None }),
        };
    }
    if samples.is_empty() {
        return Ok(Trial::default());
    }
    let (mut attempts, mut reviewed) = (Vec::new(), Vec::new());
    for attempt in 0..ATTEMPTS {
        reviewed = run(sandbox, runnable, samples, grants, ("reviewer", attempt)).await?;
        let executed = run(sandbox, runnable, samples, grants, ("executor", attempt)).await?;
        let consensus = mean(reviewed.iter().zip(&executed).map(|(one, other)| agreement(one, other)));
        attempts.push(consensus);
        if consensus > CrossCheck::DISCREPANCY {
            break;
        }
    }
    let findings = samples.iter().zip(&reviewed).enumerate().filter_map(|(index, (sample, output))| {
        judge(sample, output).map(|(rule, message)| {
            let place = format!("samples[{index}]");
            finding(rule, Severity::High, Some(&place), format!("sample `{}`: {message}", sample.name))
        })
    });
    let samples = u32::try_from(samples.len()).unwrap_or(u32::MAX);
    Ok(Trial { findings: findings.collect(), cross_check: Some(CrossCheck { samples, attempts }) })
}

/// Compiles what somebody may run although the manifest does not speak of it: the only component of the archive. None when it
/// cannot be loaded, which is no flaw of a file that is only shipped along.
///
/// # Errors
/// The sandbox does not work at present.
pub async fn get_ready(sandbox: &dyn Sandbox, runnable: &Runnable) -> Result<Option<Trial>, SandboxError> {
    let Runnable { component, digest, declared, .. } = runnable;
    match sandbox.prepare(component.clone(), digest, declared).await {
        Ok(()) => Ok(Some(Trial::default())),
        Err(error) if is_ours(&error) => Err(error),
        Err(_) => Ok(None),
    }
}

/// Outputs in the order of `samples`.
async fn run(
    sandbox: &dyn Sandbox,
    runnable: &Runnable,
    samples: &[Sample],
    grants: &Grants,
    (role, attempt): (&str, u32),
) -> Result<Vec<Output>, SandboxError> {
    let mut outputs = Vec::with_capacity(samples.len());
    let backwards = role == "executor";
    for step in 0..samples.len() {
        let index = if backwards { samples.len() - 1 - step } else { step };
        let Some(sample) = samples.get(index) else { continue };
        let task = Task {
            component: Bytes::clone(&runnable.component),
            digest: runnable.digest.clone(),
            input: sample.input.to_string(),
            declared: runnable.declared.clone(),
            granted: grants.clone(),
            seed: seed(&runnable.digest, role, attempt, index),
            files: Arc::clone(&runnable.files),
        };
        let output = sandbox.run(task).await.outcome.and_then(|text| {
            serde_json::from_str(&text).map_err(|error| SandboxError::InvalidOutput(error.to_string()))
        });
        match output {
            Err(error) if is_ours(&error) => return Err(error),
            output => outputs.push(output),
        }
    }
    if backwards {
        outputs.reverse();
    }
    Ok(outputs)
}

/// 53 bits of a hash, so that a report can be had again.
fn seed(digest: &str, role: &str, attempt: u32, index: usize) -> u64 {
    let hash = Sha256::digest(format!("{digest} {role} {attempt} {index}"));
    hash.iter().take(8).fold(0_u64, |seed, byte| seed << 8 | u64::from(*byte)) >> 11
}

/// Whether an error says something of the sandbox and nothing of the component.
const fn is_ours(error: &SandboxError) -> bool {
    matches!(error, SandboxError::QueueFull | SandboxError::Unavailable(_))
}

/// How far two outputs agree, thousandths; who fails alike agrees.
fn agreement(one: &Output, other: &Output) -> u16 {
    match (one, other) {
        (Ok(one), Ok(other)) => similarity(one, other),
        (Err(one), Err(other)) if one.code() == other.code() => SAME,
        _ => 0,
    }
}

/// Which rule an output breaks, and how.
fn judge(sample: &Sample, output: &Output) -> Option<(&'static str, String)> {
    match (output, &sample.expected) {
        (Err(error), _) => Some(("execution.sample_failed", error.to_string())),
        (Ok(output), Expected::Output(expected)) => (output != expected)
            .then(|| ("execution.sample_differs", "the output is another one than expected".to_owned())),
        (Ok(output), Expected::Property(property)) => {
            property::breach(property, output).map(|breach| ("execution.sample_differs", breach))
        }
    }
}

fn not_loaded(error: &SandboxError) -> Finding {
    finding("execution.not_loaded", Severity::High, None, format!("it cannot be run: {error}"))
}
