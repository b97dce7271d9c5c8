//! Gives a catalogue to the use cases, through the same commands as anyone's plugins.
//!
//! Every command id is derived from the entry's key, from what it wants, and from what it wants it of, so that a second
//! import finds nothing left to do, and one that was cut off goes on.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use semver::Version;
use souk_app::{
    App, AppError, Context, Secret,
    plugins::{self, Amend, CreatePlugin, PluginRef, SubmitVersion},
    users::{self, Register, Who},
    vendors::{self, RegisterVendor},
};
use souk_domain::{
    id::{CommandId, PluginId, UserId, ValidationId, VendorId},
    listing::{Details, Pricing, Terms},
    plugin::{Plugin, ReleaseStatus},
    stream::{Category, StreamId},
    vendor::Vendor,
};
use souk_package::{sha256, workflow::strip_packed};

use super::catalogue::{Catalogue, Entry, Refused, VendorInfo, VersionRule};
use crate::failure::Failure;

/// The account that owns the vendors of catalogues. Nobody knows its password; `.invalid` never gets mail.
const HOUSE: &str = "catalogue@souk.invalid";
/// Entries that are worked on at once; the log writes them together.
const AT_ONCE: usize = 16;
/// How often something is created anew whose creation was cut off and then cleaned up.
const TRIES: u32 = 5;
/// Events of a validation that are looked at: it has a few steps, a conclusion and perhaps an escalation.
const MOST_EVENTS: usize = 100;

/// What became of an entry.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is a new plugin, or its creation was finished.
    Imported(Submitted),
    /// It was there, and its details or its version are new.
    Updated(Submitted),
    /// It was there just so.
    Unchanged(Submitted),
    /// It is not imported.
    Refused(Refused),
}

/// Which version of which plugin an entry stands for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Id of the plugin.
    pub plugin: PluginId,
    /// Its name.
    pub name: String,
    /// Slug of its vendor.
    pub vendor: String,
    /// The version.
    pub version: Version,
}

/// Why an entry is not imported: for a reason of its own, or because Souk does not answer, which ends the import.
enum Stop {
    Refused(String),
    Broken(Failure),
}

impl From<AppError> for Stop {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Unavailable(_) | AppError::Behind | AppError::Internal(_) => Self::Broken(Failure::new(error)),
            refusal => Self::Refused(refusal.to_string()),
        }
    }
}

/// Imports every entry; `done` is called after each. The outcomes come in the order of the catalogue.
///
/// # Errors
/// The owner has no account, or the log does not answer; what is imported by then stays, and the next import goes on.
pub async fn apply(
    app: &App,
    catalogue: &Catalogue,
    owner: Option<&str>,
    done: impl Fn(),
) -> Result<Vec<Outcome>, Failure> {
    let owner = account(app, owner).await?;
    let mut vendors = BTreeMap::new();
    for entry in &catalogue.entries {
        let info = &entry.vendor;
        if !vendors.contains_key(&info.slug) {
            let found = match vendor(app, info, owner).await {
                Ok(vendor) => Ok(vendor),
                Err(Stop::Refused(reason)) => Err(reason),
                Err(Stop::Broken(failure)) => return Err(failure.during(&format!("vendor {}", info.slug))),
            };
            vendors.insert(info.slug.clone(), found);
        }
    }
    let mut outcomes = stream::iter(&catalogue.entries)
        .map(|entry| async {
            let outcome = match vendors.get(&entry.vendor.slug) {
                Some(Ok(vendor)) => import(app, entry, *vendor).await,
                Some(Err(reason)) => Err(Stop::Refused(reason.clone())),
                None => Err(Stop::Refused("its vendor was not registered".to_owned())),
            };
            done();
            match outcome {
                Ok(outcome) => Ok(outcome),
                Err(Stop::Refused(reason)) => Ok(Outcome::Refused(entry.refuse(reason))),
                Err(Stop::Broken(failure)) => Err(failure.during(&entry.place)),
            }
        })
        .buffered(AT_ONCE);
    let mut all = Vec::with_capacity(catalogue.entries.len());
    while let Some(outcome) = outcomes.next().await {
        all.push(outcome?);
    }
    Ok(all)
}

fn command(parts: &[&str]) -> Context {
    let parts: Vec<_> = ["import"].iter().chain(parts).copied().collect();
    Context::operator(CommandId::derived(&parts))
}

