//! What requests pass through, as clients notice it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::ConnectInfo,
    http::{Request, request::Builder},
};
use serde_json::json;
use souk_ports::store::Claim;
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

use crate::{
    RateLimit, RateLimits,
    middleware::idempotency,
    testing::{World, skill},
};

fn raw(content_type: &'static str, body: impl Into<Body>) -> impl FnOnce(Builder) -> Request<Body> {
    let body = body.into();
    move |request| request.header("content-type", content_type).body(body).unwrap()
}

#[tokio::test]
async fn every_error_has_the_one_body() {
    let world = World::with(|settings| settings.json_body_bytes = 10_000);
    let seller = world.seller("acme").await;
    let person = &seller.person;
    let large = vec![b' '; 10_001];
    for (status, code, answer) in [
        (404, "not_found", person.get("/nowhere").await),
        (404, "not_found", person.get("!/nowhere").await),
        (404, "not_found", person.post("!/", json!({})).await),
        (405, "method_not_allowed", person.patch("/auth/login", json!({})).await),
        (400, "malformed_json", person.send("POST", "/plugins", raw("application/json", "{")).await),
        (400, "malformed_json", person.send("POST", "/plugins", raw("application/json", Body::empty())).await),
        (400, "malformed_json", person.send("POST", "/plugins", raw("application/json", &b"\xff\xfe\x00"[..])).await),
        (422, "validation_failed", person.send("POST", "/plugins", raw("application/json", "[]")).await),
        (415, "unsupported_media_type", person.send("POST", "/plugins", raw("text/plain", "name=x")).await),
        (413, "payload_too_large", person.send("POST", "/plugins", raw("application/json", large)).await),
        (400, "bad_request", person.get("/plugins/%00").await),
        (400, "bad_request", person.get("/plugins/%ff").await),
        (401, "unauthorized", world.nobody().get("/me").await),
        (401, "unauthorized", world.nobody().header("authorization", "Basic YTpi").get("/plugins").await),
    ] {
        assert_eq!((answer.status, answer.code()), (status, code), "{}", answer.text);
        let error = &answer.body["error"];
        assert!(error["message"].is_string() && error["timestamp"].is_string(), "{}", answer.text);
        assert_eq!(error["requestId"], answer.header("x-request-id"), "{}", answer.text);
        assert_eq!(answer.header("content-type"), "application/json");
    }
}

#[tokio::test]
async fn a_body_of_unknown_length_is_cut_off() {
    let world = World::with(|settings| settings.json_body_bytes = 10_000);
    let ada = world.person("ada").await;
    let chunks = (0..100).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![b' '; 1_000])));
    let body = Body::from_stream(futures::stream::iter(chunks));
    assert_eq!(ada.send("POST", "/vendors", raw("application/json", body)).await.status, 413);
}

#[tokio::test]
async fn only_archives_may_be_large() {
    let ada = World::with(|settings| settings.json_body_bytes = 10_000).person("ada").await;
    let form = || raw("multipart/form-data; boundary=b", vec![b' '; 10_001]);
    assert_eq!(ada.send("POST", "/vendors", form()).await.status, 413);
    assert_eq!(ada.send("POST", "/plugins/log-reader/versions", form()).await.status, 400);
}

/// An archive that takes `lasting` to arrive, and tells `begun` when somebody begins to read it.
fn slow_archive(begun: &Arc<Notify>, lasting: Duration) -> impl FnOnce(Builder) -> Request<Body> + use<> {
    let begun = Arc::clone(begun);
    let arriving = async move {
        begun.notify_one();
        sleep(lasting).await;
        Ok::<_, std::io::Error>(Bytes::from_static(b"no form"))
    };
    raw("multipart/form-data; boundary=b", Body::from_stream(futures::stream::once(arriving)))
}

const ARCHIVES: &str = "/plugins/log-reader/versions";

