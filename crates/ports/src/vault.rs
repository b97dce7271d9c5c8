//! The keeper of persons' keys.

use async_trait::async_trait;
use serde_json::Value;
use souk_domain::{id::UserId, stream::StreamId};
use uuid::Uuid;

/// What goes wrong with the vault.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VaultError {
    /// The keys cannot be reached.
    #[error("the vault cannot be reached: {0}")]
    Unavailable(String),
    /// A sealed field was altered, moved, or sealed under another key.
    #[error("a sealed field of event {event} does not open: {problem}")]
    Forged {
        /// The event.
        event: Uuid,
        /// What does not fit.
        problem: String,
    },
    /// What was to be sealed is marked in a way that must not reach the log. Nothing was sealed.
    #[error("event {event} cannot be sealed: {problem}")]
    Invalid {
        /// The event.
        event: Uuid,
        /// What is wrong with it.
        problem: String,
    },
}

/// Seals and opens the personal fields of events. See `souk_domain::personal` for the marks.
#[async_trait]
pub trait Vault: Send + Sync {
    /// `data` with every `{"$personal":…}` replaced by its sealed form, bound to event, stream and place. The same input gives
    /// the same output, so that a retried command writes the same bytes.
    ///
    /// # Errors
    /// See [`VaultError`].
    async fn seal(&self, event: Uuid, stream: StreamId, data: Value) -> Result<Value, VaultError>;

    /// `data` with every sealed field replaced by its readable form, or by `{"$erased":true}` when its key is gone.
    ///
    /// # Errors
    /// See [`VaultError`].
    async fn open(&self, event: Uuid, stream: StreamId, data: Value) -> Result<Value, VaultError>;

    /// Gets the keys of `subjects` at once, so that opening many fields does not ask for one after the other. Only a matter of
    /// time: a key that is missing is asked for again when it is needed.
    ///
    /// # Errors
    /// See [`VaultError`].
    async fn prepare(&self, _subjects: &[UserId]) -> Result<(), VaultError> {
        Ok(())
    }

    /// Destroys the key of `subject` for good: what it sealed opens as erased from now on, and nothing of theirs is sealed any more. Other
    /// processes have to [`Vault::forget`] it.
    ///
    /// # Errors
    /// The keys cannot be reached.
    async fn destroy(&self, subject: UserId) -> Result<(), VaultError>;

    /// Drops the key of `subject` from the memory of this process.
    async fn forget(&self, subject: UserId);

    /// The stream of the reservation of an e-mail address: a keyed hash of its normalized form.
    fn email_stream(&self, normalized: &str) -> StreamId;

    /// The key of a license: derived from a secret, the license id and how often its key was changed, shown to its holder, never
    /// stored. Parts of it are the license id and that number themselves, so that it can be looked up.
    fn license_key(&self, license: souk_domain::id::LicenseId, generation: u32) -> String;

    /// The license that a key is or was of, and which of its keys it is, when the key is genuine.
    fn license_of_key(&self, key: &str) -> Option<(souk_domain::id::LicenseId, u32)>;

    /// `bytes` sealed under a key derived from the key-encryption key, bound to `name`; for what is kept outside the log.
    fn seal_bytes(&self, name: &str, bytes: &[u8]) -> Vec<u8>;

    /// What [`Vault::seal_bytes`] sealed under the same name.
    ///
    /// # Errors
    /// It was altered, or sealed under another name or key.
    fn open_bytes(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError>;

    /// A secret for `purpose`, derived from the key-encryption key: 32 bytes, stable.
    fn derived_secret(&self, purpose: &str) -> [u8; 32];
}
