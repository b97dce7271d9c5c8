//! What is checked of a version before anyone can install it: an ordered list of steps.
//!
//! Pure and synchronous, and a large archive takes a while: run it where blocking is allowed. The same input always gives
//! the same steps and the same bytes of report.

mod artifact;
mod check;
mod inspection;
mod malware;
mod manifest;
mod property;
mod report;
mod signature;
mod similarity;
mod trial;

use bytes::Bytes;
use semver::Version;
use serde_json::Value;
use souk_domain::{
    listing::Kind,
    plugin::Stripped,
    validation::{CrossCheck, Finding, Outcome, Step},
};
pub use souk_inspect::advisories;
use souk_inspect::advisories::{Advisories, Unreadable};
use souk_package::{archive::Archive, manifest::Manifest, sha256, workflow::strip_packed};

pub use self::{
    check::{CheckError, Means, Stage, check},
    signature::{KeyStanding, Signed, Signing},
};
use self::{
    malware::scan,
    trial::{Trial, get_ready, try_out},
};

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
    /// What is known of its vendor's signature.
    pub signature: Signed,
    /// What was taken out of its workflows before it was kept.
    pub stripped: Option<Stripped>,
}

impl Input {
    /// An archive as it would be kept if it were handed in, of which nobody knows who its vendor is.
    #[must_use]
    pub fn of(kind: Kind, name: String, version: Version, manifest: Value, archive: Vec<u8>) -> Self {
        // What cannot be packed anew stays as it is, and is refused for what is left in it.
        let (archive, stripped) = match strip_packed(kind, &archive) {
            Ok(Some((archive, stripped))) => (archive, Some(stripped)),
            Ok(None) | Err(_) => (archive, None),
        };
        Self {
            kind,
            name,
            manifest,
            version,
            digest: sha256(&archive),
            size: archive.len() as u64,
            archive: archive.into(),
            signature: Signed::Unknown,
            stripped,
        }
    }
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

    /// Why it finds nothing where it does not apply, when that is not plain from the kind.
    fn why_skipped(&self) -> Option<&'static str> {
        None
    }
}

/// The step that asks a scanner. It waits for others, so that the pipeline leaves it to its caller.
const MALWARE: &str = "malware";
/// The step that runs samples. It is the last one, and needs a sandbox, so that the pipeline leaves it to its caller.
const EXECUTION: &str = "execution";

/// A step with all that it found.
#[derive(Debug)]
struct Part {
    step: Step,
    findings: Vec<Finding>,
    why_skipped: Option<&'static str>,
}

impl Part {
    fn new(name: &str, found: Option<Vec<Finding>>, why_skipped: Option<&'static str>) -> Self {
        match found {
            Some(findings) => Self { step: Step::from_findings(name, findings.clone()), findings, why_skipped: None },
            None => Self { step: Step::skipped(name), findings: Vec::new(), why_skipped },
        }
    }
}

/// What the steps found that only look, and what the scanner said.
#[derive(Debug)]
pub struct Examined {
    parts: Vec<Part>,
    gathered: Gathered,
    recorded: Vec<Step>,
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
        self.parts.iter().any(|part| part.step.outcome == Outcome::Failed)
    }

    /// The same with what a scanner of malware found.
    #[must_use]
    pub fn scanned(mut self, findings: Vec<Finding>) -> Self {
        self.parts.retain(|part| part.step.name != MALWARE);
        self.parts.push(Part::new(MALWARE, Some(findings), None));
        self
    }

    /// The same as the continuation of a try that ended after it had recorded these steps. What they found then stands, also
    /// where it depends on what others know by now.
    #[must_use]
    pub fn after(self, recorded: &[Step]) -> Self {
        Self { recorded: recorded.to_vec(), ..self }
    }

    /// The end of the run; `trial` is what running the samples came to, where there was something to run.
    #[must_use]
    fn conclude(self, input: &Input, trial: Option<Trial>) -> Run {
        let Self { mut parts, gathered, recorded } = self;
        let (findings, cross_check) = match trial {
            Some(Trial { findings, cross_check }) => (Some(findings), cross_check),
            None => (None, None),
        };
        parts.push(Part::new(EXECUTION, findings, None));
        for part in &mut parts {
            if let Some(before) = recorded.iter().find(|step| step.name == part.step.name && **step != part.step) {
                *part = Part { step: before.clone(), findings: before.findings.clone(), why_skipped: None };
            }
        }
        let steps = parts.iter().map(|part| part.step.clone()).collect();
        let report = report::write(input, &parts, &gathered, cross_check.as_ref());
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
            Box::new(signature::SignatureStep),
            Box::new(inspection::StaticAnalysisStep),
            Box::new(inspection::DependenciesStep(known.map_err(|unreadable| unreadable.to_string()))),
            Box::new(inspection::WorkflowStep),
        ])
    }

    /// Names of the steps, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(|step| step.name()).chain([MALWARE, EXECUTION]).map(str::to_owned).collect()
    }

    /// Takes every step that only looks, whatever the earlier ones found: who hands a version in learns of all its flaws at once.
    #[must_use]
    pub fn examine(&self, input: &Input) -> Examined {
        let mut gathered = Gathered::default();
        let looked = self.0.iter().map(|check| {
            let found = check.run(input, &mut gathered);
            Part::new(check.name(), found, check.why_skipped())
        });
        let mut parts: Vec<_> = looked.collect();
        parts.push(Part::new(MALWARE, None, Some("no scanner of malware was asked")));
        Examined { parts, gathered, recorded: Vec::new() }
    }

    /// The same where there is neither a scanner to ask nor anything to run samples in.
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
