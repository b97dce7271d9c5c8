//! Argon2id.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use async_trait::async_trait;
use souk_ports::{Passwords, Random, store::StoreError};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Memory in KiB, passes and lanes: what OWASP recommends for Argon2id.
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT: usize = 16;

/// Why a password was neither hashed nor checked.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the password could not be hashed: {0}")]
pub struct PasswordError(String);

/// Hashes and checks passwords with Argon2id on threads of their own, a few at a time: each takes 19 MiB for as long as it
/// runs, and whoever comes later waits.
pub struct Argon2Passwords {
    random: Arc<dyn Random>,
    permits: Arc<Semaphore>,
}

impl Argon2Passwords {
    /// At most `at_once` passwords (at least one) are hashed at the same time.
    #[must_use]
    pub fn new(random: Arc<dyn Random>, at_once: usize) -> Self {
        Self { random, permits: Arc::new(Semaphore::new(at_once.clamp(1, Semaphore::MAX_PERMITS))) }
    }

    /// The hash of `password` under a new salt, as a PHC string.
    ///
    /// # Errors
    /// [`PasswordError`] when the hash function fails, as it does without memory.
    pub async fn hash_password(&self, password: &str) -> Result<String, PasswordError> {
        let mut salt = [0; SALT];
        self.random.fill(&mut salt);
        let password = Zeroizing::new(password.to_owned());
        self.run(move || {
            let hash: PasswordHash = current()?
                .hash_password_with_salt(password.as_bytes(), &salt)
                .map_err(|error| PasswordError(error.to_string()))?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether `password` is the one of `hash`. Takes as long when there is no hash, or none that can be read, so that the
    /// time does not tell which accounts exist.
    ///
    /// # Errors
    /// [`PasswordError`] when the hash function fails, as it does without memory.
    pub async fn verify_password(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordError> {
        let password = Zeroizing::new(password.to_owned());
        let hash = hash.and_then(|hash| PasswordHash::new(hash).ok());
        self.run(move || {
            let hasher = current()?;
            if let Some(hash) = hash {
                use argon2::password_hash::Error;
                match hasher.verify_password(password.as_bytes(), &hash) {
                    Ok(()) => return Ok(true),
                    Err(Error::PasswordInvalid) => return Ok(false),
                    Err(Error::OutOfMemory) => return Err(PasswordError(Error::OutOfMemory.to_string())),
                    Err(_) => {}
                }
            }
            let mut nobody = Zeroizing::new([0; Params::DEFAULT_OUTPUT_LEN]);
            hasher
                .hash_password_into(password.as_bytes(), &[0; SALT], nobody.as_mut_slice())
                .map_err(|error| PasswordError(error.to_string()))?;
            // Looked at, so that the work cannot be left out.
            std::hint::black_box(&nobody);
            Ok(false)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let permit =
            Arc::clone(&self.permits).acquire_owned().await.map_err(|error| PasswordError(error.to_string()))?;
        tokio::task::spawn_blocking(move || {
            // The thread goes on when the request is gone; the permit stays with it.
            let _permit = permit;
            work()
        })
        .await
        .map_err(|error| PasswordError(error.to_string()))?
    }
}

#[async_trait]
impl Passwords for Argon2Passwords {
    async fn hash(&self, password: &str) -> Result<String, StoreError> {
        self.hash_password(password).await.map_err(|error| StoreError(error.to_string()))
    }

    async fn verify(&self, password: &str, hash: &str) -> bool {
        self.verify_password(password, Some(hash)).await.unwrap_or(false)
    }
}

/// Whether `hash` was made with other parameters than today's: the next login should store a new one.
#[must_use]
pub fn needs_rehash(hash: &str) -> bool {
    let Ok(hash) = PasswordHash::new(hash) else { return true };
    let Ok(params) = Params::try_from(&hash) else { return true };
    hash.algorithm != Algorithm::Argon2id.ident()
        || hash.version != Some(Version::V0x13.into())
        || (params.m_cost(), params.t_cost(), params.p_cost()) != (MEMORY, PASSES, LANES)
}

fn current() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY, PASSES, LANES, Some(Params::DEFAULT_OUTPUT_LEN))
        .map_err(|error| PasswordError(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}
