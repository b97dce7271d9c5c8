//! What an update changes: files, capabilities, dependencies and findings of one version against those of another.

mod capabilities;
mod compare;
mod text;

use std::{ops::Bound, sync::Arc, time::Duration};

use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache};
use semver::Version;
use serde_json::Value;
use souk_domain::{
    id::{InstallationId, PluginId, ValidationId},
    plugin::{Plugin, Release, ReleaseStatus},
};
use souk_package::archive::{self, Archive, Limits};
use souk_ports::ArtifactError;
use tokio::sync::Semaphore;

pub use self::{
    capabilities::{CapabilityChange, Reach},
    compare::{Change, Comparison, DependencyChange, FieldChange, FileChange, Findings, Listed, Side, Text, compare},
};
pub use souk_inspect::risk::Risk;
pub use souk_package::archive::File;

use crate::{
    App, AppError, Context, licenses,
    plugins::{self, PluginRef},
    releases, vendors,
};

/// Bytes of comparisons that are kept.
const KEPT: u64 = 32 << 20;
/// About how many those are.
const COUNT: usize = 1_000;
/// How long a comparison waits for the one before it.
const TURN: Duration = Duration::from_secs(2);

/// What a version of a plugin changes against another.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// Of which plugin.
    pub plugin: PluginId,
    /// Against which version.
    pub from: Version,
    /// Which version.
    pub to: Version,
    /// Whether the reader may see what is in the files.
    pub contents: bool,
    /// What changes.
    pub comparison: Comparison,
}

/// What of a comparison somebody may see.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// Names, sizes and digests of files, and what is public of a validation anyhow.
    Outline,
    /// What is in the files as well.
    Contents,
    /// All of it, also what manifests say of people.
    Everything,
}

type Key = (PluginId, Version, Version);

#[derive(Clone)]
struct Weight;

impl Weighter<Key, Arc<Comparison>> for Weight {
    fn weight(&self, _: &Key, comparison: &Arc<Comparison>) -> u64 {
        comparison.size() as u64
    }
}

/// Comparisons that were asked for lately. A version that was validated never changes, so neither do they.
pub(crate) struct Comparisons {
    cache: Cache<Key, Arc<Comparison>, Weight>,
    /// Two unpacked archives may be hundreds of megabytes, and anyone may ask.
    turn: Arc<Semaphore>,
}

impl Default for Comparisons {
    fn default() -> Self {
        Self { cache: Cache::with_weighter(COUNT, KEPT, Weight), turn: Arc::new(Semaphore::new(1)) }
    }
}

/// What `version` changes against `from`, or against the highest approved version below it.
///
/// Of versions that were approved everybody sees an outline. What is in the files is for those who may have the plugin: anybody
/// where it is free, else who holds a license; of versions that were yanked, and of suspended plugins, for its vendor and moderators only,
/// as is everything of versions that are not approved.
///
/// # Errors
/// `NotFound` (plugin, either version, no approved version below), `Invalid` (`from` is `version`), `Unauthorized`, `Forbidden`;
/// conflicts `artifact_missing`, `not_comparable`.
pub async fn between(
    app: &App,
    ctx: &Context,
    plugin: &PluginRef,
    version: &Version,
    from: Option<&Version>,
) -> Result<Update, AppError> {
    // A version that an older state calls unapproved is refused to nobody in particular as well.
    let may_be_stale = |error: &AppError| error.is_refusal() || matches!(error, AppError::Unauthorized(_));
    match between_then(app, ctx, plugin, (from, version), app.settings.fact_age).await {
        Err(error) if may_be_stale(&error) => between_then(app, ctx, plugin, (from, version), Duration::ZERO).await,
        update => update,
    }
}

async fn between_then(
    app: &App,
    ctx: &Context,
    plugin: &PluginRef,
    (from, to): (Option<&Version>, &Version),
    age: Duration,
) -> Result<Update, AppError> {
    let fact = plugins::fact(app, plugin, age).await?;
    let plugin = plugins::created(&fact.state)?;
    let release = |version| plugin.versions.get(version);
    let after = release(to).ok_or(AppError::NotFound("this version"))?;
    let from = match from {
        Some(from) if from == to => {
            return Err(AppError::invalid("from", "must be another version than the one that is compared with it"));
        }
        Some(from) => from,
        None => approved_below(plugin, to).ok_or(AppError::NotFound("an approved version below this one"))?,
    };
    let before = release(from).ok_or(AppError::NotFound("the version to compare with"))?;
    let sight = sight(app, ctx, plugin, [before, after], age).await?;
    let found = comparison(app, plugin.id, [(from, before), (to, after)]).await?;
    let all = Comparison::clone(&found);
    let comparison = match sight {
        Sight::Outline => all.outline(),
        Sight::Contents => all.contents(),
        Sight::Everything => all,
    };
    let contents = sight != Sight::Outline;
    Ok(Update { plugin: plugin.id, from: from.clone(), to: to.clone(), contents, comparison })
}

