//! Listings and their versions.

mod amend;
mod manifest;
mod rulings;
mod versions;

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use semver::Version;
use souk_domain::{
    id::{PluginId, VendorId},
    listing::{Details, Pricing, Terms},
    name::PluginName,
    plugin::{Command, Plugin, Plugins, Release, State},
    reservation::{self, Names},
    stream::StreamId,
    text::{self, Problems},
    user::Role,
    vendor::Vendor,
};
use uuid::Uuid;

pub(crate) use self::manifest::manifest;
pub(crate) use self::rulings::{impartial, may_publish, ruled};
pub use self::{
    amend::{Amend, amend},
    rulings::{Appealed, Judged, appeal, judge, reads_appeals},
    versions::{SubmitVersion, roll_back, submit_version, yank},
};
use crate::{
    App, AppError, Context, Done, Read,
    execute::{Call, Fact},
    input::MAX_REASON,
    memory::About,
    vendors,
};

/// Names a plugin in a path: its id, or its name in any spelling that is equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginRef {
    /// By id.
    Id(PluginId),
    /// By name.
    Name(String),
    /// By name; a read model says that this one has it, which is looked at first and believed only once its stream says so too.
    Likely(String, PluginId),
}

impl From<PluginId> for PluginRef {
    fn from(id: PluginId) -> Self {
        Self::Id(id)
    }
}

impl From<&str> for PluginRef {
    fn from(text: &str) -> Self {
        Uuid::from_str(text).map_or_else(|_| Self::Name(text.to_owned()), |uuid| Self::Id(uuid.into()))
    }
}

impl fmt::Display for PluginRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Name(name) | Self::Likely(name, _) => name.fmt(f),
        }
    }
}

/// A new plugin.
#[derive(Clone, Debug)]
pub struct CreatePlugin {
    /// Its unique name.
    pub name: String,
    /// What it is; checked here.
    pub details: Details,
    /// What it costs; checked here.
    pub pricing: Pricing,
    /// What a license allows; checked here.
    pub terms: Terms,
    /// Whose; the caller's only vendor when absent.
    pub vendor: Option<VendorId>,
}

/// A version of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginVersion {
    /// Of which plugin.
    pub plugin: PluginId,
    /// Which.
    pub version: Version,
    /// Digest, size, status.
    pub release: Release,
}

pub(crate) fn created(state: &State) -> Result<&Plugin, AppError> {
    match state {
        State::Created(plugin) => Ok(plugin),
        State::Absent | State::Abandoned => Err(AppError::NotFound("this plugin")),
    }
}

fn plugin_of(done: Done<Arc<State>>) -> Result<Done<Plugin>, AppError> {
    let plugin = created(&done.value)?.clone();
    Ok(done.map(|_| plugin))
}

/// The id of the plugin that `plugin` names. An id is not looked up.
///
/// # Errors
/// `NotFound`.
pub async fn resolve(app: &App, plugin: &PluginRef) -> Result<PluginId, AppError> {
    holder(app, plugin, app.settings.fact_age).await
}

async fn holder(app: &App, plugin: &PluginRef, age: Duration) -> Result<PluginId, AppError> {
    let name = match plugin {
        PluginRef::Id(id) => return Ok(*id),
        PluginRef::Name(name) => name,
        PluginRef::Likely(name, _) => {
            if let Some(fact) = likely(app, plugin, age).await? {
                return Ok(created(&fact.state)?.id);
            }
            name
        }
    };
    let unknown = AppError::NotFound("this plugin");
    let Ok(name) = PluginName::parse(name) else { return Err(unknown) };
    let fact = app.fact::<Names>(StreamId::of_name(&name.key()).uuid, age).await?;
    match *fact.state {
        reservation::State::Held(holder) => Ok(holder.into()),
        reservation::State::Free => Err(unknown),
    }
}

