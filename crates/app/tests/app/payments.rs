//! What gateways tell, and what comes of it.

use std::sync::{Arc, atomic::Ordering};

use chrono::{DateTime, Utc};
use souk_app::{
    App, licenses,
    orders::{self, Checkout, RecordPayment},
    payments::{self, Refused},
};
use souk_domain::{
    id::{LicenseId, OrderId, UserId, WebhookId},
    license::Status,
    listing::Pricing,
    money::Money,
    order::{Gateway, Mismatch, Order, OrderStatus},
    webhook::{Outcome, Progress},
};
use souk_ports::payment::{DisputeOutcome, WebhookError};
use souk_testkit::gateway::{Message, Signed, Told, ToyGateway};

use crate::support::{Running, World, paid, reason};

/// A shop that takes payments through a gateway of tests, and somebody who bought something in it.
pub struct Till {
    pub world: World,
    pub app: Arc<App>,
    pub gateway: Arc<ToyGateway>,
    pub running: Running,
    pub owner: UserId,
    pub buyer: UserId,
    pub plugin: souk_domain::plugin::Plugin,
}

pub fn usd(amount: i64) -> Money {
    Money { amount, currency: "USD".parse().unwrap() }
}

pub fn at(minute: i64) -> DateTime<Utc> {
    let start: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
    start + chrono::Duration::minutes(minute)
}

impl Till {
    pub async fn new(pricing: Pricing) -> Self {
        let world = World::new();
        let gateway = Arc::new(ToyGateway::default());
        world.gateways.set(vec![gateway.clone() as _]).unwrap_or_else(|_| panic!("set before"));
        let app = world.app();
        let (owner, _) = world.vendor(&app, "acme").await;
        let plugin = world.published(&app, owner, "tool", pricing).await;
        let buyer = world.user(&app, "ann").await;
        let running = world.react(&app);
        Self { world, app, gateway, running, owner, buyer, plugin }
    }

    pub async fn order(&self) -> Order {
        let ctx = self.world.as_user(self.buyer);
        orders::place(&self.app, &ctx, &self.plugin.id.into(), Gateway::Stripe).await.unwrap().value
    }

    pub async fn tell(&self, id: &str, minute: i64, told: Told) -> WebhookId {
        let body = serde_json::to_vec(&Message { id: id.to_owned(), at: at(minute), told }).unwrap();
        payments::receive(&self.app, Gateway::Stripe, &Signed(true), &body).await.unwrap().value
    }

    pub async fn settle(&self) {
        self.running.settle(&self.world).await;
    }

    pub async fn now(&self, order: OrderId) -> Order {
        orders::get(&self.app, &self.world.operator(), order).await.unwrap().value
    }

    pub async fn license(&self, order: OrderId) -> Option<souk_domain::license::License> {
        licenses::get(&self.app, &self.world.operator(), LicenseId::of(order)).await.ok().map(|read| read.value)
    }

    pub async fn progress(&self, id: WebhookId) -> Progress {
        payments::retry(&self.app, &self.world.operator(), id).await.unwrap()
    }
}

pub fn paid_for(order: &Order, names: &[&str], total: i64) -> Told {
    Told::Paid {
        order: Some(order.id),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        total: usd(total),
        tax: Some(0),
        subscription: None,
    }
}

fn refunded(payment: &str, reference: &str, amount: i64, failed: bool) -> Told {
    let reference = reference.to_owned();
    Told::Refunded { payment: vec![payment.to_owned()], refund: None, reference, amount: usd(amount), failed }
}

fn disputed(payment: &str, outcome: DisputeOutcome) -> Told {
    let reference = "dp_1".to_owned();
    Told::Disputed { payment: vec![payment.to_owned()], reference, amount: usd(4_900), outcome }
}