fn approved_below<'a>(plugin: &'a Plugin, version: &Version) -> Option<&'a Version> {
    let below = plugin.versions.range::<Version, _>((Bound::Unbounded, Bound::Excluded(version)));
    below.rev().find(|(_, release)| release.status == ReleaseStatus::Approved).map(|(version, _)| version)
}

async fn sight(
    app: &App,
    ctx: &Context,
    plugin: &Plugin,
    releases: [&Release; 2],
    age: Duration,
) -> Result<Sight, AppError> {
    let is_any = |status| releases.iter().any(|release| release.status == status);
    let vendor = vendors::known(app, plugin.vendor, age).await?.value;
    if ctx.is_moderator() || vendors::acting_for(ctx, &vendor).is_ok() {
        return Ok(Sight::Everything);
    }
    if is_any(ReleaseStatus::Submitted) || is_any(ReleaseStatus::Rejected) {
        return Err(ctx.refuse("only its vendor and moderators see what is in a version that is not approved"));
    }
    if is_any(ReleaseStatus::Yanked) || plugin.suspended.is_some() {
        return Ok(Sight::Outline);
    }
    let may_have = match (plugin.pricing.price(), ctx.actor.id) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(_), Some(user)) => {
            licenses::entitlement(app, user, plugin.id, InstallationId::of(user, plugin.id)).await?.is_some()
        }
    };
    Ok(if may_have { Sight::Contents } else { Sight::Outline })
}

async fn comparison(
    app: &App,
    plugin: PluginId,
    sides: [(&Version, &Release); 2],
) -> Result<Arc<Comparison>, AppError> {
    let [(from, before), (to, after)] = sides;
    let key = (plugin, from.clone(), to.clone());
    if let Some(known) = app.comparisons.cache.get(&key) {
        return Ok(known);
    }
    let broken = |error: &dyn std::fmt::Display| AppError::Internal(format!("versions could not be compared: {error}"));
    let turn = tokio::time::timeout(TURN, Arc::clone(&app.comparisons.turn).acquire_owned()).await;
    let busy = |_| AppError::Unavailable("other versions are being compared".to_owned());
    let turn = turn.map_err(busy)?.map_err(|error| broken(&error))?;
    if let Some(known) = app.comparisons.cache.get(&key) {
        return Ok(known);
    }
    let before = Loaded::load(app, plugin, from, before).await?;
    let after = Loaded::load(app, plugin, to, after).await?;
    let is_final = before.report.is_some() && after.report.is_some();
    let compared = tokio::task::spawn_blocking(move || {
        // Who hangs up does not stop this, and must not let the next one in beside it.
        let _turn = turn;
        let (from, to) = (before.unpacked()?, after.unpacked()?);
        Ok::<_, AppError>(compare(&before.side(&from), &after.side(&to)))
    });
    let compared = Arc::new(compared.await.map_err(|error| broken(&error))??);
    if is_final {
        app.comparisons.cache.insert(key, Arc::clone(&compared));
    }
    Ok(compared)
}

/// What is there of a version.
struct Loaded {
    version: Version,
    manifest: Value,
    archive: Bytes,
    report: Option<Bytes>,
}

impl Loaded {
    async fn load(app: &App, plugin: PluginId, version: &Version, release: &Release) -> Result<Self, AppError> {
        let manifest = plugins::manifest(app, plugin, version).await?;
        let archive = stored(app, &release.digest).await?.ok_or_else(|| {
            AppError::conflict("artifact_missing", format!("the archive of version {version} is not there any more"))
        })?;
        let report = match releases::report(app, ValidationId::of(plugin, version)).await? {
            Some(digest) => stored(app, &digest).await?,
            None => None,
        };
        Ok(Self { version: version.clone(), manifest, archive, report })
    }

    fn unpacked(&self) -> Result<Archive, AppError> {
        archive::inspect(&self.archive, &Limits::default()).map_err(|_| {
            AppError::conflict("not_comparable", format!("version {} is no archive that can be read", self.version))
        })
    }

    fn side<'a>(&'a self, archive: &'a Archive) -> Side<'a> {
        Side { manifest: &self.manifest, archive, report: self.report.as_deref() }
    }
}

/// The bytes of `digest`; none when they are lost or damaged.
async fn stored(app: &App, digest: &str) -> Result<Option<Bytes>, AppError> {
    match app.ports.artifacts.get(digest).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error @ (ArtifactError::NotFound(_) | ArtifactError::Damaged(_))) => {
            tracing::warn!(%error, "an artifact that the log names cannot be had");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
