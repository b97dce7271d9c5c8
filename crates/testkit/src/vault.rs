//! A vault that hides nothing.

use std::{collections::HashSet, sync::Mutex};

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use souk_domain::{
    id::{LicenseId, UserId, derive},
    personal::{CLEAR_MARKER, ERASED_MARKER, SEALED_MARKER},
    stream::{Category, StreamId},
};
use souk_ports::{Vault, VaultError};
use uuid::Uuid;

use crate::lock;

/// What a license key of [`PlainVault`] ends with.
const KEY_END: &str = "-PLAIN";

/// Marks personal fields as sealed without encrypting them: `{"$enc":1,"plain":…,"event":…,"stream":…}`. It still notices
/// a field that was moved to another event, and forgets persons on demand. Never for anything but tests.
#[derive(Debug, Default)]
pub struct PlainVault {
    destroyed: Mutex<HashSet<UserId>>,
}

impl PlainVault {
    fn open_field(&self, event: Uuid, stream: StreamId, sealed: &Map<String, Value>) -> Result<Value, VaultError> {
        let forged = |problem: &str| VaultError::Forged { event, problem: problem.to_owned() };
        if sealed.get("event") != Some(&json!(event)) || sealed.get("stream") != Some(&json!(stream)) {
            return Err(forged("it was sealed for another event"));
        }
        let plain = sealed.get("plain").ok_or_else(|| forged("it holds nothing"))?;
        let subject = plain.get("subject").and_then(Value::as_str).and_then(|text| text.parse::<Uuid>().ok());
        let subject = UserId::new(subject.ok_or_else(|| forged("it names no person"))?);
        if lock(&self.destroyed).contains(&subject) {
            Ok(json!({ ERASED_MARKER: true }))
        } else {
            Ok(json!({ CLEAR_MARKER: plain }))
        }
    }
}

/// `data` with every object that carries `marker` replaced by what `replace` makes of it.
fn rewrite<F>(data: Value, marker: &str, replace: &F) -> Result<Value, VaultError>
where
    F: Fn(&Map<String, Value>) -> Result<Value, VaultError>,
{
    match data {
        Value::Object(fields) if fields.contains_key(marker) => replace(&fields),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| Ok((name, rewrite(value, marker, replace)?)))
            .collect::<Result<Map<_, _>, _>>()
            .map(Value::Object),
        Value::Array(values) => values
            .into_iter()
            .map(|value| rewrite(value, marker, replace))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::Array),
        other => Ok(other),
    }
}

#[async_trait]
impl Vault for PlainVault {
    async fn seal(&self, event: Uuid, stream: StreamId, data: Value) -> Result<Value, VaultError> {
        rewrite(data, CLEAR_MARKER, &|fields| {
            Ok(json!({ SEALED_MARKER: 1, "plain": fields[CLEAR_MARKER], "event": event, "stream": stream }))
        })
    }

    async fn open(&self, event: Uuid, stream: StreamId, data: Value) -> Result<Value, VaultError> {
        rewrite(data, SEALED_MARKER, &|fields| self.open_field(event, stream, fields))
    }

    async fn destroy(&self, subject: UserId) -> Result<(), VaultError> {
        lock(&self.destroyed).insert(subject);
        Ok(())
    }

    async fn forget(&self, _: UserId) {}

    fn email_stream(&self, normalized: &str) -> StreamId {
        StreamId::new(Category::Email, derive(&["email", normalized]))
    }

    fn seal_bytes(&self, name: &str, bytes: &[u8]) -> Vec<u8> {
        [name.as_bytes(), &[0], bytes].concat()
    }

    fn open_bytes(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let opened = sealed.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(&[0]));
        opened
            .map(<[u8]>::to_vec)
            .ok_or_else(|| VaultError::Forged { event: Uuid::nil(), problem: format!("not kept under `{name}`") })
    }

    fn license_key(&self, license: LicenseId, generation: u32) -> String {
        format!("{}-{generation}{KEY_END}", license.uuid().simple())
    }

    fn license_of_key(&self, key: &str) -> Option<(LicenseId, u32)> {
        let (id, generation) = key.strip_suffix(KEY_END)?.split_once('-')?;
        Some((LicenseId::new(id.parse().ok()?), generation.parse().ok()?))
    }

    fn derived_secret(&self, purpose: &str) -> [u8; 32] {
        let mut secret = [0; 32];
        secret[..16].copy_from_slice(derive(&["secret", "1", purpose]).as_bytes());
        secret[16..].copy_from_slice(derive(&["secret", "2", purpose]).as_bytes());
        secret
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_sealed_opens_for_its_event_only_and_not_after_the_key_is_gone() {
        let vault = PlainVault::default();
        let (event, subject) = (Uuid::from_u128(1), UserId::new(Uuid::from_u128(2)));
        let stream = StreamId::new(Category::User, subject.uuid());
        let clear = json!({ "list": [{ "email": { "$personal": { "subject": subject, "text": "a@b.example" } } }] });

        let sealed = vault.seal(event, stream, clear.clone()).await.unwrap();
        assert!(sealed["list"][0]["email"].get("$enc").is_some());
        assert_eq!(vault.open(event, stream, sealed.clone()).await.unwrap(), clear);
        assert!(vault.open(Uuid::from_u128(3), stream, sealed.clone()).await.is_err());

        vault.destroy(subject).await.unwrap();
        assert_eq!(
            vault.open(event, stream, sealed).await.unwrap(),
            json!({ "list": [{ "email": { "$erased": true } }] })
        );
    }

    #[test]
    fn a_license_key_names_its_license() {
        let vault = PlainVault::default();
        let license = LicenseId::new(Uuid::from_u128(7));
        assert_eq!(vault.license_of_key(&vault.license_key(license, 3)), Some((license, 3)));
        assert_eq!(vault.license_of_key("0-PLAIN"), None);
    }
}
