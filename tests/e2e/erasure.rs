//! A person who asks to be forgotten is forgotten: every byte that Souk wrote is looked at.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use souk_embedded_postgres::testing::data_dir;
use souk_tests::{
    client::Client,
    process::{self, Options, Souk},
    sample,
};

use crate::support::{PASSWORD, first_seller, published, unique};

/// Every file below `folder`, PostgreSQL's as well.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
}

/// Files in which one of `canaries` stands, in any case.
fn heard(folder: &Path, canaries: &[&str]) -> Vec<PathBuf> {
    let mut all = Vec::new();
    files(folder, &mut all);
    assert!(
        all.iter().any(|path| path.to_string_lossy().contains("pg_wal")),
        "the write-ahead log should be among them"
    );
    let holds = |path: &PathBuf| {
        let bytes = std::fs::read(path).unwrap_or_default().to_ascii_lowercase();
        canaries.iter().any(|canary| bytes.windows(canary.len()).any(|part| part == canary.as_bytes()))
    };
    all.into_iter().filter(holds).collect()
}

async fn post(client: &Client, path: &str, body: Value) -> Value {
    let answer = client.post(path, body).await.expect("answers");
    assert!((200..300).contains(&answer.status), "{path}: {} {}", answer.status, answer.text);
    answer.body
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_erased_is_in_no_byte_and_no_answer() {
    let home = data_dir();
    let options = Options::default().env("SOUK_RATE_LIMITS", "off").env("SOUK_LOG__FILTER", "trace");
    let start = || tokio::task::block_in_place(|| Souk::start(home.path(), &options)).expect("starts");
    let souk = start();
    let nobody = Client::new(souk.base());
    let seller = first_seller(home.path(), &nobody).await;
    let plugin = published(&seller, &sample::one_time(4_900, "USD")).await;
    // One for what is public until then, one for what never is.
    let (shown, hidden) = (unique("canarybird"), unique("nightingale"));
    let email = format!("{hidden}@example.com");
    let person = nobody.register(&email, PASSWORD, &format!("Name {shown}")).await.expect("registers");
    let id = person.get("/me").await.expect("answers").text_at("/id").expect("an id");
    post(&person, "/me/api-keys", json!({"label": format!("Label {hidden}")})).await;
    let order = post(&person, "/orders", json!({"plugin": plugin, "gateway": "manual"})).await;
    let admin = seller_admin(&nobody, home.path()).await;
    let payment = format!("/orders/{}/payments", order["id"].as_str().expect("an id"));
    post(&admin, &payment, json!({"reference": "bank-1"})).await;
    let licensed = |answer: &souk_tests::client::Answer| answer.body["items"][0].is_object();
    let license =
        person.until("/me/licenses", licensed).await.expect("is issued").text_at("/items/0/id").expect("an id");
    let machine = json!({"fingerprint": "machine-1", "label": format!("Machine {hidden}")});
    post(&person, &format!("/licenses/{license}/activations"), machine).await;
    post(&person, &format!("/plugins/{plugin}/install"), json!({})).await;
    let review = json!({"rating": 3, "title": format!("Title {shown}"), "body": format!("Body {shown}")});
    let path = format!("/plugins/{plugin}/reviews/mine");
    let position =
        person.put(&path, review).await.expect("answers").expect(201).expect("reviews").position.expect("a position");

    let reviews = format!("/plugins/{plugin}/reviews");
    let before = nobody.get_at(&reviews, position).await.expect("answers");
    assert_eq!(before.text.matches(&shown).count(), 3, "{}", before.text);
    let export = person.get_at("/me/export", position).await.expect("answers").expect(200).expect("is given");
    for text in ["Label", "Machine", "Title", "Body", "Name"] {
        let canary = if ["Label", "Machine"].contains(&text) { &hidden } else { &shown };
        assert!(export.text.contains(&format!("{text} {canary}")), "{text} is missing in the export");
    }
    assert_eq!(export.body["account"]["email"], email);
    let types: Vec<&str> =
        export.body["events"].as_array().expect("a list").iter().filter_map(|e| e["type"].as_str()).collect();
    for wanted in [
        "user.registered",
        "license.issued",
        "license.activated",
        "installation.installed",
        "review.submitted",
        "payment.completed",
    ] {
        assert!(types.contains(&wanted), "{wanted} is missing in {types:?}");
    }

    let erased = person.delete("/me").await.expect("answers").expect(204).expect("is erased");
    assert_eq!(person.get("/me").await.expect("answers").status, 401);
    let gone = |answer: &souk_tests::client::Answer| answer.status == 200 && !answer.text.contains(&shown);
    let after = nobody.until(&reviews, gone).await.expect("is forgotten");
    let item = &after.body["items"][0];
    assert_eq!(
        (&item["title"], &item["body"], &item["author"]["displayName"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!(item["rating"], 3, "what was counted stays counted");
    assert!(erased.position.is_some());
    let history = admin
        .get(&format!("/plugins/{plugin}/history?limit=100"))
        .await
        .expect("answers")
        .expect(200)
        .expect("is told");
    assert!(!history.text.contains(&shown) && history.text.contains("review.submitted"), "{}", history.text);
    // The address is free; whoever has it now is somebody else.
    let again = nobody.register(&email, PASSWORD, "Somebody else").await.expect("registers");
    assert_ne!(again.get("/me").await.expect("answers").text_at("/id").expect("an id"), id);
    assert_eq!(again.delete("/me").await.expect("answers").status, 204);

    let rebuilt =
        tokio::task::block_in_place(|| process::run(home.path(), &["rebuild", "--all"], &[])).expect("souk runs");
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    let after = nobody.get(&reviews).await.expect("answers");
    assert_eq!((after.status, &after.body["items"][0]["title"]), (200, &Value::Null), "{}", after.text);
    tokio::task::block_in_place(|| souk.stop()).expect("stops");
    assert_eq!(heard(home.path(), &[&shown, &hidden]), Vec::<PathBuf>::new());

    let key = home.path().join("keys/persons").join(&id[..2]).join(&id);
    assert_eq!(std::fs::read(&key).expect("is remembered"), b"", "{}", key.display());
    // And after a restart nobody has forgotten that.
    let souk = start();
    let nobody = Client::new(souk.base());
    let after = nobody.get(&reviews).await.expect("answers");
    assert_eq!((after.status, &after.body["items"][0]["title"]), (200, &Value::Null), "{}", after.text);
    tokio::task::block_in_place(|| souk.stop()).expect("stops");
}

/// The search itself finds what is there.
#[test]
fn a_canary_that_is_written_is_heard() {
    let home = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(home.path().join("pg_wal")).expect("a folder");
    std::fs::write(home.path().join("pg_wal/1"), b"\0\0Title CanaryBird-1\0").expect("is written");
    assert_eq!(heard(home.path(), &["canarybird-1"]).len(), 1);
    assert_eq!(heard(home.path(), &["canarybird-2"]).len(), 0);
}

async fn seller_admin(nobody: &Client, data_dir: &Path) -> Client {
    let email = format!("{}@example.com", unique("admin"));
    nobody.register(&email, PASSWORD, "Ada Admin").await.expect("registers");
    crate::support::grant(data_dir, &email, "admin");
    nobody.login(&email, PASSWORD).await.expect("logs in")
}
