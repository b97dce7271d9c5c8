//! Passwords.

use async_trait::async_trait;

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
