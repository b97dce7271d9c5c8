//! What Stripe is asked, to the letter, and what is made of its answers.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use souk_domain::listing::Interval;
use souk_payments::Stripe;
use souk_ports::payment::{
    Checkout, GatewayError, News, Notice, Paid, PaymentGateway, PaymentOutcome, RefundAnswer, RefundOutcome, Split,
};

use crate::{
    fixture::{ORDER, REFUND, SUBSCRIPTION, at, checkout, money, order, recurring, refund_of, settings, stripe},
    stand_in::{Asked, Reply, StandIn},
};

/// Longer than any answer here takes.
const PATIENCE: Duration = Duration::from_secs(30);

fn session() -> Reply {
    let url = "https://checkout.stripe.example/c/pay/cs_test_1";
    Reply::Json(200, json!({"id": "cs_test_1", "url": url, "expires_at": 1_767_311_900, "status": "open"}))
}

fn opened() -> Checkout {
    Checkout {
        reference: "cs_test_1".to_owned(),
        url: Some("https://checkout.stripe.example/c/pay/cs_test_1".to_owned()),
        public_key: None,
        expires_at: Some(at(1_767_311_900)),
    }
}

/// What every request has.
fn assert_stripe(asked: &Asked, key: Option<&str>) {
    assert_eq!(asked.header("authorization"), Some("Bearer sk_test_secret"));
    assert_eq!(asked.header("stripe-version"), Some("2026-06-24.dahlia"));
    assert_eq!(asked.header("idempotency-key"), key);
    assert!(asked.header("user-agent").unwrap().starts_with("souk/"));
}

fn form(fields: &[(&str, &str)]) -> BTreeMap<String, String> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn common<'a>(mode: &'a str, amount: &'a str, currency: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("mode", mode),
        ("success_url", "https://souk.example/done/0195c0de-0000-4000-8000-00000000a001"),
        ("cancel_url", "https://souk.example/back/0195c0de-0000-4000-8000-00000000a001"),
        ("client_reference_id", ORDER),
        ("metadata[order_id]", ORDER),
        ("line_items[0][quantity]", "1"),
        ("line_items[0][price_data][currency]", currency),
        ("line_items[0][price_data][unit_amount]", amount),
        ("line_items[0][price_data][product_data][name]", "Ünïcode & more"),
    ]
}

fn vendor() -> Split {
    Split { account: "acct_1Vendor".to_owned(), commission: 299, commission_basis_points: 1_505 }
}

#[tokio::test]
async fn a_payment_is_opened() {
    let gateway = StandIn::with([session()]).await;
    let opened_now = stripe(&gateway.base, PATIENCE).open_checkout(&checkout(1_999, "EUR")).await;
    assert_eq!(opened_now, Ok(opened()));
    let asked = gateway.asked_once();
    assert_eq!(asked.line(), "POST /v1/checkout/sessions");
    assert_stripe(&asked, Some(ORDER));
    let mut expected = common("payment", "1999", "eur");
    expected.push(("payment_intent_data[metadata][order_id]", ORDER));
    assert_eq!(asked.form(), form(&expected));
}

#[tokio::test]
async fn a_payment_is_split() {
    let gateway = StandIn::with([session()]).await;
    let mut request = checkout(1_999, "ISK");
    request.vendor = Some(vendor());
    stripe(&gateway.base, PATIENCE).open_checkout(&request).await.unwrap();
    let mut expected = common("payment", "199900", "isk");
    expected.extend([
        ("payment_intent_data[metadata][order_id]", ORDER),
        ("payment_intent_data[application_fee_amount]", "29900"),
        ("payment_intent_data[transfer_data][destination]", "acct_1Vendor"),
    ]);
    assert_eq!(gateway.asked_once().form(), form(&expected));
}

