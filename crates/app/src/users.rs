//! Accounts: registration, sign-in, roles, API keys.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use chrono::SubsecRound;
use souk_domain::{
    id::{ApiKeyId, UserId},
    name::EmailAddress,
    personal::Personal,
    reservation::{self, Emails},
    text::{self, Problems},
    user::{Command, Role, State, User, Users},
};

use crate::{App, AppError, Context, Done, Secret, execute::Call, memory::About};

/// A new account.
#[derive(Clone, Debug)]
pub struct Register {
    /// E-mail address, as typed.
    pub email: Secret,
    /// Password, 8 to 256 characters.
    pub password: Secret,
    /// Name to show, one line of 1 to 100 characters.
    pub display_name: Secret,
}

/// An account, readable.
#[derive(Clone, PartialEq, Eq)]
pub struct Profile {
    /// Who.
    pub id: UserId,
    /// E-mail address; none when it was erased.
    pub email: Option<String>,
    /// Name to show; none when it was erased.
    pub display_name: Option<String>,
    /// Roles; `customer` is always there.
    pub roles: BTreeSet<Role>,
}

impl Profile {
    fn of(user: &User) -> Self {
        Self {
            id: user.id,
            email: user.email.text().map(str::to_owned),
            display_name: user.display_name.text().map(str::to_owned),
            roles: user.roles.clone(),
        }
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile").field("id", &self.id).field("roles", &self.roles).finish_non_exhaustive()
    }
}

/// Names an account.
#[derive(Clone, Debug)]
pub enum Who {
    /// By id.
    Id(UserId),
    /// By e-mail address.
    Email(Secret),
}

pub(crate) fn registered(state: &State) -> Result<&User, AppError> {
    match state {
        State::Registered(user) if user.erasing.is_none() => Ok(user),
        State::Registered(_) | State::Erased | State::Absent | State::Abandoned => {
            Err(AppError::NotFound("this account"))
        }
    }
}

fn profile_of(done: Done<Arc<State>>) -> Result<Done<Profile>, AppError> {
    let profile = Profile::of(registered(&done.value)?);
    Ok(done.map(|_| profile))
}

/// Opens an account. The id is derived from the command and the address.
///
/// # Errors
/// `Invalid`; conflict `email_taken`.
pub async fn register(app: &App, ctx: &Context, input: Register) -> Result<Done<Profile>, AppError> {
    let mut problems = Problems::default();
    let email = problems.keep(EmailAddress::parse(&input.email.0));
    if !(8..=256).contains(&input.password.0.chars().count()) {
        problems.add("password", "must have 8 to 256 characters");
    }
    problems.line("displayName", &input.display_name.0, 100);
    let Some(email) = problems.finish(email)? else {
        return Err(AppError::Internal("an address was neither taken nor refused".to_owned()));
    };
    let address = app.ports.vault.email_stream(&email.normalized());
    // Also of the address: whoever repeats somebody's idempotency key with an address of their own gets their own account.
    let id = UserId::derived(&["user", &ctx.command.to_string(), &address.to_string()]);
    let call = Call::new(ctx, address.uuid, About::NOTHING);
    if !app.reserve::<Emails>(call, reservation::Kind::Email, id.uuid()).await? {
        return Err(email_taken());
    }
    protect(app, ctx, id, &input.password.0).await?;
    let command = Command::Register {
        id,
        email: Personal::new(id, email.as_str()),
        display_name: Personal::new(id, input.display_name.0),
    };
    let done = app.execute::<Users>(Call::new(ctx, id.uuid(), About::NOTHING), command).await?;
    profile_of(done)
}

fn email_taken() -> AppError {
    AppError::conflict("email_taken", "an account with this e-mail address exists")
}

/// Sets the password of an account that is about to be opened. One that is open keeps its own, which a repeated
/// registration must know: an idempotency key is no credential.
async fn protect(app: &App, ctx: &Context, id: UserId, password: &str) -> Result<(), AppError> {
    let open =
        !ctx.first_try && matches!(*app.fact::<Users>(id.uuid(), Duration::ZERO).await?.state, State::Registered(_));
    if open {
        let hash = app.ports.credentials.password(id).await?;
        let same = match &hash {
            Some(hash) => app.ports.passwords.verify(password, hash).await,
            None => false,
        };
        return if same { Ok(()) } else { Err(email_taken()) };
    }
    let hash = app.ports.passwords.hash(password).await?;
    Ok(app.ports.credentials.set_password(id, &hash).await?)
}

/// The account of an e-mail address and its password. An unknown address takes as long as a wrong password.
///
/// # Errors
/// `Unauthorized`.
pub async fn authenticate(app: &App, email: &str, password: &str) -> Result<Profile, AppError> {
    let user = match find(app, &Who::Email(email.into())).await {
        Ok(id) => Some(id),
        Err(AppError::NotFound(_) | AppError::Invalid(_)) => None,
        Err(error) => return Err(error),
    };
    let hash = match user {
        Some(id) => app.ports.credentials.password(id).await?,
        None => None,
    };
    let wrong = AppError::Unauthorized("e-mail address or password is wrong");
    let (Some(id), Some(hash)) = (user, hash) else {
        app.ports.passwords.verify(password, app.decoy_hash().await?).await;
        return Err(wrong);
    };
    if !app.ports.passwords.verify(password, &hash).await {
        return Err(wrong);
    }
    match profile(app, id).await {
        Err(AppError::NotFound(_)) => Err(wrong),
        profile => profile,
    }
}

