//! The history of a plugin, proven: with the real binary, a real database, and whoever changes a byte of it.

use std::{path::Path, process::Output, time::Duration};

use data_encoding::BASE64;
use serde_json::{Value, json};
use souk_embedded_postgres::testing::data_dir;
use souk_tests::{
    client::Client,
    process::{self, Options, Souk},
    sample,
};
use sqlx::PgPool;

use crate::{
    canary::database_url,
    support::{first_seller, person, published},
};

struct World {
    souk: Souk,
    nobody: Client,
    pool: PgPool,
    plugin: String,
    customer: String,
    key: String,
}

fn souk(data_dir: &Path, arguments: &[&str]) -> Output {
    tokio::task::block_in_place(|| process::run(data_dir, arguments, &[])).expect("souk runs")
}

fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

impl World {
    fn home(&self) -> &Path {
        self.souk.data_dir()
    }

    /// `souk audit PLUGIN --export FILE`
    fn export(&self, file: &Path) -> Output {
        souk(self.home(), &["audit", &self.plugin, "--export", file.to_str().expect("a path")])
    }

    /// `souk audit verify FILE --key KEY`, in JSON.
    fn verify(&self, file: &Path, more: &[&str]) -> (Option<i32>, Value, String) {
        let mut arguments = vec!["audit", "verify", file.to_str().expect("a path"), "--key", &self.key, "--json"];
        arguments.extend(more);
        let output = souk(self.home(), &arguments);
        let answer = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code(), answer, printed(&output))
    }

    async fn signed(&self) {
        let head: i64 =
            sqlx::query_scalar("SELECT max(position) FROM souk_log.event").fetch_one(&self.pool).await.expect("reads");
        for _ in 0..600 {
            let answer = self.nobody.get("!/ledger/checkpoint").await.expect("answers");
            let size = answer.text.lines().nth(1).and_then(|size| size.parse::<i64>().ok());
            if size.is_some_and(|size| size >= head) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the ledger does not come to {head}");
    }

    async fn position_of(&self, event_type: &str) -> i64 {
        let query = sqlx::query_scalar("SELECT max(position) FROM souk_log.event WHERE type = $1").bind(event_type);
        query.fetch_one(&self.pool).await.expect("reads")
    }

    /// Changes one bit of an event's data; done twice, all is as it was.
    async fn tamper(&self, position: i64) {
        let update = "UPDATE souk_log.event SET data = set_byte(data, 12, get_byte(data, 12) # 1) WHERE position = $1";
        sqlx::query(update).bind(position).execute(&self.pool).await.expect("is changed");
    }
}

/// A published plugin that somebody installed and reviewed; its vendor, and who did so.
async fn world(home: &Path) -> (World, Client, Client) {
    let options = Options::default().env("SOUK_RATE_LIMITS", "off").env("SOUK_LEDGER__INTERVAL_MS", "50");
    let souk = tokio::task::block_in_place(|| Souk::start(home, &options)).expect("souk starts");
    let nobody = Client::new(souk.base());
    let seller = first_seller(home, &nobody).await;
    let plugin = published(&seller, &sample::free()).await;
    let customer = person(&nobody, "cleo").await;
    customer
        .post(&format!("/plugins/{plugin}/install"), json!({}))
        .await
        .expect("answers")
        .expect(201)
        .expect("installs");
    let review = json!({"rating": 4, "title": "Quite good", "body": "An unmistakable-canary-sentence about it."});
    customer
        .put(&format!("/plugins/{plugin}/reviews/mine"), review)
        .await
        .expect("answers")
        .expect(201)
        .expect("reviews");
    let url = tokio::task::block_in_place(|| database_url(home));
    let pool = PgPool::connect(&url).await.expect("connects");
    let key = String::from_utf8(souk_output(home, &["ledger", "key"])).expect("text").trim().to_owned();
    let id = customer.get("/me").await.expect("answers").text_at("/id").expect("an id");
    let world = World { souk, nobody, pool, plugin, customer: id, key };
    world.signed().await;
    (world, seller.client, customer)
}

