//! The whole life of a subscription over HTTP, with the clock moved by hand.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use souk_app::schedule;
use souk_domain::{
    id::{OrderId, SubscriptionId},
    listing::Interval,
    money::Money,
};
use souk_ports::{Clock, payment::DisputeOutcome};
use souk_testkit::gateway::{Message, Told};

use crate::testing::{Client, World};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const SUBSCRIPTION: &str = "sub_1";

struct Life {
    world: World,
    buyer: Client,
    order: OrderId,
    began: DateTime<Utc>,
    told: u32,
}

impl Life {
    async fn begin() -> Self {
        let world = World::new();
        let seller = world.seller("acme").await;
        let pricing =
            json!({"model": "subscription", "amount": 900, "currency": "USD", "interval": "monthly", "trialDays": 14});
        seller.priced("log-reader", "1.0.0", pricing).await;
        // Whoever signed in is signed out long before a month is over.
        let key = world.person("ada").await.post("/me/api-keys", json!({"label": "for years"})).await;
        let buyer = world.with_token(key.body["key"].as_str().unwrap());
        let order = buyer.post("/orders", json!({"plugin": "log-reader", "gateway": "stripe"})).await;
        assert_eq!((order.status, &order.body["checkout"]["type"]), (201, &json!("stripe")), "{}", order.text);
        assert!(order.body["checkout"]["url"].as_str().unwrap().starts_with("https://pay.example/"));
        let (id, began) = (order.body["id"].as_str().unwrap().parse().unwrap(), world.clock.now());
        Self { world, buyer, order: id, began, told: 0 }
    }

    /// The gateway tells of it over HTTP, now.
    async fn tell(&mut self, told: Told) {
        self.told += 1;
        let message = Message { id: format!("evt_{}", self.told), at: self.world.clock.now(), told };
        let body = serde_json::to_value(&message).unwrap();
        let forged = self.world.nobody().post("!/webhooks/stripe", body.clone()).await;
        assert_eq!((forged.status, forged.code()), (400, "invalid_signature"));
        let answer = self.world.nobody().header("signed", "yes").post("!/webhooks/stripe", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        self.world.settle().await;
    }

    async fn pass(&self, days: u32) {
        self.world.clock.advance(DAY * days);
        schedule::run_due(&self.world.api.app).await.unwrap();
        self.world.settle().await;
    }

    /// When the interval of this number ends; the trial is number 0.
    fn end_of(&self, number: u32) -> DateTime<Utc> {
        let trial = self.began + chrono::Duration::days(14);
        (0..number).fold(trial, |end, _| Interval::Monthly.end_after(end))
    }

    fn invoice(&self, number: u32) -> Told {
        Told::Renewed {
            subscription: SUBSCRIPTION.to_owned(),
            names: vec![format!("in_{number}"), format!("pi_{number}")],
            first: None,
            period: (self.end_of(number - 1), self.end_of(number)),
            total: Money { amount: 900, currency: "USD".parse().unwrap() },
        }
    }

    async fn license(&self) -> Value {
        let id = souk_domain::id::LicenseId::of(self.order);
        self.buyer.get(&format!("/licenses/{id}")).await.body
    }

    async fn code(&self) -> String {
        let key = self.license().await["key"].clone();
        let answer = self.world.nobody().post("/licenses/validate", json!({"key": key})).await;
        answer.body["code"].as_str().unwrap().to_owned()
    }

    async fn subscription(&self) -> Value {
        let id = SubscriptionId::of(self.order);
        let answer = self.buyer.get(&format!("/subscriptions/{id}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.body
    }

    async fn order(&self) -> Value {
        self.buyer.get(&format!("/orders/{}", self.order)).await.body
    }
}

#[tokio::test]
async fn from_a_trial_over_payments_and_failures_to_a_dispute_that_is_lost() {
    let mut life = Life::begin().await;
    let (order, names) = (life.order, vec!["cs_1".to_owned()]);
    life.tell(Told::TrialBegan { order, names, subscription: SUBSCRIPTION.to_owned() }).await;
    assert_eq!((life.license().await["type"].clone(), life.code().await.as_str()), (json!("trial"), "VALID"));
    assert_eq!(life.subscription().await["status"], "trialing");

    // The trial ends and is paid; then a month, and another.
    life.pass(14).await;
    life.tell(life.invoice(1)).await;
    assert_eq!((life.license().await["type"].clone(), life.code().await.as_str()), (json!("subscription"), "VALID"));
    assert_eq!(life.order().await["status"], "paid");
    life.pass(31).await;
    life.tell(life.invoice(2)).await;
    assert_eq!(life.subscription().await["status"], "active");

    // The third month is not paid at once.
    life.pass(28).await;
    life.tell(Told::RenewalFailed { subscription: SUBSCRIPTION.to_owned(), names: vec!["in_3".to_owned()] }).await;
    assert_eq!(life.subscription().await["status"], "past_due");
    life.pass(5).await;
    assert_eq!((life.code().await.as_str(), life.license().await["expired"].clone()), ("EXPIRED", json!(true)));
    life.tell(life.invoice(3)).await;
    assert_eq!((life.code().await.as_str(), life.license().await["expired"].clone()), ("VALID", json!(false)));
    assert_eq!(life.subscription().await["status"], "active");

    // Its buyer wants out, and stays after all.
    let path = format!("/subscriptions/{}", SubscriptionId::of(order));
    let canceled = life.buyer.post(&format!("{path}/cancel"), json!({})).await;
    assert_eq!((canceled.status, &canceled.body["cancelAtPeriodEnd"]), (200, &json!(true)), "{}", canceled.text);
    let resumed = life.buyer.post(&format!("{path}/resume"), json!({})).await;
    assert_eq!((resumed.status, &resumed.body["cancelAtPeriodEnd"]), (200, &json!(false)), "{}", resumed.text);

    // The bank takes the second month back.
    let dispute = |outcome| Told::Disputed {
        payment: vec!["pi_2".to_owned()],
        reference: "dp_1".to_owned(),
        amount: Money { amount: 900, currency: "USD".parse().unwrap() },
        outcome,
    };
    life.tell(dispute(DisputeOutcome::Open)).await;
    assert_eq!(life.code().await, "SUSPENDED");
    life.tell(dispute(DisputeOutcome::Lost)).await;
    assert_eq!((life.code().await.as_str(), life.subscription().await["status"].clone()), ("REVOKED", json!("lapsed")));
    assert!(life.world.gateway.ended.lock().unwrap().contains(&SUBSCRIPTION.to_owned()), "the gateway charges no more");
    let late = life.buyer.post(&format!("{path}/resume"), json!({})).await;
    assert_eq!((late.status, &late.body["error"]["details"]["reason"]), (409, &json!("subscription_over")));
}