/// The account `user`.
///
/// # Errors
/// `NotFound`.
pub async fn profile(app: &App, user: UserId) -> Result<Profile, AppError> {
    let known = app.fact::<Users>(user.uuid(), Duration::ZERO).await?;
    registered(&known.state).map(Profile::of)
}

/// The roles of `user` as of now, whichever process gave or took them: for requests that depend on them.
///
/// # Errors
/// `NotFound`.
pub async fn roles(app: &App, user: UserId) -> Result<BTreeSet<Role>, AppError> {
    let known = app.fact::<Users>(user.uuid(), Duration::ZERO).await?;
    Ok(registered(&known.state)?.roles.clone())
}

/// The account that `who` names. An id is not looked up.
///
/// # Errors
/// `NotFound`, `Invalid`.
pub async fn find(app: &App, who: &Who) -> Result<UserId, AppError> {
    let email = match who {
        Who::Id(id) => return Ok(*id),
        Who::Email(email) => EmailAddress::parse(&email.0)?,
    };
    let stream = app.ports.vault.email_stream(&email.normalized());
    let known = app.fact::<Emails>(stream.uuid, app.settings.fact_age).await?;
    match *known.state {
        reservation::State::Held(holder) => Ok(holder.into()),
        reservation::State::Free => Err(AppError::NotFound("this account")),
    }
}

/// Gives a role; admin only.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn grant_role(app: &App, ctx: &Context, who: &Who, role: Role) -> Result<Done<Profile>, AppError> {
    change(app, &ctx.require_admin()?, who, Command::GrantRole { role }).await
}

/// Takes a role back; admin only.
///
/// # Errors
/// `NotFound`, `Forbidden`; conflict `role_not_revocable`.
pub async fn revoke_role(app: &App, ctx: &Context, who: &Who, role: Role) -> Result<Done<Profile>, AppError> {
    change(app, &ctx.require_admin()?, who, Command::RevokeRole { role }).await
}

/// Asks that nobody can read any more what this person said; the person, or an admin. It follows within moments, and cannot be taken back:
/// the account does nothing from now on, subscriptions end, and vendors of this person publish no more.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`.
pub async fn request_erasure(app: &App, ctx: &Context, who: &Who) -> Result<Done<()>, AppError> {
    let id = find(app, who).await?;
    let own = ctx.actor.id == Some(id);
    let ctx = if own { ctx.clone() } else { ctx.require_admin()? };
    let now = app.ports.clock.now().trunc_subsecs(6);
    let call = Call::on(&ctx, id.uuid(), About::NOTHING);
    let done = app.execute::<Users>(call, Command::RequestErasure { now }).await?;
    // Before anything else of it happens: nobody signs in again, and no key opens anything.
    app.is_going(id);
    app.ports.credentials.forget(id).await?;
    Ok(done.map(|_| ()))
}

/// Makes `owner` a `vendor`, since it owns one now.
pub(crate) async fn make_vendor(app: &App, ctx: &Context, owner: UserId) -> Result<Done<Profile>, AppError> {
    change(app, ctx, &Who::Id(owner), Command::GrantRole { role: Role::Vendor }).await
}

async fn change(app: &App, ctx: &Context, who: &Who, command: Command) -> Result<Done<Profile>, AppError> {
    let id = find(app, who).await?;
    profile_of(app.execute::<Users>(Call::on(ctx, id.uuid(), About::NOTHING), command).await?)
}

/// Records an API key of the caller; the caller made the key and gives its SHA-256. The id is derived from the command.
///
/// # Errors
/// `Unauthorized`, `Invalid`; conflict `too_many_api_keys`.
pub async fn issue_api_key(app: &App, ctx: &Context, label: &str, hash: [u8; 32]) -> Result<Done<ApiKeyId>, AppError> {
    let user = ctx.require_user()?;
    text::line("label", label, 100)?;
    let key = ApiKeyId::derived(&["api-key", &ctx.command.to_string()]);
    let command = Command::IssueApiKey { key, label: Personal::new(user, label) };
    let done = app.execute::<Users>(Call::on(ctx, user.uuid(), About::NOTHING), command).await?;
    // A crash before this leaves a key that opens nothing, and that its owner can end.
    if registered(&done.value)?.api_keys.contains_key(&key) {
        app.ports.credentials.add_api_key(user, key, hash).await?;
    }
    Ok(done.map(|_| key))
}

/// Ends an API key of the caller.
///
/// # Errors
/// `Unauthorized`, `NotFound`.
pub async fn revoke_api_key(app: &App, ctx: &Context, key: ApiKeyId) -> Result<Done<()>, AppError> {
    let user = ctx.require_user()?;
    // First, so that no crash leaves a key open that is recorded as revoked.
    app.ports.credentials.remove_api_key(user, key).await?;
    let call = Call::on(ctx, user.uuid(), About::NOTHING);
    Ok(app.execute::<Users>(call, Command::RevokeApiKey { key }).await?.map(|_| ()))
}

/// Live API keys of the caller, and their labels.
///
/// # Errors
/// `Unauthorized`.
pub async fn api_keys(app: &App, ctx: &Context) -> Result<BTreeMap<ApiKeyId, Option<String>>, AppError> {
    let user = ctx.require_user()?;
    let known = app.fact::<Users>(user.uuid(), app.settings.fact_age).await?;
    let label = |label: &Personal| label.text().map(str::to_owned);
    Ok(registered(&known.state)?.api_keys.iter().map(|(key, known)| (*key, label(known))).collect())
}
