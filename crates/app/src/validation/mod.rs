//! What is checked of a version before anyone can install it: an ordered list of steps.
//!
//! Pure and synchronous, and a large archive takes a while: run it where blocking is allowed. The same input always gives
//! the same steps and the same bytes of report.

mod artifact;
mod inspection;
mod manifest;
mod property;
mod report;
mod similarity;
mod trial;

use bytes::Bytes;
use semver::Version;
use serde_json::Value;
use souk_domain::{
    listing::Kind,
    validation::{CrossCheck, Finding, Step},
};
pub use souk_inspect::advisories;
use souk_inspect::advisories::{Advisories, Unreadable};
use souk_package::{archive::Archive, manifest::Manifest};

pub(crate) use self::trial::{Trial, try_out};

/// A version to check.
#[derive(Clone, Debug)]
pub struct Input {
    /// Kind of its plugin.
    pub kind: Kind,
    /// Name of its plugin.
    pub name: String,
    /// What came with it.
    pub manifest: Value,
    /// Which version was handed in.
    pub version: Version,
    /// SHA-256 that its archive was recorded with, 64 lower-case hex digits.
    pub digest: String,
    /// Bytes that its archive was recorded with.
    pub size: u64,
    /// The archive as the store holds it.
    pub archive: Bytes,
}

/// What earlier steps have read, for later ones.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The manifest, once it was found to follow the schema.
    pub manifest: Option<Manifest>,
    /// The archive, once it was found safe to read.
    pub archive: Option<Archive>,
}

/// One step of the pipeline.
pub trait CheckStep: Send + Sync {
    /// Its name, e.g. `manifest`; unique in the pipeline, and stable, because events carry it.
    fn name(&self) -> &'static str;

    /// What it finds; none when it does not apply to this input.
    fn run(&self, input: &Input, gathered: &mut Gathered) -> Option<Vec<Finding>>;
}

/// The step that runs samples. It is the last one, and needs a sandbox, so that the pipeline leaves it to its caller.
pub(crate) const EXECUTION: &str = "execution";

/// What the steps found that only look.
#[derive(Debug)]
pub struct Examined {
    parts: Vec<(Step, Vec<Finding>)>,
    gathered: Gathered,
}

impl Examined {
    /// What was read: the manifest and the archive, as far as they are right.
    #[must_use]
    pub const fn gathered(&self) -> &Gathered {
        &self.gathered
    }

    /// Whether something refuses the version, whatever a run would show.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.parts.iter().any(|(step, _)| step.outcome == souk_domain::validation::Outcome::Failed)
    }

    /// The end of the run; `trial` is what running the samples came to, where there was something to run.
    #[must_use]
    pub fn conclude(self, input: &Input, trial: Option<Trial>) -> Run {
        let Self { mut parts, gathered } = self;
        let (step, findings, cross_check) = match trial {
            Some(Trial { findings, cross_check }) => {
                (Step::from_findings(EXECUTION, findings.clone()), findings, cross_check)
            }
            None => (Step::skipped(EXECUTION), Vec::new(), None),
        };
        parts.push((step, findings));
        let steps = parts.iter().map(|(step, _)| step.clone()).collect();
        let report = report::write(input, parts, &gathered, cross_check.as_ref());
        Run { steps, cross_check, report }
    }
}

/// What a pipeline came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The outcome of every step, in order.
    pub steps: Vec<Step>,
    /// How far two runs of its samples agreed, where there was something to run.
    pub cross_check: Option<CrossCheck>,
    /// All findings, also those that the steps leave out, with advice; confidence and risk apart from each other; and the
    /// files of the archive, as JSON: the artifact that `validation.concluded` names by its digest.
    pub report: Vec<u8>,
}

/// The steps that a version goes through.
pub struct Pipeline(Vec<Box<dyn CheckStep>>);

impl Pipeline {
    /// The steps that every version goes through.
    #[must_use]
    pub fn standard() -> Self {
        Self::of(Advisories::built_in())
    }

    /// The same, knowing of packages what `more` says as well.
    #[must_use]
    pub fn with_advisories(more: Advisories) -> Self {
        Self::of(Advisories::built_in().map(|built_in| built_in.with(more)))
    }

    fn of(known: Result<Advisories, Unreadable>) -> Self {
        Self(vec![
            Box::new(manifest::ManifestStep),
            Box::new(artifact::ArtifactStep::default()),
            Box::new(inspection::StaticAnalysisStep),
            Box::new(inspection::DependenciesStep(known.map_err(|unreadable| unreadable.to_string()))),
            Box::new(inspection::WorkflowStep),
        ])
    }

    /// Names of the steps, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(|step| step.name()).chain([EXECUTION]).map(str::to_owned).collect()
    }

    /// Takes every step that only looks, whatever the earlier ones found: who hands a version in learns of all its flaws at once.
    #[must_use]
    pub fn examine(&self, input: &Input) -> Examined {
        let mut gathered = Gathered::default();
        let mut parts = Vec::with_capacity(self.0.len());
        for check in &self.0 {
            let (step, findings) = match check.run(input, &mut gathered) {
                Some(findings) => (Step::from_findings(check.name(), findings.clone()), findings),
                None => (Step::skipped(check.name()), Vec::new()),
            };
            parts.push((step, findings));
        }
        Examined { parts, gathered }
    }

    /// The same where there is nothing to run samples in.
    #[must_use]
    pub fn run(&self, input: &Input) -> Run {
        self.examine(input).conclude(input, None)
    }
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Pipeline").field(&self.names()).finish()
    }
}

#[cfg(test)]
mod tests;