/// The stream of the plugin that probably has the name, if it says that it has, at most `age` old.
async fn likely(app: &App, plugin: &PluginRef, age: Duration) -> Result<Option<Fact<State>>, AppError> {
    let PluginRef::Likely(name, id) = plugin else { return Ok(None) };
    if age.is_zero() {
        return Ok(None);
    }
    let fact = app.fact::<Plugins>(id.uuid(), age).await?;
    let key = |name: &str| PluginName::parse(name).ok().map(|name| name.key());
    let is_it = matches!(&*fact.state, State::Created(plugin) if plugin.name == *name
        || key(name).is_some_and(|wanted| key(&plugin.name) == Some(wanted)));
    Ok(is_it.then_some(fact))
}

/// The plugin as its stream tells it.
///
/// # Errors
/// `NotFound`.
pub async fn get(app: &App, plugin: &PluginRef) -> Result<Read<Plugin>, AppError> {
    let fact = fact(app, plugin, app.settings.fact_age).await?;
    Ok(Read {
        value: created(&fact.state)?.clone(),
        position: fact.position,
        version: fact.version.unwrap_or_default(),
    })
}

/// What `tell` says of the plugin as its stream tells it.
///
/// # Errors
/// `NotFound`.
pub async fn tell<T>(app: &App, plugin: &PluginRef, tell: impl FnOnce(&Plugin) -> T) -> Result<T, AppError> {
    let fact = fact(app, plugin, app.settings.fact_age).await?;
    Ok(tell(created(&fact.state)?))
}

/// The stream of a plugin that was created, at most `age` old.
pub(crate) async fn fact(app: &App, plugin: &PluginRef, age: Duration) -> Result<Fact<State>, AppError> {
    if let Some(fact) = likely(app, plugin, age).await? {
        return Ok(fact);
    }
    // A name that a plugin has stays its name, so only one without a plugin is worth another look.
    let fact = match holder(app, plugin, Duration::MAX).await {
        Ok(id) => Some(app.fact::<Plugins>(id.uuid(), age).await?),
        Err(AppError::NotFound(_)) => None,
        Err(error) => return Err(error),
    };
    match fact {
        Some(fact) if matches!(*fact.state, State::Created(_)) => Ok(fact),
        _ => {
            let id = holder(app, plugin, Duration::ZERO).await?;
            let fact = app.fact::<Plugins>(id.uuid(), Duration::ZERO).await?;
            created(&fact.state)?;
            Ok(fact)
        }
    }
}

/// A plugin, and the caller's command as its owner's or an admin's.
pub(crate) struct Owned {
    pub ctx: Context,
    pub fact: Fact<State>,
    pub vendor: Vendor,
    pub about: About,
}

impl Owned {
    fn plugin(&self) -> Result<&Plugin, AppError> {
        created(&self.fact.state)
    }

    fn call(&self) -> Result<Call<'_>, AppError> {
        Ok(Call::on(&self.ctx, self.plugin()?.id.uuid(), self.about))
    }
}

/// The plugin, if the caller owns its vendor or is an admin.
pub(crate) async fn owned(app: &App, ctx: &Context, plugin: &PluginRef) -> Result<Owned, AppError> {
    match owned_then(app, ctx, plugin, app.settings.fact_age).await {
        Err(error) if error.is_refusal() => owned_then(app, ctx, plugin, Duration::ZERO).await,
        owned => owned,
    }
}

async fn owned_then(app: &App, ctx: &Context, plugin: &PluginRef, age: Duration) -> Result<Owned, AppError> {
    let fact = fact(app, plugin, age).await?;
    let plugin = created(&fact.state)?;
    let vendor = vendors::known(app, plugin.vendor, age).await?.value;
    let ctx = vendors::acting_for(ctx, &vendor)?;
    let about = About::plugin(plugin.id, plugin.vendor);
    Ok(Owned { ctx, fact, vendor, about })
}

