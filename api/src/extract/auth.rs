//! Who asks, as a use case wants to know it.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use souk_app::{AppError, Context, users};
use souk_domain::{
    id::{CommandId, PartnerKeyId, UserId},
    partner::Partner,
    user::Role,
};
use uuid::Uuid;

use crate::{
    Api,
    error::ApiError,
    middleware::{envelope::Trace, identify::Caller, write::Command},
};

/// Anyone. Somebody who is known has the roles that they have now.
pub struct Anyone(pub Context);

/// Somebody with an account, for what every account may do: the roles are those of the access token, which may be old.
pub struct SignedIn {
    /// The command.
    pub context: Context,
    /// Who.
    pub user: UserId,
}

/// Somebody with an account, with the roles that they have now: for what depends on them.
pub struct Privileged(pub Context);

/// A system of a partner.
pub struct PartnerCaller {
    /// The partner, as it was at most a moment ago. It may be suspended.
    pub partner: Arc<Partner>,
    /// Its key.
    pub key: PartnerKeyId,
    /// What the request is called, where it writes.
    pub command: CommandId,
}

impl PartnerCaller {
    /// The partner, unless it is suspended.
    ///
    /// # Errors
    /// 403 `partner_suspended`.
    pub fn active(&self) -> Result<&Partner, ApiError> {
        active(&self.partner).map(|()| &*self.partner)
    }
}

fn active(partner: &Partner) -> Result<(), ApiError> {
    match &partner.suspended {
        None => Ok(()),
        Some(reason) => Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "partner_suspended",
            format!("this partner is suspended: {reason}"),
        )),
    }
}

/// Anyone, with or without a partner's key; a suspended partner is refused.
pub struct Reader(pub Option<PartnerCaller>);

impl FromRequestParts<Api> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, ApiError> {
        let Some(caller) = partner(parts) else { return Ok(Self(None)) };
        active(&caller.partner)?;
        Ok(Self(Some(caller)))
    }
}

impl FromRequestParts<Api> for PartnerCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, ApiError> {
        partner(parts).ok_or_else(|| ApiError::unauthorized("a partner's key is needed"))
    }
}

fn partner(parts: &Parts) -> Option<PartnerCaller> {
    let Caller::Partner(partner, key) = parts.extensions.get::<Caller>()? else { return None };
    Some(PartnerCaller { partner: Arc::clone(partner), key: *key, command: command(parts).id })
}

impl FromRequestParts<Api> for Anyone {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        match caller(parts) {
            Some((user, _)) => Ok(Self(context(parts, user, current_roles(api, user).await?))),
            None => Ok(Self(with_trace(parts, Context::anonymous(command(parts).id)))),
        }
    }
}

impl FromRequestParts<Api> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let (user, roles) = caller(parts).ok_or_else(nobody)?;
        let roles = match roles {
            Some(roles) => roles,
            None => current_roles(api, user).await?,
        };
        Ok(Self { context: context(parts, user, roles), user })
    }
}

impl FromRequestParts<Api> for Privileged {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let (user, _) = caller(parts).ok_or_else(nobody)?;
        Ok(Self(context(parts, user, current_roles(api, user).await?)))
    }
}

fn nobody() -> ApiError {
    ApiError::unauthorized("sign in first")
}

/// The account that asks, and the roles of its access token.
fn caller(parts: &Parts) -> Option<(UserId, Option<BTreeSet<Role>>)> {
    match parts.extensions.get::<Caller>()? {
        Caller::Anonymous(_) | Caller::Partner(..) => None,
        Caller::User(user, roles) => Some((*user, Some(roles.clone()))),
        Caller::ApiKey(user, _) => Some((*user, None)),
    }
}

async fn current_roles(api: &Api, user: UserId) -> Result<BTreeSet<Role>, ApiError> {
    match users::roles(&api.app, user).await {
        Ok(roles) => Ok(roles),
        Err(AppError::NotFound(_)) => Err(ApiError::unauthorized("this account is gone")),
        Err(error) => Err(error.into()),
    }
}

/// Reads give no command.
fn command(parts: &Parts) -> Command {
    let none = Command { id: CommandId::new(Uuid::nil()), fresh: false };
    parts.extensions.get::<Command>().copied().unwrap_or(none)
}

fn context(parts: &Parts, user: UserId, roles: BTreeSet<Role>) -> Context {
    with_trace(parts, Context::user(user, roles, command(parts).id))
}

fn with_trace(parts: &Parts, mut context: Context) -> Context {
    context.first_try = command(parts).fresh;
    context.traceparent = parts.extensions.get::<Trace>().and_then(|trace| trace.parent.clone());
    context
}
