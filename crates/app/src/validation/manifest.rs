//! The step `manifest`: schema, version, license, and that it is the manifest of this very version.

use souk_domain::validation::Finding;
use souk_package::manifest::{Expected, compare, parse};

use super::{CheckStep, Gathered, Input};

pub(super) struct ManifestStep;

impl CheckStep for ManifestStep {
    fn name(&self) -> &'static str {
        "manifest"
    }

    fn run(&self, input: &Input, gathered: &mut Gathered) -> Option<Vec<Finding>> {
        Some(match parse(&input.manifest) {
            Ok(manifest) => {
                let expected = Expected { name: &input.name, kind: input.kind, version: &input.version };
                let findings = compare(&manifest, &expected);
                gathered.manifest = Some(manifest);
                findings
            }
            Err(findings) => findings,
        })
    }
}
