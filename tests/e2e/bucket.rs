//! A Souk whose archives are in a bucket.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use souk_embedded_postgres::testing::data_dir;
use souk_test_s3::{ACCESS_KEY, BUCKET, SECRET, Server};
use souk_tests::{
    client::Client,
    process::{self, Options, Souk},
    sample,
};

use crate::support::{first_seller, person, published};

fn doctor(souk: &Souk, options: &[(&str, &str)]) -> (Option<i32>, Value) {
    let output = tokio::task::block_in_place(|| process::run(souk.data_dir(), &["doctor", "--json"], options));
    let output = output.expect("souk runs");
    (output.status.code(), serde_json::from_slice(&output.stdout).expect("JSON"))
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_go_to_the_bucket_and_are_downloaded_from_it() {
    let mut server = Server::start().await;
    let (home, endpoint) = (data_dir(), format!("http://{}", server.address));
    let set = [
        ("SOUK_ARTIFACTS__KIND", "s3"),
        ("SOUK_ARTIFACTS__S3__BUCKET", BUCKET),
        ("SOUK_ARTIFACTS__S3__ENDPOINT", endpoint.as_str()),
        ("SOUK_ARTIFACTS__S3__PREFIX", "market"),
        ("SOUK_ARTIFACTS__S3__ACCESS_KEY_ID", ACCESS_KEY),
        ("SOUK_ARTIFACTS__S3__SECRET_ACCESS_KEY", SECRET),
        ("SOUK_ARTIFACTS__S3__ALLOW_HTTP", "true"),
    ];
    let options =
        set.iter().fold(Options::default().env("SOUK_RATE_LIMITS", "off"), |all, (key, value)| all.env(key, value));
    let souk = tokio::task::block_in_place(|| Souk::start(home.path(), &options)).expect("starts");
    let nobody = Client::new(souk.base());
    let seller = first_seller(home.path(), &nobody).await;
    let plugin = published(&seller, &sample::free()).await;

    let versions = nobody.get(&format!("/plugins/{plugin}/versions")).await.expect("answers").body;
    let digest = versions["items"][0]["digest"].as_str().expect("a digest").to_owned();
    let object = server.bucket().join("market").join(&digest[..2]).join(&digest[2..]);
    assert!(object.is_file(), "{} is not there", object.display());
    assert!(!home.path().join("artifacts").join(&digest[..2]).exists(), "archives are in the data directory as well");

    let buyer = person(&nobody, "buyer").await;
    let path = format!("/plugins/{plugin}/versions/1.0.0/download");
    let url = async || {
        let answer = buyer.post(&path, json!({})).await.expect("answers");
        let address = answer.expect(201).expect("is begun").text_at("/url").expect("an address");
        format!("!{}", address.strip_prefix(souk.base()).expect("an address of this Souk"))
    };
    let fetch = async |range: Option<&str>| {
        let request = nobody.request(reqwest::Method::GET, &url().await);
        let request = range.into_iter().fold(request, |request, range| request.header("range", range));
        request.send().await
    };
    let bytes = async |range| fetch(range).await.expect("answers").bytes().await.expect("bytes");
    let whole = bytes(None).await;
    assert_eq!(hex::encode(Sha256::digest(&whole)), digest);
    let part = fetch(Some("bytes=10-19")).await.expect("answers");
    assert_eq!(part.status(), 206);
    assert_eq!(part.bytes().await.expect("bytes"), whole[10..20]);

    // What somebody changed in the bucket is nobody's archive.
    let mut damaged = whole.to_vec();
    damaged[20] ^= 1;
    std::fs::write(&object, &damaged).expect("is written");
    // It is broken off, with or without a head before.
    if let Ok(answer) = fetch(None).await {
        assert!(answer.status().is_server_error() || answer.bytes().await.is_err(), "damaged bytes were given out");
    }
    std::fs::write(&object, &whole).expect("is written");
    assert_eq!(bytes(None).await, whole);

    let (code, healthy) = doctor(&souk, &set);
    assert_eq!(code, Some(0), "{healthy}");
    // A store that is busy for a moment is asked again; one that is gone is named, and the rest of Souk goes on.
    server.orders.busy.store(1, Ordering::SeqCst);
    assert_eq!(bytes(None).await, whole);
    server.stop().await;
    let gone = fetch(None).await.expect("answers");
    assert!(gone.status().is_server_error(), "{}", gone.status());
    assert_eq!(nobody.get(&format!("/plugins/{plugin}")).await.expect("answers").status, 200);
    let (code, report) = doctor(&souk, &set);
    assert_ne!(code, Some(0), "{report}");
    assert!(report.to_string().contains("artifacts"), "{report}");
}