#[tokio::test(start_paused = true)]
async fn no_more_archives_are_held_than_may_be() {
    let world = World::with(|settings| settings.uploads_at_once = 2);
    let ada = world.person("ada").await;
    let [one_begun, two_begun, begun]: [Arc<Notify>; 3] = Default::default();
    let long = Duration::from_secs(60);
    let further = async {
        one_begun.notified().await;
        two_begun.notified().await;
        let small = ada.post("/vendors", json!({"name": "Acme", "slug": "acme"})).await;
        let refused = ada.send("POST", ARCHIVES, slow_archive(&begun, Duration::ZERO)).await;
        (small, refused)
    };
    let (one, two, (small, refused)) = tokio::join!(
        ada.send("POST", ARCHIVES, slow_archive(&one_begun, long)),
        ada.send("POST", ARCHIVES, slow_archive(&two_begun, long)),
        further,
    );
    assert_eq!((refused.status, refused.code()), (503, "unavailable"), "{}", refused.text);
    assert_eq!(refused.header("retry-after"), "5");
    assert_eq!(small.status, 201, "only archives wait: {}", small.text);
    assert_eq!((one.code(), two.code()), ("bad_request", "bad_request"), "they are read, and found to be no form");
    for _ in 0..3 {
        let answer = ada.send("POST", ARCHIVES, slow_archive(&begun, Duration::ZERO)).await;
        assert_eq!(answer.code(), "bad_request", "answered ones make room: {}", answer.text);
    }
}

#[tokio::test(start_paused = true)]
async fn an_archive_waits_a_little_for_its_turn() {
    let world = World::with(|settings| settings.uploads_at_once = 1);
    let ada = world.person("ada").await;
    let begun = Arc::new(Notify::new());
    let second = async {
        begun.notified().await;
        ada.send("POST", ARCHIVES, slow_archive(&begun, Duration::ZERO)).await
    };
    let first = ada.send("POST", ARCHIVES, slow_archive(&begun, Duration::from_secs(3)));
    let (first, second) = tokio::join!(first, second);
    assert_eq!((first.code(), second.code()), ("bad_request", "bad_request"), "{}", second.text);
}

#[tokio::test(start_paused = true)]
async fn an_archive_that_breaks_off_makes_room() {
    let world = World::with(|settings| settings.uploads_at_once = 1);
    let ada = world.person("ada").await;
    let begun = Arc::new(Notify::new());
    tokio::select! {
        answer = ada.send("POST", ARCHIVES, slow_archive(&begun, Duration::from_secs(60))) => panic!("{}", answer.text),
        () = begun.notified() => {}
    }
    let answer = ada.send("POST", ARCHIVES, slow_archive(&begun, Duration::ZERO)).await;
    assert_eq!(answer.code(), "bad_request", "{}", answer.text);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_given_up() {
    let world = World::new();
    let ada = world.person("ada").await;
    let body = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
    let answer = ada.send("POST", "/vendors", raw("application/json", body)).await;
    assert_eq!((answer.status, answer.code()), (408, "request_timeout"));
}

#[tokio::test]
async fn ids_of_requests_are_taken_over_and_told() {
    let nobody = World::new().nobody();
    assert_eq!(nobody.header("x-request-id", "mine-1").get("/plugins").await.header("x-request-id"), "mine-1");
    let made = nobody.header("x-request-id", "not mine").get("/plugins").await;
    assert!(made.header("x-request-id").parse::<uuid::Uuid>().is_ok());
}

#[tokio::test]
async fn answers_carry_what_browsers_heed() {
    let world = World::new();
    let answer = world.nobody().header("origin", "https://shop.example").get("/plugins").await;
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "no-cache");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-expose-headers"), "*");
    assert!(answer.header("content-security-policy").contains("default-src 'none'"));
    let preflight = world
        .nobody()
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "POST")
        .send("OPTIONS", "/plugins", |request| request.body(Body::empty()).unwrap())
        .await;
    assert_eq!(preflight.status, 200);
    for allowed in ["origin", "methods", "headers"] {
        assert_eq!(preflight.header(&format!("access-control-allow-{allowed}")), "*", "{allowed}");
    }
}

#[tokio::test]
async fn a_log_that_is_down_is_503_and_nothing_is_lost() {
    let world = World::new();
    let seller = world.seller("acme").await;
    world.log_is_down();
    let answer = seller.person.header("idempotency-key", "k").post("/plugins", skill("log-reader")).await;
    assert_eq!((answer.status, answer.code()), (503, "unavailable"), "{}", answer.text);
    assert!(!answer.header("retry-after").is_empty());
    assert!(!answer.text.contains("the log is down"), "causes are for the logs");
    world.log_is_up();
    let again = seller.person.header("idempotency-key", "k").post("/plugins", skill("log-reader")).await;
    assert_eq!(again.status, 201, "a failure is not an answer to keep: {}", again.text);
}

