//! One stored example of everything the vault writes. If one of these fails, stored data can no longer be read: the change
//! needs a new version of the format, not a new example.

use std::sync::Arc;

use crate::support::*;
use data_encoding::HEXLOWER;
use serde_json::json;
use souk_domain::id::LicenseId;
use souk_ports::Vault;
use souk_vault::KeyEncryptionKey;
use uuid::Uuid;

const KEK: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
/// The key of user 1: the bytes 0x40 to 0x5f under the nonce 0x80 to 0x97.
const WRAPPED: &str = "0111a1382921e1bddd808182838485868788898a8b8c8d8e8f9091929394959697f1894995c193c0e5054db4c104d246086bcb6f27fad7fde3d35fab1a6d81c7832f72524fde8164bdcdfba009398f355b";

fn stored() -> (souk_vault::SealingVault, Arc<MemoryKeys>) {
    let keys = Arc::new(MemoryKeys::default());
    let wrapped = HEXLOWER.decode(WRAPPED.as_bytes()).unwrap();
    keys.wrapped.lock().unwrap().insert(user(1), Some(wrapped));
    (vault_on(&keys, KeyEncryptionKey::from_text(KEK).unwrap()), keys)
}

#[tokio::test]
async fn a_sealed_field_is_written_and_read_as_ever() {
    let (vault, _) = stored();
    let clear = json!({ "email": personal(user(1), "ada@example.org") });
    let sealed = json!({ "email": {
        "$enc": 1,
        "kid": "00000000-0000-0000-0000-000000000001",
        "n": "GxXHWGZk20l36cJgNwGd4xJTlbcdQYBa",
        "ct": "ZEN12iG4QalPhwTom2rksUMXuXYcLr56NiUojTK1sA",
        "kc": "_Uq7cvgkwGbuXzbBbFXyU7NkbQut5pJ0-RtonSJq-Io",
    } });
    assert_eq!(vault.open(event(1), stream(1), sealed.clone()).await.unwrap(), clear);
    assert_eq!(vault.seal(event(1), stream(1), clear).await.unwrap(), sealed);
}

#[test]
fn derived_names_and_secrets_stay() {
    let (vault, _) = stored();
    assert_eq!(vault.email_stream("ada@example.org").to_string(), "email-957a0182-f4f2-83b7-aa32-2f28bdb2394a");
    assert_eq!(
        vault.license_key(LicenseId::new(Uuid::from_u128(1)), 0),
        "SOUK-00000-00000-00000-00000-00000-69Y3P-6YAXW-AAPTR-W4QPP"
    );
    assert_eq!(
        HEXLOWER.encode(&vault.derived_secret("access-token")),
        "1be0f1a9dd071419476953293ebec2df1952d3d72ee1e609c759b791d7a7bef9"
    );
    let id = KeyEncryptionKey::from_text(KEK).unwrap().id();
    assert_eq!(HEXLOWER.encode(&id), "11a1382921e1bddd");
}
