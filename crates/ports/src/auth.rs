//! Passwords and tokens.

use std::{collections::BTreeSet, fmt};

use async_trait::async_trait;
use souk_domain::{id::UserId, user::Role};

use crate::store::StoreError;

/// Hashes and checks passwords. Slow on purpose; an adapter keeps it off the threads that serve requests.
#[async_trait]
pub trait Passwords: Send + Sync {
    /// The hash of `password`, salted, as a PHC string.
    ///
    /// # Errors
    /// Hashing failed.
    async fn hash(&self, password: &str) -> Result<String, StoreError>;

    /// Whether `password` is the one of `hash`. A hash that cannot be read is nobody's.
    async fn verify(&self, password: &str, hash: &str) -> bool;
}

/// A signed access token.
#[derive(Clone)]
pub struct IssuedToken {
    /// What the client sends.
    pub text: String,
    /// How long it is good for, seconds.
    pub expires_in: u64,
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// Who.
    pub user: UserId,
    /// What the user was allowed when the token was issued.
    pub roles: BTreeSet<Role>,
}

/// What an opaque token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKind {
    /// Is exchanged for new tokens, once.
    Refresh,
    /// Is used by programs instead of an access token.
    ApiKey,
    /// Opens what a partner may see.
    Partner,
}

/// Makes and recognizes what clients hold instead of passwords.
pub trait Keyring: Send + Sync {
    /// An access token for `user`.
    ///
    /// # Errors
    /// It could not be signed.
    fn issue(&self, user: UserId, roles: &BTreeSet<Role>) -> Result<IssuedToken, StoreError>;

    /// What an access token says; none when it is not genuine or its time is over.
    fn verify(&self, token: &str) -> Option<Bearer>;

    /// A new opaque token.
    fn generate(&self, kind: SecretKind) -> String;

    /// What is stored of an opaque token: its SHA-256. None when `text` is no token of this kind.
    fn hash(&self, kind: SecretKind, text: &str) -> Option<[u8; 32]>;
}
