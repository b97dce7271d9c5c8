//! The store in a bucket keeps what it is given, notices when it did not, and says what is wrong. Against a real server.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests are tests too")]

mod link;
mod server;

use std::{
    fs,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, future::join_all};
use souk_artifacts::{Patience, S3Artifacts, S3Settings};
use souk_ports::{ArtifactError, ArtifactStore, artifact::MAX_CHUNK};
use souk_testkit::contract::artifacts::{self as contract, Subject, bytes, digest_of};

use crate::{
    link::Link,
    server::{ACCESS_KEY, BUCKET, PREFIX, Reached, SECRET, Server, settings},
};

/// What nobody has.
const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// A patience that ends soon, for servers that never answer.
const SHORT: Patience = Patience {
    connection: Duration::from_millis(300),
    answer: Duration::from_millis(500),
    transfer: Duration::from_millis(800),
};

/// How each operation fails. What is thrown away had better not hang: the test would.
async fn failures(settings: &S3Settings) -> Vec<ArtifactError> {
    let store = S3Artifacts::new(settings).unwrap();
    let work = async {
        vec![
            store.put(Bytes::from_static(b"hello")).await.map(drop).unwrap_err(),
            store.get(NOTHING).await.map(drop).unwrap_err(),
            store.size(NOTHING).await.map(drop).unwrap_err(),
            store.read(NOTHING, 0..1).await.map(drop).unwrap_err(),
            store.read(NOTHING, 0..0).await.map(drop).unwrap_err(),
        ]
    };
    tokio::time::timeout(Duration::from_secs(60), work).await.unwrap()
}

