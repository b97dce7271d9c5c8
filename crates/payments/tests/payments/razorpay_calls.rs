//! What Razorpay is asked, to the letter, and what is made of its answers.

use std::time::Duration;

use serde_json::{Value, json};
use souk_domain::listing::Interval;
use souk_ports::payment::{
    Checkout, GatewayError, News, Notice, Paid, PaymentGateway, PaymentOutcome, RefundAnswer, RefundOutcome, Split,
};

use crate::{
    fixture::{NOW, ORDER, REFUND, SUBSCRIPTION, at, checkout, money, order, razorpay, recurring, refund_of},
    stand_in::{Asked, Reply, StandIn},
};

/// Longer than any answer here takes.
const PATIENCE: Duration = Duration::from_secs(30);
/// Seconds.
const DAY: i64 = 24 * 60 * 60;

fn ok(value: Value) -> Reply {
    Reply::Json(200, value)
}

fn assert_razorpay(asked: &Asked) {
    // `rzp_test_id:rzp_key_secret` in Base64.
    assert_eq!(asked.header("authorization"), Some("Basic cnpwX3Rlc3RfaWQ6cnpwX2tleV9zZWNyZXQ="));
    assert!(asked.header("user-agent").unwrap().starts_with("souk/"));
}

fn opened(reference: &str, url: Option<&str>) -> Checkout {
    Checkout {
        reference: reference.to_owned(),
        url: url.map(str::to_owned),
        public_key: Some("rzp_test_id".to_owned()),
        expires_at: None,
    }
}

fn vendor(commission: i64) -> Split {
    Split { account: "acc_Vendor".to_owned(), commission, commission_basis_points: 1_500 }
}

#[tokio::test]
async fn an_order_is_opened() {
    let gateway = StandIn::with([ok(json!({"id": "order_1", "entity": "order", "status": "created"}))]).await;
    let said = razorpay(&gateway.base, PATIENCE).open_checkout(&checkout(149_900, "INR")).await;
    assert_eq!(said, Ok(opened("order_1", None)));
    let asked = gateway.asked_once();
    assert_eq!(asked.line(), "POST /v1/orders");
    assert_razorpay(&asked);
    let expected = json!({
        "amount": 149_900,
        "currency": "INR",
        "receipt": ORDER,
        "unique_receipt": true,
        "notes": {"order_id": ORDER},
    });
    assert_eq!(asked.json(), expected);
    assert!(ORDER.len() <= 40);
}

#[tokio::test]
async fn an_order_is_split() {
    for (commission, transfers) in [
        (
            22_485,
            json!([{"account": "acc_Vendor", "amount": 127_415, "currency": "INR", "notes": {"order_id": ORDER}}]),
        ),
        (149_900, Value::Null),
    ] {
        let gateway = StandIn::with([ok(json!({"id": "order_1"}))]).await;
        let mut request = checkout(149_900, "INR");
        request.vendor = Some(vendor(commission));
        razorpay(&gateway.base, PATIENCE).open_checkout(&request).await.unwrap();
        assert_eq!(gateway.asked_once().json()["transfers"], transfers);
    }
}

#[tokio::test]
async fn a_subscription_is_opened() {
    for (interval, period, count, trial) in
        [(Interval::Monthly, "monthly", 360, 0), (Interval::Yearly, "yearly", 30, 14)]
    {
        let others =
            json!({"items": [{"id": "sub_0", "notes": []}, {"id": "sub_00", "notes": {"order_id": "another"}}]});
        let made = json!({"id": "sub_1", "short_url": "https://rzp.example/i/1", "expire_by": null});
        let gateway = StandIn::with([ok(others), ok(json!({"id": "plan_1"})), ok(made)]).await;
        let mut request = checkout(149_900, "INR");
        request.subscription = Some(recurring(interval, trial));
        let said = razorpay(&gateway.base, PATIENCE).open_checkout(&request).await;
        assert_eq!(said, Ok(opened("sub_1", Some("https://rzp.example/i/1"))));
        let asked = gateway.asked();
        let lines: Vec<String> = asked.iter().map(Asked::line).collect();
        assert_eq!(lines, ["GET /v1/subscriptions?count=100", "POST /v1/plans", "POST /v1/subscriptions"]);
        asked.iter().for_each(assert_razorpay);
        let plan = json!({
            "period": period,
            "interval": 1,
            "item": {"name": "Ünïcode & more", "amount": 149_900, "currency": "INR"},
            "notes": {"order_id": ORDER},
        });
        assert_eq!(asked[1].json(), plan);
        let mut expected = json!({
            "plan_id": "plan_1",
            "total_count": count,
            "quantity": 1,
            "customer_notify": true,
            "notes": {"order_id": ORDER, "subscription_id": SUBSCRIPTION},
        });
        if trial > 0 {
            expected["start_at"] = json!(NOW + 14 * DAY);
            expected["notes"]["trial_days"] = json!("14");
        }
        assert_eq!(asked[2].json(), expected);
    }
}

