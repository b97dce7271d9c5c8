//! What the tests of the vault share.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use serde_json::{Value, json};
use souk_domain::{
    id::UserId,
    stream::{Category, StreamId},
};
use souk_ports::{
    Random,
    store::{StoreError, WrappedKeys},
};
use souk_vault::{KeyEncryptionKey, SealingVault};
use uuid::Uuid;

/// Different bytes at every call, the same in every run.
pub struct Counted(AtomicU64);

impl Counted {
    pub fn from(start: u64) -> Self {
        Self(AtomicU64::new(start))
    }
}

impl Random for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let next = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            chunk.copy_from_slice(&next.to_be_bytes()[..chunk.len()]);
        }
    }
}

/// Wrapped keys in memory; `None` is a destroyed one.
#[derive(Default)]
pub struct MemoryKeys {
    pub wrapped: Mutex<HashMap<UserId, Option<Vec<u8>>>>,
    pub asked: AtomicUsize,
    pub down: Mutex<bool>,
}

impl MemoryKeys {
    fn reach(&self) -> Result<(), StoreError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if *self.down.lock().unwrap() { Err(StoreError("down".to_owned())) } else { Ok(()) }
    }
}

#[async_trait]
impl WrappedKeys for MemoryKeys {
    async fn get_or_insert(&self, subject: UserId, fresh: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.reach()?;
        Ok(self.wrapped.lock().unwrap().entry(subject).or_insert_with(|| Some(fresh.to_vec())).clone())
    }

    async fn get(&self, subject: UserId) -> Result<Option<Vec<u8>>, StoreError> {
        self.reach()?;
        Ok(self.wrapped.lock().unwrap().get(&subject).cloned().flatten())
    }

    async fn get_all(&self, subjects: &[UserId]) -> Result<Vec<(UserId, Vec<u8>)>, StoreError> {
        self.reach()?;
        let keys = self.wrapped.lock().unwrap();
        let key = |subject: &UserId| Some((*subject, keys.get(subject).cloned().flatten()?));
        Ok(subjects.iter().filter_map(key).collect())
    }

    async fn destroy(&self, subject: UserId) -> Result<bool, StoreError> {
        self.reach()?;
        Ok(self.wrapped.lock().unwrap().insert(subject, None).flatten().is_some())
    }
}

pub fn kek(byte: u8) -> KeyEncryptionKey {
    KeyEncryptionKey::from_bytes([byte; 32])
}

pub fn vault_on(keys: &Arc<MemoryKeys>, kek: KeyEncryptionKey) -> SealingVault {
    SealingVault::new(kek, Arc::clone(keys) as Arc<dyn WrappedKeys>, Arc::new(Counted::from(1)))
}

pub fn vault() -> (SealingVault, Arc<MemoryKeys>) {
    let keys = Arc::new(MemoryKeys::default());
    (vault_on(&keys, kek(7)), keys)
}

pub fn user(number: u128) -> UserId {
    UserId::new(Uuid::from_u128(number))
}

pub fn event(number: u128) -> Uuid {
    Uuid::from_u128(0xe000 + number)
}

pub fn stream(number: u128) -> StreamId {
    StreamId::new(Category::User, Uuid::from_u128(0x5000 + number))
}

pub fn personal(subject: UserId, text: &str) -> Value {
    json!({ "$personal": { "subject": subject, "text": text } })
}
