//! Release records: what Souk says, and signs, of a version that it approved.
//!
//! A record is made of what the log holds, and an Ed25519 signature depends on nothing but key and message. So it is not stored: the
//! same record and the same signature come out whenever somebody asks, also for versions that were approved before there were
//! release records.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use semver::Version;
use serde_json::Value;
use souk_domain::{
    event::DomainEvent,
    id::{PluginId, ValidationId},
    plugin::{Event, VendorSignature},
    stream::{Category, StreamId},
    validation::{State, Validations},
};
use souk_ports::Position;
use souk_signing::{canonical, sha256};

pub use souk_signing::{PublicKey, Record, SignedRecord};

use crate::{
    App, AppError,
    plugins::{self, PluginRef},
};

/// Events in one read.
const PAGE: usize = 500;

/// The keys with which Souk signs release records.
#[must_use]
pub fn keys(app: &App) -> Vec<PublicKey> {
    vec![app.signer.public()]
}

/// The signed record of a version that was approved, whatever became of it since.
///
/// # Errors
/// `NotFound` (also: it was not approved).
pub async fn get(app: &App, plugin: &PluginRef, version: &Version) -> Result<SignedRecord, AppError> {
    let known = plugins::get(app, plugin).await?.value;
    let unknown = AppError::NotFound("a release of this version");
    if !known.versions.contains_key(version) {
        return Err(unknown);
    }
    let Some(release) = find(app, known.id, version).await? else { return Err(unknown) };
    let (vendor_key, vendor_signature) = release
        .signature
        .map(|it| (it.public_key, it.signature))
        .map_or((None, None), |(key, it)| (Some(key), Some(it)));
    let record = Record {
        plugin: known.id.to_string(),
        name: known.name,
        version: version.to_string(),
        digest: release.digest,
        manifest_hash: release.manifest_hash,
        report_hash: report(app, release.validation).await?,
        position: release.position,
        signed_at: release.approved_at.to_rfc3339_opts(SecondsFormat::Micros, true),
        vendor_key,
        vendor_signature,
    };
    record.signed(&app.signer).map_err(|error| AppError::Internal(format!("a release record: {error}")))
}

/// What the plugin's stream tells of a version that was approved.
struct Release {
    digest: String,
    manifest_hash: String,
    signature: Option<VendorSignature>,
    validation: ValidationId,
    position: Position,
    approved_at: DateTime<Utc>,
}

async fn find(app: &App, plugin: PluginId, wanted: &Version) -> Result<Option<Release>, AppError> {
    let stream = StreamId::of(Category::Plugin, plugin);
    let (mut handed_in, mut from) = (None, 0);
    loop {
        let page = app.ports.log.read_stream(stream, from, PAGE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        from = last.version + 1;
        for recorded in page {
            if !matches!(recorded.event_type.as_str(), "plugin.version_submitted" | "plugin.version_approved") {
                continue;
            }
            match app.open(&recorded).await? {
                DomainEvent::Plugin(Event::VersionSubmitted { version, manifest, signature, .. })
                    if version == *wanted =>
                {
                    handed_in = Some((hash(&manifest), signature));
                }
                DomainEvent::Plugin(Event::VersionApproved { version, digest, validation_id, .. })
                    if version == *wanted =>
                {
                    let Some((manifest_hash, signature)) = handed_in else { return Ok(None) };
                    return Ok(Some(Release {
                        digest,
                        manifest_hash,
                        signature,
                        validation: validation_id,
                        position: recorded.position,
                        approved_at: recorded.recorded_at,
                    }));
                }
                _ => {}
            }
        }
    }
}

fn hash(manifest: &Value) -> String {
    sha256(&canonical(manifest))
}

/// The digest of the report of a validation that was concluded.
pub(crate) async fn report(app: &App, validation: ValidationId) -> Result<Option<String>, AppError> {
    let fact = app.fact::<Validations>(validation.uuid(), Duration::MAX).await?;
    if let Some(report) = concluded(&fact.state) {
        return Ok(Some(report));
    }
    Ok(concluded(&app.fact::<Validations>(validation.uuid(), Duration::ZERO).await?.state))
}

fn concluded(state: &State) -> Option<String> {
    match state {
        State::Requested(validation) => validation.conclusion.as_ref().map(|conclusion| conclusion.report.clone()),
        State::Absent => None,
    }
}
