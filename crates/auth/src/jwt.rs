//! Access tokens: JWTs signed with HMAC-SHA256, checked without asking anyone.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, EncodingKey, Header, Validation,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{ErrorKind, Result as JwtResult, new_error},
    signature::{Error as SignatureError, Signer, Verifier},
};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use souk_domain::{id::UserId, user::Role};
use souk_ports::{Clock, Random};
use uuid::Uuid;

/// How long an access token is good for.
pub const ACCESS_TOKEN_LIFETIME: TimeDelta = TimeDelta::minutes(15);
/// How far the clocks of two Souk processes may be apart.
const LEEWAY: TimeDelta = TimeDelta::seconds(5);
const AUDIENCE: &str = "souk-api";
/// RFC 9068: no other token signed with the same key can be taken for an access token.
const TYPE: &str = "at+jwt";
/// Ours have about 400 characters.
const MAX_TOKEN: usize = 4096;
/// As many tokens are remembered: about two megabytes.
const REMEMBERED: usize = 4096;

/// A new access token.
#[derive(Clone)]
pub struct AccessToken {
    /// The token, for the `Authorization: Bearer` header.
    pub token: String,
    /// How long it is good for, seconds.
    pub expires_in: u64,
}

/// What a genuine access token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Who.
    pub user: UserId,
    /// What the user was allowed when it was issued.
    pub roles: BTreeSet<Role>,
    /// From when on it is refused, whole seconds.
    pub expires_at: DateTime<Utc>,
}

/// Why an access token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It was genuine once.
    #[error("the access token has expired")]
    Expired,
    /// Not a token of ours.
    #[error("the access token is not valid")]
    Invalid,
    /// It could not be signed.
    #[error("the access token could not be signed")]
    Signing,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    iss: String,
    aud: String,
    sub: UserId,
    roles: BTreeSet<Role>,
    iat: i64,
    exp: i64,
    jti: Uuid,
}

/// Issues and checks access tokens.
pub struct Tokens {
    signing: EncodingKey,
    checking: DecodingKey,
    validation: Validation,
    issuer: String,
    /// What genuine tokens say, by token: whoever has one shows it again and again.
    genuine: Cache<Box<str>, Claims>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Tokens {
    /// Tokens signed with `secret` in the name of `issuer`. Whoever has the same secret and issuer accepts them, also after a
    /// restart.
    #[must_use]
    pub fn new(secret: [u8; 32], issuer: impl Into<String>, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        // Refused when somebody installed another one before, which then signs and checks as well as this one.
        let _ = HMAC_ONLY.install_default();
        let issuer = issuer.into();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[&issuer]);
        validation.set_audience(&[AUDIENCE]);
        validation.required_spec_claims =
            ["iss", "aud", "sub", "exp"].map(str::to_owned).into_iter().collect::<HashSet<_>>();
        // The library asks the system's clock; the time is compared below with the clock that was passed in.
        validation.validate_exp = false;
        Self {
            signing: EncodingKey::from_secret(&secret),
            checking: DecodingKey::from_secret(&secret),
            validation,
            issuer,
            genuine: Cache::new(REMEMBERED),
            clock,
            random,
        }
    }

    /// A token for `user`, good for [`ACCESS_TOKEN_LIFETIME`] from now on.
    ///
    /// # Errors
    /// [`TokenError::Signing`].
    pub fn issue(&self, user: UserId, roles: &BTreeSet<Role>) -> Result<AccessToken, TokenError> {
        let now = self.clock.now();
        let payload = Payload {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            roles: roles.clone(),
            iat: now.timestamp(),
            exp: (now + ACCESS_TOKEN_LIFETIME).timestamp(),
            jti: self.random.uuid(),
        };
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYPE.to_owned());
        let token = jsonwebtoken::encode(&header, &payload, &self.signing).map_err(|_| TokenError::Signing)?;
        Ok(AccessToken { token, expires_in: ACCESS_TOKEN_LIFETIME.num_seconds().unsigned_abs() })
    }

    /// What `token` says, when it is genuine and has not expired.
    ///
    /// # Errors
    /// [`TokenError::Expired`] or [`TokenError::Invalid`].
    pub fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        let known = self.genuine.get(token);
        let is_known = known.is_some();
        let claims = known.map_or_else(|| self.check(token), Ok)?;
        if self.clock.now() - LEEWAY >= claims.expires_at {
            return Err(TokenError::Expired);
        }
        if !is_known {
            self.genuine.insert(token.into(), claims.clone());
        }
        Ok(claims)
    }

    /// What `token` says, when it is genuine.
    fn check(&self, token: &str) -> Result<Claims, TokenError> {
        if token.len() > MAX_TOKEN {
            return Err(TokenError::Invalid);
        }
        let decoded = jsonwebtoken::decode::<Payload>(token, &self.checking, &self.validation)
            .map_err(|_| TokenError::Invalid)?;
        if decoded.header.typ.as_deref() != Some(TYPE) {
            return Err(TokenError::Invalid);
        }
        let Payload { sub: user, roles, exp, .. } = decoded.claims;
        let expires_at = DateTime::from_timestamp(exp, 0).ok_or(TokenError::Invalid)?;
        Ok(Claims { user, roles, expires_at })
    }
}

/// The whole cryptography that access tokens need. The library's own providers bring RSA and elliptic curves along.
static HMAC_ONLY: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| {
        hs256(*algorithm, key.family(), key.as_bytes()).map(|mac| Box::new(mac) as Box<dyn JwtSigner>)
    },
    verifier_factory: |algorithm, key| {
        hs256(*algorithm, key.family(), key.try_get_as_bytes()?).map(|mac| Box::new(mac) as Box<dyn JwtVerifier>)
    },
    key_utils: KeyUtils::new_unimplemented(),
};

struct Hs256(Hmac<Sha256>);

fn hs256(algorithm: Algorithm, family: AlgorithmFamily, key: &[u8]) -> JwtResult<Hs256> {
    if algorithm != Algorithm::HS256 {
        return Err(new_error(ErrorKind::InvalidAlgorithm));
    }
    if family != AlgorithmFamily::Hmac {
        return Err(new_error(ErrorKind::InvalidKeyFormat));
    }
    Hmac::new_from_slice(key).map(Hs256).map_err(|_| new_error(ErrorKind::InvalidKeyFormat))
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        Ok(self.0.clone().chain_update(message).finalize().into_bytes().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        self.0.clone().chain_update(message).verify_slice(signature).map_err(SignatureError::from_source)
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}