/// The account that owns the vendors: the one that was named, else the house account, which is opened when it is missing.
async fn account(app: &App, named: Option<&str>) -> Result<UserId, Failure> {
    let email = named.unwrap_or(HOUSE);
    match users::find(app, &Who::Email(email.into())).await {
        Ok(id) => return Ok(id),
        Err(AppError::NotFound(_)) if named.is_none() => {}
        Err(AppError::NotFound(_)) => {
            return Err(Failure::new(format!("there is no account with the address {email}")));
        }
        Err(error) => return Err(Failure::new(error).during("the owner's account")),
    }
    let random = &app.ports().random;
    let register = async |attempt: &str| {
        let password = format!("{}{}", random.uuid().simple(), random.uuid().simple());
        let input =
            Register { email: email.into(), password: password.into(), display_name: Secret::from("Catalogues") };
        users::register(app, &command(&["account", email, attempt]), input).await.map(|done| done.value.id)
    };
    created(register).await.map_err(|error| Failure::new(error).during("the house account"))
}

/// Creates something under a command id of the first attempt. When an earlier import was killed halfway and its traces were
/// cleaned up since, that id is closed for good and the next one is taken.
async fn created<T>(mut create: impl AsyncFnMut(&str) -> Result<T, AppError>) -> Result<T, AppError> {
    let mut attempt = 0;
    loop {
        match create(&attempt.to_string()).await {
            Err(AppError::Conflict { reason: "abandoned", .. }) if attempt < TRIES => attempt += 1,
            other => return other,
        }
    }
}

/// The vendor of an author, registered and verified. A vendor of somebody else is never taken over.
async fn vendor(app: &App, info: &VendorInfo, owner: UserId) -> Result<VendorId, Stop> {
    let found: Vendor = match vendors::by_slug(app, &info.slug).await {
        Ok(id) => match vendors::get(app, id).await {
            Ok(read) => read.value,
            // The slug is reserved by a registration that was cut off; it goes on below.
            Err(AppError::NotFound(_)) => register(app, info, owner).await?,
            Err(error) => return Err(error.into()),
        },
        Err(AppError::NotFound(_)) => register(app, info, owner).await?,
        Err(error) => return Err(error.into()),
    };
    if found.owner != owner {
        return Err(Stop::Refused(format!("the vendor `{}` belongs to another account", info.slug)));
    }
    if found.suspended {
        return Err(Stop::Refused(format!("the vendor `{}` is suspended", info.slug)));
    }
    if !found.verified {
        vendors::verify(app, &command(&["verify", &found.id.to_string()]), found.id).await?;
    }
    Ok(found.id)
}

async fn register(app: &App, info: &VendorInfo, owner: UserId) -> Result<Vendor, AppError> {
    created(async |attempt: &str| {
        let input = RegisterVendor { name: info.name.clone(), slug: info.slug.clone(), owner: Some(owner) };
        let ctx = command(&["vendor", &info.slug, &owner.to_string(), attempt]);
        vendors::register(app, &ctx, input).await.map(|done| done.value)
    })
    .await
}

async fn import(app: &App, entry: &Entry, vendor: VendorId) -> Result<Outcome, Stop> {
    let archive = archive(entry).await?;
    // What is kept of it, and known by, is what others may have of it.
    let kept = strip_packed(entry.details.kind, &archive).map_err(|error| Stop::Refused(error.to_string()))?;
    let digest = sha256(kept.as_ref().map_or(&archive, |(bytes, _)| bytes));
    let name = PluginRef::Name(entry.name.clone());
    let known = match plugins::get(app, &name).await {
        Ok(read) => Some(read),
        Err(AppError::NotFound(_)) => None,
        Err(error) => return Err(error.into()),
    };
    if let Some(read) = &known
        && read.value.vendor != vendor
    {
        return Err(Stop::Refused(format!("another vendor has a plugin named `{}`", read.value.name)));
    }
    let wanted = wanted(entry, known.as_ref().map(|read| &read.value), &digest).map_err(Stop::Refused)?;
    let was_there = known.as_ref().is_some_and(|read| !read.value.versions.is_empty());
    let (plugin, described) = match known {
        Some(read) => describe(app, entry, read).await?,
        None => (create(app, entry, vendor).await?, false),
    };
    let submitted = Submitted {
        plugin: plugin.id,
        name: plugin.name.clone(),
        vendor: entry.vendor.slug.clone(),
        version: wanted.version.clone(),
    };
    if wanted.is_new {
        let version = wanted.version.to_string();
        let ctx = command(&["submit", &entry.key, &plugin.id.to_string(), &version, &digest]);
        let input =
            SubmitVersion { manifest: entry.manifest(&wanted.version), artifact: archive.into(), signature: None };
        plugins::submit_version(app, &ctx, &PluginRef::Id(plugin.id), input).await?;
    }
    Ok(match (was_there, described || wanted.is_new) {
        (false, _) => Outcome::Imported(submitted),
        (true, true) => Outcome::Updated(submitted),
        (true, false) => Outcome::Unchanged(submitted),
    })
}