#[tokio::test]
async fn an_order_is_paid_at_the_gateway_and_its_license_issued() {
    let till = Till::new(paid()).await;
    let order = till.order().await;
    let ctx = till.world.as_user(till.buyer);
    let Some(Checkout::Gateway { checkout: Some(checkout), .. }) =
        orders::checkout(&till.app, &ctx, &order).await.unwrap()
    else {
        panic!("no checkout")
    };
    assert_eq!(checkout.url, Some(format!("https://pay.example/cs_{}", order.id)));
    till.tell("evt_1", 5, paid_for(&order, &["pi_1", &checkout.reference], 4_900)).await;
    till.settle().await;
    assert_eq!(till.now(order.id).await.status(), OrderStatus::Paid);
    assert_eq!(till.license(order.id).await.unwrap().status(), Status::Active);
    assert_eq!(till.world.count("invoice.issued"), 1);
    assert!(till.world.store_is_clean().await);
}

#[tokio::test]
async fn what_comes_twice_counts_once() {
    let till = Till::new(paid()).await;
    let order = till.order().await;
    for _ in 0..3 {
        till.tell("evt_1", 5, paid_for(&order, &["pi_1"], 4_900)).await;
    }
    till.tell("evt_2", 5, paid_for(&order, &["pi_1", "ch_1"], 4_900)).await;
    till.settle().await;
    assert_eq!((till.world.count("webhook.received"), till.world.count("payment.completed")), (2, 1));
    assert_eq!((till.world.count("license.issued"), till.world.count("invoice.issued")), (1, 1));
}

#[tokio::test]
async fn who_did_not_sign_is_refused_and_nothing_is_kept() {
    let till = Till::new(paid()).await;
    let body = serde_json::to_vec(&Message { id: "evt_1".into(), at: at(1), told: Told::Nothing }).unwrap();
    let forged = payments::receive(&till.app, Gateway::Stripe, &Signed(false), &body).await.unwrap_err();
    assert_eq!(forged, Refused::Webhook(WebhookError::BadSignature));
    let other = payments::receive(&till.app, Gateway::Razorpay, &Signed(true), &body).await.unwrap_err();
    assert_eq!(other, Refused::Webhook(WebhookError::NotConfigured));
    assert_eq!(till.world.count("webhook.received"), 0);
}

#[tokio::test]
async fn what_is_about_something_unknown_waits_until_it_is_known() {
    let till = Till::new(paid()).await;
    let order = till.order().await;
    let dispute = till.tell("evt_3", 30, disputed("pi_1", DisputeOutcome::Lost)).await;
    let refund = till.tell("evt_2", 20, refunded("pi_1", "re_1", 900, false)).await;
    till.settle().await;
    assert_eq!(till.world.count("webhook.deferred"), 2);
    assert!(matches!(till.progress(dispute).await, Progress::Waiting(_)));
    till.tell("evt_1", 10, paid_for(&order, &["pi_1"], 4_900)).await;
    till.settle().await;
    let now = till.now(order.id).await;
    assert_eq!((now.refunded, now.status()), (900, OrderStatus::Disputed));
    assert_eq!(till.license(order.id).await.unwrap().status(), Status::Revoked);
    for id in [dispute, refund] {
        assert_eq!(till.progress(id).await, Progress::Settled(Outcome::Applied));
    }
}

#[tokio::test]
async fn money_that_does_not_fit_is_kept_and_named() {
    let till = Till::new(paid()).await;
    for (name, total, currency, problem) in [
        ("less", 4_899, "USD", Mismatch::Amount),
        ("more", 4_901, "USD", Mismatch::Amount),
        ("euro", 4_900, "EUR", Mismatch::Currency),
    ] {
        let order = till.order().await;
        let total = Money { amount: total, currency: currency.parse().unwrap() };
        let names = vec![format!("pi_{name}")];
        let told = Told::Paid { order: Some(order.id), names, total, tax: Some(0), subscription: None };
        let id = till.tell(name, 5, told).await;
        till.settle().await;
        assert_eq!(till.progress(id).await, Progress::Settled(Outcome::Unmatched), "{name}");
        let now = till.now(order.id).await;
        assert_eq!((now.status(), now.unmatched.len()), (OrderStatus::Pending, 1), "{name}");
        assert!(till.license(order.id).await.is_none());
        let kept = till.world.events_of("payment.unmatched").pop().unwrap();
        assert!(String::from_utf8_lossy(&kept.data).contains(&serde_json::to_string(&problem).unwrap()), "{name}");
    }
}

