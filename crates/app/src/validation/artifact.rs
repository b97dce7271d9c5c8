//! The step `artifact`: that the archive is the one that was handed in, safe to unpack, and of its kind.

use souk_domain::validation::{Finding, Severity};
use souk_package::{
    archive::{Limits, inspect},
    finding, kinds, sha256,
};

use super::{CheckStep, Gathered, Input};

#[derive(Default)]
pub(super) struct ArtifactStep {
    limits: Limits,
}

impl CheckStep for ArtifactStep {
    fn name(&self) -> &'static str {
        "artifact"
    }

    fn run(&self, input: &Input, gathered: &mut Gathered) -> Option<Vec<Finding>> {
        let mut findings = identity(input);
        match inspect(&input.archive, &self.limits) {
            Ok(archive) => {
                findings.extend_from_slice(archive.findings());
                findings.extend(kinds::check(input.kind, &archive, &input.name));
                let entry = gathered.manifest.as_ref().and_then(|manifest| manifest.entry.as_deref());
                if let Some(entry) = entry.filter(|entry| archive.read(entry.trim_start_matches("./")).is_none()) {
                    let message = "the manifest names this file as its `entry`, but the archive has no such file";
                    findings.push(finding("artifact.entry_missing", Severity::High, Some(entry), message));
                }
                gathered.archive = Some(archive);
            }
            Err(problems) => findings.extend(problems),
        }
        Some(findings)
    }
}

/// What is checked must be what was handed in, whatever happened to the store in between.
fn identity(input: &Input) -> Vec<Finding> {
    let critical = |rule: &str, message: String| finding(rule, Severity::Critical, None, message);
    let mut findings = Vec::new();
    let size = input.archive.len() as u64;
    if size != input.size {
        let message = format!("the archive has {size} bytes, but was recorded with {}", input.size);
        findings.push(critical("artifact.size_mismatch", message));
    }
    let digest = sha256(&input.archive);
    if digest != input.digest {
        let message = format!("the archive has the digest {digest}, but was recorded with {}", input.digest);
        findings.push(critical("artifact.digest_mismatch", message));
    }
    findings
}