#[tokio::test]
async fn the_same_subscription_is_found_again() {
    let known = json!({"id": "sub_1", "short_url": "https://rzp.example/i/1", "notes": {"order_id": ORDER}});
    let gateway = StandIn::with([ok(json!({"items": [{"id": "sub_0", "notes": []}, known]}))]).await;
    let mut request = checkout(149_900, "INR");
    request.subscription = Some(recurring(Interval::Monthly, 0));
    let said = razorpay(&gateway.base, PATIENCE).open_checkout(&request).await;
    assert_eq!(said, Ok(opened("sub_1", Some("https://rzp.example/i/1"))));
    gateway.asked_once();
}

#[tokio::test]
async fn what_razorpay_cannot_do_is_refused_without_asking() {
    let gateway = StandIn::with([]).await;
    let razorpay = razorpay(&gateway.base, PATIENCE);
    let mut request = checkout(149_900, "INR");
    request.subscription = Some(recurring(Interval::Monthly, 0));
    request.vendor = Some(vendor(1));
    let code = |error| match error {
        GatewayError::Refused { code, .. } => code,
        other => panic!("{other:?}"),
    };
    assert_eq!(code(razorpay.open_checkout(&request).await.unwrap_err()), "split_not_supported");
    let odd = checkout(1_001, "KWD");
    assert_eq!(code(razorpay.open_checkout(&odd).await.unwrap_err()), "amount_not_representable");
    assert_eq!(code(razorpay.end_at_period_end("sub_1", false, "k").await.unwrap_err()), "not_supported");
    assert_eq!(code(razorpay.checkout("order_1/../x").await.unwrap_err()), "malformed_reference");
    let nameless = refund_of(&["order_1"], money(1, "INR"), false);
    assert_eq!(code(razorpay.refund(&nameless).await.unwrap_err()), "no_payment_name");
    assert!(gateway.asked().is_empty());
}

#[tokio::test]
async fn checkouts_are_found_again() {
    let page = "https://rzp.example/i/1";
    let gateway = StandIn::with([ok(json!({"id": "order_1"})), ok(json!({"id": "sub_1", "short_url": page}))]).await;
    let razorpay = razorpay(&gateway.base, PATIENCE);
    assert_eq!(razorpay.checkout("order_1").await, Ok(opened("order_1", None)));
    assert_eq!(razorpay.checkout("sub_1").await, Ok(opened("sub_1", Some(page))));
    let lines: Vec<String> = gateway.asked().iter().map(Asked::line).collect();
    assert_eq!(lines, ["GET /v1/orders/order_1", "GET /v1/subscriptions/sub_1"]);
}

#[tokio::test]
async fn what_was_paid_is_told_when_it_is_asked() {
    let payment = |status: &str| {
        json!({"id": "pay_1", "amount": 149_900, "currency": "INR", "status": status, "order_id": "order_1", "invoice_id": null,
            "notes": {"order_id": ORDER}, "fee": 3_538, "created_at": NOW})
    };
    let items = |items: Value| ok(json!({"entity": "collection", "items": items}));
    let replies =
        [items(json!([])), items(json!([payment("failed")])), items(json!([payment("failed"), payment("captured")]))];
    let gateway = StandIn::with(replies).await;
    let razorpay = razorpay(&gateway.base, PATIENCE);
    assert_eq!(razorpay.outcome("order_1", at(NOW)).await, Ok(None));
    assert_eq!(razorpay.outcome("order_1", at(NOW)).await, Ok(None));
    let paid = Paid { total: money(149_900, "INR"), tax: None, fee: Some(3_538), country: None };
    let news = News::Payment {
        order: Some(order()),
        names: vec!["pay_1".to_owned(), "order_1".to_owned()],
        subscription: None,
        outcome: PaymentOutcome::Paid(paid),
    };
    assert_eq!(razorpay.outcome("order_1", at(NOW)).await, Ok(Some(Notice { at: at(NOW), news })));
    assert_eq!(gateway.asked()[0].line(), "GET /v1/orders/order_1/payments");
    assert_eq!(razorpay.outcome("sub_1", at(NOW)).await, Ok(None), "only webhooks say which interval is paid");
    assert_eq!(razorpay.proves("order_1", "pay_1", "00"), Some(false));
}