#[tokio::test]
async fn a_canceled_order_takes_no_money_and_what_comes_can_go_back() {
    let till = Till::new(paid()).await;
    let order = till.order().await;
    orders::cancel(&till.app, &till.world.as_user(till.buyer), order.id).await.unwrap();
    till.tell("evt_1", 5, paid_for(&order, &["pi_1"], 4_900)).await;
    till.settle().await;
    let now = till.now(order.id).await;
    assert_eq!((now.status(), now.unmatched.get("pi_1")), (OrderStatus::Canceled, Some(&usd(4_900))));
    till.tell("evt_2", 6, refunded("pi_1", "re_1", 4_900, false)).await;
    till.tell("evt_3", 7, refunded("pi_1", "re_1", 4_900, false)).await;
    till.settle().await;
    assert_eq!(till.world.count("payment.unmatched_returned"), 1);
    assert_eq!(till.now(order.id).await.refunded, 0);
}

#[tokio::test]
async fn what_cannot_be_read_is_named_and_can_be_run_again() {
    let till = Till::new(paid()).await;
    let stranger = OrderId::derived(&["nobody's"]);
    let told = Told::Paid {
        order: Some(stranger),
        names: vec!["pi_1".into()],
        total: usd(4_900),
        tax: None,
        subscription: None,
    };
    let id = till.tell("evt_1", 5, told).await;
    let nothing = till.tell("evt_2", 5, Told::Nothing).await;
    till.settle().await;
    assert_eq!(till.world.count("webhook.failed"), 1);
    let Progress::Failed(why) = till.progress(id).await else { panic!("taken in") };
    assert!(why.contains(&stranger.to_string()), "{why}");
    assert_eq!(till.progress(nothing).await, Progress::Settled(Outcome::Ignored));
    let asked = payments::retry(&till.app, &till.world.as_user(till.buyer), id).await.unwrap_err();
    assert_eq!(asked.code(), "forbidden");
    let body = payments::body(&till.app, &till.world.operator(), id).await.unwrap();
    assert!(String::from_utf8(body).unwrap().contains("pi_1"));
}

#[tokio::test]
async fn a_refund_is_asked_of_the_gateway_once() {
    let till = Till::new(paid()).await;
    let order = till.order().await;
    till.tell("evt_1", 5, paid_for(&order, &["pi_1"], 4_900)).await;
    till.settle().await;
    till.gateway.down.store(true, Ordering::SeqCst);
    let ctx = till.world.operator();
    let asked = orders::refund(&till.app, &ctx, order.id, Some(1_900), "half").await.unwrap().value;
    assert_eq!((asked.refunded, asked.left()), (0, 3_000));
    let again = orders::refund(&till.app, &ctx, order.id, Some(1_900), "half").await.unwrap();
    assert!(again.value.refunds.len() == 1, "the same command asks once");
    let more = orders::refund(&till.app, &till.world.operator(), order.id, Some(3_001), "more").await.unwrap_err();
    assert_eq!(reason(&more), "refund_too_large");
    till.gateway.down.store(false, Ordering::SeqCst);
    till.settle().await;
    let now = till.now(order.id).await;
    assert_eq!((now.refunded, now.status()), (1_900, OrderStatus::PartiallyRefunded));
    // The gateway tells of it too, and later that it did not work.
    let reference = till.gateway.refunds.lock().unwrap().keys().next().unwrap().clone();
    till.tell("evt_2", 6, refunded("pi_1", &reference, 1_900, false)).await;
    till.settle().await;
    assert_eq!(till.now(order.id).await.refunded, 1_900);
    till.tell("evt_3", 9, refunded("pi_1", &reference, 1_900, true)).await;
    till.settle().await;
    let now = till.now(order.id).await;
    assert_eq!((now.refunded, now.status(), now.left()), (0, OrderStatus::Paid, 4_900));
}