#[tokio::test]
async fn a_repeated_key_gives_the_first_answer_again() {
    let world = World::new();
    let ada = world.person("ada").await;
    let keyed = ada.header("idempotency-key", "\"8e03978e\"");
    let body = json!({"name": "Acme", "slug": "acme"});
    let first = keyed.post("/vendors", body.clone()).await;
    let again = keyed.post("/vendors", body.clone()).await;
    assert_eq!((again.status, &again.text, again.position()), (201, &first.text, first.position()));
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    assert_eq!(
        ada.header("idempotency-key", "8e03978e").post("/vendors", body).await.header("idempotent-replayed"),
        "true"
    );
    assert_eq!(world.count("vendor.registered"), 1);
}

#[tokio::test]
async fn a_refusal_is_an_answer_too() {
    let world = World::new();
    world.seller("acme").await;
    let keyed = world.person("ada").await.header("idempotency-key", "k");
    let body = json!({"name": "Acme", "slug": "acme"});
    let first = keyed.post("/vendors", body.clone()).await;
    let again = keyed.post("/vendors", body).await;
    assert_eq!((first.status, again.status, &again.text), (409, 409, &first.text));
}

#[tokio::test]
async fn a_key_is_for_one_request_of_one_person() {
    let world = World::new();
    let (ada, ben) = (world.person("ada").await, world.person("ben").await);
    let vendor = |slug: &str| json!({"name": "Acme", "slug": slug});
    ada.header("idempotency-key", "k").post("/vendors", vendor("one")).await;
    let other = ada.header("idempotency-key", "k").post("/vendors", vendor("two")).await;
    assert_eq!((other.status, other.code()), (422, "idempotency_key_reused"));
    let nonsense = ada.header("idempotency-key", "k").post("/vendors", json!({"name": 5})).await;
    assert_eq!(nonsense.code(), "idempotency_key_reused", "before any other check");
    assert_eq!(ben.header("idempotency-key", "k").post("/vendors", vendor("three")).await.status, 201);
    assert_eq!(ada.header("idempotency-key", "k").post("/me/api-keys", json!({"label": "l"})).await.status, 201);
}

#[tokio::test]
async fn a_key_has_a_form() {
    let ada = World::new().person("ada").await;
    for key in ["", "\"", "a b", &"k".repeat(256)] {
        let answer = ada.header("idempotency-key", key).post("/vendors", json!({})).await;
        assert_eq!((answer.status, answer.code()), (400, "bad_request"), "{key}");
    }
}

#[tokio::test]
async fn a_twin_of_a_running_request_waits_and_is_refused() {
    let world = World::new();
    let ada = world.person("ada").await;
    let body = json!({"name": "Acme", "slug": "acme"});
    let text = body.to_string();
    let command = idempotency::command(&format!("user {}", ada.id), "POST /api/v1/vendors", "k");
    let fingerprint = idempotency::fingerprint("POST", "/api/v1/vendors", text.as_bytes());
    let records = &world.api.idempotency;
    assert_eq!(records.claim(command, fingerprint, Duration::from_secs(30)).await.unwrap(), Claim::Claimed);
    let twin = ada.header("idempotency-key", "k").post("/vendors", body.clone()).await;
    assert_eq!((twin.status, twin.reason()), (409, "still_running"));
    world.clock.advance(Duration::from_secs(31));
    assert_eq!(ada.header("idempotency-key", "k").post("/vendors", body).await.status, 201, "its lease is over");
}

