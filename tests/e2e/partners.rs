//! Partners over the real binary: pages, streams that are cut and resumed, webhooks that fail in every way, and the topic of Kafka.

pub mod receiver;

use std::{collections::BTreeMap, time::Duration};

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{Consumer, StreamConsumer},
    message::Headers,
};
use serde_json::{Value, json};
use sha2::Sha256;
use souk_embedded_postgres::testing::{TestDir, data_dir};
use souk_tests::{
    client::{Answer, Client},
    process::{self, Options, Souk},
    sample,
};

use self::receiver::{Receiver, Reply};
use crate::{
    cluster::Standin,
    support::{self, PASSWORD, Seller, published, unique, verified},
};

/// A Souk of its own, with an admin and a vendor.
struct Market {
    souk: Souk,
    home: TestDir,
    nobody: Client,
    admin: Client,
    seller: Seller,
}

impl Market {
    async fn open(env: &[(&str, &str)]) -> Self {
        let home = data_dir();
        let options = env.iter().fold(Options::default(), |options, (key, value)| options.env(key, value));
        let options = options.env("SOUK_RATE_LIMITS", "off");
        let souk = tokio::task::block_in_place(|| Souk::start(home.path(), &options)).expect("starts");
        let nobody = Client::new(souk.base());
        let email = format!("{}@example.com", unique("admin"));
        nobody.register(&email, PASSWORD, "Ada Admin").await.expect("registers");
        let arguments = ["admin", "grant", &email, "admin"];
        let granted = tokio::task::block_in_place(|| process::run(home.path(), &arguments, env)).expect("runs");
        assert!(granted.status.success(), "{}", String::from_utf8_lossy(&granted.stderr));
        let admin = nobody.login(&email, PASSWORD).await.expect("logs in");
        let seller = verified(&nobody, &admin).await;
        Self { souk, home, nobody, admin, seller }
    }

    /// With webhooks that may be called here, answer soon, and are called again soon.
    async fn with_hooks() -> Self {
        Self::open(&[
            ("SOUK_PARTNERS__WEBHOOKS_ANYWHERE", "true"),
            ("SOUK_PARTNERS__WEBHOOK_TIMEOUT_SECONDS", "1"),
            ("SOUK_PARTNERS__WEBHOOK_RETRY_SECONDS", "[1, 1, 1]"),
        ])
        .await
    }

    async fn partner(&self, scopes: Value) -> Client {
        partner(&self.admin, scopes).await
    }

    /// What `/metrics` says of webhooks, line by line.
    async fn measured(&self) -> Vec<String> {
        let metrics = self.nobody.get("!/metrics").await.expect("answers").text;
        metrics.lines().filter(|line| line.starts_with("souk_partner_")).map(str::to_owned).collect()
    }

    async fn publish(&self, count: usize) {
        for _ in 0..count {
            published(&self.seller, &sample::free()).await;
        }
    }
}

/// A partner who may see `scopes`.
pub async fn partner(admin: &Client, scopes: Value) -> Client {
    let made = admin.post("/admin/partners", json!({"name": "Mirrors", "scopes": scopes})).await.expect("answers");
    let id = made.expect(201).expect("is made").text_at("/id").expect("an id");
    let key = admin.post(&format!("/admin/partners/{id}/keys"), json!({"label": "one"})).await.expect("answers");
    admin.with_token(&key.expect(201).expect("is made").text_at("/key").expect("a key"))
}

/// Every event that the partner may see, page by page.
pub async fn pages(partner: &Client, limit: usize) -> Vec<Value> {
    let (mut after, mut all) = (0, Vec::new());
    loop {
        let page = partner.get(&format!("/events?limit={limit}&after={after}")).await.expect("answers");
        let page = page.expect(200).expect("is a page").body;
        all.extend(page["items"].as_array().expect("a list").iter().cloned());
        after = page["nextAfter"].as_u64().expect("a position");
        if page["end"] == true {
            return all;
        }
    }
}

fn ids(events: &[Value]) -> Vec<String> {
    events.iter().map(|event| event["id"].as_str().expect("an id").to_owned()).collect()
}

/// A stream of events that is being read.
pub struct Stream {
    response: reqwest::Response,
    text: String,
}

