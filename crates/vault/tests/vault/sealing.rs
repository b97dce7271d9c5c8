//! What is sealed opens where it was sealed, and nowhere else.

use std::sync::{Arc, atomic::Ordering};

use crate::support::*;
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};
use souk_domain::personal::Personal;
use souk_ports::store::WrappedKeys as _;
use souk_ports::{Vault, VaultError};

fn problem(outcome: Result<Value, VaultError>) -> String {
    match outcome {
        Err(VaultError::Forged { event: named, problem }) => {
            assert_eq!(named, event(1), "the error names the event that was opened");
            problem
        }
        other => panic!("this should not open: {other:?}"),
    }
}

#[tokio::test]
async fn fields_at_any_depth_are_sealed_and_opened_and_the_rest_stays() {
    let (vault, _) = vault();
    let clear = json!({
        "email": personal(user(1), "ada@example.org"),
        "rating": 5,
        "replies": [{ "text": personal(user(2), "merci 🦀") }, null, personal(user(1), "")],
        "a/b~c": { "name": personal(user(1), "Ada") },
    });
    let sealed = vault.seal(event(1), stream(1), clear.clone()).await.unwrap();
    let text = sealed.to_string();
    for secret in ["ada@example.org", "merci", "Ada", "$personal"] {
        assert!(!text.contains(secret), "{secret} is readable in {text}");
    }
    assert_eq!(sealed["rating"], 5);
    assert_eq!(sealed["replies"][1], Value::Null);
    let members: Vec<_> = sealed["email"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members.len(), 5);
    for member in ["$enc", "kid", "n", "ct", "kc"] {
        assert!(members.contains(&member));
    }
    assert_eq!(sealed["email"]["kid"], user(1).to_string());
    assert_eq!(vault.open(event(1), stream(1), sealed).await.unwrap(), clear);
}

#[tokio::test]
async fn the_domains_own_type_goes_through_the_vault_and_back() {
    let (vault, keys) = vault();
    let read = |data: &Value| serde_json::from_value::<Personal>(data["email"].clone()).unwrap();
    let email = Personal::new(user(1), "ada@example.org");
    let sealed = vault.seal(event(1), stream(1), json!({ "email": email })).await.unwrap();
    assert!(matches!(read(&sealed), Personal::Sealed(_)));
    let unchanged = json!({ "email": read(&sealed) });
    assert_eq!(read(&vault.open(event(1), stream(1), unchanged).await.unwrap()), email);
    keys.destroy(user(1)).await.unwrap();
    vault.forget(user(1)).await;
    assert_eq!(read(&vault.open(event(1), stream(1), sealed).await.unwrap()), Personal::Erased);
}

#[tokio::test]
async fn sealing_again_gives_the_same_bytes_and_anything_else_others() {
    let (vault, keys) = vault();
    let seal = async |event, stream, data: Value| vault.seal(event, stream, data).await.unwrap()["a"].to_string();
    let first = seal(event(1), stream(1), json!({ "a": personal(user(1), "x") })).await;
    assert_eq!(first, seal(event(1), stream(1), json!({ "a": personal(user(1), "x") })).await);
    let restarted = vault_on(&keys, kek(7));
    let again = restarted.seal(event(1), stream(1), json!({ "a": personal(user(1), "x") })).await.unwrap();
    assert_eq!(first, again["a"].to_string(), "another process with the same keys writes the same");

    let mut nonces = vec![first];
    nonces.push(seal(event(2), stream(1), json!({ "a": personal(user(1), "x") })).await);
    nonces.push(seal(event(1), stream(2), json!({ "a": personal(user(1), "x") })).await);
    nonces.push(seal(event(1), stream(1), json!({ "a": personal(user(1), "y") })).await);
    nonces.push(seal(event(1), stream(1), json!({ "a": personal(user(2), "x") })).await);
    let elsewhere = vault.seal(event(1), stream(1), json!({ "b": personal(user(1), "x") })).await.unwrap();
    nonces.push(elsewhere["b"].to_string());
    let mut seen: Vec<_> =
        nonces.iter().map(|field| serde_json::from_str::<Value>(field).unwrap()["n"].to_string()).collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), nonces.len(), "two different fields share a nonce");
}

