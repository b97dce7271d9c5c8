//! A version that was handed in is validated.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use semver::Version;
use serde_json::Value;
use souk_domain::{
    event::DomainEvent,
    id::ValidationId,
    plugin::{Event, Plugins},
    validation::{Command, State, Step, Validation, Validations},
};

use super::{Cause, Reaction};
use crate::{
    App, AppError, Done,
    execute::Call,
    executions::Runnable,
    memory::About,
    plugins,
    validation::{Input, Run, try_out},
};

pub(super) struct Validating;

#[async_trait]
impl Reaction for Validating {
    fn name(&self) -> &'static str {
        "validation"
    }

    fn handles(&self, event_type: &str) -> bool {
        event_type == "plugin.version_submitted"
    }

    fn at_once(&self) -> usize {
        // Of two archives one is read while the other waits for the log. No more: each may be large.
        2
    }

    async fn react(&self, app: &App, cause: &Cause<'_>) -> Result<(), AppError> {
        let DomainEvent::Plugin(Event::VersionSubmitted { version, digest, size, manifest, .. }) = &cause.event else {
            return Ok(());
        };
        validate(app, cause, &Submitted { version, digest, size: *size, manifest }).await
    }
}

struct Submitted<'a> {
    version: &'a Version,
    digest: &'a str,
    size: u64,
    manifest: &'a Value,
}

/// Every step is recorded under an id of its own, so that a crash anywhere leaves what the next try goes on from.
async fn validate(app: &App, cause: &Cause<'_>, submitted: &Submitted<'_>) -> Result<(), AppError> {
    let fact = app.fact::<Plugins>(cause.recorded.stream.uuid, Duration::ZERO).await?;
    let plugin = plugins::created(&fact.state)?;
    let id = ValidationId::of(plugin.id, submitted.version);
    let about = About::plugin(plugin.id, plugin.vendor);
    let request = Command::Request {
        id,
        plugin: plugin.id,
        version: submitted.version.clone(),
        digest: submitted.digest.to_owned(),
        kind: plugin.details.kind,
        pipeline: app.pipeline.names(),
    };
    let give = async |step: &str, command: Command| -> Result<Validation, AppError> {
        let ctx = cause.ctx.step(step);
        requested(&app.execute::<Validations>(Call::on(&ctx, id.uuid(), about), command).await?)
    };
    let mut known = give("request", request).await?;
    if known.conclusion.is_some() {
        return Ok(());
    }
    let input = Input {
        kind: plugin.details.kind,
        name: plugin.name.clone(),
        manifest: submitted.manifest.clone(),
        version: submitted.version.clone(),
        digest: submitted.digest.to_owned(),
        size: submitted.size,
        archive: app.ports.artifacts.get(submitted.digest).await?,
    };
    let run = run(app, input).await?;
    while let Some(next) = known.next_step() {
        // A step that an earlier Souk announced and this one no longer has.
        let step = run.steps.iter().find(|step| step.name == next).cloned().unwrap_or_else(|| Step::skipped(next));
        known = give(&format!("step {}", step.name), Command::CompleteStep { step }).await?;
    }
    if let Some(check) = run.cross_check {
        give("cross-check", Command::CrossCheck(check)).await?;
    }
    let report = app.ports.artifacts.put(run.report.into()).await?;
    give("conclude", Command::Conclude { report, thresholds: app.settings.thresholds }).await?;
    Ok(())
}

/// Looks at a version, and runs its samples where it says what to run.
async fn run(app: &App, input: Input) -> Result<Run, AppError> {
    let broken = |error| AppError::Internal(format!("the validation pipeline broke: {error}"));
    let pipeline = Arc::clone(&app.pipeline);
    let (input, examined, runnable) = tokio::task::spawn_blocking(move || {
        let examined = pipeline.examine(&input);
        let gathered = examined.gathered();
        // A component that is only among the files is not what anybody runs.
        let meant = gathered.manifest.as_ref().is_some_and(|manifest| {
            !manifest.samples.is_empty() || manifest.entry.as_deref().is_some_and(|entry| entry.ends_with(".wasm"))
        });
        let archive = gathered.archive.as_ref().filter(|_| meant && !examined.is_blocked());
        let runnable = archive.and_then(|archive| Runnable::of(archive, &input.manifest));
        (input, examined, runnable)
    })
    .await
    .map_err(broken)?;
    let trial = match runnable {
        None => None,
        Some(runnable) => {
            let samples = examined.gathered().manifest.as_ref().map(|manifest| manifest.samples.as_slice());
            let tried = try_out(&*app.ports.sandbox, &runnable, samples.unwrap_or_default(), &app.settings.grants);
            Some(tried.await.map_err(|error| AppError::Unavailable(error.to_string()))?)
        }
    };
    tokio::task::spawn_blocking(move || examined.conclude(&input, trial)).await.map_err(broken)
}

fn requested(done: &Done<Arc<State>>) -> Result<Validation, AppError> {
    match &*done.value {
        State::Requested(validation) => Ok(validation.clone()),
        State::Absent => Err(AppError::NotFound("this validation")),
    }
}
