//! What is sent to the addresses of payment gateways by gateways, by who pretends to be one, and by lines that break.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use souk_embedded_postgres::testing::{TestDir, data_dir};
use souk_tests::{
    client::{Answer, Client},
    process::{Options, Souk},
    sample,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{PASSWORD, Seller, grant, person, published, unique, verified};

const STRIPE: &str = "!/webhooks/stripe";
const RAZORPAY: &str = "!/webhooks/razorpay";
const SECRET: &str = "whsec_of_today";
const SECRET_BEFORE: &str = "whsec_of_yesterday";
const RAZORPAY_SECRET: &str = "rzp_of_today";

/// Seconds since 1970, as a gateway's clock says.
fn now() -> i64 {
    let elapsed = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970");
    i64::try_from(elapsed.as_secs()).expect("before the year 292 billion")
}

fn mac(secret: &str, parts: &[&[u8]]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    parts.iter().for_each(|part| mac.update(part));
    hex::encode(mac.finalize().into_bytes())
}

fn stripe_signature(secret: &str, at: i64, body: &[u8]) -> String {
    format!("t={at},v1={}", mac(secret, &[at.to_string().as_bytes(), b".", body]))
}

/// A Souk that Stripe and Razorpay are set up for, neither of which answers.
struct Shop {
    souk: Souk,
    _home: TestDir,
    nobody: Client,
    admin: Client,
    seller: Seller,
}

impl Shop {
    async fn open() -> Self {
        let home = data_dir();
        let options = [
            ("SOUK_RATE_LIMITS", "off"),
            ("SOUK_PAYMENTS__STRIPE__SECRET_KEY", "sk_test_1"),
            ("SOUK_PAYMENTS__STRIPE__WEBHOOK_SECRET", SECRET),
            ("SOUK_PAYMENTS__STRIPE__PREVIOUS_WEBHOOK_SECRET", SECRET_BEFORE),
            ("SOUK_PAYMENTS__STRIPE__API_BASE", "http://127.0.0.1:9"),
            ("SOUK_PAYMENTS__RAZORPAY__KEY_ID", "rzp_test_1"),
            ("SOUK_PAYMENTS__RAZORPAY__KEY_SECRET", "secret"),
            ("SOUK_PAYMENTS__RAZORPAY__WEBHOOK_SECRET", RAZORPAY_SECRET),
            ("SOUK_PAYMENTS__RAZORPAY__API_BASE", "http://127.0.0.1:9"),
        ];
        let options = options.iter().fold(Options::default(), |options, (key, value)| options.env(key, value));
        let souk = tokio::task::block_in_place(|| Souk::start(home.path(), &options)).expect("starts");
        let nobody = Client::new(souk.base());
        let email = format!("{}@example.com", unique("admin"));
        nobody.register(&email, PASSWORD, "Ada Admin").await.expect("registers");
        grant(home.path(), &email, "admin");
        let admin = nobody.login(&email, PASSWORD).await.expect("logs in");
        let seller = verified(&nobody, &admin).await;
        Self { souk, _home: home, nobody, admin, seller }
    }

    async fn send(&self, path: &str, headers: &[(&str, String)], body: Vec<u8>) -> Answer {
        let request = self.nobody.request(reqwest::Method::POST, path).body(body);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        self.nobody.send(request).await.expect("answers")
    }

    async fn stripe(&self, signature: &str, body: impl Into<Vec<u8>>) -> Answer {
        self.send(STRIPE, &[("stripe-signature", signature.to_owned())], body.into()).await
    }

    /// Sends what Stripe would, signed now.
    async fn told(&self, event: &Value) -> Answer {
        let body = event.to_string();
        self.stripe(&stripe_signature(SECRET, now(), body.as_bytes()), body).await
    }

    async fn webhooks(&self, query: &str) -> Vec<Value> {
        let answer = self.admin.get(&format!("/admin/webhooks?limit=100{query}")).await.expect("answers");
        answer.expect(200).expect("is shown").body["items"].as_array().expect("a list").clone()
    }

    /// What became of a webhook, once that is known.
    async fn came_to(&self, received: &Answer) -> Value {
        assert_eq!(received.status, 200, "{}", received.text);
        let path = format!("/admin/webhooks/{}", received.text_at("/id").expect("an id"));
        let known = |answer: &Answer| answer.status == 200 && answer.body["state"] != "new";
        self.admin.until(&path, known).await.expect("is taken in").body
    }

    async fn order(&self, buyer: &Client) -> String {
        let plugin = published(&self.seller, &sample::one_time(4_900, "USD")).await;
        let order = buyer.post("/orders", json!({"plugin": plugin, "gateway": "stripe"})).await.expect("answers");
        order.expect(201).expect("is placed").text_at("/id").expect("an id")
    }

    async fn order_status(&self, order: &str) -> String {
        let order = self.admin.get(&format!("/orders/{order}")).await.expect("answers");
        order.text_at("/status").expect("a status")
    }
}

fn event(id: &str, kind: &str, object: &Value) -> Value {
    json!({"id": id, "object": "event", "type": kind, "created": now(), "livemode": false,
        "data": {"object": object}})
}

/// That a session was paid, with the intent `pi_ID`.
fn paid(id: &str, order: &str, amount: i64, currency: &str) -> Value {
    let object = json!({"id": format!("cs_{id}"), "object": "checkout.session", "mode": "payment", "payment_status": "paid",
        "status": "complete", "amount_total": amount, "amount_subtotal": amount, "currency": currency,
        "total_details": {"amount_tax": 0}, "client_reference_id": order, "metadata": {"order_id": order},
        "payment_intent": format!("pi_{id}"), "subscription": null, "invoice": null});
    event(id, "checkout.session.completed", &object)
}

fn refunded(id: &str, intent: &str, amount: i64, status: &str) -> Value {
    let object = json!({"id": format!("re_{id}"), "object": "refund", "amount": amount, "currency": "usd", "charge": null,
        "payment_intent": intent, "metadata": {}, "status": status});
    event(id, "refund.updated", &object)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_did_not_sign_what_came_is_refused_and_nothing_is_kept() {
    let shop = Shop::open().await;
    let body = event("evt_forged", "payment_intent.succeeded", &json!({})).to_string();
    let (now, bytes) = (now(), body.as_bytes());
    let good = stripe_signature(SECRET, now, bytes);
    let forged = [
        ("another secret", stripe_signature("whsec_of_nobody", now, bytes)),
        ("an empty secret", stripe_signature("", now, bytes)),
        ("another body", stripe_signature(SECRET, now, b"{}")),
        ("another time", good.replace(&format!("t={now}"), &format!("t={}", now - 1))),
        ("two times", format!("t={now},{good}")),
        ("an old scheme", good.replace("v1=", "v0=")),
        ("no time", good.split_once(',').expect("two parts").1.to_owned()),
        ("too old", stripe_signature(SECRET, now - 301 - 30, bytes)),
        ("of the future", stripe_signature(SECRET, now + 301 + 30, bytes)),
        ("no hex", format!("t={now},v1=zz")),
        ("nothing", String::new()),
    ];
    for (what, signature) in forged {
        let answer = shop.stripe(&signature, body.as_str()).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_signature"), "{what}: {}", answer.text);
    }
    let unsigned = shop.send(STRIPE, &[], body.clone().into()).await;
    assert_eq!((unsigned.status, unsigned.code()), (400, "invalid_signature"));
    let twice = [("stripe-signature", good.clone()), ("stripe-signature", good.clone())];
    assert_eq!(shop.send(STRIPE, &twice, body.clone().into()).await.code(), "invalid_signature");

    let razorpay = json!({"entity": "event", "event": "payment.captured"}).to_string();
    let id = || ("x-razorpay-event-id", "evt_r".to_owned());
    let signature = |secret: &str| ("x-razorpay-signature", mac(secret, &[razorpay.as_bytes()]));
    for headers in [vec![id(), signature(SECRET)], vec![id()], vec![id(), signature("")]] {
        let answer = shop.send(RAZORPAY, &headers, razorpay.clone().into()).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_signature"), "{headers:?}");
    }
    // Signed, but nobody could tell when it comes again.
    let nameless = shop.send(RAZORPAY, &[signature(RAZORPAY_SECRET)], razorpay.clone().into()).await;
    assert_eq!((nameless.status, nameless.code()), (400, "bad_request"));
    assert_eq!(shop.webhooks("").await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_cut_off_or_no_event_is_refused_and_nothing_is_kept() {
    let shop = Shop::open().await;
    let signed = |body: &[u8]| stripe_signature(SECRET, now(), body);
    let long = vec![b' '; (1 << 20) + 1];
    let answer = shop.stripe(&signed(&long), long).await;
    assert_eq!((answer.status, answer.code()), (413, "payload_too_large"), "{}", answer.text);
    let deep = "[".repeat(100_000);
    let broken: [&[u8]; 8] =
        [b"", b"null", b"[]", b"{", b"{\"id\":1,\"type\":2}", b"{\"id\":\"evt\"}", &[0xff, 0xfe], deep.as_bytes()];
    for body in broken {
        let answer = shop.stripe(&signed(body), body).await;
        let start = String::from_utf8_lossy(&body[..body.len().min(20)]);
        assert_eq!((answer.status, answer.code()), (400, "bad_request"), "{start}: {}", answer.text);
    }
    let body = event("evt_cut", "payment_intent.succeeded", &json!({})).to_string();
    let head = format!(
        "POST /webhooks/stripe HTTP/1.1\r\nHost: souk\r\nContent-Length: {}\r\nStripe-Signature: {}\r\n\r\n",
        body.len(),
        signed(body.as_bytes())
    );
    let address = shop.souk.base().strip_prefix("http://").expect("an address");
    let mut line = TcpStream::connect(address).await.expect("connects");
    line.write_all(head.as_bytes()).await.expect("writes");
    line.write_all(&body.as_bytes()[..body.len() / 2]).await.expect("writes");
    line.shutdown().await.expect("hangs up");
    let mut answer = String::new();
    // Who hung up may get no answer at all.
    if line.read_to_string(&mut answer).await.is_ok() && !answer.is_empty() {
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    assert_eq!(shop.webhooks("").await, Vec::<Value>::new());
    // And the next one is taken as ever.
    assert_eq!(shop.told(&event("evt_1", "customer.created", &json!({}))).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_again_counts_once_and_what_nobody_knows_is_kept() {
    let shop = Shop::open().await;
    let buyer = person(&shop.nobody, "buyer").await;
    let order = shop.order(&buyer).await;
    let body = paid("evt_1", &order, 4_900, "usd").to_string();
    let now = now();
    let signature = stripe_signature(SECRET, now, body.as_bytes());
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..3 {
        ids.insert(shop.stripe(&signature, body.as_str()).await.text_at("/id").expect("an id"));
    }
    // Sent once more later, and while its secret is being changed.
    for signature in
        [stripe_signature(SECRET, now - 5, body.as_bytes()), stripe_signature(SECRET_BEFORE, now, body.as_bytes())]
    {
        let again = shop.stripe(&signature, body.as_str()).await;
        assert_eq!(shop.came_to(&again).await["outcome"], "applied");
        ids.insert(again.text_at("/id").expect("an id"));
    }
    assert_eq!(ids.len(), 1);
    assert_eq!(shop.order_status(&order).await, "paid");
    let licenses = buyer.get("/me/licenses").await.expect("answers").body;
    assert_eq!(licenses["items"].as_array().expect("a list").len(), 1);

    let strange = event("evt_2", "treasury.something_new", &json!({"id": 1, "nested": {"deep": [1, 2, 3]}}));
    assert_eq!(shop.came_to(&shop.told(&strange).await).await["outcome"], "ignored");
    let razorpay =
        json!({"entity": "event", "event": "something.new", "contains": [], "payload": {}, "created_at": now})
            .to_string();
    let headers = [
        ("x-razorpay-event-id", "evt_r1".to_owned()),
        ("x-razorpay-signature", mac(RAZORPAY_SECRET, &[razorpay.as_bytes()])),
    ];
    let received = shop.send(RAZORPAY, &headers, razorpay.into()).await;
    assert_eq!(shop.came_to(&received).await["outcome"], "ignored");
    assert_eq!(shop.webhooks("").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_pays_nothing_is_named_and_an_operator_sees_it() {
    let shop = Shop::open().await;
    let buyer = person(&shop.nobody, "buyer").await;
    let canceled = shop.order(&buyer).await;
    buyer
        .post(&format!("/orders/{canceled}/cancel"), json!({}))
        .await
        .expect("answers")
        .expect(200)
        .expect("is canceled");
    let cases = [
        ("evt_less", shop.order(&buyer).await, 4_899, "usd"),
        ("evt_more", shop.order(&buyer).await, 490_000, "usd"),
        ("evt_other", shop.order(&buyer).await, 4_900, "jpy"),
        ("evt_late", canceled, 4_900, "usd"),
    ];
    for (id, order, amount, currency) in &cases {
        let before = shop.order_status(order).await;
        let came_to = shop.came_to(&shop.told(&paid(id, order, *amount, currency)).await).await;
        assert_eq!((&came_to["state"], &came_to["outcome"]), (&json!("settled"), &json!("unmatched")), "{id}");
        assert_eq!(&came_to["orderId"], order, "{id}");
        assert_eq!(shop.order_status(order).await, before, "{id}");
    }
    assert_eq!(shop.webhooks("&outcome=unmatched").await.len(), cases.len());
    let licenses = buyer.get("/me/licenses").await.expect("answers").body;
    assert_eq!(licenses["items"], json!([]));
    let nobodys = shop.told(&paid("evt_nobody", "6a0f5c1e-7b1d-4c57-9a3e-50756b000001", 4_900, "usd")).await;
    assert_eq!(shop.came_to(&nobodys).await["state"], "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_taken_in_is_looked_at_and_run_again() {
    let shop = Shop::open().await;
    let buyer = person(&shop.nobody, "buyer").await;
    let order = shop.order(&buyer).await;
    let retry = async |webhook: &Value| {
        let path = format!("/admin/webhooks/{}/retry", webhook["id"].as_str().expect("an id"));
        shop.admin.post(&path, json!({})).await.expect("answers").expect(200).expect("is run again").body
    };

    let early = shop.came_to(&shop.told(&refunded("evt_early", "pi_evt_1", 900, "succeeded")).await).await;
    assert_eq!((&early["state"], retry(&early).await["state"].clone()), (&json!("waiting"), json!("waiting")));
    let unreadable = refunded("evt_unreadable", "pi_evt_1", 100, "on_the_moon");
    let failed = shop.came_to(&shop.told(&unreadable).await).await;
    assert_eq!(failed["state"], "failed");
    let reason = failed["reason"].as_str().expect("a reason");
    assert!(reason.contains("refund.updated") && reason.contains("on_the_moon"), "{reason}");
    assert_eq!(shop.webhooks("&state=failed").await.len(), 1);
    let payload = shop.admin.get(&format!("/admin/webhooks/{}/payload", failed["id"].as_str().expect("an id"))).await;
    assert_eq!(payload.expect("answers").text, unreadable.to_string(), "word for word");
    let again = retry(&failed).await;
    assert_eq!((again["state"].as_str(), again["reason"].as_str()), (Some("failed"), Some(reason)));

    shop.came_to(&shop.told(&paid("evt_1", &order, 4_900, "usd")).await).await;
    let path = format!("/admin/webhooks/{}", early["id"].as_str().expect("an id"));
    let settled = shop.admin.until(&path, |answer| answer.body["state"] == "settled").await.expect("is taken in").body;
    assert_eq!(settled["outcome"], "applied");
    assert_eq!(retry(&settled).await["state"], "settled", "what was taken in stays as it is");
    assert_eq!(shop.order_status(&order).await, "partially_refunded");

    // More than is left cannot have gone back: it waits, and an operator sees why.
    let more = shop.came_to(&shop.told(&refunded("evt_more", "pi_evt_1", 4_001, "succeeded")).await).await;
    assert_eq!(more["state"], "waiting");
    assert!(more["reason"].as_str().is_some_and(|reason| reason.contains("4000")), "{more}");
    let not_admin = buyer.get("/admin/webhooks").await.expect("answers");
    assert_eq!(not_admin.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_refunds_at_once_never_give_back_more_than_was_paid() {
    let shop = Shop::open().await;
    let buyer = person(&shop.nobody, "buyer").await;
    let plugin = published(&shop.seller, &sample::one_time(4_900, "USD")).await;
    let order = buyer.post("/orders", json!({"plugin": plugin, "gateway": "manual"})).await.expect("answers");
    let order = order.expect(201).expect("is placed").text_at("/id").expect("an id");
    let payment = format!("/orders/{order}/payments");
    shop.admin.post(&payment, json!({"reference": "bank-1"})).await.expect("answers").expect(200).expect("is paid");
    let refunds = (0..50).map(|_| {
        let (admin, path) = (shop.admin.clone(), format!("/orders/{order}/refunds"));
        tokio::spawn(
            async move { admin.post(&path, json!({"amount": 400, "reason": "unhappy"})).await.expect("answers") },
        )
    });
    let (mut given, mut refused) = (0, 0);
    for answer in futures::future::join_all(refunds).await {
        let answer = answer.expect("ends");
        match answer.status {
            200 => given += 1,
            409 => refused += 1,
            other => panic!("{other}: {}", answer.text),
        }
    }
    assert_eq!((given, refused), (12, 38));
    let too_large =
        shop.admin.post(&format!("/orders/{order}/refunds"), json!({"amount": 101, "reason": "more"})).await;
    assert_eq!(too_large.expect("answers").status, 409);
    assert_eq!(shop.order_status(&order).await, "partially_refunded");
}