#[tokio::test]
async fn a_subscription_is_opened() {
    for (interval, word, trial, split) in [(Interval::Monthly, "month", 0, false), (Interval::Yearly, "year", 14, true)]
    {
        let gateway = StandIn::with([session()]).await;
        let mut request = checkout(1_999, "USD");
        request.subscription = Some(recurring(interval, trial));
        request.vendor = split.then(vendor);
        assert_eq!(stripe(&gateway.base, PATIENCE).open_checkout(&request).await, Ok(opened()));
        let mut expected = common("subscription", "1999", "usd");
        expected.extend([
            ("line_items[0][price_data][recurring][interval]", word),
            ("subscription_data[metadata][order_id]", ORDER),
            ("subscription_data[metadata][subscription_id]", SUBSCRIPTION),
        ]);
        if trial > 0 {
            expected.extend([
                ("subscription_data[trial_period_days]", "14"),
                ("subscription_data[application_fee_percent]", "15.05"),
                ("subscription_data[transfer_data][destination]", "acct_1Vendor"),
            ]);
        }
        let asked = gateway.asked_once();
        assert_stripe(&asked, Some(ORDER));
        assert_eq!(asked.form(), form(&expected));
    }
}

#[tokio::test]
async fn a_checkout_is_found_again() {
    let gateway = StandIn::with([session(), Reply::Json(200, json!({"id": "cs_test_2", "url": null}))]).await;
    let stripe = stripe(&gateway.base, PATIENCE);
    assert_eq!(stripe.checkout("cs_test_1").await, Ok(opened()));
    let paid = stripe.checkout("cs_test_2").await.unwrap();
    assert_eq!((paid.reference.as_str(), paid.url, paid.expires_at), ("cs_test_2", None, None));
    let asked = gateway.asked();
    assert_eq!(asked[0].line(), "GET /v1/checkout/sessions/cs_test_1");
    assert_stripe(&asked[0], None);
    assert!(asked[0].body.is_empty());
}

#[tokio::test]
async fn what_was_paid_is_told_when_it_is_asked() {
    let session = |status: &str, payment: &str| {
        Reply::Json(
            200,
            json!({"id": "cs_test_1", "mode": "payment", "status": status, "payment_status": payment, "amount_total": 2_379,
                "currency": "eur", "total_details": {"amount_tax": 380}, "payment_intent": "pi_1", "subscription": null,
                "invoice": null, "metadata": {"order_id": ORDER}, "customer_details": {"address": {"country": "DE"}}}),
        )
    };
    let replies = [
        session("open", "unpaid"),
        session("complete", "unpaid"),
        session("expired", "unpaid"),
        session("complete", "paid"),
        session("on_the_moon", "paid"),
    ];
    let gateway = StandIn::with(replies).await;
    let stripe = stripe(&gateway.base, PATIENCE);
    let now = at(1_767_225_600);
    assert_eq!(stripe.outcome("cs_test_1", now).await, Ok(None));
    assert_eq!(stripe.outcome("cs_test_1", now).await, Ok(None), "some ways to pay take days");
    let told = |names: &[&str], outcome| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Ok(Some(Notice { at: now, news: News::Payment { order: Some(order()), names, subscription: None, outcome } }))
    };
    let names = ["pi_1", "cs_test_1"];
    assert_eq!(stripe.outcome("cs_test_1", now).await, told(&names, PaymentOutcome::Expired));
    let paid = Paid { total: money(2_379, "EUR"), tax: Some(380), fee: None, country: Some("DE".to_owned()) };
    assert_eq!(stripe.outcome("cs_test_1", now).await, told(&names, PaymentOutcome::Paid(paid)));
    assert_eq!(stripe.outcome("cs_test_1", now).await, Ok(None));
    assert_eq!(gateway.asked()[0].line(), "GET /v1/checkout/sessions/cs_test_1");
    assert_eq!(stripe.proves("cs_test_1", "pi_1", "00"), None);
}

#[tokio::test]
async fn stripe_works_out_the_taxes_where_it_is_told_to() {
    let gateway = StandIn::with([session()]).await;
    let mut settings = settings(&gateway.base, PATIENCE);
    settings.automatic_tax = true;
    Stripe::new(settings).unwrap().open_checkout(&checkout(1_999, "EUR")).await.unwrap();
    let mut fields = common("payment", "1999", "eur");
    fields.push(("payment_intent_data[metadata][order_id]", ORDER));
    fields.push(("automatic_tax[enabled]", "true"));
    assert_eq!(gateway.asked_once().form(), form(&fields));
}

#[tokio::test]
async fn names_that_would_lead_elsewhere_are_not_asked_for() {
    let gateway = StandIn::with([]).await;
    let stripe = stripe(&gateway.base, PATIENCE);
    for name in ["", "../refunds", "cs_1?x", "cs 1"] {
        assert!(matches!(stripe.checkout(name).await, Err(GatewayError::Refused { .. })), "{name}");
        assert!(matches!(stripe.end_subscription(name, "k").await, Err(GatewayError::Refused { .. })), "{name}");
    }
    assert!(gateway.asked().is_empty());
}

