//! The steps that look into the files: `static_analysis`, `dependencies` and `workflow`.

use souk_domain::{
    listing::Kind,
    plugin::Stripped,
    validation::{Finding, Severity},
};
use souk_inspect::{Inspector, advisories::Advisories, dependencies, inspector, workflow};
use souk_package::finding;

use super::{CheckStep, Gathered, Input};

pub(super) struct StaticAnalysisStep;

impl CheckStep for StaticAnalysisStep {
    fn name(&self) -> &'static str {
        "static_analysis"
    }

    fn run(&self, _: &Input, gathered: &mut Gathered) -> Option<Vec<Finding>> {
        let archive = gathered.archive.as_ref()?;
        Some(with_inspector(|inspector| inspector.inspect(archive, gathered.manifest.as_ref())))
    }
}

pub(super) struct DependenciesStep(pub Result<Advisories, String>);

impl CheckStep for DependenciesStep {
    fn name(&self) -> &'static str {
        "dependencies"
    }

    fn run(&self, _: &Input, gathered: &mut Gathered) -> Option<Vec<Finding>> {
        let archive = gathered.archive.as_ref()?;
        match &self.0 {
            Ok(known) => dependencies(archive, known),
            Err(problem) => Some(not_inspected(problem)),
        }
    }
}

pub(super) struct WorkflowStep;

impl CheckStep for WorkflowStep {
    fn name(&self) -> &'static str {
        "workflow"
    }

    fn run(&self, input: &Input, gathered: &mut Gathered) -> Option<Vec<Finding>> {
        let archive = gathered.archive.as_ref().filter(|_| input.kind == Kind::Workflow)?;
        let mut findings = with_inspector(|inspector| workflow(archive, inspector).unwrap_or_default());
        findings.extend(input.stripped.map(stripped));
        Some(findings)
    }
}

fn stripped(Stripped { credentials, webhook_ids }: Stripped) -> Finding {
    let message = format!(
        "ids of the author's own accounts were taken out when it was handed in: credentials of {credentials} and webhook ids \
         of {webhook_ids} nodes"
    );
    finding("workflow.stripped", Severity::Info, None, message)
}

fn with_inspector(inspect: impl FnOnce(&Inspector) -> Vec<Finding>) -> Vec<Finding> {
    match inspector() {
        Ok(inspector) => inspect(inspector),
        Err(unusable) => not_inspected(&unusable.to_string()),
    }
}

/// What could not be looked into is not approved.
fn not_inspected(why: &str) -> Vec<Finding> {
    let message = format!("the files could not be looked into: {why}");
    vec![finding("code.not_inspected", Severity::Critical, None, message)]
}
