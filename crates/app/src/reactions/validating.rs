//! A version that was handed in is validated.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use semver::Version;
use serde_json::Value;
use souk_domain::{
    event::DomainEvent,
    id::{ValidationId, VendorId},
    plugin::{Event, Plugins, Stripped, VendorSignature},
    stream::{Category, StreamId},
    validation::{Command, State, Step, Validation, Validations},
};

use super::{Cause, Reaction};
use crate::{
    App, AppError, Done,
    execute::Call,
    executions::Runnable,
    memory::About,
    plugins,
    validation::{Input, KeyStanding, Run, Signed, Signing, get_ready, scan, try_out},
    vendor_keys,
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
        let DomainEvent::Plugin(Event::VersionSubmitted { version, digest, size, manifest, signature, stripped }) =
            &cause.event
        else {
            return Ok(());
        };
        let (size, stripped, signature) = (*size, *stripped, signature.as_ref());
        validate(app, cause, &Submitted { version, digest, size, manifest, signature, stripped }).await
    }
}

struct Submitted<'a> {
    version: &'a Version,
    digest: &'a str,
    size: u64,
    manifest: &'a Value,
    signature: Option<&'a VendorSignature>,
    stripped: Option<Stripped>,
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
        signature: signed(app, cause, cause.vendor.unwrap_or(plugin.vendor), id, submitted.signature).await?,
        stripped: submitted.stripped,
    };
    let run = run(app, input, &known.completed).await?;
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

/// What is known of the signature: how the keys stood when the version was handed in, and when its validation began. Later
/// tries find the same, whatever became of the keys by then.
async fn signed(
    app: &App,
    cause: &Cause<'_>,
    vendor: VendorId,
    validation: ValidationId,
    signature: Option<&VendorSignature>,
) -> Result<Signed, AppError> {
    let stream = StreamId::of(Category::Validation, validation);
    let begun = app.ports.log.read_stream(stream, 0, 1).await?;
    let begun = begun.first().ok_or(AppError::NotFound("this validation"))?.position;
    let keys = vendor_keys::between(app, vendor, cause.recorded.position, begun).await?;
    let Some(VendorSignature { key_id, public_key, signature }) = signature else {
        return Ok(Signed::No { could_be: !keys.valid.is_empty() });
    };
    Ok(Signed::By(Signing {
        key_id: Some(*key_id),
        public_key: public_key.clone(),
        signature: signature.clone(),
        key: match (keys.valid.contains(key_id), keys.revoked_since.contains(key_id)) {
            (false, _) => KeyStanding::NotValid,
            (true, true) => KeyStanding::RevokedSince,
            (true, false) => KeyStanding::Valid,
        },
    }))
}

/// Looks at a version, has it scanned, and runs its samples where it says what to run. `recorded` are the steps of an earlier try.
async fn run(app: &App, input: Input, recorded: &[Step]) -> Result<Run, AppError> {
    let broken = |error| AppError::Internal(format!("the validation pipeline broke: {error}"));
    let pipeline = Arc::clone(&app.pipeline);
    let (input, mut examined) = tokio::task::spawn_blocking(move || {
        let examined = pipeline.examine(&input);
        (input, examined)
    })
    .await
    .map_err(broken)?;
    if let Some(scanner) = &app.ports.malware {
        let found = scan(&**scanner, &input.archive, examined.gathered().archive.as_ref()).await?;
        examined = examined.scanned(found);
    }
    let (input, examined, runnable) = tokio::task::spawn_blocking(move || {
        let archive = examined.gathered().archive.as_ref().filter(|_| !examined.is_blocked());
        let runnable = archive.and_then(|archive| Runnable::of(archive, &input.manifest));
        (input, examined, runnable)
    })
    .await
    .map_err(broken)?;
    let trial = match runnable {
        None => None,
        Some(runnable) => {
            let (sandbox, manifest) = (&*app.ports.sandbox, examined.gathered().manifest.as_ref());
            let samples = manifest.map(|manifest| manifest.samples.as_slice()).unwrap_or_default();
            let entry = manifest.and_then(|manifest| manifest.entry.as_deref());
            // A component that is only among the files is not what its vendor speaks of, but it may be run.
            let is_meant = !samples.is_empty() || entry.is_some_and(|entry| entry.ends_with(".wasm"));
            let tried = match is_meant {
                true => try_out(sandbox, &runnable, samples, &app.settings.grants).await.map(Some),
                false => get_ready(sandbox, &runnable).await,
            };
            tried.map_err(|error| AppError::Unavailable(error.to_string()))?
        }
    };
    let examined = examined.after(recorded);
    tokio::task::spawn_blocking(move || examined.conclude(&input, trial)).await.map_err(broken)
}

fn requested(done: &Done<Arc<State>>) -> Result<Validation, AppError> {
    match &*done.value {
        State::Requested(validation) => Ok(Validation::clone(validation)),
        State::Absent => Err(AppError::NotFound("this validation")),
    }
}