/// That each operation fails with words that hold `wanted`, and no secret.
async fn all_say(settings: &S3Settings, wanted: &str) {
    for error in failures(settings).await {
        let text = error.to_string();
        assert!(matches!(error, ArtifactError::Unavailable(_)) && text.contains(wanted), "{text}");
        for secret in [ACCESS_KEY, SECRET, &settings.access_key_id, &settings.secret_access_key] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bucket_keeps_the_contract() {
    let server = Server::start().await;
    contract::all(async || Arc::new(server.store()) as Subject).await;
    let bare = S3Settings { prefix: String::new(), ..server.settings() };
    contract::all(async || Arc::new(S3Artifacts::new(&bare).unwrap()) as Subject).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_noticed_and_healed_by_the_same_bytes() {
    let server = Server::start().await;
    let damage = async |digest: &str, bytes: Bytes| fs::write(server.file_of(digest), bytes).unwrap();
    contract::damage(Arc::new(server.store()), damage).await;
}

/// The contract on a server of the tester's own, whose bucket keeps what is put there.
#[tokio::test(flavor = "multi_thread")]
async fn another_server_keeps_the_contract() {
    let Ok(endpoint) = std::env::var("SOUK_TEST_S3_ENDPOINT") else { return };
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let settings = S3Settings {
        bucket: variable("SOUK_TEST_S3_BUCKET"),
        region: std::env::var("SOUK_TEST_S3_REGION").unwrap_or_else(|_| "us-east-1".to_owned()),
        endpoint: Some(endpoint),
        prefix: PREFIX.to_owned(),
        access_key_id: variable("SOUK_TEST_S3_ACCESS_KEY_ID"),
        secret_access_key: variable("SOUK_TEST_S3_SECRET_ACCESS_KEY").into(),
        allow_http: true,
        patience: Patience::default(),
    };
    contract::all(async || Arc::new(S3Artifacts::new(&settings).unwrap()) as Subject).await;
    all_say(
        &S3Settings { secret_access_key: "not-that-secret".to_owned().into(), ..settings.clone() },
        "does not know the access key",
    )
    .await;
    all_say(&S3Settings { bucket: "souk-that-is-not-there".to_owned(), ..settings }, "there is no such bucket").await;
}

#[tokio::test]
async fn objects_have_the_names_that_files_have() {
    let server = Server::start().await;
    let digest = server.store().put(Bytes::from_static(b"hello")).await.unwrap();
    assert_eq!(digest, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert_eq!(fs::read(server.file_of(&digest)).unwrap(), b"hello");
}

#[tokio::test]
async fn wrong_credentials_are_named_and_not_shown() {
    let server = Server::start().await;
    let wrong = S3Settings { secret_access_key: "quite-another-secret".to_owned().into(), ..server.settings() };
    all_say(&wrong, "does not know the access key, or the secret is another one (SignatureDoesNotMatch)").await;
    let wrong = S3Settings { access_key_id: "quite-another-key".to_owned(), ..server.settings() };
    all_say(&wrong, "does not know the access key, or the secret is another one").await;
    server.orders.no_listing.store(true, Ordering::SeqCst);
    all_say(&server.settings(), "the access key may not do that; it needs to list the bucket").await;
    let shown = format!("{:?} {:?}", server.store(), server.settings());
    assert!(shown.contains(BUCKET) && !shown.contains(SECRET) && !shown.contains(ACCESS_KEY), "{shown}");
}

#[tokio::test]
async fn a_missing_bucket_is_named() {
    let server = Server::start().await;
    let wrong = S3Settings { bucket: "bazaar".to_owned(), ..server.settings() };
    all_say(&wrong, &format!("bucket bazaar at http://{}: there is no such bucket", server.address)).await;
}

#[tokio::test]
async fn wrong_settings_are_refused_before_anything_is_asked() {
    let wrong = S3Settings { allow_http: false, ..settings(([127, 0, 0, 1], 9).into()) };
    let error = S3Artifacts::new(&wrong).unwrap_err().to_string();
    assert!(error.contains("endpoint: \"http://127.0.0.1:9\": expected https://"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_gone_or_silent_is_unavailable_in_time() {
    let mut server = Server::start().await;
    server.stop().await;
    // Whether it is tried again until the end, or given up before, is up to chance.
    all_say(&S3Settings { patience: SHORT, ..server.settings() }, "").await;
    let nowhere = Link::nowhere().await;
    all_say(&S3Settings { patience: SHORT, ..settings(nowhere.address) }, "it did not answer within").await;
}

#[tokio::test]
async fn without_a_time_limit_in_sight_the_reason_is_told() {
    let mut server = Server::start().await;
    server.stop().await;
    let store = server.store();
    // All retries are over before the patience is.
    let error = tokio::time::timeout(Duration::from_secs(60), store.size(NOTHING)).await.unwrap().unwrap_err();
    assert!(error.to_string().to_lowercase().contains("connection refused"), "{error}");
}

#[tokio::test]
async fn what_a_busy_server_refuses_is_tried_again() {
    let server = Server::start().await;
    let store = server.store();
    server.orders.busy.store(2, Ordering::SeqCst);
    let digest = store.put(Bytes::from_static(b"hello")).await.unwrap();
    assert_eq!(server.orders.asked("PutObject"), 3);
    server.orders.busy.store(1, Ordering::SeqCst);
    assert_eq!(store.get(&digest).await.unwrap(), "hello");
    server.orders.busy.store(u64::MAX, Ordering::SeqCst);
    let error = store.get(&digest).await.unwrap_err();
    assert!(error.to_string().contains("it answered 503 (SlowDown)"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_not_written_again() {
    let server = Server::start().await;
    let content = bytes(400_000);
    // A store each, as several processes have.
    let stores: Vec<_> = (0..24).map(|_| server.store()).collect();
    let digests = join_all(stores.iter().map(|store| store.put(content.clone()))).await;
    assert!(digests.into_iter().all(|digest| digest.unwrap() == digest_of(&content)));
    let file = server.file_of(&digest_of(&content));
    let written = fs::metadata(&file).unwrap().modified().unwrap();
    for store in stores {
        store.put(content.clone()).await.unwrap();
    }
    assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), written);
    assert_eq!(fs::read(&file).unwrap(), content);
}

#[tokio::test]
async fn a_store_without_conditions_is_written_to_all_the_same() {
    let server = Server::start().await;
    server.orders.unconditional.store(true, Ordering::SeqCst);
    let store = server.store();
    let digest = store.put(Bytes::from_static(b"hello")).await.unwrap();
    assert_eq!(store.get(&digest).await.unwrap(), "hello");
    let asked = server.orders.asked("PutObject");
    store.put(Bytes::from_static(b"hello")).await.unwrap();
    assert_eq!(server.orders.asked("PutObject"), asked + 1, "it is asked for the impossible once");
}

#[tokio::test]
async fn bytes_that_are_damaged_on_the_way_are_refused() {
    let server = Server::start().await;
    let link = Link::to(server.address).await;
    let store = S3Artifacts::new(&settings(link.address)).unwrap();
    let content = Bytes::from([&bytes(70_000)[..], &[link::MARK]].concat());
    link.orders.damage.store(true, Ordering::SeqCst);
    let error = store.put(content.clone()).await.unwrap_err();
    assert!(matches!(error, ArtifactError::Unavailable(_)), "{error}");
    // Whatever the server made of it: nobody gets it, and the right bytes take its place.
    let digest = digest_of(&content);
    let error = server.store().get(&digest).await.unwrap_err();
    assert!(matches!(error, ArtifactError::NotFound(_) | ArtifactError::Damaged(_)), "{error}");
    link.orders.damage.store(false, Ordering::SeqCst);
    assert_eq!(store.put(content.clone()).await.unwrap(), digest);
    assert_eq!(store.get(&digest).await.unwrap(), content);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_that_breaks_off_is_looked_for_and_sent_again() {
    let server = Server::start().await;
    let link = Link::to(server.address).await;
    let store = S3Artifacts::new(&settings(link.address)).unwrap();
    for known in [false, true] {
        // More than the buffers of sockets hold, so that it is still being sent.
        let content = bytes(20 << 20);
        if known {
            server.store().put(content.clone()).await.unwrap();
        }
        link.orders.reset.store(true, Ordering::SeqCst);
        let digest = store.put(content.clone()).await.unwrap();
        assert!(!link.orders.reset.load(Ordering::SeqCst), "it did not break off");
        assert!(server.store().get(&digest).await.unwrap() == content);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_goes_on_where_it_was() {
    let server = Server::start().await;
    let link = Link::to(server.address).await;
    let store = S3Artifacts::new(&settings(link.address)).unwrap();
    let content = bytes(2_000_000);
    let digest = server.store().put(content.clone()).await.unwrap();
    for range in [0..2_000_000, 5..1_999_999] {
        link.orders.break_after.store(700_000, Ordering::SeqCst);
        let chunks: Vec<Bytes> = store.read(&digest, range.clone()).await.unwrap().try_collect().await.unwrap();
        assert!(chunks.concat() == content[range.start as usize..range.end as usize], "{range:?}");
        assert_eq!(link.orders.break_after.load(Ordering::SeqCst), 0, "it did not break off");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_megabytes_pass_without_being_held() {
    const SIZE: usize = 20 << 20;
    let server = Server::start().await;
    let link = Link::to(server.address).await;
    let store = S3Artifacts::new(&settings(link.address)).unwrap();
    let content = bytes(SIZE);
    let digest = store.put(content.clone()).await.unwrap();
    let answered = || link.orders.answered.load(Ordering::SeqCst);
    let before = answered();
    let mut chunks = store.read(&digest, 0..SIZE as u64).await.unwrap();
    let mut seen = chunks.next().await.unwrap().unwrap().to_vec();
    // Whoever does not read on is not sent more than buffers of sockets hold; wait until they are full.
    let mut known = 0;
    while known != answered() {
        known = answered();
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(known - before < (SIZE as u64) * 3 / 4, "{} of {SIZE} bytes came though nobody read them", known - before);
    while let Some(chunk) = chunks.try_next().await.unwrap() {
        assert!(chunk.len() <= MAX_CHUNK);
        seen.extend_from_slice(&chunk);
    }
    assert!(seen == content);
    assert_eq!(store.get(&digest).await.unwrap(), content);
}

#[tokio::test]
async fn a_stream_that_stops_coming_ends_with_an_error() {
    let mut server = Server::start().await;
    let digest = server.store().put(bytes(20 << 20)).await.unwrap();
    let store = S3Artifacts::new(&S3Settings { patience: SHORT, ..server.settings() }).unwrap();
    let mut chunks = store.read(&digest, 0..20 << 20).await.unwrap();
    assert!(chunks.next().await.unwrap().is_ok());
    server.stop().await;
    let rest = tokio::time::timeout(Duration::from_secs(60), chunks.collect::<Vec<_>>()).await.unwrap();
    assert!(matches!(rest.last(), Some(Err(ArtifactError::Unavailable(_)))));
}