fn nothing() -> Reply {
    Reply::Json(200, json!({"object": "list", "data": [], "has_more": false}))
}

fn refunded(status: &str) -> Reply {
    Reply::Json(
        200,
        json!({"id": "re_1", "object": "refund", "status": status, "failure_reason": "expired_or_canceled_card"}),
    )
}

fn answer(outcome: RefundOutcome) -> RefundAnswer {
    RefundAnswer { reference: "re_1".to_owned(), outcome }
}

#[tokio::test]
async fn money_is_given_back() {
    let why = || RefundOutcome::Failed { code: "expired_or_canceled_card".to_owned() };
    for (names, field, name, status, outcome) in [
        (&["cs_1", "ch_1", "pi_1"][..], "payment_intent", "pi_1", "succeeded", RefundOutcome::Succeeded),
        (&["in_1", "pi_2"], "payment_intent", "pi_2", "pending", RefundOutcome::Pending),
        (&["in_1", "ch_2"], "charge", "ch_2", "requires_action", RefundOutcome::Pending),
        (&["py_3"], "charge", "py_3", "failed", why()),
    ] {
        let gateway = StandIn::with([nothing(), refunded(status)]).await;
        let request = refund_of(names, money(1_000, "EUR"), false);
        assert_eq!(stripe(&gateway.base, PATIENCE).refund(&request).await, Ok(answer(outcome)));
        let asked = gateway.asked();
        assert_eq!(asked[0].line(), format!("GET /v1/refunds?{field}={name}&limit=100"));
        assert_eq!(asked[1].line(), "POST /v1/refunds");
        assert_stripe(&asked[1], Some(REFUND));
        let expected =
            [(field, name), ("amount", "1000"), ("metadata[refund_id]", REFUND), ("metadata[order_id]", ORDER)];
        assert_eq!(asked[1].form(), form(&expected));
    }
}

#[tokio::test]
async fn each_party_gives_back_its_part() {
    let gateway = StandIn::with([nothing(), refunded("succeeded")]).await;
    let request = refund_of(&["pi_1"], money(1_000, "UGX"), true);
    stripe(&gateway.base, PATIENCE).refund(&request).await.unwrap();
    let expected = [
        ("payment_intent", "pi_1"),
        ("amount", "100000"),
        ("metadata[refund_id]", REFUND),
        ("metadata[order_id]", ORDER),
        ("reverse_transfer", "true"),
        ("refund_application_fee", "true"),
    ];
    assert_eq!(gateway.asked()[1].form(), form(&expected));
}

#[tokio::test]
async fn nothing_is_given_back_twice() {
    let known = json!({"object": "list", "data": [
        {"id": "re_0", "status": "succeeded", "metadata": {"refund_id": "another"}},
        {"id": "re_1", "status": "pending", "metadata": {"refund_id": REFUND}},
    ]});
    let gateway = StandIn::with([Reply::Json(200, known)]).await;
    let request = refund_of(&["pi_1"], money(1_000, "EUR"), false);
    assert_eq!(stripe(&gateway.base, PATIENCE).refund(&request).await, Ok(answer(RefundOutcome::Pending)));
    assert_eq!(gateway.asked_once().method, "GET");
}

#[tokio::test]
async fn an_invoice_leads_to_its_payment() {
    let payments = json!({"data": [
        {"status": "canceled", "payment": {"type": "payment_intent", "payment_intent": "pi_0"}},
        {"status": "paid", "payment": {"type": "payment_intent", "payment_intent": {"id": "pi_9", "object": "payment_intent"}}},
    ]});
    let paid = json!({"id": "in_1", "payments": payments});
    let old = json!({"id": "in_1", "payment_intent": null, "charge": "ch_9"});
    for (invoice, field, name) in [(paid, "payment_intent", "pi_9"), (old, "charge", "ch_9")] {
        let gateway = StandIn::with([Reply::Json(200, invoice), nothing(), refunded("succeeded")]).await;
        let request = refund_of(&["in_1", "cs_1"], money(1_000, "EUR"), false);
        stripe(&gateway.base, PATIENCE).refund(&request).await.unwrap();
        let asked = gateway.asked();
        assert_eq!(asked[0].line(), "GET /v1/invoices/in_1?expand%5B%5D=payments");
        assert_eq!(asked[2].form().get(field).map(String::as_str), Some(name));
    }
}

