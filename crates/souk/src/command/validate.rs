//! `souk validate`

mod package;
mod report;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use souk_app::validation::{Pipeline, advisories};
use souk_domain::{
    listing::Kind,
    validation::{Thresholds, Verdict, conclude},
};

use crate::{config::Config, failure::Failure, import::Progress, output::say};

/// What to validate.
pub struct Wanted {
    /// Folders, archives, or single files.
    pub paths: Vec<PathBuf>,
    /// Of which kind they are; found out when absent.
    pub kind: Option<Kind>,
    /// More that is known of packages.
    pub advisories: Option<PathBuf>,
    /// Report in JSON, a line a package.
    pub json: bool,
}

/// A package that was validated.
struct Validated {
    verdict: Verdict,
    confidence: u8,
    report: Value,
    /// Whether the manifest had to be made up.
    made_up: bool,
    /// A signature that lies beside the package without its key.
    unchecked: Option<PathBuf>,
}

/// Runs the pipeline that a server runs, without one.
///
/// # Errors
/// What cannot be read, with exit code 1; else the worst verdict: 2 when a human has to look, 3 when it is refused.
pub fn run(config: &Config, wanted: &Wanted) -> Result<(), Failure> {
    let known = wanted.advisories.as_ref().or(config.advisories.as_ref());
    let pipeline = known.map_or_else(|| Ok(Pipeline::standard()), |path| knowing(path))?;
    let progress = (wanted.paths.len() > 1).then(|| Progress::begin("validating", wanted.paths.len()));
    let (mut refused, mut doubtful) = (0_usize, 0_usize);
    for path in &wanted.paths {
        let validated = validate(&pipeline, config.validation, path, wanted.kind)
            .map_err(|problem| Failure::new(format!("{}: {problem}", path.display())))?;
        match validated.verdict {
            Verdict::Reject => refused += 1,
            Verdict::Escalate => doubtful += 1,
            Verdict::Approve => {}
        }
        if wanted.json {
            let (path, verdict, confidence) = (path.display().to_string(), validated.verdict, validated.confidence);
            say(json!({ "path": path, "verdict": verdict, "confidence": confidence, "report": validated.report })
                .to_string());
        } else {
            report::tell(path, &validated);
        }
        if let Some(progress) = &progress {
            progress.step();
        }
    }
    drop(progress);
    match (refused, doubtful) {
        (0, 0) => Ok(()),
        (0, _) => {
            Err(Failure::new(format!("{doubtful} of {} need review by a human", wanted.paths.len())).with_code(2))
        }
        _ => Err(Failure::new(format!("{refused} of {} would be refused", wanted.paths.len())).with_code(3)),
    }
}

/// The pipeline with an operator's list of advisories.
///
/// # Errors
/// The list cannot be read.
pub fn knowing(path: &Path) -> Result<Pipeline, Failure> {
    let at = |problem: String| Failure::new(format!("{}: {problem}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| at(error.to_string()))?;
    let more = advisories::Advisories::read(&text).map_err(|unreadable| at(unreadable.to_string()))?;
    Ok(Pipeline::with_advisories(more))
}

fn validate(pipeline: &Pipeline, thresholds: Thresholds, path: &Path, kind: Option<Kind>) -> Result<Validated, String> {
    let package = package::read(path, kind)?;
    let run = pipeline.run(&package.input);
    let (confidence, verdict) = conclude(&run.steps, thresholds);
    let report = serde_json::from_slice(&run.report).map_err(|error| error.to_string())?;
    Ok(Validated { verdict, confidence, report, made_up: package.made_up, unchecked: package.unchecked })
}

#[cfg(test)]
mod tests;