fn souk_output(home: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = souk(home, arguments);
    assert!(output.status.success(), "{}", printed(&output));
    output.stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_is_exported_and_checked_and_one_byte_changed_is_named() {
    let home = data_dir();
    let (world, vendor, _) = world(home.path()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("audit.json");

    let output = world.export(&file);
    assert!(output.status.success(), "{}", printed(&output));
    assert!(printed(&output).contains("Not proven:"), "{}", printed(&output));
    let (code, good, text) = world.verify(&file, &["--tiles", world.souk.base()]);
    assert_eq!((code, &good["verdict"]), (Some(0), &json!("good")), "{text}");
    let events = good["events"].as_u64().expect("a number");
    assert!(events >= 5 && good["withData"] == events && good["withMetadata"] == events, "{text}");
    let streams = good["wholeStreams"].as_object().expect("streams");
    for category in ["plugin-", "validation-", "installation*", "review*"] {
        assert!(streams.keys().any(|stream| stream.starts_with(category)), "{category} is missing: {text}");
    }

    // Over HTTP everybody gets it, and sees as much of it as they may.
    for (client, with_data) in [(&world.nobody, false), (&vendor, true)] {
        let path = format!("/plugins/{}/history?proofs=true", world.plugin);
        let told = client.get(&path).await.expect("answers").expect(200).expect("is told");
        let events_told = told.body["events"].as_array().expect("events").iter();
        let opened = events_told.flat_map(|event| {
            ["/opened/data/bytes", "/opened/metadata/bytes"].map(|part| event.pointer(part).and_then(Value::as_str))
        });
        let opened: Vec<&str> = opened.flatten().collect();
        assert_eq!(opened.is_empty(), !with_data);
        for bytes in opened {
            let bytes = BASE64.decode(bytes.as_bytes()).expect("base64");
            let bytes = String::from_utf8_lossy(&bytes);
            assert!(!bytes.contains("$enc"), "what is sealed names whose it is");
            assert!(!bytes.contains(&world.customer), "who installed it is told to nobody");
        }
        let over_http = folder.path().join("http.json");
        std::fs::write(&over_http, &told.text).expect("is written");
        let (code, answer, text) = world.verify(&over_http, &[]);
        assert_eq!((code, &answer["events"]), (Some(0), &json!(events)), "{text}");
        assert_eq!(answer["withData"].as_u64() > Some(0), with_data, "{text}");
    }

    changed_in_the_export(&world, &file, folder.path());
    changed_in_the_database(&world, folder.path()).await;

    let output = world.export(&file);
    assert!(output.status.success(), "all is as it was: {}", printed(&output));
    let doctor: Value = serde_json::from_slice(&souk_output(world.home(), &["doctor", "--json"])).expect("JSON");
    assert_eq!(
        (&doctor["ledger"]["verifierKey"], &doctor["ledger"]["lag"]),
        (&json!(world.key), &json!(0)),
        "{doctor}"
    );
    world.pool.close().await;
    tokio::task::block_in_place(|| world.souk.stop()).expect("stops");
}

fn changed_in_the_export(world: &World, file: &Path, folder: &Path) {
    let text = std::fs::read_to_string(file).expect("is there");
    let bundle: Value = serde_json::from_str(&text).expect("JSON");
    let changed = folder.join("changed.json");
    for (number, event) in bundle["events"].as_array().expect("events").iter().enumerate() {
        for pointer in ["/leaf", "/inclusionProof/0", "/opened/data/bytes", "/opened/metadata/salt"] {
            let old = event.pointer(pointer).and_then(Value::as_str).expect("a text");
            let at = text.find(old).expect("is there") + old.len() / 2;
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            std::fs::write(&changed, bytes).expect("is written");
            let (code, answer, printed) = world.verify(&changed, &[]);
            assert_eq!((code, &answer["verdict"]), (Some(3), &json!("refused")), "{pointer}: {printed}");
            let named = &answer["problem"]["event"];
            // The same hash may stand in the proof of an earlier event.
            let shared = pointer == "/inclusionProof/0" && named["number"].as_u64() <= Some(number as u64 + 1);
            assert!(shared || named["number"] == number + 1, "{pointer} of event {}: {printed}", number + 1);
        }
    }
}

async fn changed_in_the_database(world: &World, folder: &Path) {
    for event_type in ["plugin.created", "installation.installed", "review.submitted"] {
        let position = world.position_of(event_type).await;
        world.tamper(position).await;
        let file = folder.join("tampered.json");
        let output = world.export(&file);
        let text = printed(&output);
        assert_eq!(output.status.code(), Some(3), "{text}");
        assert!(text.contains(&format!("position {position}, {event_type}")), "{event_type} should be named: {text}");
        let (code, answer, text) = world.verify(&file, &[]);
        assert_eq!(code, Some(3), "{text}");
        assert_eq!(answer["problem"]["event"]["position"], position.to_string(), "{text}");
        world.tamper(position).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_leaves_every_proof_as_it_was() {
    let home = data_dir();
    let (world, _, customer) = world(home.path()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let (before, after, report) =
        (folder.path().join("before.json"), folder.path().join("after.json"), folder.path().join("report.html"));
    let page = |world: &World, file: &Path| {
        let arguments = [
            "audit",
            &world.plugin,
            "--export",
            file.to_str().expect("a path"),
            "--report",
            report.to_str().expect("a path"),
        ];
        let output = souk(world.home(), &arguments);
        assert!(output.status.success(), "{}", printed(&output));
        std::fs::read_to_string(&report).expect("a report")
    };
    let told = page(&world, &before);
    assert!(told.contains("unmistakable-canary-sentence") && !told.contains("[erased]"));
    assert!(told.contains("<svg") && told.contains("<circle") && !told.contains("<script"));

    customer.delete("/me").await.expect("answers").expect(204).expect("is erased");
    // The key may be destroyed a moment after the answer.
    let mut told = page(&world, &after);
    for _ in 0..60 {
        if told.contains("[erased]") {
            break;
        }
        told = page(&world, &after);
    }
    assert!(told.contains("[erased]") && !told.contains("unmistakable-canary-sentence"));
    for file in [&before, &after] {
        let (code, _, text) = world.verify(file, &[]);
        assert_eq!(code, Some(0), "{text}");
        assert!(!std::fs::read_to_string(file).expect("is there").contains("unmistakable-canary-sentence"));
    }
    let events = |file: &Path| {
        let bundle: Value = serde_json::from_str(&std::fs::read_to_string(file).expect("is there")).expect("JSON");
        bundle["events"].as_array().expect("events").iter().map(|event| event["leaf"].clone()).collect::<Vec<_>>()
    };
    // What was there is there, whatever was recorded since.
    let (was, is) = (events(&before), events(&after));
    assert_eq!(is[..was.len()], was[..]);
    world.pool.close().await;
    tokio::task::block_in_place(|| world.souk.stop()).expect("stops");
}