#[tokio::test]
async fn a_field_that_was_moved_does_not_open() {
    let (vault, _) = vault();
    let data = json!({ "a": personal(user(1), "x"), "list": [personal(user(1), "y"), personal(user(1), "y")] });
    let sealed = vault.seal(event(1), stream(1), data).await.unwrap();

    let renamed = json!({ "b": sealed["a"] });
    assert!(problem(vault.open(event(1), stream(1), renamed).await).contains("at `/b`"));
    let swapped = json!({ "list": [sealed["list"][1], sealed["list"][0]] });
    assert!(problem(vault.open(event(1), stream(1), swapped).await).contains("at `/list/0`"));
    let deeper = json!({ "c": { "a": sealed["a"] } });
    assert!(problem(vault.open(event(1), stream(1), deeper).await).contains("at `/c/a`"));

    problem(vault.open(event(1), stream(2), sealed.clone()).await);
    let moved = vault.seal(event(2), stream(1), json!({ "a": personal(user(1), "x") })).await.unwrap();
    problem(vault.open(event(1), stream(1), moved).await);
    vault.open(event(1), stream(1), sealed).await.expect("where it was sealed it opens");
}

#[tokio::test]
async fn a_field_of_another_person_does_not_open_as_mine() {
    let (vault, _) = vault();
    let mut sealed = vault
        .seal(event(1), stream(1), json!({ "a": personal(user(1), "x"), "b": personal(user(2), "x") }))
        .await
        .unwrap();
    assert_ne!(sealed["a"]["ct"], sealed["b"]["ct"]);
    sealed["a"]["kid"] = json!(user(2));
    problem(vault.open(event(1), stream(1), sealed).await);
}

/// Every single bit of every binary member, and every change of the others.
#[tokio::test]
async fn one_altered_bit_is_refused() {
    let (vault, _) = vault();
    let sealed = vault.seal(event(1), stream(1), json!({ "a": personal(user(1), "hello") })).await.unwrap();
    for member in ["n", "ct", "kc"] {
        let bytes = data_encoding::BASE64URL_NOPAD.decode(sealed["a"][member].as_str().unwrap().as_bytes()).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut altered = bytes.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            let mut forged = sealed.clone();
            forged["a"][member] = json!(data_encoding::BASE64URL_NOPAD.encode(&altered));
            let said = problem(vault.open(event(1), stream(1), forged).await);
            if member == "kc" || member == "n" {
                assert!(said.contains("another key"), "bit {bit} of {member}: {said}");
            }
        }
        for altered in ["", "AA", "!", "AAAA="] {
            let mut forged = sealed.clone();
            forged["a"][member] = json!(altered);
            problem(vault.open(event(1), stream(1), forged).await);
        }
    }
    for (member, value) in [("$enc", json!(2)), ("$enc", json!("1")), ("kid", json!("nobody")), ("extra", json!(1))] {
        let mut forged = sealed.clone();
        forged["a"][member] = value;
        problem(vault.open(event(1), stream(1), forged).await);
    }
    for text in [sealed["a"]["ct"].as_str().unwrap().to_owned() + "A", " ".to_owned()] {
        let mut forged = sealed.clone();
        forged["a"]["ct"] = json!(text);
        problem(vault.open(event(1), stream(1), forged).await);
    }
}

#[tokio::test]
async fn a_destroyed_key_erases_and_never_comes_back() {
    let (vault, keys) = vault();
    let data = json!({ "a": personal(user(1), "x"), "b": personal(user(2), "y") });
    let sealed = vault.seal(event(1), stream(1), data).await.unwrap();
    keys.destroy(user(1)).await.unwrap();
    vault.forget(user(1)).await;
    let opened = vault.open(event(1), stream(1), sealed.clone()).await.unwrap();
    assert_eq!(opened, json!({ "a": { "$erased": true }, "b": personal(user(2), "y") }));
    let erased = json!({ "a": opened["a"] });
    assert_eq!(vault.open(event(1), stream(1), erased.clone()).await.unwrap(), erased);
    assert!(problem(vault.open(event(1), stream(1), opened).await).contains("never sealed"), "clear text in the log");

    let later = vault.seal(event(2), stream(1), json!({ "a": personal(user(1), "again") })).await.unwrap();
    assert_eq!(later, json!({ "a": { "$erased": true } }), "an erased person gets no new key");
    assert_eq!(keys.wrapped.lock().unwrap()[&user(1)], None);
}

#[tokio::test]
async fn what_is_marked_wrongly_is_not_sealed_at_all() {
    let (vault, keys) = vault();
    let sealed = vault.seal(event(9), stream(1), json!({ "a": personal(user(1), "x") })).await.unwrap();
    let mut beside = personal(user(1), "secret");
    beside["more"] = json!(1);
    for (wrong, place) in [
        (json!({ "a": { "$personal": "secret" } }), "/a"),
        (json!({ "a": { "$personal": { "subject": "nobody", "text": "secret" } } }), "/a"),
        (json!({ "a": { "$personal": { "subject": user(1), "text": 5 } } }), "/a"),
        (json!({ "a": { "$personal": { "subject": user(1), "text": "secret", "other": "x" } } }), "/a"),
        (json!({ "ok": personal(user(3), "secret"), "list": [1, beside] }), "/list/1"),
        (json!({ "manifest": { "deep": [sealed["a"]] } }), "/manifest/deep/0"),
        (json!({ "manifest": { "$enc": "planted" } }), "/manifest"),
    ] {
        match vault.seal(event(1), stream(1), wrong.clone()).await {
            Err(VaultError::Invalid { event: named, problem }) => {
                assert_eq!(named, event(1));
                assert!(problem.contains(&format!("`{place}`")), "{problem}");
                assert!(!problem.contains("secret"), "the error tells the text: {problem}");
            }
            other => panic!("{wrong} was sealed: {other:?}"),
        }
    }
    assert!(!keys.wrapped.lock().unwrap().contains_key(&user(3)), "nothing is done for an event that is refused");
}

