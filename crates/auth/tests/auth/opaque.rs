use data_encoding::HEXLOWER;
use souk_auth::{ApiKey, RefreshToken};

use crate::Counted;

#[test]
fn a_token_is_read_back_and_another_kind_is_not() {
    let random = Counted::default();
    let (refresh, key) = (RefreshToken::generate(&random), ApiKey::generate(&random));
    assert!(refresh.text().starts_with("souk_rt_") && refresh.text().len() == 51, "{}", refresh.text());
    assert!(key.text().starts_with("souk_key_") && key.text().len() == 52, "{}", key.text());
    assert_eq!(RefreshToken::parse(refresh.text()).unwrap().hash(), refresh.hash());
    assert_eq!(ApiKey::parse(key.text()).unwrap().hash(), key.hash());
    assert!(RefreshToken::parse(key.text()).is_none() && ApiKey::parse(refresh.text()).is_none());
    assert_ne!(RefreshToken::generate(&random).hash(), refresh.hash());
    assert!(!format!("{refresh:?}{key:?}").contains(&refresh.text()[8..20]));
}

#[test]
fn the_stored_hash_is_the_sha_256_of_the_text() {
    let key = ApiKey::parse(&format!("souk_key_{}", "A".repeat(43))).unwrap();
    assert_eq!(
        HEXLOWER.encode(&key.hash()),
        "ca057b78450eff8a66c4c1b81c566f94c0104052d1eb296c75a06daf5e0627c9",
        "stored hashes would no longer be found"
    );
}

#[test]
fn what_has_not_the_form_of_a_token_is_none() {
    let token = RefreshToken::generate(&Counted::default()).text().to_owned();
    for wrong in [
        String::new(),
        "souk_rt_".to_owned(),
        token[..50].to_owned(),
        format!("{token}A"),
        format!(" {token}"),
        token.to_uppercase(),
        format!("{}=", &token[..50]),
        format!("souk_rt_{}", "A".repeat(42) + "B"),
        format!("souk_rt_{}", "é".repeat(22)),
    ] {
        assert!(RefreshToken::parse(&wrong).is_none(), "{wrong}");
    }
}