impl Stream {
    pub async fn open(partner: &Client, path: &str, last: Option<&str>) -> Self {
        let request = partner.request(reqwest::Method::GET, path);
        let request = match last {
            Some(id) => request.header("Last-Event-ID", id),
            None => request,
        };
        let response = request.send().await.expect("answers");
        assert_eq!(response.status(), 200);
        Self { response, text: String::new() }
    }

    async fn more(&mut self) -> bool {
        match self.response.chunk().await.expect("reads") {
            Some(chunk) => {
                self.text.push_str(std::str::from_utf8(&chunk).expect("text"));
                true
            }
            None => false,
        }
    }

    /// Its `id` and what it says.
    pub async fn event(&mut self) -> (String, Value) {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n").map(|(a, b)| (a.to_owned(), b.to_owned())) {
                self.text = rest;
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
                if let (Some(id), Some(data)) = (field("id: "), field("data: ")) {
                    return (id, serde_json::from_str(&data).expect("JSON"));
                }
            }
            assert!(self.more().await, "the stream ended: {}", self.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_cut_anywhere_goes_on_without_loss_or_repetition() {
    let market = Market::open(&[]).await;
    let partner = market.partner(json!({"types": ["*"]})).await;
    market.publish(3).await;
    let expected = pages(&partner, 1_000).await;
    assert!(expected.len() > 12, "{}", expected.len());
    assert_eq!(ids(&pages(&partner, 3).await), ids(&expected));
    let (mut taken, mut last, mut cut) = (Vec::new(), None::<String>, 1);
    // Cut behind one event, behind two, behind three, in the middle of what was sent.
    while taken.len() < expected.len() {
        let mut stream = Stream::open(&partner, "/events/stream?after=0", last.as_deref()).await;
        for _ in 0..cut.min(expected.len() - taken.len()) {
            let (id, event) = stream.event().await;
            assert_eq!(event["sequence"], json!(id));
            last = Some(id);
            taken.push(event);
        }
        cut += 1;
    }
    assert_eq!(taken, expected);

    // A Souk that is killed and comes back goes on at the same place.
    let mut stream = Stream::open(&partner, "/events/stream", last.as_deref()).await;
    market.publish(1).await;
    let (first, _) = stream.event().await;
    let Market { souk, home, .. } = market;
    let address = souk.base().strip_prefix("http://").expect("an address").to_owned();
    souk.kill().expect("is killed");
    drop(stream);
    let options = Options { listen: Some(address), ..Options::default() }.env("SOUK_RATE_LIMITS", "off");
    let souk = tokio::task::block_in_place(|| Souk::start(home.path(), &options)).expect("starts again");
    let partner = partner.at(souk.base());
    let rest: Vec<Value> = pages(&partner, 1_000)
        .await
        .into_iter()
        .skip_while(|event| event["sequence"] != json!(first))
        .skip(1)
        .collect();
    let mut stream = Stream::open(&partner, "/events/stream", Some(&first)).await;
    let mut resumed = Vec::new();
    for _ in 0..rest.len() {
        resumed.push(stream.event().await.1);
    }
    assert_eq!(resumed, rest);
    let me = partner.get("/partners/me").await.expect("answers").body;
    assert_eq!(me["streams"], 1);

    // Who ends in order says so, and waits for nobody.
    let ended = tokio::task::spawn_blocking(move || souk.stop());
    while stream.more().await {}
    assert!(stream.text.ends_with(": shutdown: this process ends; resume with Last-Event-ID\n\n"), "{}", stream.text);
    assert!(ended.await.expect("ends").expect("ends").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_partner_must_not_ask_is_named() {
    let admin = support::admin().await;
    let seller = support::seller().await;
    let plugin = published(&seller, &sample::free()).await;
    let partner = partner(&admin, json!({"types": ["plugin.*"], "plugins": []})).await;
    let narrow = self::partner(&admin, json!({"types": ["plugin.*"], "vendors": [seller.vendor]})).await;
    let stranger = support::seller().await;
    let get = async |client: &Client, path: &str| -> Answer { client.get(path).await.expect("answers") };
    for path in ["/events?after=9000000000", "/events/stream?after=9000000000"] {
        let answer = get(&partner, path).await;
        assert_eq!((answer.status, answer.code()), (400, "cursor_ahead"), "{path}");
        assert!(answer.body["error"]["details"]["head"].as_u64().is_some_and(|head| head > 0));
    }
    for (client, query) in [
        (&partner, "types=review.submitted".to_owned()),
        (&narrow, format!("vendor={}", stranger.vendor)),
        (&narrow, "types=vendor.registered".to_owned()),
    ] {
        for path in ["/events", "/events/stream"] {
            let answer = get(client, &format!("{path}?{query}")).await;
            assert_eq!((answer.status, answer.code()), (403, "beyond_scope"), "{path}?{query}: {}", answer.text);
        }
    }
    assert_eq!(get(&partner, "/events?types=plugin.exploded").await.status, 422);
    let own = get(&narrow, &format!("/events?plugin={plugin}")).await;
    assert!(own.body["items"].as_array().is_some_and(|items| !items.is_empty()), "{}", own.text);
    // Nobody's network is called, however it is written, where that was not allowed.
    for url in [
        "https://127.0.0.1/hook",
        "https://[::ffff:192.168.0.1]/hook",
        "https://localhost/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://0x7f000001/",
        "http://example.com/hook",
    ] {
        let answer = partner.post("/partners/me/webhooks", json!({"url": url})).await.expect("answers");
        assert_eq!((answer.status, answer.code()), (422, "validation_failed"), "{url}: {}", answer.text);
    }
    assert_eq!(get(&partner, "/me").await.status, 401);
    assert_eq!(get(&seller.client, "/partners/me").await.status, 401);
}

/// Whether one of the signatures is that of `secret`, as Standard Webhooks 1.0 have it.
fn is_signed(call: &receiver::Call, secret: &str) -> bool {
    let key = BASE64.decode(secret.strip_prefix("whsec_").expect("a secret").as_bytes()).expect("base64");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length");
    mac.update(format!("{}.{}.", call.header("webhook-id"), call.header("webhook-timestamp")).as_bytes());
    mac.update(call.body.as_bytes());
    let expected = format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes()));
    call.header("webhook-signature").split(' ').any(|signature| signature == expected)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_told_everything_in_order_however_often_it_fails() {
    let market = Market::with_hooks().await;
    let partner = market.partner(json!({"types": ["plugin.*", "vendor.*"]})).await;
    let receiver = Receiver::start().await;
    let body = json!({"url": receiver.url(), "types": ["plugin.*"], "after": 0});
    // Three failures of one event are one less than what disables it.
    receiver.answer([Reply::Status(500), Reply::Hang, Reply::Redirect]);
    let made = partner.post("/partners/me/webhooks", body).await.expect("answers").expect(201).expect("is made");
    let (id, secret) = (made.text_at("/id").expect("an id"), made.text_at("/secret").expect("a secret"));
    market.publish(3).await;
    let all: Vec<Value> = pages(&partner, 1_000)
        .await
        .into_iter()
        .filter(|event| event["type"].as_str().unwrap().contains("plugin"))
        .collect();
    let calls = receiver.until(all.len() + 3).await;
    assert!(calls.iter().all(|call| is_signed(call, &secret)), "a signature is wrong");
    let first = calls[0].header("webhook-id");
    assert!(calls[..4].iter().all(|call| call.header("webhook-id") == first), "the first one was tried four times");
    let told: Vec<Value> = calls[3..].iter().map(|call| serde_json::from_str(&call.body).expect("JSON")).collect();
    assert_eq!(told, all, "in order, each once");
    let path = format!("/partners/me/webhooks/{id}");
    let log = partner.get(&format!("{path}/deliveries?limit=100")).await.expect("answers").body;
    let mut first_four: Vec<&Value> = log["items"].as_array().expect("a list").iter().rev().take(4).collect();
    let problems: Vec<&str> =
        first_four.drain(..3).map(|item| item["problem"].as_str().unwrap().split(':').next().unwrap()).collect();
    assert_eq!(problems, ["refused", "timeout", "redirect"]);
    assert_eq!((&first_four[0]["delivered"], &first_four[0]["attempt"]), (&json!(true), &json!(4)));

    // Both secrets sign while one takes over.
    let rotated = partner.post(&format!("{path}/rotate"), json!({"overlapSeconds": 3600})).await.expect("answers");
    let new = rotated.expect(200).expect("is rotated").text_at("/secret").expect("a secret");
    let before = receiver.calls().len();
    let again = partner.post(&format!("{path}/replay"), json!({"after": 0})).await.expect("answers");
    again.expect(200).expect("is replayed");
    let replayed = receiver.until(before + all.len()).await.split_off(before);
    assert!(replayed.iter().all(|call| is_signed(call, &secret) && is_signed(call, &new)));
    let replayed: Vec<String> = replayed.iter().map(|call| call.header("webhook-id")).collect();
    assert_eq!(replayed, ids(&all), "under the same ids");
    let ahead = partner.post(&format!("{path}/replay"), json!({"after": 90_000_000})).await.expect("answers");
    assert_eq!(ahead.code(), "cursor_ahead");

    // Up to the end: the lag is none of what it wants.
    let caught_up = |answer: &Answer| answer.body["webhooks"][0]["lag"] == 0;
    partner.until("/partners/me", caught_up).await.expect("catches up");
    let shown = market.admin.get("/admin/partners").await.expect("answers").body;
    assert_eq!(shown["items"][0]["webhooks"][0]["id"], json!(id));

    let calls = receiver.calls().len();
    let measured = market.measured().await;
    for (outcome, times) in [("delivered", calls - 3), ("refused", 1), ("timeout", 1), ("redirect", 1)] {
        let line = format!("souk_partner_deliveries_total{{outcome=\"{outcome}\"}} {times}");
        assert!(measured.contains(&line), "no {line}: {measured:?}");
    }
    let line = format!("souk_partner_delivery_duration_seconds_count {calls}");
    assert!(measured.contains(&line), "no {line}: {measured:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_gone_or_fails_for_long_is_left_alone_until_it_is_enabled() {
    let market = Market::with_hooks().await;
    let partner = market.partner(json!({"types": ["plugin.*"]})).await;
    let (gone, failing) = (Receiver::start().await, Receiver::start().await);
    gone.answer([Reply::Status(410)]);
    failing.answer([Reply::Status(503); 4]);
    let make = async |receiver: &Receiver| {
        let body = json!({"url": receiver.url(), "after": 0});
        let made = partner.post("/partners/me/webhooks", body).await.expect("answers").expect(201).expect("is made");
        format!("/partners/me/webhooks/{}", made.text_at("/id").expect("an id"))
    };
    let (gone_at, failing_at) = (make(&gone).await, make(&failing).await);
    market.publish(1).await;
    let off = |answer: &Answer| answer.body["enabled"] == false;
    let gone_now = partner.until(&gone_at, off).await.expect("is disabled").body;
    assert_eq!((&gone_now["disabledBecause"], gone.calls().len()), (&json!("gone"), 1));
    let failing_now = partner.until(&failing_at, off).await.expect("is disabled").body;
    assert_eq!((&failing_now["disabledBecause"], failing.calls().len()), (&json!("failing"), 4));
    let measured = market.measured().await;
    for reason in ["gone", "failing"] {
        let line = format!("souk_partner_webhooks_disabled_total{{reason=\"{reason}\"}} 1");
        assert!(measured.contains(&line), "no {line}: {measured:?}");
    }
    for (receiver, path) in [(&gone, &gone_at), (&failing, &failing_at)] {
        let (before, first) = (receiver.calls().len(), receiver.calls()[0].header("webhook-id"));
        let enabled = partner.post(&format!("{path}/enable"), json!({})).await.expect("answers");
        assert_eq!(enabled.expect(200).expect("is enabled").body["enabled"], true);
        let calls = receiver.until(before + 1).await;
        assert_eq!(calls[before].header("webhook-id"), first, "it goes on where it was");
    }
    let tested =
        partner.post(&format!("{gone_at}/test"), json!({})).await.expect("answers").expect(200).expect("is called");
    assert_eq!((&tested.body["delivered"], &tested.body["type"]), (&json!(true), &json!("souk.webhook.test.v1")));
    assert_eq!(partner.delete(&gone_at).await.expect("answers").status, 204);
    // A suspended partner is told nothing, and everything later.
    let me = partner.get("/partners/me").await.expect("answers").text_at("/id").expect("an id");
    let path = format!("/admin/partners/{me}");
    let suspend = async |suspended: bool| {
        let body = json!({"suspended": suspended, "reason": "a test"});
        market.admin.patch(&path, body).await.expect("answers").expect(200).expect("is changed");
    };
    let caught_up = |answer: &Answer| answer.body["webhooks"][0]["lag"] == 0;
    partner.until("/partners/me", caught_up).await.expect("catches up");
    suspend(true).await;
    let before = failing.calls().len();
    market.publish(1).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(failing.calls().len(), before);
    suspend(false).await;
    failing.until(before + 1).await;
}

/// Positions of KurrentDB have holes: nothing begins in one, now or later.
#[tokio::test(flavor = "multi_thread")]
async fn a_position_that_the_log_never_gave_is_refused_wherever_it_is_named() {
    let kurrentdb = tokio::task::block_in_place(|| Standin::start(&[]));
    let market = Market::open(&[
        ("SOUK_PARTNERS__WEBHOOKS_ANYWHERE", "true"),
        ("SOUK_EVENTS__LOG", "kurrentdb"),
        ("SOUK_KURRENTDB__URL", kurrentdb.url()),
    ])
    .await;
    let partner = market.partner(json!({"types": ["*"]})).await;
    market.publish(1).await;
    let receiver = Receiver::start().await;
    let all = pages(&partner, 1_000).await;
    let given: u64 = all[2]["sequence"].as_str().expect("a sequence").parse().expect("a position");
    let hook = async |after: u64| {
        let body = json!({"url": receiver.url(), "after": after});
        partner.post("/partners/me/webhooks", body).await.expect("answers")
    };
    let id = hook(given).await.expect(201).expect("is made").text_at("/id").expect("an id");
    let told = receiver.until(all.len() - 3).await;
    assert_eq!(told[0].header("webhook-id"), all[3]["id"].as_str().expect("an id"));

    let odd = given + 1;
    let replay = format!("/partners/me/webhooks/{id}/replay");
    for answer in [
        partner.get(&format!("/events?after={odd}")).await.expect("answers"),
        partner.get(&format!("/events/stream?after={odd}")).await.expect("answers"),
        hook(odd).await,
        partner.post(&replay, json!({"after": odd})).await.expect("answers"),
    ] {
        assert_eq!((answer.status, answer.code()), (422, "validation_failed"), "{}", answer.text);
        assert!(answer.text.contains("is no position of this log"), "{}", answer.text);
    }
    let made = partner.get("/partners/me/webhooks").await.expect("answers").body;
    assert_eq!(made["items"].as_array().map(Vec::len), Some(1), "{made}");
    partner.post(&replay, json!({"after": 0})).await.expect("answers").expect(200).expect("is replayed");
    assert!(market.souk.stop().expect("ends").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_topic_has_what_pages_have() {
    let broker = tokio::task::block_in_place(souk_test_kafka::Broker::start).expect("Kafka starts");
    let market = Market::open(&[
        ("SOUK_EVENTS__FEED", "kafka"),
        ("SOUK_KAFKA__BROKERS", broker.brokers()),
        ("SOUK_KAFKA__PARTITIONS", "3"),
        ("SOUK_KAFKA__PUBLIC_TOPIC", "souk.public"),
    ])
    .await;
    let partner = market.partner(json!({"types": ["*"]})).await;
    market.publish(2).await;
    let expected: BTreeMap<String, Value> = pages(&partner, 1_000)
        .await
        .into_iter()
        .map(|event| (event["id"].as_str().unwrap().to_owned(), event))
        .collect();
    let consumer: StreamConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker.brokers())
        .set("group.id", "partner")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .create()
        .expect("a consumer");
    let mut all = TopicPartitionList::new();
    for partition in 0..3 {
        all.add_partition_offset("souk.public", partition, Offset::Beginning).expect("an offset");
    }
    consumer.assign(&all).expect("is assigned");
    let mut found = BTreeMap::new();
    while found.len() < expected.len() {
        let record =
            tokio::time::timeout(Duration::from_secs(60), consumer.recv()).await.expect("comes").expect("is read");
        let headers: BTreeMap<String, String> = record
            .headers()
            .expect("headers")
            .iter()
            .map(|header| {
                (header.key.to_owned(), String::from_utf8(header.value.expect("a value").to_vec()).expect("text"))
            })
            .collect();
        let id = headers["ce_id"].clone();
        let event = &expected[&id];
        for name in ["specversion", "id", "source", "type", "subject", "time", "sequence", "partitionkey", "dataschema"]
        {
            assert_eq!(json!(headers[&format!("ce_{name}")]), event[name], "{name}");
        }
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(record.key(), event["partitionkey"].as_str().map(str::as_bytes));
        let data: Value = serde_json::from_slice(record.payload().expect("data")).expect("JSON");
        assert_eq!(data, event["data"]);
        assert!(found.insert(id, ()).is_none(), "it is there twice");
    }
    drop(market.nobody);
    assert!(market.souk.stop().expect("ends").success());
}
