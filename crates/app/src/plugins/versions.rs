//! Versions: handed in, taken back.

use std::sync::Arc;

use bytes::Bytes;
use semver::Version;
use serde::Deserialize;
use serde_json::Value;
use souk_domain::{
    listing::Kind,
    personal::{CLEAR_MARKER, ERASED_MARKER, SEALED_MARKER},
    plugin::{Command, Plugins, State, Stripped},
    text::{self, Problems},
};
use souk_package::workflow::strip_packed;

use super::{PluginRef, PluginVersion, created, may_publish, owned};
use crate::{App, AppError, Context, Done, input::MAX_REASON, vendor_keys};

/// The largest manifest, bytes of JSON: with all else in its event it keeps within what a log takes.
const MAX_MANIFEST: usize = 128 * 1024;
/// How deep a manifest may nest.
const MAX_DEPTH: usize = 32;

/// Why a signature over a workflow that has to be stripped is refused: nobody could check it against what is published.
const SIGNED_TOO_EARLY: &str = "the workflow still has ids of its author's credentials or webhooks, which are taken out before \
    it is kept, so that the signature would not be one over what is published: take `credentials` and `webhookId` out of \
    its nodes, and sign that";

/// A version to hand in.
#[derive(Clone, Debug)]
pub struct SubmitVersion {
    /// At least `{name,version,kind,summary,license}`.
    pub manifest: Value,
    /// The archive.
    pub artifact: Bytes,
    /// The vendor's Ed25519 signature over the 32 bytes of the archive's SHA-256, base64.
    pub signature: Option<String>,
}

pub(super) fn version_of(done: Done<Arc<State>>, version: &Version) -> Result<Done<PluginVersion>, AppError> {
    let plugin = created(&done.value)?;
    let release = plugin.versions.get(version).cloned().ok_or(AppError::NotFound("this version"))?;
    let value = PluginVersion { plugin: plugin.id, version: version.clone(), release };
    Ok(done.map(|_| value))
}

/// Keeps the archive and hands the version in; it is validated behind. Owner or admin. A workflow is kept without the ids of
/// its author's credentials and webhooks, and what is recorded of it is the digest of what is kept.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden` (also: the vendor is not verified), `Invalid`, `InvalidSignature`; conflicts
/// `version_not_increasing` and `digest_changed`.
pub async fn submit_version(
    app: &App,
    ctx: &Context,
    plugin: &PluginRef,
    input: SubmitVersion,
) -> Result<Done<PluginVersion>, AppError> {
    let owned = owned(app, ctx, plugin).await?;
    let version = check(&input, app.settings.max_artifact)?;
    let vendor_may_publish = owned.vendor.may_publish() || may_publish(app, owned.vendor.id).await?;
    if !vendor_may_publish && !owned.plugin()?.versions.contains_key(&version) {
        return Err(AppError::Forbidden("only a verified vendor publishes"));
    }
    let (artifact, stripped) = strip(owned.plugin()?.details.kind, input.artifact, app.settings.max_artifact).await?;
    let signature = match &input.signature {
        Some(_) if stripped.is_some() => return Err(AppError::InvalidSignature(SIGNED_TOO_EARLY.to_owned())),
        Some(signature) => Some(vendor_keys::signed(app, owned.vendor.id, &artifact, signature).await?),
        None => None,
    };
    let size = artifact.len() as u64;
    let digest = app.ports.artifacts.put(artifact).await?;
    let command = Command::SubmitVersion {
        version: version.clone(),
        digest,
        size,
        manifest: input.manifest,
        signature,
        stripped,
        vendor_may_publish,
    };
    version_of(app.execute::<Plugins>(owned.call()?, command).await?, &version)
}

/// What is kept of an archive, and what was taken out for that.
async fn strip(kind: Kind, artifact: Bytes, max: usize) -> Result<(Bytes, Option<Stripped>), AppError> {
    let packed = artifact.clone();
    let stripped = tokio::task::spawn_blocking(move || strip_packed(kind, &packed)).await;
    let stripped = stripped.map_err(|error| AppError::Internal(format!("stripping a workflow broke: {error}")))?;
    match stripped {
        Ok(None) => Ok((artifact, None)),
        Ok(Some((bytes, what))) if bytes.len() <= max => Ok((bytes.into(), Some(what))),
        Ok(Some(_)) | Err(_) => {
            let problem = "is too large once it is packed without the ids of its author's credentials and webhooks";
            Err(AppError::invalid("artifact", problem))
        }
    }
}

