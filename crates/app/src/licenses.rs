//! Rights to use plugins.

use std::{sync::Arc, time::Duration};

use chrono::SubsecRound;
use souk_domain::{
    id::{InstallationId, LicenseId, PluginId, UserId},
    installation::{self, Installations},
    license::{Command, License, Licenses, Purpose, State},
    name::{ActivationLabel, Fingerprint},
    personal::Personal,
    text::{self, Problems},
    user::Role,
};
use souk_ports::Position;
use souk_signing::license_file::{
    self, FileKind, FileMeta, LicenseAttributes, LicenseDocument, LicenseResource, MachineResource,
};

use crate::{App, AppError, Context, Done, Read, execute::Call, input::MAX_REASON, memory::About, plugins, vendors};

/// The verdict on a license key.
#[derive(Clone, Debug)]
pub struct Validity {
    /// Whether it is good, here and now.
    pub valid: bool,
    /// `VALID`, `NOT_FOUND`, `SUSPENDED`, `EXPIRED`, `REVOKED`, `NO_MACHINE`, `FINGERPRINT_SCOPE_MISMATCH`.
    pub code: &'static str,
    /// The license, when the key is genuine.
    pub license: Option<License>,
    /// Position of the license's last event; 0 without one.
    pub position: Position,
}

pub(crate) fn issued(state: &State) -> Result<&License, AppError> {
    match state {
        State::Issued(license) => Ok(license),
        State::Absent => Err(AppError::NotFound("this license")),
    }
}

fn license_of(done: Done<Arc<State>>) -> Result<Done<License>, AppError> {
    let license = issued(&done.value)?.clone();
    Ok(done.map(|_| license))
}

/// Judges a license key, and the machine if `fingerprint` is given. Always reads the log.
///
/// # Errors
/// `Invalid` (the fingerprint), `Unavailable`.
pub async fn validate(app: &App, key: &str, fingerprint: Option<&str>) -> Result<Validity, AppError> {
    let fingerprint = fingerprint.map(Fingerprint::parse).transpose()?;
    let unknown = Validity { valid: false, code: "NOT_FOUND", license: None, position: 0 };
    let Some((id, generation)) = app.ports.vault.license_of_key(key) else { return Ok(unknown) };
    let fact = app.fact::<Licenses>(id.uuid(), Duration::ZERO).await?;
    let Ok(license) = issued(&fact.state) else { return Ok(unknown) };
    if license.key_generation != generation {
        return Ok(unknown);
    }
    let validity = license.validity(fingerprint.as_ref().map(Fingerprint::as_str), app.ports.clock.now());
    Ok(Validity {
        valid: validity.is_valid(),
        code: validity.code(),
        license: Some(license.clone()),
        position: fact.position,
    })
}

/// The key of a license that was changed `generation` times; for its holder's eyes.
#[must_use]
pub fn key(app: &App, license: LicenseId, generation: u32) -> String {
    app.ports.vault.license_key(license, generation)
}

/// The license; holder, owner of the plugin's vendor, or admin.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`.
pub async fn get(app: &App, ctx: &Context, license: LicenseId) -> Result<Read<License>, AppError> {
    let read = read(app, license).await?;
    if ctx.actor.id != Some(read.value.holder) {
        acting_for_vendor(app, ctx, &read.value).await?;
    }
    Ok(read)
}

async fn read(app: &App, license: LicenseId) -> Result<Read<License>, AppError> {
    let fact = app.fact::<Licenses>(license.uuid(), app.settings.fact_age).await?;
    Ok(Read { value: issued(&fact.state)?.clone(), position: fact.position, version: fact.version.unwrap_or_default() })
}

async fn acting_for_vendor(app: &App, ctx: &Context, license: &License) -> Result<Context, AppError> {
    vendors::acting_for(ctx, &vendors::get(app, license.vendor).await?.value)
}

