//! `souk validate`

mod granted;
mod report;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Value, json};
use souk_app::validation::{CheckError, Means, Pipeline, Stage, advisories, check};
use souk_domain::validation::{Thresholds, Verdict, conclude};
use souk_ports::{MalwareScanner, Sandbox, sandbox::Grants};

use crate::{
    cli::{Checks, ValidateOptions},
    config::Config,
    failure::Failure,
    import::Progress,
    output::say,
    package::{self, Package},
    wire,
};

/// The pipeline that a server runs, without one.
pub struct Desk {
    pipeline: Arc<Pipeline>,
    thresholds: Thresholds,
    scanner: Option<Arc<dyn MalwareScanner>>,
    sandbox: Arc<dyn Sandbox>,
    /// None when no samples are to be run.
    grants: Option<Grants>,
}

/// A package that was validated.
pub struct Validated {
    /// What a server would say, with the thresholds of this configuration.
    pub verdict: Verdict,
    /// 0 to 100.
    pub confidence: u8,
    /// The report that a server would keep.
    pub report: Value,
    /// What a reader of the report should know of the package and of this run.
    remarks: Vec<String>,
    left_out: Vec<String>,
}

/// Validates packages, one after the other.
///
/// # Errors
/// What cannot be read or run, with exit code 1; else the worst verdict: 2 when a human has to look, 3 when it is refused.
pub async fn run(config: &Config, options: &ValidateOptions, json: bool) -> Result<(), Failure> {
    let mut round = Round::open(config, &options.checks, options.paths.len(), json)?;
    for path in &options.paths {
        round.take(path, &read(path.clone(), options.kind).await?).await?;
    }
    round.close()
}

/// Several packages, one after the other.
pub struct Round {
    desk: Desk,
    json: bool,
    progress: Option<Progress>,
    count: usize,
    doubtful: usize,
    refused: usize,
}

impl Round {
    /// Begins with `count` packages to come, and tells in JSON where that is wanted.
    ///
    /// # Errors
    /// As [`Desk::open`].
    pub fn open(config: &Config, checks: &Checks, count: usize, json: bool) -> Result<Self, Failure> {
        let progress = (count > 1).then(|| Progress::begin("validating", count));
        Ok(Self { desk: Desk::open(config, checks)?, json, progress, count, doubtful: 0, refused: 0 })
    }

    /// Validates a package and tells what came out.
    ///
    /// # Errors
    /// As [`Desk::validate`].
    pub async fn take(&mut self, path: &Path, package: &Package) -> Result<(), Failure> {
        let validated = self.desk.validate(path, package).await?;
        match validated.verdict {
            Verdict::Reject => self.refused += 1,
            Verdict::Escalate => self.doubtful += 1,
            Verdict::Approve => {}
        }
        if self.json {
            say(validated.told(path).to_string());
        } else {
            report::tell(path, &validated);
        }
        if let Some(progress) = &self.progress {
            progress.step();
        }
        Ok(())
    }

    /// The worst verdict.
    ///
    /// # Errors
    /// With code 2 when a human has to look, 3 when something is refused.
    pub fn close(self) -> Result<(), Failure> {
        let Self { count, doubtful, refused, .. } = self;
        match (refused, doubtful) {
            (0, 0) => Ok(()),
            (0, _) => Err(Failure::new(format!("{doubtful} of {count} need review by a human")).with_code(2)),
            _ => Err(Failure::new(format!("{refused} of {count} would be refused")).with_code(3)),
        }
    }
}

/// Reads a package where blocking is allowed.
async fn read(path: PathBuf, kind: Option<souk_domain::listing::Kind>) -> Result<Package, Failure> {
    let shown = path.display().to_string();
    let read = tokio::task::spawn_blocking(move || package::read(&path, kind)).await.map_err(Failure::new)?;
    read.map_err(|problem| Failure::new(format!("{shown}: {problem}")))
}

impl Desk {
    /// Makes ready what packages are checked with.
    ///
    /// # Errors
    /// The list of advisories cannot be read, or a secret is no variable.
    pub fn open(config: &Config, checks: &Checks) -> Result<Self, Failure> {
        Ok(Self {
            pipeline: Arc::new(pipeline(config, checks.advisories.as_deref())?),
            thresholds: config.validation,
            scanner: wire::scanner(config),
            sandbox: wire::sandbox_of_user(config),
            grants: if checks.no_run { None } else { Some(granted::grants(config, checks)?) },
        })
    }

    /// What a server would say of `package`, which was read from `path`.
    ///
    /// # Errors
    /// The pipeline or the sandbox itself failed, which says nothing of the package.
    pub async fn validate(&self, path: &Path, package: &Package) -> Result<Validated, Failure> {
        let failed = |problem: String| Failure::new(format!("{}: {problem}", path.display()));
        let stage = self.grants.as_ref().map(|grants| Stage { sandbox: &*self.sandbox, grants });
        let means = Means { scanner: self.scanner.as_deref(), stage, recorded: &[] };
        let run = check(Arc::clone(&self.pipeline), package.input.clone(), means).await;
        let run = run.map_err(|error| match error {
            CheckError::Sandbox(_) => failed(format!("{error}; --no-run checks everything else")),
            CheckError::Scanner(_) | CheckError::Broken(_) => failed(error.to_string()),
        })?;
        let (confidence, verdict) = conclude(&run.steps, self.thresholds);
        let report: Value = serde_json::from_slice(&run.report).map_err(|error| failed(error.to_string()))?;
        let mut remarks = Vec::new();
        if package.made_up {
            remarks.push("there is no souk.json; its manifest was made from what the files say".to_owned());
        }
        remarks.extend(package.missing.as_ref().map(ToString::to_string));
        remarks.extend(package.unchecked.as_ref().map(|signature| {
            let shown = signature.display();
            format!("{shown} was not checked: it does not say by whose key it is; `souk sign --json` writes that too")
        }));
        remarks.extend(granted::remarks(&package.input.manifest, self.grants.as_ref()));
        Ok(Validated { verdict, confidence, report, remarks, left_out: package.left_out.clone() })
    }
}

impl Validated {
    /// The same for scripts.
    fn told(&self, path: &Path) -> Value {
        json!({
            "path": path.display().to_string(),
            "verdict": self.verdict,
            "confidence": self.confidence,
            "report": self.report,
            "remarks": self.remarks,
            "leftOut": self.left_out,
        })
    }

    /// The report in lines for people.
    pub fn lines(&self, path: &Path) -> Vec<String> {
        report::lines(path, self)
    }
}

/// The pipeline that a server has, with `advisories` instead of those of the configuration where there are any.
///
/// # Errors
/// The list cannot be read.
pub(super) fn pipeline(config: &Config, advisories: Option<&Path>) -> Result<Pipeline, Failure> {
    advisories.or(config.advisories.as_deref()).map_or_else(|| Ok(Pipeline::standard()), knowing)
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

#[cfg(test)]
mod tests;
