//! The vault itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use moka::future::Cache;
use serde_json::{Map, Value};
use souk_domain::{
    id::{LicenseId, UserId},
    stream::{Category, StreamId},
};
use souk_ports::{Random, Vault, VaultError, store::WrappedKeys};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{
    field::{ClearField, FieldProblem, Mark, Marked, SealedField, Subjects, erased, place, walk},
    keys::{KeyEncryptionKey, hmac_of},
    license,
    person::{PersonKey, Wrapping},
    record,
};

const CACHED_KEYS: u64 = 10_000;
/// How long a process may go on with a key that another process destroyed.
const CACHED_FOR: Duration = Duration::from_secs(60);

/// A [`Vault`] whose persons' keys are stored wrapped.
///
/// The data given to [`Vault::open`] must be the event's as it was stored, before any upcasting: where a field stands is
/// authenticated. A person whose key was destroyed is sealed and opened as `{"$erased":true}`.
pub struct SealingVault {
    kek: KeyEncryptionKey,
    wrapping: Wrapping,
    emails: Zeroizing<[u8; 32]>,
    licenses: Zeroizing<[u8; 32]>,
    records: Zeroizing<[u8; 32]>,
    keys: Arc<dyn WrappedKeys>,
    random: Arc<dyn Random>,
    cache: Cache<UserId, Arc<PersonKey>>,
}

/// The keys of the persons of one event; none for a person whose key is gone.
type Keys = BTreeMap<UserId, Option<Arc<PersonKey>>>;

impl SealingVault {
    /// A vault under `kek`, with the persons' keys in `keys`.
    #[must_use]
    pub fn new(kek: KeyEncryptionKey, keys: Arc<dyn WrappedKeys>, random: Arc<dyn Random>) -> Self {
        Self {
            wrapping: Wrapping::new(&kek),
            emails: Zeroizing::new(kek.derive("souk/kek/email/1", "")),
            licenses: Zeroizing::new(kek.derive("souk/kek/license/1", "")),
            records: Zeroizing::new(kek.derive("souk/kek/record/1", "")),
            kek,
            keys,
            random,
            cache: Cache::builder().max_capacity(CACHED_KEYS).time_to_live(CACHED_FOR).build(),
        }
    }

    async fn keys_of(&self, subjects: BTreeSet<UserId>, sealing: bool) -> Result<Keys, VaultError> {
        let mut keys = Keys::new();
        for subject in subjects {
            keys.insert(subject, self.key_of(subject, sealing).await?);
        }
        Ok(keys)
    }

    async fn key_of(&self, subject: UserId, sealing: bool) -> Result<Option<Arc<PersonKey>>, VaultError> {
        if let Some(key) = self.cache.get(&subject).await {
            return Ok(Some(key));
        }
        let wrapped = if sealing {
            let fresh = self
                .wrapping
                .fresh(subject, self.random.as_ref())
                .ok_or_else(|| VaultError::Unavailable("a new key cannot be wrapped".to_owned()))?;
            self.keys.get_or_insert(subject, &fresh).await
        } else {
            self.keys.get(subject).await
        }
        .map_err(|error| VaultError::Unavailable(error.to_string()))?;
        let Some(wrapped) = wrapped else { return Ok(None) };
        let key = self
            .wrapping
            .unwrap(subject, &wrapped)
            .map_err(|error| VaultError::Unavailable(format!("the key of user {subject}: {error}")))?;
        let key = Arc::new(key);
        self.cache.insert(subject, Arc::clone(&key)).await;
        Ok(Some(key))
    }
}

#[async_trait]
impl Vault for SealingVault {
    async fn seal(&self, event: Uuid, stream: StreamId, mut data: Value) -> Result<Value, VaultError> {
        let invalid =
            |FieldProblem { path, problem }| VaultError::Invalid { event, problem: format!("at `{path}`: {problem}") };
        let mut subjects = Subjects { found: BTreeSet::new(), sealing: true };
        walk(&mut data, &mut String::new(), &mut subjects).map_err(invalid)?;
        if subjects.found.is_empty() {
            return Ok(data);
        }
        let keys = self.keys_of(subjects.found, true).await?;
        walk(&mut data, &mut String::new(), &mut Seal { event, stream, keys }).map_err(invalid)?;
        Ok(data)
    }