/// Binds the license to a machine; holder or admin. Changes nothing when it is bound to it already.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`, `Invalid`; conflicts `too_many_machines`, `license_not_active`,
/// `license_expired`.
pub async fn activate(
    app: &App,
    ctx: &Context,
    license: LicenseId,
    fingerprint: &str,
    label: &str,
) -> Result<Done<License>, AppError> {
    let (ctx, license) = held(app, ctx, license).await?;
    let mut problems = Problems::default();
    problems.keep(Fingerprint::parse(fingerprint));
    problems.keep(ActivationLabel::parse(label));
    problems.finish(())?;
    let now = app.ports.clock.now().trunc_subsecs(6);
    let label = Personal::new(license.holder, label);
    let command = Command::Activate { fingerprint: fingerprint.to_owned(), label, now };
    change(app, &ctx, &license, command).await
}

/// Frees the license from a machine; holder or admin.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`.
pub async fn deactivate(
    app: &App,
    ctx: &Context,
    license: LicenseId,
    fingerprint: &str,
) -> Result<Done<License>, AppError> {
    let (ctx, license) = held(app, ctx, license).await?;
    change(app, &ctx, &license, Command::Deactivate { fingerprint: fingerprint.to_owned() }).await
}

async fn held(app: &App, ctx: &Context, license: LicenseId) -> Result<(Context, License), AppError> {
    let license = read(app, license).await?.value;
    if ctx.actor.id == Some(license.holder) {
        Ok((ctx.acting(Role::Customer), license))
    } else if ctx.is_admin() {
        Ok((ctx.acting(Role::Admin), license))
    } else {
        Err(ctx.refuse("this is another's license"))
    }
}

/// Makes the license not good for now; owner of the vendor, or admin.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`, `Invalid`; conflict `license_not_active`.
pub async fn suspend(app: &App, ctx: &Context, license: LicenseId, reason: &str) -> Result<Done<License>, AppError> {
    let (ctx, license) = sold(app, ctx, license).await?;
    text::body("reason", reason, MAX_REASON)?;
    change(app, &ctx, &license, Command::Suspend { reason: reason.to_owned() }).await
}

/// Makes a suspended license good again; owner of the vendor, or admin.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`; conflict `license_not_active`.
pub async fn reinstate(app: &App, ctx: &Context, license: LicenseId) -> Result<Done<License>, AppError> {
    let (ctx, license) = sold(app, ctx, license).await?;
    change(app, &ctx, &license, Command::Reinstate).await
}

/// Ends the license for good; owner of the vendor, or admin.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`, `Invalid`.
pub async fn revoke(app: &App, ctx: &Context, license: LicenseId, reason: &str) -> Result<Done<License>, AppError> {
    let (ctx, license) = sold(app, ctx, license).await?;
    text::body("reason", reason, MAX_REASON)?;
    change(app, &ctx, &license, Command::Revoke { reason: reason.to_owned() }).await
}

/// Gives the license another key; holder or admin. The old one is good for nothing from then on; machines stay bound.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`; conflict `key_not_rotated`.
pub async fn rotate_key(app: &App, ctx: &Context, license: LicenseId) -> Result<Done<License>, AppError> {
    let (ctx, license) = held(app, ctx, license).await?;
    let command = Command::RotateKey { generation: license.key_generation.saturating_add(1) };
    change(app, &ctx, &license, command).await
}

/// Counts `amount` uses of the license; holder or admin. The same command counts once.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`, `Invalid`; conflicts `uses_exhausted`, `license_not_active`, `license_expired`.
pub async fn record_usage(
    app: &App,
    ctx: &Context,
    license: LicenseId,
    amount: u32,
) -> Result<Done<License>, AppError> {
    let (ctx, license) = held(app, ctx, license).await?;
    if amount == 0 {
        return Err(AppError::invalid("amount", "must be at least 1"));
    }
    let now = app.ports.clock.now().trunc_subsecs(6);
    change(app, &ctx, &license, Command::Use { purpose: Purpose::Usage, amount, now }).await
}

/// How long a license file is good when nobody says, and at least and at most, seconds.
pub const FILE_TTL: (i64, i64, i64) = (30 * 86_400, 3_600, 366 * 86_400);