#[tokio::test]
async fn what_has_no_payment_is_not_given_back() {
    let unpaid = Reply::Json(200, json!({"id": "in_1", "payments": {"data": []}}));
    for (names, replies) in [(&["cs_1", "sub_1"][..], vec![]), (&[], vec![]), (&["in_1"], vec![unpaid])] {
        let gateway = StandIn::with(replies).await;
        let request = refund_of(names, money(1_000, "EUR"), false);
        let refused = stripe(&gateway.base, PATIENCE).refund(&request).await.unwrap_err();
        assert!(matches!(refused, GatewayError::Refused { code, .. } if code == "no_payment_name"));
        gateway.asked();
    }
    let gateway = StandIn::with([nothing()]).await;
    let odd = refund_of(&["pi_1"], money(1_001, "KWD"), false);
    let refused = stripe(&gateway.base, PATIENCE).refund(&odd).await.unwrap_err();
    assert!(matches!(refused, GatewayError::Refused { code, .. } if code == "amount_not_representable"));
}

#[tokio::test]
async fn a_subscription_is_ended() {
    let gateway = StandIn::with([
        Reply::Json(200, json!({"id": "sub_1", "status": "canceled"})),
        Reply::Json(200, json!({"id": "sub_1", "status": "active"})),
        Reply::Json(200, json!({"id": "sub_1", "status": "active"})),
    ])
    .await;
    let stripe = stripe(&gateway.base, PATIENCE);
    stripe.end_subscription("sub_1", "key-1").await.unwrap();
    stripe.end_at_period_end("sub_1", true, "key-2").await.unwrap();
    stripe.end_at_period_end("sub_1", false, "key-3").await.unwrap();
    let asked = gateway.asked();
    assert_eq!(asked[0].line(), "DELETE /v1/subscriptions/sub_1");
    assert_stripe(&asked[0], Some("key-1"));
    for (asked, ends, key) in [(&asked[1], "true", "key-2"), (&asked[2], "false", "key-3")] {
        assert_eq!(asked.line(), "POST /v1/subscriptions/sub_1");
        assert_stripe(asked, Some(key));
        assert_eq!(asked.form(), form(&[("cancel_at_period_end", ends)]));
    }
}

#[tokio::test]
async fn what_is_over_needs_no_end() {
    let error = |code: &str| json!({"error": {"type": "invalid_request_error", "code": code, "message": "no"}});
    let gone = || Reply::Json(404, error("resource_missing"));
    let is = |status: &str| Reply::Json(200, json!({"id": "sub_1", "status": status}));
    let over = StandIn::with([gone(), is("canceled"), gone(), is("incomplete_expired")]).await;
    let gateway = stripe(&over.base, PATIENCE);
    gateway.end_subscription("sub_1", "k").await.unwrap();
    gateway.end_at_period_end("sub_1", true, "k").await.unwrap();
    assert_eq!(over.asked()[1].line(), "GET /v1/subscriptions/sub_1");
    // It is refused for another reason, or there never was one.
    for second in [is("active"), gone(), Reply::Text(500, "")] {
        let other = StandIn::with([gone(), second]).await;
        let refused = stripe(&other.base, PATIENCE).end_subscription("sub_1", "k").await;
        let expected = GatewayError::Refused { code: "resource_missing".to_owned(), message: "no".to_owned() };
        assert_eq!(refused, Err(expected));
        other.asked();
    }
    // What is over does not go on.
    let over = StandIn::with([gone()]).await;
    stripe(&over.base, PATIENCE).end_at_period_end("sub_1", false, "k").await.unwrap_err();
    over.asked_once();
}

#[tokio::test]
async fn answers_without_a_name_are_garbled() {
    for answer in [json!({}), json!({"id": 7}), json!({"id": "cs_1", "url": 7}), Value::Null, json!([])] {
        let gateway = StandIn::with([Reply::Json(200, answer.clone())]).await;
        let said = stripe(&gateway.base, PATIENCE).open_checkout(&checkout(1, "EUR")).await;
        assert!(matches!(said, Err(GatewayError::Garbled(_))), "{answer}: {said:?}");
    }
}