#[tokio::test]
async fn a_refund_that_the_gateway_refuses_frees_the_money() {
    let till = Till::new(paid()).await;
    let order = till.order().await;
    till.tell("evt_1", 5, paid_for(&order, &["pi_1"], 4_900)).await;
    till.settle().await;
    till.gateway.refuses.store(true, Ordering::SeqCst);
    orders::refund(&till.app, &till.world.operator(), order.id, None, "all").await.unwrap();
    till.settle().await;
    let now = till.now(order.id).await;
    assert_eq!((now.refunded, now.left(), till.world.count("payment.refund_failed")), (0, 4_900, 1));
    assert_eq!(till.license(order.id).await.unwrap().status(), Status::Active);
}

#[tokio::test]
async fn fifty_refunds_at_once_give_back_no_more_than_was_paid() {
    let till = Till::new(paid()).await;
    let order = till.order().await;
    till.tell("evt_1", 5, paid_for(&order, &["pi_1"], 4_900)).await;
    till.settle().await;
    let asked = (0..50).map(|_| {
        let (app, ctx, id) = (till.app.clone(), till.world.operator(), order.id);
        tokio::spawn(async move { orders::refund(&app, &ctx, id, Some(490), "a tenth").await.is_ok() })
    });
    let mut granted = 0;
    for asked in asked.collect::<Vec<_>>() {
        granted += i32::from(asked.await.unwrap());
    }
    assert_eq!(granted, 10);
    till.settle().await;
    let now = till.now(order.id).await;
    assert_eq!((now.refunded, now.status()), (4_900, OrderStatus::Refunded));
    assert_eq!(till.gateway.refunds.lock().unwrap().values().sum::<i64>(), 4_900);
    assert_eq!(
        (till.world.count("invoice.credited"), till.license(order.id).await.unwrap().status()),
        (10, Status::Revoked)
    );
}

#[tokio::test]
async fn a_license_lives_through_a_dispute_that_is_won_and_dies_with_one_that_is_lost() {
    for (outcome, status) in [(DisputeOutcome::Won, Status::Active), (DisputeOutcome::Lost, Status::Revoked)] {
        let till = Till::new(paid()).await;
        let order = till.order().await;
        till.tell("evt_1", 5, paid_for(&order, &["pi_1"], 4_900)).await;
        till.tell("evt_2", 6, disputed("pi_1", DisputeOutcome::Open)).await;
        till.settle().await;
        assert_eq!(till.license(order.id).await.unwrap().status(), Status::Suspended);
        till.tell("evt_3", 7, disputed("pi_1", outcome)).await;
        till.settle().await;
        assert_eq!(till.license(order.id).await.unwrap().status(), status);
    }
}

#[tokio::test]
async fn a_gateway_that_is_away_leaves_the_order_to_be_paid_later() {
    let till = Till::new(paid()).await;
    till.gateway.down.store(true, Ordering::SeqCst);
    let order = till.order().await;
    let ctx = till.world.as_user(till.buyer);
    let next = orders::checkout(&till.app, &ctx, &order).await.unwrap();
    assert_eq!(next, Some(Checkout::Gateway { gateway: Gateway::Stripe, checkout: None }));
    till.gateway.down.store(false, Ordering::SeqCst);
    let next = orders::checkout(&till.app, &ctx, &till.now(order.id).await).await.unwrap();
    assert!(matches!(next, Some(Checkout::Gateway { checkout: Some(_), .. })));
}

#[tokio::test]
async fn nobody_records_by_hand_what_a_gateway_tells() {
    let till = Till::new(paid()).await;
    let order = till.order().await;
    let input = RecordPayment { reference: "bank-1".into(), amount: None, currency: None };
    let refused = orders::record_payment(&till.app, &till.world.operator(), order.id, input).await.unwrap_err();
    assert_eq!(reason(&refused), "not_manual");
    let ctx = till.world.as_user(till.buyer);
    let razorpay = orders::place(&till.app, &ctx, &till.plugin.id.into(), Gateway::Razorpay).await.unwrap_err();
    assert_eq!(reason(&razorpay), "gateway_not_available");
}