/// A signed file that says what the license allows, for who checks it without asking Souk; holder or admin. With `fingerprint` it is
/// good on that machine only, which must be bound to the license. `ttl` in seconds.
///
/// # Errors
/// `NotFound` (the license, the activation), `Unauthorized`, `Forbidden`, `Invalid`; conflicts `license_not_active`, `license_expired`.
pub async fn file(
    app: &App,
    ctx: &Context,
    license: LicenseId,
    fingerprint: Option<&str>,
    ttl: Option<i64>,
) -> Result<String, AppError> {
    let (_, license) = held(app, ctx, license).await?;
    let (default, least, most) = FILE_TTL;
    let ttl = ttl.unwrap_or(default);
    if !(least..=most).contains(&ttl) {
        return Err(AppError::invalid("ttlSeconds", format!("must be {least} to {most}")));
    }
    let issued = app.ports.clock.now().trunc_subsecs(0);
    license.usable(issued)?;
    if let Some(wanted) = fingerprint
        && !license.activations.contains_key(wanted)
    {
        return Err(AppError::NotFound("this activation"));
    }
    let kind = if fingerprint.is_some() { FileKind::Machine } else { FileKind::License };
    let fact = plugins::fact(app, &license.plugin.into(), app.settings.fact_age).await?;
    let machines = license.activations.keys().filter(|known| fingerprint.is_none_or(|wanted| wanted == *known));
    let terms = &license.terms;
    let document = LicenseDocument {
        data: LicenseResource {
            id: license.id.to_string(),
            kind: "licenses".to_owned(),
            attributes: LicenseAttributes {
                kind: license.kind.as_str().to_owned(),
                status: license.status().to_string().to_uppercase(),
                expiry: license.expires_at,
                max_machines: terms.max_devices,
                max_downloads: terms.max_downloads,
                max_uses: terms.max_uses,
                permissions: serde_json::to_value(terms.permissions).unwrap_or_default(),
                plugin: license.plugin.to_string(),
                plugin_name: plugins::created(&fact.state)?.name.clone(),
            },
        },
        included: machines.cloned().map(MachineResource::new).collect(),
        meta: FileMeta { issued, expiry: issued + chrono::Duration::seconds(ttl), ttl },
    };
    license_file::write(kind, &document, &app.signer).map_err(|error| AppError::Internal(error.to_string()))
}

async fn sold(app: &App, ctx: &Context, license: LicenseId) -> Result<(Context, License), AppError> {
    let license = read(app, license).await?.value;
    Ok((acting_for_vendor(app, ctx, &license).await?, license))
}

async fn change(app: &App, ctx: &Context, license: &License, command: Command) -> Result<Done<License>, AppError> {
    let call = Call::on(ctx, license.id.uuid(), About::plugin(license.plugin, license.vendor));
    license_of(app.execute::<Licenses>(call, command).await?)
}

/// A license that is good now, as its stream said at some version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Right {
    pub license: LicenseId,
    pub version: u64,
}

/// A good license of `user` for `plugin`. The one of the installation comes first, so that installing again changes nothing.
pub(crate) async fn entitlement(
    app: &App,
    user: UserId,
    plugin: PluginId,
    installation: InstallationId,
) -> Result<Option<Right>, AppError> {
    let known = app.fact::<Installations>(installation.uuid(), app.settings.fact_age).await?;
    if let installation::State::Installed { license: Some(license), .. } = *known.state
        && let Some(right) = good(app, user, plugin, license).await?
    {
        return Ok(Some(right));
    }
    if let Some(right) = suggested(app, user, plugin, 0).await? {
        return Ok(Some(right));
    }
    let head = app.ports.log.head().await?;
    suggested(app, user, plugin, head).await
}

async fn suggested(app: &App, user: UserId, plugin: PluginId, at_least: Position) -> Result<Option<Right>, AppError> {
    for license in app.ports.directory.licenses_of(user, plugin, at_least).await? {
        if let Some(right) = good(app, user, plugin, license).await? {
            return Ok(Some(right));
        }
    }
    Ok(None)
}

async fn good(app: &App, user: UserId, plugin: PluginId, license: LicenseId) -> Result<Option<Right>, AppError> {
    let fact = app.fact::<Licenses>(license.uuid(), Duration::ZERO).await?;
    let Ok(found) = issued(&fact.state) else { return Ok(None) };
    let good = found.holder == user && found.plugin == plugin && found.validity(None, app.ports.clock.now()).is_valid();
    Ok(good.then_some(Right { license, version: fact.version.unwrap_or_default() }))
}
