//! The key-encryption key and what is derived from it.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    sync::{Arc, Barrier},
};

use crate::support::*;
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXUPPER};
use proptest::prelude::*;
use souk_domain::{id::LicenseId, stream::Category};
use souk_ports::Vault;
use souk_vault::{KeyEncryptionKey, KeyError};
use uuid::Uuid;

#[test]
fn a_key_is_read_from_hexadecimal_and_both_kinds_of_base64() {
    let bytes = [0xfb; 32];
    let expected = KeyEncryptionKey::from_bytes(bytes).id();
    for text in [
        HEXUPPER.encode(&bytes),
        format!("  {}\n", HEXUPPER.encode(&bytes).to_lowercase()),
        BASE64.encode(&bytes),
        BASE64URL_NOPAD.encode(&bytes),
    ] {
        assert_eq!(KeyEncryptionKey::from_text(&text).unwrap().id(), expected, "{text}");
    }
    for wrong in ["", "secret", &"0".repeat(63), &"g".repeat(64), &"a".repeat(66), &"!".repeat(43)] {
        assert!(matches!(KeyEncryptionKey::from_text(wrong), Err(KeyError::Malformed)), "{wrong}");
    }
    assert!(!format!("{:?}", KeyEncryptionKey::from_bytes(bytes)).contains("fb"));
}

#[test]
fn the_file_is_made_once_for_its_owner_only_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deep/er/kek");
    let made = KeyEncryptionKey::load_or_create(&path, &Counted::from(1)).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o077, 0);
    let text = fs::read_to_string(&path).unwrap();
    let loaded = KeyEncryptionKey::load_or_create(&path, &Counted::from(2)).unwrap();
    assert_eq!(loaded.id(), made.id());
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "a draft was left");
}

#[test]
fn a_file_that_others_may_read_or_that_is_no_key_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kek");
    KeyEncryptionKey::load_or_create(&path, &Counted::from(1)).unwrap();
    for mode in [0o640, 0o604, 0o622] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = KeyEncryptionKey::load_or_create(&path, &Counted::from(2)).unwrap_err();
        assert!(matches!(error, KeyError::TooOpen { .. }), "{mode:o}: {error}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    for content in [Vec::new(), b"secret".to_vec(), vec![0xff; 32], vec![b'a'; 100_000]] {
        fs::write(&path, &content).unwrap();
        let error = KeyEncryptionKey::load_or_create(&path, &Counted::from(2)).unwrap_err();
        assert!(matches!(error, KeyError::MalformedFile { .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), content);
    }
    let error = KeyEncryptionKey::load_or_create(&path.join("below-a-file"), &Counted::from(2)).unwrap_err();
    assert!(matches!(error, KeyError::File { .. }), "{error}");
}

#[test]
fn many_that_start_at_once_get_one_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kek");
    let start = Arc::new(Barrier::new(16));
    let threads: Vec<_> = (0..16_u64)
        .map(|number| {
            let (path, start) = (path.clone(), Arc::clone(&start));
            std::thread::spawn(move || {
                start.wait();
                KeyEncryptionKey::load_or_create(&path, &Counted::from(number << 32)).unwrap().id()
            })
        })
        .collect();
    let mut ids: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "a draft was left");
}

#[test]
fn secrets_differ_by_purpose_and_by_installation() {
    let (vault, keys) = vault();
    let other = vault_on(&keys, kek(8));
    assert_eq!(vault.derived_secret("a"), vault.derived_secret("a"));
    assert_ne!(vault.derived_secret("a"), vault.derived_secret("b"));
    assert_ne!(vault.derived_secret("a"), vault.derived_secret(""));
    assert_ne!(vault.derived_secret("a"), other.derived_secret("a"));
    let email = vault.email_stream("ada@example.org");
    assert_eq!(email.category, Category::Email);
    assert_eq!(email.uuid.get_version_num(), 8);
    assert_eq!(email, vault.email_stream("ada@example.org"));
    assert_ne!(email, vault.email_stream("eve@example.org"));
    assert_ne!(email, other.email_stream("ada@example.org"));
}