/// The shape of what is handed in; whether the manifest's values are right, and fit the archive, is for the validation to say.
fn check(input: &SubmitVersion, max_artifact: usize) -> Result<Version, AppError> {
    let mut problems = Problems::default();
    if input.artifact.is_empty() {
        problems.add("artifact", "must not be empty");
    }
    if input.artifact.len() > max_artifact {
        problems.add("artifact", format!("must have at most {max_artifact} bytes"));
    }
    let version = input.manifest.get("version").and_then(Value::as_str).filter(|version| version.len() <= 128);
    let version = version.and_then(|version| Version::parse(version).ok());
    if version.is_none() {
        problems.add("manifest.version", "must be a version as of semver.org, at most 128 characters");
    }
    for field in ["name", "summary", "license"] {
        if input.manifest.get(field).and_then(Value::as_str).is_none_or(|text| text.trim().is_empty()) {
            problems.add(format!("manifest.{field}"), "must be a text that is not blank");
        }
    }
    if input.manifest.get("kind").is_none_or(|kind| Kind::deserialize(kind).is_err()) {
        problems.add("manifest.kind", "must be agent, skill, command, plugin, mcp_server, workflow or asset");
    }
    if let Some(problem) = problem_of(&input.manifest, MAX_DEPTH) {
        problems.add("manifest", problem);
    }
    let size = serde_json::to_vec(&input.manifest).map_or(usize::MAX, |bytes| bytes.len());
    if size > MAX_MANIFEST {
        problems.add("manifest", format!("must have at most {MAX_MANIFEST} bytes"));
    }
    problems.finish(version)?.ok_or_else(|| AppError::Internal("a version was neither taken nor refused".to_owned()))
}

/// What keeps a document out of the log: read models cannot hold NUL, and nobody forges the marks of personal fields.
fn problem_of(document: &Value, depth: usize) -> Option<&'static str> {
    let nul = |text: &str| text.contains('\0').then_some("must not contain NUL");
    let Some(depth) = depth.checked_sub(1) else { return Some("must not nest that deep") };
    match document {
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
        Value::String(text) => nul(text),
        Value::Array(items) => items.iter().find_map(|item| problem_of(item, depth)),
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let reserved = [CLEAR_MARKER, SEALED_MARKER, ERASED_MARKER].contains(&name.as_str());
            reserved
                .then_some("must not have a field `$personal`, `$enc` or `$erased`")
                .or_else(|| nul(name))
                .or_else(|| problem_of(value, depth))
        }),
    }
}

/// Takes a version back; owner or admin.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`, `Invalid`; conflict `wrong_status`.
pub async fn yank(
    app: &App,
    ctx: &Context,
    plugin: &PluginRef,
    version: &Version,
    reason: &str,
) -> Result<Done<PluginVersion>, AppError> {
    let owned = owned(app, ctx, plugin).await?;
    text::body("reason", reason, MAX_REASON)?;
    let command = Command::YankVersion { version: version.clone(), reason: reason.to_owned() };
    version_of(app.execute::<Plugins>(owned.call()?, command).await?, version)
}

/// Lets new installations get an approved version that is not the current one, until a higher one is approved; owner or admin.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`, `Invalid`; conflicts `wrong_status` and `already_current`.
pub async fn roll_back(
    app: &App,
    ctx: &Context,
    plugin: &PluginRef,
    version: &Version,
    reason: &str,
) -> Result<Done<PluginVersion>, AppError> {
    let owned = owned(app, ctx, plugin).await?;
    text::body("reason", reason, MAX_REASON)?;
    let command = Command::RollBack { version: version.clone(), reason: reason.to_owned() };
    version_of(app.execute::<Plugins>(owned.call()?, command).await?, version)
}