/// Lists a plugin. The id is derived from the command and the name.
///
/// # Errors
/// `Unauthorized`, `Forbidden`, `NotFound` (vendor), `Invalid` (also of `vendor` when the caller has several); conflict
/// `name_taken`.
pub async fn create(app: &App, ctx: &Context, input: CreatePlugin) -> Result<Done<Plugin>, AppError> {
    let mut problems = Problems::default();
    let name = problems.keep(PluginName::parse(&input.name));
    let details = problems.keep(input.details.checked());
    let pricing = problems.keep(input.pricing.checked());
    let terms = problems.keep(input.terms.checked());
    let parts = name.zip(details).zip(pricing).zip(terms);
    let Some((((name, details), pricing), terms)) = problems.finish(parts)? else {
        return Err(AppError::Internal("a listing was neither taken nor refused".to_owned()));
    };
    let vendor = match input.vendor {
        Some(vendor) => vendors::get(app, vendor).await?.value,
        None => only_vendor(app, ctx).await?,
    };
    let ctx = vendors::acting_for(ctx, &vendor)?;
    let id = PluginId::derived(&["plugin", &ctx.command.to_string(), &name.key()]);
    let key = StreamId::of_name(&name.key()).uuid;
    if !app.reserve::<Names>(Call::new(&ctx, key, About::NOTHING), reservation::Kind::Name, id.uuid()).await? {
        return Err(AppError::conflict("name_taken", "a plugin with this name exists"));
    }
    let call = Call::new(&ctx, id.uuid(), About::plugin(id, vendor.id));
    let command = Command::Create {
        id,
        vendor: vendor.id,
        name: name.as_str().to_owned(),
        details: Box::new(details),
        pricing,
        terms,
    };
    plugin_of(app.execute::<Plugins>(call, command).await?)
}

async fn only_vendor(app: &App, ctx: &Context) -> Result<Vendor, AppError> {
    let mut vendors = vendors::owned_by(app, ctx.require_user()?).await?;
    match (vendors.pop(), vendors.is_empty()) {
        (Some(vendor), true) => Ok(vendor),
        (Some(_), false) => Err(AppError::invalid("vendor", "must be given, since you own several")),
        (None, _) => Err(AppError::Forbidden("register a vendor first")),
    }
}

/// Takes a plugin out of the shop; moderator.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid`.
pub async fn suspend(app: &App, ctx: &Context, plugin: &PluginRef, reason: &str) -> Result<Done<Plugin>, AppError> {
    let ctx = ctx.require_moderator()?;
    text::body("reason", reason, MAX_REASON)?;
    moderate(app, &ctx, plugin, Command::Suspend { reason: reason.to_owned() }).await
}

/// Puts a plugin back; moderator.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn reinstate(app: &App, ctx: &Context, plugin: &PluginRef) -> Result<Done<Plugin>, AppError> {
    moderate(app, &ctx.require_moderator()?, plugin, Command::Reinstate).await
}

async fn moderate(app: &App, ctx: &Context, plugin: &PluginRef, command: Command) -> Result<Done<Plugin>, AppError> {
    let fact = fact(app, plugin, app.settings.fact_age).await?;
    let plugin = created(&fact.state)?;
    let call = Call::on(ctx, plugin.id.uuid(), About::plugin(plugin.id, plugin.vendor));
    plugin_of(app.execute::<Plugins>(call, command).await?)
}

/// Announces a plugin's end; owner or admin. `message` says what users should do, 1 to 1,000 characters.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`, `Invalid`.
pub async fn deprecate(app: &App, ctx: &Context, plugin: &PluginRef, message: &str) -> Result<Done<Plugin>, AppError> {
    let owned = owned(app, ctx, plugin).await?;
    text::body("message", message, MAX_REASON)?;
    let command = Command::Deprecate { message: message.to_owned() };
    plugin_of(app.execute::<Plugins>(owned.call()?, command).await?)
}

/// Gives a plugin to another vendor; admin, or the owner of both vendors.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`.
pub async fn transfer(
    app: &App,
    ctx: &Context,
    plugin: &PluginRef,
    vendor: VendorId,
) -> Result<Done<Plugin>, AppError> {
    let owned = owned(app, ctx, plugin).await?;
    let receiver = vendors::get(app, vendor).await?.value;
    let role = vendors::acting_for(ctx, &receiver)?.actor.role.unwrap_or(Role::Admin);
    let ctx = owned.ctx.acting(role);
    let call = Call { context: &ctx, ..owned.call()? };
    plugin_of(app.execute::<Plugins>(call, Command::Transfer { vendor }).await?)
}
