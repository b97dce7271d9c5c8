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
    memory::About,
    plugins,
    validation::{CheckError, Input, KeyStanding, Means, Signed, Signing, Stage, check},
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
    let means = Means {
        scanner: app.ports.malware.as_deref(),
        stage: Some(Stage { sandbox: &*app.ports.sandbox, grants: &app.settings.grants }),
        recorded: &known.completed,
    };
    let run = check(Arc::clone(&app.pipeline), input, means).await.map_err(|error| match error {
        CheckError::Scanner(error) => error.into(),
        CheckError::Sandbox(error) => AppError::Unavailable(error.to_string()),
        CheckError::Broken(_) => AppError::Internal(error.to_string()),
    })?;
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

fn requested(done: &Done<Arc<State>>) -> Result<Validation, AppError> {
    match &*done.value {
        State::Requested(validation) => Ok(Validation::clone(validation)),
        State::Absent => Err(AppError::NotFound("this validation")),
    }
}