async fn archive(entry: &Entry) -> Result<Vec<u8>, Stop> {
    let (files, made) = (entry.files.clone(), entry.made.clone());
    let packed = tokio::task::spawn_blocking(move || super::catalogue::archive(&files, &made)).await;
    packed.map_err(|error| Stop::Broken(Failure::new(error)))?.map_err(Stop::Refused)
}

struct Wanted {
    version: Version,
    is_new: bool,
}

/// Which version the entry is, and whether it has to be handed in.
fn wanted(entry: &Entry, plugin: Option<&Plugin>, digest: &str) -> Result<Wanted, String> {
    let versions = plugin.map(|plugin| &plugin.versions);
    let latest = versions.and_then(|versions| versions.iter().max_by(|(a, _), (b, _)| a.cmp_precedence(b)));
    match &entry.version {
        VersionRule::Stated(version) => match (versions.and_then(|versions| versions.get(version)), latest) {
            (Some(release), _) if release.digest == digest => Ok(Wanted { version: version.clone(), is_new: false }),
            (Some(_), _) => Err(format!("its contents changed without a new version: {version} is there already")),
            (None, Some((latest, _))) if version.cmp_precedence(latest).is_le() => {
                Err(format!("its version {version} is not greater than {latest}, which is there already"))
            }
            (None, _) => Ok(Wanted { version: version.clone(), is_new: true }),
        },
        VersionRule::Counted => match latest {
            None => Ok(Wanted { version: Version::new(1, 0, 0), is_new: true }),
            Some((latest, release)) if release.digest == digest => {
                Ok(Wanted { version: latest.clone(), is_new: false })
            }
            Some((latest, _)) => {
                let version = Version::new(latest.major, latest.minor, latest.patch + 1);
                Ok(Wanted { version, is_new: true })
            }
        },
    }
}

async fn create(app: &App, entry: &Entry, vendor: VendorId) -> Result<Plugin, AppError> {
    created(async |attempt: &str| {
        let input = CreatePlugin {
            name: entry.name.clone(),
            details: entry.details.clone(),
            pricing: Pricing::Free,
            terms: Terms::default(),
            vendor: Some(vendor),
        };
        let ctx = command(&["create", &entry.key, &entry.name, &vendor.to_string(), attempt]);
        plugins::create(app, &ctx, input).await.map(|done| done.value)
    })
    .await
}

/// Brings the details up to date; whether they changed.
async fn describe(app: &App, entry: &Entry, known: souk_app::Read<Plugin>) -> Result<(Plugin, bool), AppError> {
    if known.value.details == entry.details {
        return Ok((known.value, false));
    }
    // What is described may be described so again later: the stream's version tells the two commands apart.
    let ctx = command(&["describe", &entry.key, &known.value.id.to_string(), &known.version.to_string()]);
    let done = plugins::amend(app, &ctx, &PluginRef::Id(known.value.id), amend(entry.details.clone())).await?;
    Ok((done.value, true))
}

fn amend(details: Details) -> Amend {
    let Details {
        display_name,
        kind,
        summary,
        description,
        category,
        tags,
        license,
        media,
        complexity,
        setup_minutes,
        requirements,
    } = details;
    Amend {
        display_name: Some(display_name),
        kind: Some(kind),
        summary: Some(summary),
        description: Some(description),
        category: Some(category),
        tags: Some(tags),
        license: Some(license),
        media: Some(media),
        complexity: Some(complexity),
        setup_minutes: Some(setup_minutes),
        requirements: Some(requirements),
        ..Amend::default()
    }
}

/// Where a version stands: decided, or left to a human.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It can be installed.
    Approved,
    /// It waits for a moderator.
    NeedsReview,
    /// It never installs.
    Rejected,
    /// It is not decided yet.
    Pending,
}

/// Where the version of an outcome stands, as the log says.
///
/// # Errors
/// The log does not answer.
pub async fn standing(app: &App, submitted: &Submitted) -> Result<Standing, Failure> {
    let read = plugins::get(app, &PluginRef::Id(submitted.plugin)).await.map_err(Failure::new)?;
    match read.value.versions.get(&submitted.version).map(|release| release.status) {
        Some(ReleaseStatus::Approved | ReleaseStatus::Yanked) => return Ok(Standing::Approved),
        Some(ReleaseStatus::Rejected) => return Ok(Standing::Rejected),
        Some(ReleaseStatus::Submitted) | None => {}
    }
    let validation = ValidationId::of(submitted.plugin, &submitted.version);
    let stream = StreamId::new(Category::Validation, validation.uuid());
    let events = app.ports().log.read_stream(stream, 0, MOST_EVENTS).await.map_err(Failure::new)?;
    let escalated = events.iter().any(|event| event.event_type == "validation.escalated");
    Ok(if escalated { Standing::NeedsReview } else { Standing::Pending })
}

#[cfg(test)]
mod tests;
