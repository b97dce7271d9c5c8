//! Who asks, from where, and whether they asked too often.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use souk_app::partners;
use souk_domain::{
    id::{ApiKeyId, PartnerKeyId, UserId},
    partner::Partner,
    user::Role,
};
use souk_ports::SecretKind;

use super::{
    rate_limit::{self, Costly, Key},
    route,
};
use crate::{Api, error::ApiError};

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Nobody that is known, from this address.
    Anonymous(IpAddr),
    /// Somebody with an access token, and the roles it was issued with.
    User(UserId, BTreeSet<Role>),
    /// A program with an API key.
    ApiKey(UserId, ApiKeyId),
    /// A system of a partner, with one of its keys.
    Partner(Arc<Partner>, PartnerKeyId),
}

impl Caller {
    /// The account.
    #[must_use]
    pub const fn user(&self) -> Option<UserId> {
        match self {
            Self::Anonymous(_) | Self::Partner(..) => None,
            Self::User(user, _) | Self::ApiKey(user, _) => Some(*user),
        }
    }

    /// Whose idempotency keys are the same.
    #[must_use]
    pub fn tenant(&self) -> String {
        match self {
            Self::Anonymous(address) => format!("address {address}"),
            Self::User(user, _) | Self::ApiKey(user, _) => format!("user {user}"),
            Self::Partner(partner, _) => format!("partner {}", partner.id),
        }
    }

    fn key(&self) -> Key {
        match self {
            Self::Anonymous(address) => Key::address(*address),
            Self::User(user, _) => Key::User(*user),
            Self::ApiKey(_, key) => Key::Program(*key),
            Self::Partner(partner, _) => Key::Partner(partner.id),
        }
    }
}

/// Finds out who asks; refuses credentials that are none, and callers that ask too often.
pub async fn identify<F>(api: &Api, mut request: Request, then: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let address = client_address(&request, &api.settings.trusted_proxies);
    // Whoever signs in does so because the token at hand is no good.
    let signs_in = route(request.extensions()).starts_with("/api/v1/auth/");
    let caller = match credential(request.headers()) {
        Ok(Some(credential)) if !signs_in => recognize(api, credential).await,
        Err(error) if !signs_in => Err(error),
        _ => Ok(Caller::Anonymous(address)),
    };
    let key = caller.as_ref().map_or_else(|_| Key::address(address), Caller::key);
    let costly = Costly::of(request.method(), route(request.extensions()));
    let standings = match (&api.limiter, &caller) {
        (None, _) => Vec::new(),
        (Some(limiter), Ok(Caller::Partner(partner, _))) => {
            vec![limiter.count_partner(partner.id, partner.quotas.requests_per_minute)]
        }
        (Some(limiter), _) => limiter.count(key, costly),
    };

    let retry_after = standings.iter().find_map(rate_limit::Standing::retry_after);
    let mut response = match (retry_after, caller) {
        (Some(seconds), _) => {
            metrics::counter!("souk_http_rate_limited_total").increment(1);
            let message = "too many requests; wait as long as Retry-After says";
            ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message).retry_after(seconds).into_response()
        }
        (None, Err(error)) => error.into_response(),
        (None, Ok(caller)) => {
            request.extensions_mut().insert(caller.clone());
            let mut response = then(request).await;
            // For the log line, which tells of accounts only.
            if caller.user().is_some() {
                response.extensions_mut().insert(caller);
            }
            response
        }
    };
    if !standings.is_empty() {
        rate_limit::set_headers(response.headers_mut(), &standings);
    }
    response
}

/// The token or key that the request shows, if it shows one.
fn credential(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    if let Some(key) = headers.get("x-api-key") {
        return key.to_str().map(Some).map_err(|_| refused("the API key is not valid"));
    }
    let Some(authorization) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let bearer = authorization.to_str().ok().and_then(|text| text.split_once(' '));
    match bearer {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        _ => Err(refused("Authorization must be `Bearer` and a token")),
    }
}

async fn recognize(api: &Api, credential: &str) -> Result<Caller, ApiError> {
    if let Some(hash) = api.keyring.hash(SecretKind::ApiKey, credential) {
        let known = api.app.ports().credentials.api_key(hash).await?;
        return known.map(|(user, key)| Caller::ApiKey(user, key)).ok_or_else(|| refused("the API key is not valid"));
    }
    if let Some(hash) = api.keyring.hash(SecretKind::Partner, credential) {
        let known = partners::recognize(&api.app, hash).await?;
        let known = known.map(|(partner, key)| Caller::Partner(Arc::new(partner), key));
        return known.ok_or_else(|| refused("the partner's key is not valid"));
    }
    let bearer =
        api.keyring.verify(credential).ok_or_else(|| refused("the access token is not valid, or has expired"))?;
    if api.app.is_gone(bearer.user) {
        return Err(refused("this account is erased"));
    }
    Ok(Caller::User(bearer.user, bearer.roles))
}

fn refused(message: &str) -> ApiError {
    ApiError::unauthorized(message)
}

/// The address of the client: the last one in `X-Forwarded-For` that no trusted proxy has, if a trusted proxy connects.
fn client_address(request: &Request, trusted: &[IpAddr]) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_canonical());
    let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    if !trusted.contains(&peer) {
        return peer;
    }
    let forwarded = request.headers().get_all("x-forwarded-for").iter();
    let addresses: Vec<&str> =
        forwarded.filter_map(|value: &HeaderValue| value.to_str().ok()).flat_map(|list| list.split(',')).collect();
    let mut client = peer;
    for address in addresses.iter().rev() {
        let Ok(address) = address.trim().parse::<IpAddr>() else { break };
        client = address.to_canonical();
        if !trusted.contains(&client) {
            break;
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn from(peer: &str, forwarded: &[&str]) -> Request {
        let mut request = Request::new(Body::empty());
        let peer: IpAddr = peer.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((peer, 1))));
        for value in forwarded {
            request.headers_mut().append("x-forwarded-for", value.parse().unwrap());
        }
        request
    }

    #[test]
    fn only_trusted_proxies_say_where_a_request_comes_from() {
        let trusted: Vec<IpAddr> = vec!["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        let address = |peer, forwarded: &[&str]| client_address(&from(peer, forwarded), &trusted).to_string();
        assert_eq!(address("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(address("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(address("10.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(address("10.0.0.1", &["1.1.1.1", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(address("10.0.0.1", &["nonsense"]), "10.0.0.1");
        assert_eq!(address("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn credentials_are_bearer_tokens_or_api_keys() {
        let headers = |name: &'static str, value: &str| {
            HeaderMap::from_iter([(header::HeaderName::from_static(name), value.parse::<HeaderValue>().unwrap())])
        };
        assert_eq!(credential(&HeaderMap::new()).unwrap(), None);
        assert_eq!(credential(&headers("authorization", "bearer abc")).unwrap(), Some("abc"));
        assert_eq!(credential(&headers("x-api-key", "souk_key_x")).unwrap(), Some("souk_key_x"));
        assert!(credential(&headers("authorization", "Basic YTpi")).is_err());
    }
}
