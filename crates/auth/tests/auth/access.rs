use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, TimeDelta};
use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use souk_auth::{ACCESS_TOKEN_LIFETIME, TokenError, Tokens};
use souk_domain::{id::UserId, user::Role};
use souk_ports::Clock;
use uuid::Uuid;

use crate::{Counted, Standing};

const SECRET: [u8; 32] = [3; 32];

fn tokens_of(secret: [u8; 32], issuer: &str, clock: &Arc<Standing>) -> Tokens {
    Tokens::new(secret, issuer, Arc::clone(clock) as Arc<dyn Clock>, Arc::new(Counted::default()))
}

fn tokens() -> (Tokens, Arc<Standing>) {
    let clock = Arc::new(Standing::new());
    (tokens_of(SECRET, "souk", &clock), clock)
}

fn ada() -> UserId {
    UserId::new(Uuid::from_u128(7))
}

fn roles() -> BTreeSet<Role> {
    BTreeSet::from([Role::Customer, Role::Moderator])
}

/// Any header and payload, signed as Souk signs.
fn sign(header: &Value, payload: &Value, secret: [u8; 32]) -> String {
    let encode = |part: &Value| BASE64URL_NOPAD.encode(part.to_string().as_bytes());
    let message = format!("{}.{}", encode(header), encode(payload));
    let mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap().chain_update(&message).finalize().into_bytes();
    format!("{message}.{}", BASE64URL_NOPAD.encode(&mac))
}

fn parts(token: &str) -> (Value, Value) {
    let part = |index| {
        let text = token.split('.').nth(index).unwrap();
        serde_json::from_slice(&BASE64URL_NOPAD.decode(text.as_bytes()).unwrap()).unwrap()
    };
    (part(0), part(1))
}

#[test]
fn a_token_says_who_and_what_until_it_expires() {
    let (tokens, clock) = tokens();
    let issued = tokens.issue(ada(), &roles()).unwrap();
    assert_eq!(issued.expires_in, 900);
    let claims = tokens.verify(&issued.token).unwrap();
    assert_eq!((claims.user, claims.roles), (ada(), roles()));
    assert_eq!(claims.expires_at, DateTime::from_timestamp(1_000_000_900, 0).unwrap());
    assert_eq!(ACCESS_TOKEN_LIFETIME, TimeDelta::minutes(15));

    clock.go_on(900);
    tokens.verify(&issued.token).expect("clocks may differ a little");
    clock.go_on(5);
    assert_eq!(tokens.verify(&issued.token), Err(TokenError::Expired));
    clock.go_on(1_000_000_000);
    assert_eq!(tokens.verify(&issued.token), Err(TokenError::Expired));
}

#[test]
fn a_restarted_souk_accepts_its_tokens_and_another_does_not() {
    let (tokens, clock) = tokens();
    let token = tokens.issue(ada(), &roles()).unwrap().token;
    tokens_of(SECRET, "souk", &clock).verify(&token).expect("the same secret");
    assert_eq!(tokens_of([4; 32], "souk", &clock).verify(&token), Err(TokenError::Invalid));
    assert_eq!(tokens_of(SECRET, "other", &clock).verify(&token), Err(TokenError::Invalid));
}

#[test]
fn no_two_tokens_are_the_same() {
    let (tokens, _) = tokens();
    let (one, two) = (tokens.issue(ada(), &roles()).unwrap().token, tokens.issue(ada(), &roles()).unwrap().token);
    assert_ne!(one, two);
}

#[test]
fn only_what_was_issued_is_accepted() {
    let (tokens, _) = tokens();
    let token = tokens.issue(ada(), &roles()).unwrap().token;
    let (header, payload) = parts(&token);
    assert!(tokens.verify(&sign(&header, &payload, SECRET)).is_ok(), "this test signs as Souk does");

    let changed = |base: &Value, member: &str, value: Value| {
        let mut changed = base.clone();
        changed[member] = value;
        changed
    };
    for (member, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS384")),
        ("alg", json!("RS256")),
        ("typ", json!("JWT")),
        ("typ", Value::Null),
    ] {
        let forged = sign(&changed(&header, member, value.clone()), &payload, SECRET);
        assert_eq!(tokens.verify(&forged), Err(TokenError::Invalid), "{member} {value}");
    }
    for (member, value) in [
        ("iss", json!("other")),
        ("iss", Value::Null),
        ("aud", json!("other")),
        ("aud", Value::Null),
        ("sub", json!("nobody")),
        ("exp", Value::Null),
        ("exp", json!("never")),
        ("roles", json!(["emperor"])),
        ("roles", Value::Null),
    ] {
        let forged = sign(&header, &changed(&payload, member, value.clone()), SECRET);
        assert_eq!(tokens.verify(&forged), Err(TokenError::Invalid), "{member} {value}");
    }
    let unsigned = format!("{}.", token.rsplit_once('.').unwrap().0);
    let long = format!("{token}{}", "A".repeat(5000));
    for forged in ["", ".", "..", "a.b.c", token.trim_end_matches(|char| char != '.'), &unsigned, &long] {
        assert_eq!(tokens.verify(forged), Err(TokenError::Invalid), "{forged}");
    }
    assert_eq!(tokens.verify(&sign(&header, &payload, [4; 32])), Err(TokenError::Invalid));
}

#[test]
fn every_altered_character_is_noticed() {
    let (tokens, _) = tokens();
    let token = tokens.issue(ada(), &roles()).unwrap().token;
    for index in 0..token.len() {
        for other in ["A", "-", "."] {
            let mut altered = token.clone();
            altered.replace_range(index..=index, other);
            if altered != token {
                assert_eq!(tokens.verify(&altered), Err(TokenError::Invalid), "{index} {other}");
            }
        }
    }
}