fn refunded(status: &str) -> Reply {
    ok(json!({"id": "rfnd_1", "entity": "refund", "status": status, "notes": []}))
}

#[tokio::test]
async fn money_is_given_back() {
    for (status, split, outcome) in [
        ("pending", false, RefundOutcome::Pending),
        ("processed", true, RefundOutcome::Succeeded),
        ("failed", false, RefundOutcome::Failed { code: "failed".to_owned() }),
    ] {
        let gateway = StandIn::with([ok(json!({"items": []})), refunded(status)]).await;
        let request = refund_of(&["inv_1", "order_1", "pay_1"], money(50_000, "INR"), split);
        let said = razorpay(&gateway.base, PATIENCE).refund(&request).await;
        assert_eq!(said, Ok(RefundAnswer { reference: "rfnd_1".to_owned(), outcome }));
        let asked = gateway.asked();
        assert_eq!(asked[0].line(), "GET /v1/payments/pay_1/refunds?count=100");
        assert_eq!(asked[1].line(), "POST /v1/payments/pay_1/refund");
        asked.iter().for_each(assert_razorpay);
        // At least ten letters, digits, `-` or `_`.
        assert_eq!(asked[1].header("x-refund-idempotency"), Some(REFUND));
        let mut expected = json!({
            "amount": 50_000,
            "speed": "normal",
            "notes": {"refund_id": REFUND, "order_id": ORDER},
            "receipt": REFUND,
        });
        if split {
            expected["reverse_all"] = json!(1);
        }
        assert_eq!(asked[1].json(), expected);
    }
}

#[tokio::test]
async fn nothing_is_given_back_twice() {
    let known = json!({"items": [
        {"id": "rfnd_0", "status": "processed", "notes": []},
        {"id": "rfnd_1", "status": "processed", "notes": {"refund_id": REFUND}},
    ]});
    let gateway = StandIn::with([ok(known)]).await;
    let said = razorpay(&gateway.base, PATIENCE).refund(&refund_of(&["pay_1"], money(50_000, "INR"), false)).await;
    assert_eq!(said, Ok(RefundAnswer { reference: "rfnd_1".to_owned(), outcome: RefundOutcome::Succeeded }));
    gateway.asked_once();
}

#[tokio::test]
async fn an_invoice_leads_to_its_payment() {
    let invoice = ok(json!({"id": "inv_1", "payment_id": "pay_9"}));
    let gateway = StandIn::with([invoice, ok(json!({"items": []})), refunded("processed")]).await;
    let request = refund_of(&["inv_1"], money(50_000, "INR"), false);
    razorpay(&gateway.base, PATIENCE).refund(&request).await.unwrap();
    let lines: Vec<String> = gateway.asked().iter().map(Asked::line).collect();
    let expected =
        ["GET /v1/invoices/inv_1", "GET /v1/payments/pay_9/refunds?count=100", "POST /v1/payments/pay_9/refund"];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_subscription_is_ended() {
    let gateway = StandIn::with([ok(json!({"id": "sub_1"})), ok(json!({"id": "sub_1"}))]).await;
    let razorpay = razorpay(&gateway.base, PATIENCE);
    razorpay.end_subscription("sub_1", "k").await.unwrap();
    razorpay.end_at_period_end("sub_1", true, "k").await.unwrap();
    for (asked, at_end) in gateway.asked().iter().zip([false, true]) {
        assert_eq!(asked.line(), "POST /v1/subscriptions/sub_1/cancel");
        assert_razorpay(asked);
        assert_eq!(asked.json(), json!({"cancel_at_cycle_end": at_end}));
    }
}

#[tokio::test]
async fn what_is_over_needs_no_end() {
    let no = || {
        let message = "Subscription is not cancellable in expired status.";
        Reply::Json(400, json!({"error": {"code": "BAD_REQUEST_ERROR", "description": message}}))
    };
    for status in ["cancelled", "completed", "expired"] {
        let over = StandIn::with([no(), ok(json!({"id": "sub_1", "status": status}))]).await;
        razorpay(&over.base, PATIENCE).end_subscription("sub_1", "k").await.unwrap();
        assert_eq!(over.asked()[1].line(), "GET /v1/subscriptions/sub_1");
    }
    let other = StandIn::with([no(), ok(json!({"id": "sub_1", "status": "active"}))]).await;
    let refused = razorpay(&other.base, PATIENCE).end_subscription("sub_1", "k").await.unwrap_err();
    assert!(matches!(refused, GatewayError::Refused { code, .. } if code == "BAD_REQUEST_ERROR"));
}
