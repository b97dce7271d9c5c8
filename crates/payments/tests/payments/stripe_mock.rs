//! The adapter against Stripe's own `stripe-mock`, which checks every request against Stripe's description of its interface, and answers
//! with samples. It refuses fields that it does not know at the top of a request, and values of the wrong kind everywhere.
//! `scripts/interop-payments` starts it.

use std::time::Duration;

use serde_json::{Value, json};
use souk_domain::listing::Interval;
use souk_payments::Stripe;
use souk_ports::payment::{GatewayError, News, PaymentGateway, Split};

use crate::fixture::{ORDER, checkout, money, recurring, refund_of, stripe};

/// Where it is, when somebody started it.
fn mock(test: &str) -> Option<Stripe> {
    let Ok(base) = std::env::var("SOUK_TEST_STRIPE_URL") else {
        eprintln!("SKIPPED {test}: SOUK_TEST_STRIPE_URL is not set; scripts/interop-payments sets it");
        return None;
    };
    eprintln!("{test}: against {base}");
    Some(stripe(&base, Duration::from_secs(30)))
}

fn vendor() -> Option<Split> {
    Some(Split { account: "acct_1Vendor".to_owned(), commission: 299, commission_basis_points: 1_505 })
}

#[tokio::test]
async fn stripes_description_allows_every_checkout() {
    let Some(stripe) = mock("checkouts") else { return };
    let mut requests = vec![checkout(1_999, "EUR"), checkout(5, "ISK"), checkout(500, "JPY")];
    for (interval, trial) in [(Interval::Monthly, 0), (Interval::Yearly, 14)] {
        let mut request = checkout(1_999, "USD");
        request.subscription = Some(recurring(interval, trial));
        requests.push(request);
    }
    for mut request in requests {
        for split in [None, vendor()] {
            request.vendor = split;
            let opened = stripe.open_checkout(&request).await.unwrap_or_else(|error| panic!("{request:?}: {error}"));
            assert!(opened.reference.starts_with("cs_"), "{opened:?}");
            eprintln!("opened {}", opened.reference);
            let again = stripe.checkout(&opened.reference).await.unwrap();
            assert_eq!(again.reference, opened.reference);
        }
    }
}

#[tokio::test]
async fn stripes_description_allows_every_refund() {
    let Some(stripe) = mock("refunds") else { return };
    for (names, split) in [(&["pi_1Souk"][..], false), (&["pi_1Souk"], true), (&["ch_1Souk"], false)] {
        let answer = stripe.refund(&refund_of(names, money(1_000, "EUR"), split)).await.unwrap();
        eprintln!("refunded {names:?}: {answer:?}");
        assert!(answer.reference.starts_with("re_"), "{answer:?}");
    }
    // Its sample of an invoice is not paid, so that the question is understood is all that shows.
    match stripe.refund(&refund_of(&["in_1Souk"], money(1_000, "EUR"), false)).await {
        Ok(answer) => eprintln!("refunded by invoice: {answer:?}"),
        Err(GatewayError::Refused { code, .. }) if code == "no_payment_name" => eprintln!("the invoice is not paid"),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn stripes_description_allows_every_end() {
    let Some(stripe) = mock("subscriptions") else { return };
    stripe.end_subscription("sub_1Souk", "key-1").await.unwrap();
    stripe.end_at_period_end("sub_1Souk", true, "key-2").await.unwrap();
    stripe.end_at_period_end("sub_1Souk", false, "key-3").await.unwrap();
}

#[tokio::test]
async fn stripes_samples_can_be_read() {
    let Some(stripe) = mock("samples") else { return };
    let base = std::env::var("SOUK_TEST_STRIPE_URL").unwrap();
    for (kind, path) in [
        ("checkout.session.completed", "checkout/sessions/cs_1"),
        ("checkout.session.expired", "checkout/sessions/cs_1"),
        ("payment_intent.succeeded", "payment_intents/pi_1"),
        ("payment_intent.payment_failed", "payment_intents/pi_1"),
        ("refund.updated", "refunds/re_1"),
        ("charge.dispute.created", "disputes/du_1"),
        ("customer.subscription.updated", "subscriptions/sub_1"),
        ("invoice.paid", "invoices/in_1"),
        ("invoice.payment_failed", "invoices/in_1"),
        ("invoice_payment.paid", "invoice_payments/inpay_1"),
    ] {
        let asked = reqwest::Client::new().get(format!("{base}/v1/{path}")).bearer_auth("sk_test_secret");
        let mut object: Value = asked.send().await.unwrap().json().await.unwrap();
        // Samples are of Souk, of a subscription, and paid, so that as much of them is read as can be.
        object["metadata"] = json!({ "order_id": ORDER });
        match kind.split_once('.').unwrap().0 {
            "invoice" => {
                let details = json!({"subscription": "sub_1", "metadata": {"order_id": ORDER}});
                object["parent"] = json!({"type": "subscription_details", "subscription_details": details});
            }
            "invoice_payment" => {
                object["amount_paid"] = object["amount_requested"].clone();
                object["payment"]["payment_intent"] = json!("pi_1");
                object["currency"] = json!("usd");
            }
            "charge" => object["status"] = json!("needs_response"),
            "checkout" => object["amount_total"] = json!(1_999),
            _ => {}
        }
        let event = json!({"id": "evt_1", "type": kind, "created": 1_767_225_600, "data": {"object": object}});
        let notice = stripe.read(&serde_json::to_vec(&event).unwrap()).unwrap_or_else(|problem| panic!("{problem}"));
        eprintln!("{kind}: {:?}", notice.news);
        assert!(notice.news != News::Other || kind == "checkout.session.completed", "{kind}");
    }
}
