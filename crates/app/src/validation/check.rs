//! The whole of a validation: looking at a version, having it scanned, and running its samples where it says what to run.

use std::sync::Arc;

use souk_domain::validation::Step;
use souk_ports::{
    malware::{MalwareError, MalwareScanner},
    sandbox::{Grants, Sandbox, SandboxError},
};
use tokio::task::{JoinError, spawn_blocking};

use super::{Examined, Input, Pipeline, Run, Trial, get_ready, scan, try_out};
use crate::executions::Runnable;

/// Where samples run, and what they may have there.
#[derive(Clone, Copy)]
pub struct Stage<'a> {
    /// Where.
    pub sandbox: &'a dyn Sandbox,
    /// What of what they declare.
    pub grants: &'a Grants,
}

/// What a version is checked with, beyond the pipeline. Steps that lack theirs are skipped.
#[derive(Clone, Copy, Default)]
pub struct Means<'a> {
    /// Who knows malware.
    pub scanner: Option<&'a dyn MalwareScanner>,
    /// Where samples run.
    pub stage: Option<Stage<'a>>,
    /// Steps that an earlier try has recorded; what they found stands.
    pub recorded: &'a [Step],
}

/// Why there is no outcome, which says nothing of the version.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The pipeline itself broke.
    #[error("the validation pipeline broke: {0}")]
    Broken(#[from] JoinError),
    /// The scanner does not answer.
    #[error(transparent)]
    Scanner(#[from] MalwareError),
    /// The sandbox does not work at present.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

/// Takes `input` through `pipeline`. Samples run on the stage, if there is one and nothing refuses the version before.
///
/// # Errors
/// The pipeline, the scanner or the sandbox itself failed.
pub async fn check(pipeline: Arc<Pipeline>, input: Input, means: Means<'_>) -> Result<Run, CheckError> {
    let (input, mut examined) = spawn_blocking(move || {
        let examined = pipeline.examine(&input);
        (input, examined)
    })
    .await?;
    if let Some(scanner) = means.scanner {
        let found = scan(scanner, &input.archive, examined.gathered().archive.as_ref()).await?;
        examined = examined.scanned(found);
    }
    let (input, examined, trial) = match means.stage {
        None => (input, examined, None),
        Some(stage) => {
            let (input, examined, runnable) = spawn_blocking(move || {
                let archive = examined.gathered().archive.as_ref().filter(|_| !examined.is_blocked());
                let runnable = archive.and_then(|archive| Runnable::of(archive, &input.manifest));
                (input, examined, runnable)
            })
            .await?;
            let trial = match runnable {
                None => None,
                Some(runnable) => tried(stage, &runnable, &examined).await?,
            };
            (input, examined, trial)
        }
    };
    let examined = examined.after(means.recorded);
    Ok(spawn_blocking(move || examined.conclude(&input, trial)).await?)
}

/// What running `runnable` comes to, where its manifest speaks of it.
async fn tried(stage: Stage<'_>, runnable: &Runnable, examined: &Examined) -> Result<Option<Trial>, SandboxError> {
    let manifest = examined.gathered().manifest.as_ref();
    let samples = manifest.map(|manifest| manifest.samples.as_slice()).unwrap_or_default();
    let entry = manifest.and_then(|manifest| manifest.entry.as_deref());
    // A component that is only among the files is not what its vendor speaks of, but it may be run.
    if !samples.is_empty() || entry.is_some_and(|entry| entry.ends_with(".wasm")) {
        return try_out(stage.sandbox, runnable, samples, stage.grants).await.map(Some);
    }
    get_ready(stage.sandbox, runnable).await
}
