//! Bad input: a 4xx with the one error body, never a 500.

use reqwest::Method;
use serde_json::{Value, json};
use souk_tests::{client::Answer, sample};

use crate::support::{nobody, person, published, seller, unique};

fn is_refused(answer: &Answer, statuses: &[u16], what: &str) {
    assert!(statuses.contains(&answer.status), "{what}: {} {}", answer.status, answer.text);
    let error = &answer.body["error"];
    for field in ["code", "message", "timestamp", "requestId"] {
        assert!(error[field].is_string(), "{what}: error.{field} is missing in {}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_things_are_not_found() {
    let (nobody, user) = (nobody(), person(&nobody(), "user").await);
    for path in ["/plugins/no-such-plugin", "/plugins/6a0f5c1e-7b1d-4c57-9a3e-50756b000001", "/nowhere"] {
        is_refused(&nobody.get(path).await.expect("answers"), &[404], path);
    }
    let answer = user.post("/plugins/no-such-plugin/install", json!({})).await.expect("answers");
    is_refused(&answer, &[404], "install");
    assert_eq!(answer.code(), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn entitlement_and_state_are_named() {
    let seller = seller().await;
    let plugin = published(&seller, &sample::free()).await;
    let user = person(&nobody(), "user").await;
    let review = json!({"rating": 5, "title": "t", "body": "b"});
    let answer = user.put(&format!("/plugins/{plugin}/reviews/mine"), review).await.expect("answers");
    is_refused(&answer, &[403], "a review without an installation");
    assert_eq!(answer.code(), "not_entitled");

    let draft = unique("draft");
    seller
        .client
        .post("/plugins", sample::skill(&draft, &sample::free()))
        .await
        .expect("answers")
        .expect(201)
        .expect("new");
    let answer = user.post(&format!("/plugins/{draft}/install"), json!({})).await.expect("answers");
    is_refused(&answer, &[409], "a plugin without an approved version");
    assert_eq!(answer.code(), "conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_refused() {
    let seller = seller().await;
    let client = &seller.client;
    let raw =
        |body: Vec<u8>| client.request(Method::POST, "/plugins").header("content-type", "application/json").body(body);
    let good = sample::skill(&unique("p"), &sample::free());
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body.to_string().into_bytes()
    };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("malformed JSON", b"{\"name\":".to_vec()),
        ("no JSON at all", b"\xff\xfe\x00".to_vec()),
        ("a list", b"[]".to_vec()),
        ("nothing", Vec::new()),
        ("a number for a text", with("name", json!(5))),
        ("an unknown kind", with("kind", json!("spaceship"))),
        ("an unknown pricing model", with("pricing", json!({"model": "barter"}))),
        (
            "an amount that is a text",
            with("pricing", json!({"model": "one_time", "amount": "much", "currency": "USD"})),
        ),
        ("a negative amount", with("pricing", json!({"model": "one_time", "amount": -1, "currency": "USD"}))),
        ("a fraction of a cent", with("pricing", json!({"model": "one_time", "amount": 1.5, "currency": "USD"}))),
        ("no such currency", with("pricing", json!({"model": "one_time", "amount": 1, "currency": "XYZ"}))),
        ("a NUL byte in a name", with("displayName", json!("a\u{0}b"))),
        ("a NUL byte in a text", with("description", json!("a\u{0}b"))),
        ("an empty summary", with("summary", json!(""))),
        ("a name that is a UUID", with("name", json!("6a0f5c1e-7b1d-4c57-9a3e-50756b000001"))),
        ("a name of one letter", with("name", json!("a"))),
        ("a name with a slash", with("name", json!("a/b"))),
        ("an unknown license", with("license", json!("No-Such-License"))),
        ("10 MB of JSON", with("description", json!("x".repeat(10 << 20)))),
        ("deeply nested JSON", format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)).into_bytes()),
    ];
    for (what, body) in cases {
        let answer = client.send(raw(body)).await.expect("answers");
        is_refused(&answer, &[400, 413, 422], what);
    }
    let answer = client.send(client.request(Method::POST, "/plugins").body("name=x")).await.expect("answers");
    is_refused(&answer, &[415, 400], "a body without a content type");
    let answer = client.send(client.request(Method::PATCH, "/auth/login")).await.expect("answers");
    is_refused(&answer, &[405], "a wrong method");
    for path in [
        "/plugins?limit=0",
        "/plugins?limit=101",
        "/plugins?limit=x",
        "/plugins?cursor=forged",
        "/plugins?sort=color",
        "/plugins?kind=spaceship",
        "/plugins?minReliability=much",
        "/plugins?q=%00",
        "/plugins?q=%ff",
    ] {
        is_refused(&client.get(path).await.expect("answers"), &[400, 422], path);
    }
    for query in ["'; DROP TABLE x; --", "\"", "(", "&|!", ":*", "a & | b", "\\", "<->", "%"] {
        let request = client.request(Method::GET, "/plugins").query(&[("q", query)]);
        client.send(request).await.expect("answers").expect(200).unwrap_or_else(|e| panic!("q={query}: {e}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_that_are_none_are_rejected_by_name() {
    let seller = seller().await;
    let plugin = unique("hostile");
    seller
        .client
        .post("/plugins", sample::skill(&plugin, &sample::free()))
        .await
        .expect("answers")
        .expect(201)
        .expect("new");
    let cases: [(&str, &str, Vec<u8>); 3] = [
        ("1.0.0", "artifact.not_an_archive", b"this is no archive".to_vec()),
        ("1.0.1", "artifact.path_escapes", climbing_zip()),
        ("1.0.2", "artifact.truncated", {
            let mut zip = sample::skill_archive("1");
            zip.truncate(zip.len() / 2);
            zip
        }),
    ];
    for (version, rule, archive) in cases {
        let answer =
            seller.client.submit(&plugin, &sample::manifest(&plugin, version), archive).await.expect("answers");
        if answer.status != 202 {
            is_refused(&answer, &[400, 413, 422], rule);
            continue;
        }
        let path = format!("/plugins/{plugin}/versions");
        let done = |answer: &Answer| {
            let items = answer.body["items"].as_array();
            items.is_some_and(|items| items.iter().any(|v| v["version"] == version && v["status"] == "rejected"))
        };
        seller.client.until(&path, done).await.expect("is rejected");
        let report = seller
            .client
            .get(&format!("/plugins/{plugin}/validation"))
            .await
            .expect("answers")
            .expect(200)
            .expect("ok");
        assert!(report.text.contains("artifact."), "{version} should break {rule}: {}", report.text);
    }
    let user = person(&nobody(), "user").await;
    let answer = user.post(&format!("/plugins/{plugin}/install"), json!({"version": "1.0.0"})).await.expect("answers");
    is_refused(&answer, &[409], "a rejected version");
}

/// A stored zip whose only entry is named `../../escape`, made by hand: no library writes such a thing.
fn climbing_zip() -> Vec<u8> {
    let name = b"../../escape";
    let mut zip = Vec::new();
    let (crc, size) = (0u32, 0u32);
    let len = u16::try_from(name.len()).expect("short");
    let common = |zip: &mut Vec<u8>| {
        for field in [20u16, 0, 0, 0, 0x21] {
            zip.extend_from_slice(&field.to_le_bytes());
        }
        for field in [crc, size, size] {
            zip.extend_from_slice(&field.to_le_bytes());
        }
        zip.extend_from_slice(&len.to_le_bytes());
        zip.extend_from_slice(&0u16.to_le_bytes());
    };
    zip.extend_from_slice(b"PK\x03\x04");
    common(&mut zip);
    zip.extend_from_slice(name);
    let directory = u32::try_from(zip.len()).expect("small");
    zip.extend_from_slice(b"PK\x01\x02\x14\x00");
    common(&mut zip);
    zip.extend_from_slice(&[0; 14]);
    zip.extend_from_slice(name);
    let size = u32::try_from(zip.len()).expect("small") - directory;
    zip.extend_from_slice(b"PK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00");
    zip.extend_from_slice(&size.to_le_bytes());
    zip.extend_from_slice(&directory.to_le_bytes());
    zip.extend_from_slice(&[0, 0]);
    zip
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_that_is_no_submission_is_refused() {
    let seller = seller().await;
    let plugin = unique("submission");
    seller
        .client
        .post("/plugins", sample::skill(&plugin, &sample::free()))
        .await
        .expect("answers")
        .expect(201)
        .expect("new");
    let good = sample::manifest(&plugin, "1.0.0");
    let with = |field: &str, value: Value| {
        let mut manifest = good.clone();
        manifest[field] = value;
        manifest
    };
    for (what, manifest) in [
        ("no semver", with("version", json!("one"))),
        ("no kind", with("kind", json!("spaceship"))),
        ("a license that is no text", with("license", json!(7))),
        ("no summary", with("summary", json!(""))),
        ("a list", json!([])),
    ] {
        let answer = seller.client.submit(&plugin, &manifest, sample::skill_archive("1")).await.expect("answers");
        is_refused(&answer, &[400, 422], what);
    }
    let stranger = person(&nobody(), "stranger").await;
    let answer = stranger.submit(&plugin, &good, sample::skill_archive("1")).await.expect("answers");
    is_refused(&answer, &[403], "a stranger's submission");
}