#[tokio::test]
async fn stored_answers_are_sealed() {
    let world = World::new();
    let body = json!({"email": "ada@example.com", "password": "correct horse", "displayName": "Ada"});
    let keyed = world.nobody().header("idempotency-key", "k");
    let first = keyed.post("/auth/register", body.clone()).await;
    assert_eq!(first.status, 201);
    let command = idempotency::command("address 0.0.0.0", "POST /api/v1/auth/register", "k");
    let fingerprint = idempotency::fingerprint("POST", "/api/v1/auth/register", body.to_string().as_bytes());
    let claim = world.api.idempotency.claim(command, fingerprint, Duration::from_secs(30)).await.unwrap();
    let Claim::Finished(answer) = claim else { panic!("no answer is stored: {claim:?}") };
    let stored = String::from_utf8_lossy(&answer.body);
    assert!(!stored.contains("ada@example.com") && !stored.contains("souk_rt_"));
    assert_eq!(keyed.post("/auth/register", body).await.text, first.text);
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_stop_what_it_began() {
    let world = World::new();
    let ada = world.person("ada").await;
    let keyed = ada.header("idempotency-key", "k");
    let body = json!({"name": "Acme", "slug": "acme"});
    let asking = keyed.post("/vendors", body.clone());
    // One poll: the request has begun, and then nobody waits for it.
    assert!(timeout(Duration::ZERO, asking).await.is_err() || world.count("vendor.registered") == 1);
    let answer = keyed.post("/vendors", body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(world.count("vendor.registered"), 1);
}

#[tokio::test]
async fn who_asks_too_often_waits() {
    let window = Duration::from_secs(900);
    let limit = |quota| RateLimit { quota, window };
    let limits = RateLimits { requests: limit(3), validations: limit(1), ..RateLimits::default() };
    let world = World::with(|settings| settings.rate_limits = Some(limits));
    let nobody = world.nobody();
    for remaining in ["2", "1", "0"] {
        let answer = nobody.get("/plugins").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit-policy"), "\"requests\";q=3;w=900");
        assert!(answer.header("ratelimit").starts_with(&format!("\"requests\";r={remaining};t=")));
    }
    let refused = nobody.get("/plugins").await;
    assert_eq!((refused.status, refused.code()), (429, "rate_limited"));
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 800);
    assert_eq!(nobody.get("!/health").await.status, 200, "those who run Souk are not counted");

    let elsewhere = |address: [u8; 4]| {
        let mut request = nobody.request("GET", "/plugins", |request| request.body(Body::empty()).unwrap());
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((address, 1))));
        let http = crate::router(world.api.clone());
        async move { http.answer(request).await }
    };
    assert_eq!(elsewhere([192, 0, 2, 1]).await.status(), 200, "another address has its own count");
}

#[tokio::test]
async fn an_account_counts_on_its_own_and_so_does_each_of_its_keys() {
    let limit = |quota| RateLimit { quota, window: Duration::from_secs(900) };
    let world = World::with(|s| {
        s.rate_limits = Some(RateLimits { requests: limit(2), validations: limit(1), ..RateLimits::default() })
    });
    let ada = world.person("ada").await;
    let made = ada.post("/me/api-keys", json!({"label": "l"})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(ada.get("/me").await.status, 200);
    assert_eq!(ada.get("/me").await.status, 429);
    let key = world.with_token(made.body["key"].as_str().unwrap());
    assert_eq!(key.get("/me").await.status, 200);
}

#[tokio::test]
async fn a_panic_is_500_with_the_one_body() {
    let world = World::new();
    let read = world.nobody().get("/plugins?q=panic").await;
    let admin = world.admin().await;
    let write = admin.post("/admin/projections/panicking/rebuild", json!({})).await;
    let keyed = admin.header("idempotency-key", "k").post("/admin/projections/panicking/rebuild", json!({})).await;
    for answer in [read, write, keyed] {
        assert_eq!((answer.status, answer.code()), (500, "internal"), "{}", answer.text);
        assert!(!answer.text.contains("panics"), "causes are for the logs");
    }
    assert_eq!(world.nobody().get("/plugins").await.status, 200);
}

#[tokio::test]
async fn the_trace_of_a_request_is_recorded() {
    let world = World::new();
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let ada = world.person("ada").await.header("traceparent", trace);
    ada.post("/vendors", json!({"name": "Acme", "slug": "acme"})).await;
    let events = world.memory.events();
    let registered = events.iter().find(|event| event.event_type == "vendor.registered").unwrap();
    let metadata: souk_ports::Metadata = serde_json::from_slice(&registered.metadata).unwrap();
    assert_eq!(metadata.traceparent.as_deref(), Some(trace));
}

#[tokio::test]
async fn an_error_keeps_the_headers_that_explain_it() {
    let answer = World::new().nobody().patch("/auth/login", json!({})).await;
    assert_eq!(answer.header("allow"), "POST");
}
