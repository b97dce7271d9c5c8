//! Sellers.

use std::{sync::Arc, time::Duration};

use souk_domain::{
    id::{UserId, VendorId},
    money::BasisPoints,
    name::Slug,
    reservation::{self, Slugs},
    stream::StreamId,
    text::{self, Problems},
    user::Role,
    vendor::{Command, State, Vendor, Vendors},
};

use crate::{App, AppError, Context, Done, Read, execute::Call, memory::About, users};

/// A new vendor.
#[derive(Clone, Debug)]
pub struct RegisterVendor {
    /// Its name, one line of 1 to 100 characters.
    pub name: String,
    /// Its unique short name.
    pub slug: String,
    /// Who owns it; the caller when absent. Only an admin or the operator names another.
    pub owner: Option<UserId>,
}

fn registered(state: &State) -> Result<&Vendor, AppError> {
    match state {
        State::Registered(vendor) => Ok(vendor),
        State::Absent | State::Abandoned => Err(AppError::NotFound("this vendor")),
    }
}

fn vendor_of(done: Done<Arc<State>>) -> Result<Done<Vendor>, AppError> {
    let vendor = registered(&done.value)?.clone();
    Ok(done.map(|_| vendor))
}

/// Opens a vendor and makes its owner a `vendor`. The id is derived from the command and the slug.
///
/// # Errors
/// `Unauthorized`, `Invalid`, `NotFound` (the owner named); conflict `slug_taken`.
pub async fn register(app: &App, ctx: &Context, input: RegisterVendor) -> Result<Done<Vendor>, AppError> {
    let owner = match input.owner {
        Some(owner) if ctx.actor.id != Some(owner) => {
            ctx.require_admin()?;
            users::roles(app, owner).await?;
            owner
        }
        _ => ctx.require_user()?,
    };
    let mut problems = Problems::default();
    problems.line("name", &input.name, 100);
    let slug = problems.keep(Slug::parse(&input.slug));
    let Some(slug) = problems.finish(slug)? else {
        return Err(AppError::Internal("a slug was neither taken nor refused".to_owned()));
    };
    let id = VendorId::derived(&["vendor", &ctx.command.to_string(), slug.key()]);
    let about = About::vendor(id);
    let key = StreamId::of_slug(slug.key()).uuid;
    if !app.reserve::<Slugs>(Call::new(ctx, key, About::NOTHING), reservation::Kind::Slug, id.uuid()).await? {
        return Err(AppError::conflict("slug_taken", "a vendor with this slug exists"));
    }
    let command = Command::Register { id, owner, name: input.name, slug: slug.as_str().to_owned() };
    let vendor = vendor_of(app.execute::<Vendors>(Call::new(ctx, id.uuid(), about), command).await?)?;
    let owner = users::make_vendor(app, ctx, owner).await?;
    // An owner who had the role is at a position of long ago.
    let position = if owner.changed { vendor.position.max(owner.position) } else { vendor.position };
    Ok(Done { position, ..vendor })
}

/// Confirms that a vendor is who it says, and lifts a suspension; admin only.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn verify(app: &App, ctx: &Context, vendor: VendorId) -> Result<Done<Vendor>, AppError> {
    change(app, &ctx.require_admin()?, vendor, Command::Verify).await
}

/// Stops a vendor from publishing; admin only.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid`.
pub async fn suspend(app: &App, ctx: &Context, vendor: VendorId, reason: &str) -> Result<Done<Vendor>, AppError> {
    let ctx = ctx.require_admin()?;
    text::body("reason", reason, crate::input::MAX_REASON)?;
    change(app, &ctx, vendor, Command::Suspend { reason: reason.to_owned() }).await
}

/// Agrees another commission; admin only. Orders placed before keep theirs.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn set_commission(
    app: &App,
    ctx: &Context,
    vendor: VendorId,
    commission: BasisPoints,
) -> Result<Done<Vendor>, AppError> {
    change(app, &ctx.require_admin()?, vendor, Command::SetCommission { commission }).await
}

pub(crate) async fn change(
    app: &App,
    ctx: &Context,
    vendor: VendorId,
    command: Command,
) -> Result<Done<Vendor>, AppError> {
    let call = Call::on(ctx, vendor.uuid(), About::vendor(vendor));
    vendor_of(app.execute::<Vendors>(call, command).await?)
}

/// The vendor.
///
/// # Errors
/// `NotFound`.
pub async fn get(app: &App, vendor: VendorId) -> Result<Read<Vendor>, AppError> {
    known(app, vendor, app.settings.fact_age).await
}

pub(crate) async fn known(app: &App, vendor: VendorId, age: Duration) -> Result<Read<Vendor>, AppError> {
    let fact = app.fact::<Vendors>(vendor.uuid(), age).await?;
    Ok(Read {
        value: registered(&fact.state)?.clone(),
        position: fact.position,
        version: fact.version.unwrap_or_default(),
    })
}

/// The vendor that holds `slug`.
///
/// # Errors
/// `NotFound`.
pub async fn by_slug(app: &App, slug: &str) -> Result<VendorId, AppError> {
    let unknown = AppError::NotFound("this vendor");
    let Ok(slug) = Slug::parse(slug) else { return Err(unknown) };
    let fact = app.fact::<Slugs>(StreamId::of_slug(slug.key()).uuid, app.settings.fact_age).await?;
    match *fact.state {
        reservation::State::Held(holder) => Ok(holder.into()),
        reservation::State::Free => Err(unknown),
    }
}

/// The vendors that `owner` owns, as their own streams say.
///
/// # Errors
/// `Behind`, `Unavailable`.
pub async fn owned_by(app: &App, owner: UserId) -> Result<Vec<Vendor>, AppError> {
    let owned = confirmed(app, owner, 0).await?;
    if !owned.is_empty() {
        return Ok(owned);
    }
    let head = app.ports.log.head().await?;
    confirmed(app, owner, head).await
}

async fn confirmed(app: &App, owner: UserId, at_least: u64) -> Result<Vec<Vendor>, AppError> {
    let mut owned = Vec::new();
    for id in app.ports.directory.vendors_of(owner, at_least).await? {
        match get(app, id).await {
            Ok(vendor) if vendor.value.owner == owner => owned.push(vendor.value),
            Ok(_) | Err(AppError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(owned)
}

/// The vendor, if the caller may see and do what only its owner or an admin may.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`.
pub async fn require_owner(app: &App, ctx: &Context, vendor: VendorId) -> Result<Read<Vendor>, AppError> {
    let vendor = get(app, vendor).await?;
    acting_for(ctx, &vendor.value)?;
    Ok(vendor)
}

/// The caller's command, recorded as given by the owner of `vendor` or by an admin.
pub(crate) fn acting_for(ctx: &Context, vendor: &Vendor) -> Result<Context, AppError> {
    if ctx.actor.id == Some(vendor.owner) {
        Ok(ctx.acting(Role::Vendor))
    } else if ctx.is_admin() {
        Ok(ctx.acting(Role::Admin))
    } else {
        Err(ctx.refuse("this belongs to another vendor"))
    }
}
