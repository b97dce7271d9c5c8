use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Json, Router,
    response::{IntoResponse, Redirect},
    routing::{get, post},
};
use tempfile::TempDir;

use super::*;
use crate::cli::Checks;

/// A marketplace that answers what it is told to, on a port of its own.
struct StandIn {
    url: String,
    serving: tokio::task::JoinHandle<()>,
}

impl StandIn {
    async fn open(router: Router) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, serving }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn skill() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let manifest = r#"{"name":"demo","version":"1.0.0","kind":"skill","summary":"x","license":"MIT"}"#;
    fs::write(folder.path().join("souk.json"), manifest).unwrap();
    fs::write(folder.path().join("SKILL.md"), "---\nname: demo\ndescription: x\n---\n# Demo\n").unwrap();
    folder
}

fn options(path: &Path, url: &str) -> PublishOptions {
    PublishOptions {
        path: path.to_owned(),
        url: url.to_owned(),
        token: Some("a-token".to_owned()),
        key: None,
        create: false,
        vendor: None,
        no_validate: true,
        wait: 10,
        checks: Checks::default(),
    }
}

async fn publish(url: &str) -> Result<(), Failure> {
    run(&Config::default(), &options(skill().path(), url), true).await
}

fn listed_skill() -> Json<Value> {
    Json(json!({"name": "demo", "kind": "skill"}))
}

fn versions(status: Option<&str>) -> Json<Value> {
    let item = |status| json!({"version": "1.0.0", "digest": "another", "status": status, "confidence": 100});
    Json(json!({"items": status.map(item).into_iter().collect::<Vec<_>>(), "nextCursor": null}))
}

fn error(status: u16, code: &str, details: &Value) -> axum::response::Response {
    let body = json!({"error": {"code": code, "message": "the marketplace's own words", "details": details}});
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

/// A marketplace with the plugin listed, that refuses what is handed in.
async fn refusing(status: u16, code: &'static str, details: Value) -> StandIn {
    let router = Router::new().route("/api/v1/plugins/demo", get(async || listed_skill())).route(
        "/api/v1/plugins/demo/versions",
        get(async || versions(None)).post(async move || error(status, code, &details)),
    );
    StandIn::open(router).await
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    for (status, code, details, told) in [
        (401, "unauthorized", json!({}), "SOUK_TOKEN"),
        (403, "forbidden", json!({}), "the vendor must be verified"),
        (409, "conflict", json!({"reason": "digest_changed"}), "raise `version`"),
        (409, "conflict", json!({"reason": "version_not_increasing"}), "above every version"),
        (413, "payload_too_large", json!({"limit": 5}), ".soukignore"),
        (
            422,
            "validation_failed",
            json!({"fields": [{"field": "manifest.kind", "problem": "must be odd"}]}),
            "\n  manifest.kind: must be odd",
        ),
        (422, "invalid_signature", json!({}), "register the key"),
        (500, "internal", json!({}), "refused with 500"),
    ] {
        let failure = publish(&refusing(status, code, details).await.url).await.unwrap_err();
        let text = failure.to_string();
        assert!(text.contains(told) && text.contains("the marketplace's own words"), "{status}: {text}");
        assert_eq!(failure.code(), 1);
    }
}

#[tokio::test]
async fn who_is_too_fast_comes_back_when_told() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let hand_in = async move || match counted.fetch_add(1, Ordering::Relaxed) {
        0 => ([("retry-after", "1")], error(429, "rate_limited", &json!({}))).into_response(),
        1 => ([("retry-after", "0")], error(503, "unavailable", &json!({}))).into_response(),
        _ => (StatusCode::ACCEPTED, Json(json!({"status": "submitted"}))).into_response(),
    };
    let submitted = Arc::clone(&asked);
    let list = async move || versions((submitted.load(Ordering::Relaxed) > 2).then_some("approved"));
    let router = Router::new()
        .route("/api/v1/plugins/demo", get(async || listed_skill()))
        .route("/api/v1/plugins/demo/versions", get(list).post(hand_in))
        .route("/api/v1/plugins/demo/validation", get(async || Json(json!({"items": []}))));
    let market = StandIn::open(router).await;
    publish(&market.url).await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn nobody_waits_for_hours() {
    let busy = async || ([("retry-after", "86400")], error(429, "rate_limited", &json!({})));
    let market = StandIn::open(Router::new().route("/api/v1/plugins/demo", get(busy))).await;
    let text = publish(&market.url).await.unwrap_err().to_string();
    assert!(text.contains("86400 seconds"), "{text}");
}

#[tokio::test]
async fn a_verdict_is_an_exit_code() {
    for (status, code) in [("approved", 0), ("needs_review", 2), ("rejected", 3), ("yanked", 3), ("validating", 4)] {
        let list = async move || versions(Some(status));
        let accept = async || (StatusCode::ACCEPTED, Json(json!({})));
        // The version that is listed has another digest, which this marketplace does not mind.
        let router = Router::new()
            .route("/api/v1/plugins/demo", get(async || listed_skill()))
            .route("/api/v1/plugins/demo/versions", get(list).post(accept))
            .route("/api/v1/plugins/demo/validation", get(async || Json(json!({"items": []}))));
        let market = StandIn::open(router).await;
        let folder = skill();
        let options = PublishOptions { wait: 0, ..options(folder.path(), &market.url) };
        let ended = run(&Config::default(), &options, true).await.map_or_else(|failure| failure.code(), |()| 0);
        assert_eq!(ended, code, "{status}");
    }
}

#[tokio::test]
async fn a_token_is_not_taken_elsewhere() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let thief = StandIn::open(Router::new().fallback(async move || {
        counted.fetch_add(1, Ordering::Relaxed);
    }))
    .await;
    let elsewhere = thief.url.clone();
    let market = StandIn::open(Router::new().fallback(async move || Redirect::temporary(&elsewhere))).await;
    let text = publish(&market.url).await.unwrap_err().to_string();
    assert!(text.contains("307") && text.contains(&thief.url), "{text}");
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn an_address_that_is_none_of_a_marketplace_is_named() {
    let site = StandIn::open(Router::new().route("/", post(async || ""))).await;
    for url in [site.url.as_str(), "http://127.0.0.1:1", "http://127.0.0.1:1/sub", "ftp://a.example", "nowhere"] {
        let failure = publish(url).await.unwrap_err();
        assert!(failure.to_string().contains("--url") && failure.code() == 1, "{failure}");
    }
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let folder = skill();
    let options = PublishOptions { token: None, ..options(folder.path(), "http://127.0.0.1:1") };
    let text = run(&Config::default(), &options, true).await.unwrap_err().to_string();
    assert!(text.contains("SOUK_TOKEN"), "{text}");
}

#[tokio::test]
async fn what_would_be_refused_is_not_handed_in() {
    let folder = skill();
    fs::write(folder.path().join("SKILL.md"), "no skill").unwrap();
    let options = PublishOptions { no_validate: false, ..options(folder.path(), "http://127.0.0.1:1") };
    let failure = run(&Config::default(), &options, true).await.unwrap_err();
    assert_eq!(failure.code(), 3, "{failure}");
}
