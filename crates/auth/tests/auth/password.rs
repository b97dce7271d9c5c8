use std::sync::Arc;

use souk_auth::{Argon2Passwords, needs_rehash};
use souk_ports::Passwords;

use crate::Counted;

fn passwords(at_once: usize) -> Argon2Passwords {
    Argon2Passwords::new(Arc::new(Counted::default()), at_once)
}

#[tokio::test]
async fn the_right_password_is_recognized_and_no_other() {
    let passwords = passwords(2);
    let hash = passwords.hash_password("correct horse 🦀").await.unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    assert!(!needs_rehash(&hash));
    assert!(passwords.verify_password("correct horse 🦀", Some(&hash)).await.unwrap());
    for wrong in ["correct horse", "correct horse 🦀 ", "", "Correct horse 🦀"] {
        assert!(!passwords.verify_password(wrong, Some(&hash)).await.unwrap(), "{wrong}");
    }
    assert_ne!(hash, passwords.hash_password("correct horse 🦀").await.unwrap(), "the salt is new each time");
    assert!(Passwords::verify(&passwords, "correct horse 🦀", &hash).await);
}

#[tokio::test]
async fn nobodys_hash_fits_no_password() {
    let passwords = passwords(1);
    let cut = &passwords.hash_password("password").await.unwrap()[..40];
    for hash in [None, Some(""), Some("password"), Some("$argon2id$"), Some("$2b$10$abc"), Some(cut)] {
        assert!(!passwords.verify_password("password", hash).await.unwrap(), "{hash:?}");
    }
    assert!(!Passwords::verify(&passwords, "password", "").await);
}

/// "password" under the salt "somesalt", as the reference implementation of Argon2 hashes it.
#[tokio::test]
async fn older_hashes_are_read_and_asked_to_be_renewed() {
    let passwords = passwords(1);
    let weak = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    assert!(passwords.verify_password("password", Some(weak)).await.unwrap());
    assert!(needs_rehash(weak) && needs_rehash("") && needs_rehash("$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA"));
}

/// One permit, many callers: everyone gets an answer, and a caller that gives up does not take the permit along.
#[tokio::test]
async fn a_crowd_is_served_one_by_one() {
    let passwords = Arc::new(passwords(1));
    let hash = passwords.hash_password("password").await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..20 {
        let (passwords, hash) = (Arc::clone(&passwords), hash.clone());
        let task = tasks.spawn(async move { passwords.verify_password("password", Some(&hash)).await.unwrap() });
        if number % 4 == 0 {
            task.abort();
        }
    }
    let mut right = 0;
    while let Some(outcome) = tasks.join_next().await {
        match outcome {
            Ok(fits) => right += usize::from(fits),
            Err(error) => assert!(error.is_cancelled(), "{error}"),
        }
    }
    assert_eq!(right, 15);
    assert!(passwords.verify_password("password", Some(&hash)).await.unwrap(), "the permit is back");
}