#[test]
fn a_license_key_is_read_however_it_is_typed() {
    let (vault, keys) = vault();
    let license = LicenseId::new(Uuid::from_u128(0x0123_4567_89ab_cdef_0011_2233_4455_6677));
    let key = vault.license_key(license, 0);
    assert_eq!(key, vault.license_key(license, 0));
    let groups: Vec<_> = key.split('-').collect();
    assert_eq!(groups[0], "SOUK");
    assert_eq!(groups.len(), 10);
    assert!(groups[1..].iter().all(|group| group.len() == 5), "{key}");
    for typed in [
        key.to_lowercase(),
        key.replace('-', " "),
        key.replace('-', ""),
        format!("\t{key}\n"),
        key[4..].replace('0', "o").replace('1', "I"),
    ] {
        let typed = if typed.starts_with('-') { format!("SOUK{typed}") } else { typed };
        assert_eq!(vault.license_of_key(&typed), Some((license, 0)), "{typed}");
    }
    assert_eq!(vault_on(&keys, kek(8)).license_of_key(&key), None, "another installation's key");
}

#[test]
fn a_license_key_with_one_other_character_is_not_genuine() {
    let (vault, _) = vault();
    let key = vault.license_key(LicenseId::new(Uuid::from_u128(42)), 0);
    for (index, digit) in key.char_indices() {
        for other in "0123456789ABCDEFGHJKMNPQRSTVWXYZU*".chars() {
            if digit == '-' || other == digit {
                continue;
            }
            let mut altered = key.clone();
            altered.replace_range(index..=index, &other.to_string());
            assert_eq!(vault.license_of_key(&altered), None, "{altered}");
        }
    }
    for wrong in ["", "SOUK", "SOUK-", &key[..key.len() - 1], &format!("{key}0"), &"SOUK-".repeat(100), "ſouk", "\0"] {
        assert_eq!(vault.license_of_key(wrong), None, "{wrong}");
    }
}

proptest! {
    #[test]
    fn every_license_is_found_by_its_key(number in any::<u128>()) {
        let (vault, _) = vault();
        let license = LicenseId::new(Uuid::from_u128(number));
        prop_assert_eq!(vault.license_of_key(&vault.license_key(license, 0)), Some((license, 0)));
    }

    #[test]
    fn no_text_is_a_key_by_chance(text in ".{0,80}") {
        let (vault, _) = vault();
        prop_assert_eq!(vault.license_of_key(&text), None);
    }
}

#[test]
fn a_later_key_says_which_it_is_and_an_earlier_one_stays_what_it_was() {
    let vault = vault_on(&Arc::default(), kek(7));
    let license = LicenseId::new(Uuid::from_u128(42));
    let keys: Vec<_> = [0, 1, 2, 70_000].map(|generation| (generation, vault.license_key(license, generation))).into();
    for (generation, key) in &keys {
        assert_eq!(vault.license_of_key(key), Some((license, *generation)), "{key}");
        assert_eq!(keys.iter().filter(|(_, other)| other == key).count(), 1);
    }
}

#[test]
fn records_open_under_their_name_only() {
    let vault = vault_on(&Arc::default(), kek(7));
    let sealed = vault.seal_bytes("a", b"some text");
    assert!(!sealed.windows(4).any(|part| part == b"text"));
    assert_eq!(vault.open_bytes("a", &sealed).unwrap(), b"some text");
    assert!(vault.open_bytes("b", &sealed).is_err());
    assert!(vault_on(&Arc::default(), kek(8)).open_bytes("a", &sealed).is_err());
    let mut altered = sealed.clone();
    altered[30] ^= 1;
    assert!(vault.open_bytes("a", &altered).is_err());
    assert!(vault.open_bytes("a", &sealed[..10]).is_err());
}
