//! Doubles that only these tests need.

use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::Value;
use souk_domain::{
    id::{LicenseId, UserId},
    personal::SEALED_MARKER,
    stream::StreamId,
};
use souk_ports::{
    Passwords, Vault, VaultError,
    malware::{MalwareError, MalwareScanner, Scan},
    store::StoreError,
};
use souk_testkit::PlainVault;
use uuid::Uuid;

/// Password hashing that can be undone.
pub struct WeakPasswords;

#[async_trait]
impl Passwords for WeakPasswords {
    async fn hash(&self, password: &str) -> Result<String, StoreError> {
        Ok(format!("weak:{password}"))
    }

    async fn verify(&self, password: &str, hash: &str) -> bool {
        hash == format!("weak:{password}")
    }
}

type Knowledge = Box<dyn Fn(&[u8]) -> Result<Scan, MalwareError> + Send>;

/// A scanner that knows what a test says; at first nothing bad.
pub struct Scanner(Mutex<Knowledge>);

impl Default for Scanner {
    fn default() -> Self {
        Self(Mutex::new(Box::new(|_| Ok(Scan::Clean))))
    }
}

impl Scanner {
    pub fn learn(&self, knowledge: impl Fn(&[u8]) -> Result<Scan, MalwareError> + Send + 'static) {
        *self.0.lock().unwrap() = Box::new(knowledge);
    }
}

#[async_trait]
impl MalwareScanner for Scanner {
    async fn scan(&self, bytes: Bytes) -> Result<Scan, MalwareError> {
        (self.0.lock().unwrap())(&bytes)
    }

    async fn version(&self) -> Result<String, MalwareError> {
        Ok("Scanner of tests 1".to_owned())
    }
}

/// Seals so that no test finds the text in the bytes of the log.
#[derive(Default)]
pub struct HidingVault(pub PlainVault);

fn hide(value: Value) -> Value {
    walk(value, &|plain| Value::String(plain.to_string().bytes().map(|byte| format!("{:02x}", byte ^ 0x5a)).collect()))
}

fn reveal(value: Value) -> Value {
    walk(value, &|hidden| {
        let text = hidden.as_str().unwrap();
        let bytes = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap() ^ 0x5a);
        serde_json::from_slice(&bytes.collect::<Vec<_>>()).unwrap()
    })
}

fn walk(value: Value, change: &dyn Fn(&Value) -> Value) -> Value {
    match value {
        Value::Object(mut fields) if fields.contains_key(SEALED_MARKER) => {
            if let Some(plain) = fields.get_mut("plain") {
                *plain = change(plain);
            }
            Value::Object(fields)
        }
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, walk(value, change))).collect(),
        Value::Array(items) => items.into_iter().map(|item| walk(item, change)).collect(),
        other => other,
    }
}

#[async_trait]
impl Vault for HidingVault {
    async fn seal(&self, event: Uuid, stream: StreamId, data: Value) -> Result<Value, VaultError> {
        Ok(hide(self.0.seal(event, stream, data).await?))
    }

    async fn open(&self, event: Uuid, stream: StreamId, data: Value) -> Result<Value, VaultError> {
        self.0.open(event, stream, reveal(data)).await
    }

    async fn destroy(&self, subject: UserId) -> Result<(), VaultError> {
        self.0.destroy(subject).await
    }

    async fn forget(&self, subject: UserId) {
        self.0.forget(subject).await;
    }

    fn email_stream(&self, normalized: &str) -> StreamId {
        self.0.email_stream(normalized)
    }

    fn seal_bytes(&self, name: &str, bytes: &[u8]) -> Vec<u8> {
        self.0.seal_bytes(name, bytes)
    }

    fn open_bytes(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.0.open_bytes(name, sealed)
    }

    fn license_key(&self, license: LicenseId, generation: u32) -> String {
        self.0.license_key(license, generation)
    }

    fn license_of_key(&self, key: &str) -> Option<(LicenseId, u32)> {
        self.0.license_of_key(key)
    }

    fn derived_secret(&self, purpose: &str) -> [u8; 32] {
        self.0.derived_secret(purpose)
    }
}