#[tokio::test]
async fn no_keys_no_sealing() {
    let (vault, keys) = vault();
    *keys.down.lock().unwrap() = true;
    let outcome = vault.seal(event(1), stream(1), json!({ "a": personal(user(1), "x") })).await;
    assert!(matches!(outcome, Err(VaultError::Unavailable(_))), "{outcome:?}");
    let plain = json!({ "a": [1, { "b": null }] });
    assert_eq!(vault.seal(event(1), stream(1), plain.clone()).await.unwrap(), plain, "nothing personal, no key needed");
}

#[tokio::test]
async fn a_key_of_another_installation_or_person_does_not_unwrap() {
    let (vault, keys) = vault();
    let sealed = vault.seal(event(1), stream(1), json!({ "a": personal(user(1), "x") })).await.unwrap();
    match vault_on(&keys, kek(8)).open(event(1), stream(1), sealed.clone()).await {
        Err(VaultError::Unavailable(problem)) => assert!(problem.contains("another key-encryption key"), "{problem}"),
        other => panic!("{other:?}"),
    }
    let wrapped = keys.wrapped.lock().unwrap()[&user(1)].clone().unwrap();
    for bit in 0..wrapped.len() * 8 {
        let mut altered = wrapped.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        keys.wrapped.lock().unwrap().insert(user(1), Some(altered));
        let outcome = vault_on(&keys, kek(7)).open(event(1), stream(1), sealed.clone()).await;
        assert!(matches!(outcome, Err(VaultError::Unavailable(_))), "bit {bit}: {outcome:?}");
    }
    keys.wrapped.lock().unwrap().insert(user(2), Some(wrapped));
    let outcome = vault_on(&keys, kek(7)).seal(event(1), stream(1), json!({ "a": personal(user(2), "x") })).await;
    assert!(matches!(outcome, Err(VaultError::Unavailable(_))), "a key given to somebody else: {outcome:?}");
}

#[tokio::test]
async fn keys_are_kept_in_memory_until_they_are_forgotten() {
    let (vault, keys) = vault();
    let sealed = vault.seal(event(1), stream(1), json!({ "a": personal(user(1), "x") })).await.unwrap();
    let asked = keys.asked.load(Ordering::SeqCst);
    vault.open(event(1), stream(1), sealed.clone()).await.unwrap();
    assert_eq!(keys.asked.load(Ordering::SeqCst), asked);
    vault.forget(user(1)).await;
    vault.open(event(1), stream(1), sealed).await.unwrap();
    assert_eq!(keys.asked.load(Ordering::SeqCst), asked + 1);
}

#[tokio::test]
async fn many_first_uses_at_once_agree_on_one_key() {
    let keys = Arc::new(MemoryKeys::default());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let vault = vault_on(&keys, kek(7));
        tasks.spawn(async move {
            vault.seal(event(1), stream(1), json!({ "a": personal(user(1), "x") })).await.unwrap().to_string()
        });
    }
    let mut sealed = tasks.join_all().await;
    sealed.dedup();
    assert_eq!(sealed.len(), 1);
}

/// A tree of objects and lists with personal texts, odd names and markers' neighbours.
fn data() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(|number| json!(number)),
        ".{0,12}".prop_map(|text| json!(text)),
        (1..4_u128, ".{0,40}").prop_map(|(subject, text)| personal(user(subject), &text)),
        Just(json!({ "$erased": true })),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::Array),
            vec(("[a-c/~0-9$]{0,4}", inner), 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_sealed_opens_to_what_it_was(clear in data(), number in any::<u128>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (vault, _) = vault();
            let sealed = vault.seal(event(number % 1000), stream(3), clear.clone()).await.unwrap();
            assert!(!sealed.to_string().contains("$personal"));
            let stored: Value = serde_json::from_str(&sealed.to_string()).unwrap();
            assert_eq!(vault.open(event(number % 1000), stream(3), stored).await.unwrap(), clear);
        });
    }
}
