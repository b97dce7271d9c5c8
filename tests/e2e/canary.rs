//! Personal data is in no event, no metadata and no log.

use std::time::Duration;

use serde_json::json;
use souk_embedded_postgres::testing::data_dir;
use souk_tests::{
    client::Client,
    process::{Options, Souk},
    sample,
};

use crate::support::{PASSWORD, grant, published, unique, verified};

/// The address of the database of the Souk in `data_dir`, as the doctor tells it.
pub fn database_url(data_dir: &std::path::Path) -> String {
    let output = souk_tests::process::run(data_dir, &["doctor", "--json"], &[]).expect("souk runs");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    report["databaseUrl"].as_str().expect("an address").to_owned()
}

/// Every byte of the folder that is Souk's own writing (log files, artifacts), without PostgreSQL's and the keys.
fn own_files(folder: &std::path::Path, found: &mut Vec<(std::path::PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "postgres") {
                own_files(&path, found);
            }
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push((path, bytes));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_address_is_nowhere_it_must_not_be() {
    let home = data_dir();
    let options = Options::default().env("SOUK_RATE_LIMITS", "off").env("SOUK_LOG__FILTER", "trace");
    let souk = tokio::task::block_in_place(|| Souk::start(home.path(), &options)).expect("starts");
    let nobody = Client::new(souk.base());
    let canary = unique("canarybird");
    let email = format!("{canary}@example.com");
    let person = nobody.register(&email, PASSWORD, &format!("Name {canary}")).await.expect("registers");
    let again = json!({"email": email, "password": PASSWORD, "displayName": "again"});
    nobody.post("/auth/register", again).await.expect("answers").expect(409).expect("is taken");
    let wrong = json!({"email": email, "password": "wrong wrong wrong"});
    nobody.post("/auth/login", wrong).await.expect("answers").expect(401).expect("is refused");
    nobody.login(&email, PASSWORD).await.expect("logs in");
    grant(home.path(), &email, "admin");
    let admin = nobody.login(&email, PASSWORD).await.expect("logs in");
    let seller = verified(&nobody, &admin).await;
    let plugin = published(&seller, &sample::free()).await;
    person
        .post(&format!("/plugins/{plugin}/install"), json!({}))
        .await
        .expect("answers")
        .expect(201)
        .expect("installs");
    let review = json!({"rating": 3, "title": format!("Title {canary}"), "body": format!("Body {canary}")});
    let path = format!("/plugins/{plugin}/reviews/mine");
    let position = person.put(&path, review).await.expect("answers").expect(201).expect("reviews").position;
    let shown =
        person.get_at(&format!("/plugins/{plugin}/reviews"), position.expect("a position")).await.expect("answers");
    assert!(shown.text.contains(&canary), "the author's text should be shown: {}", shown.text);
    let me = person.get("/me").await.expect("answers").expect(200).expect("is read");
    assert_eq!(me.body["email"], email.to_lowercase(), "{}", me.text);

    let url = tokio::task::block_in_place(|| database_url(home.path()));
    let pool = sqlx::PgPool::connect(&url).await.expect("connects");
    let (events, hits): (i64, i64) = sqlx::query_as(
        "SELECT count(*), count(*) FILTER (WHERE position($1::bytea IN lower(encode(data, 'escape'))::bytea) > 0 \
            OR position($1::bytea IN lower(encode(metadata, 'escape'))::bytea) > 0 \
            OR position($2 IN lower(event::text)) > 0) FROM souk_log.event AS event",
    )
    .bind(canary.as_bytes())
    .bind(&canary)
    .fetch_one(&pool)
    .await
    .expect("is counted");
    assert!(events > 5, "there should be events");
    assert_eq!(hits, 0, "the canary is in the event table");
    pool.close().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    tokio::task::block_in_place(|| souk.stop()).expect("stops");
    let mut files = Vec::new();
    own_files(home.path(), &mut files);
    assert!(files.iter().any(|(path, _)| path.ends_with("souk.log")), "the log should be among {files:?}");
    for (path, bytes) in files {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        assert!(!text.contains(&canary), "the canary is in {}", path.display());
    }
}