    async fn open(&self, event: Uuid, stream: StreamId, mut data: Value) -> Result<Value, VaultError> {
        let forged =
            |FieldProblem { path, problem }| VaultError::Forged { event, problem: format!("at `{path}`: {problem}") };
        let mut subjects = Subjects { found: BTreeSet::new(), sealing: false };
        walk(&mut data, &mut String::new(), &mut subjects).map_err(forged)?;
        if subjects.found.is_empty() {
            return Ok(data);
        }
        let keys = self.keys_of(subjects.found, false).await?;
        walk(&mut data, &mut String::new(), &mut Open { event, stream, keys }).map_err(forged)?;
        Ok(data)
    }

    async fn prepare(&self, subjects: &[UserId]) -> Result<(), VaultError> {
        let missing: Vec<UserId> =
            subjects.iter().filter(|subject| !self.cache.contains_key(*subject)).copied().collect();
        if missing.is_empty() {
            return Ok(());
        }
        let found = self.keys.get_all(&missing).await.map_err(|error| VaultError::Unavailable(error.to_string()))?;
        for (subject, wrapped) in found {
            // One that cannot be unwrapped is an error of the event that needs it.
            if let Ok(key) = self.wrapping.unwrap(subject, &wrapped) {
                self.cache.insert(subject, Arc::new(key)).await;
            }
        }
        Ok(())
    }

    async fn destroy(&self, subject: UserId) -> Result<(), VaultError> {
        self.keys.destroy(subject).await.map_err(|error| VaultError::Unavailable(error.to_string()))?;
        self.forget(subject).await;
        Ok(())
    }

    async fn forget(&self, subject: UserId) {
        self.cache.invalidate(&subject).await;
    }

    fn email_stream(&self, normalized: &str) -> StreamId {
        let mut uuid = [0; 16];
        uuid.copy_from_slice(&hmac_of(&self.emails, normalized.as_bytes())[..16]);
        StreamId::new(Category::Email, Uuid::new_v8(uuid))
    }

    fn license_key(&self, license: LicenseId, generation: u32) -> String {
        license::write(&self.licenses, license, generation)
    }

    fn license_of_key(&self, key: &str) -> Option<(LicenseId, u32)> {
        license::read(&self.licenses, key)
    }

    fn seal_bytes(&self, name: &str, bytes: &[u8]) -> Vec<u8> {
        record::seal(&self.records, self.random.as_ref(), name, bytes)
    }

    fn open_bytes(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        record::open(&self.records, name, sealed).ok_or_else(|| VaultError::Forged {
            event: Uuid::nil(),
            problem: format!("what is kept under `{name}` was altered, or sealed under another key"),
        })
    }

    fn derived_secret(&self, purpose: &str) -> [u8; 32] {
        self.kek.derive("souk/kek/secret/1", purpose)
    }
}

struct Seal {
    event: Uuid,
    stream: StreamId,
    keys: Keys,
}

impl Marked for Seal {
    fn replace(&mut self, mark: Mark, object: &Map<String, Value>, path: &str) -> Result<Option<Value>, String> {
        if !matches!(mark, Mark::Clear) {
            return Ok(None);
        }
        let ClearField { subject, text } = ClearField::read(object)?;
        let Some(key) = self.keys.get(&subject).ok_or("its key was not looked up")? else { return Ok(Some(erased())) };
        let sealed = key
            .seal(&place(self.event, self.stream, subject, path), &text)
            .ok_or("the text is too long to be encrypted")?;
        Ok(Some(SealedField { subject, sealed }.write()))
    }
}

struct Open {
    event: Uuid,
    stream: StreamId,
    keys: Keys,
}

impl Marked for Open {
    fn replace(&mut self, mark: Mark, object: &Map<String, Value>, path: &str) -> Result<Option<Value>, String> {
        if !matches!(mark, Mark::Sealed) {
            return Ok(None);
        }
        let SealedField { subject, sealed } = SealedField::read(object)?;
        let Some(key) = self.keys.get(&subject).ok_or("its key was not looked up")? else { return Ok(Some(erased())) };
        let text =
            key.open(&place(self.event, self.stream, subject, path), &sealed).map_err(|error| error.to_string())?;
        Ok(Some(ClearField { subject, text }.write()))
    }
}
