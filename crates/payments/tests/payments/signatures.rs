//! Whom the adapters believe.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use souk_payments::{Razorpay, RazorpaySettings, Stripe, StripeSettings};
use souk_ports::payment::{Authentic, Headers, PaymentGateway, WebhookError};

use crate::fixture::{Still, at, event, events, razorpay};

/// Values that anybody computes with HMAC-SHA256 over what the gateways describe.
const STRIPE_SECRET: &str = "whsec_test_secret";
const STRIPE_BODY: &[u8] = br#"{"id":"evt_1","object":"event","type":"checkout.session.completed"}"#;
const STRIPE_SIGNATURE: &str = "d1e4aa90551919f198c22ba0a9691b35338d4b631d54ce1f1465e93b1d41c430";
const STRIPE_TIME: i64 = 1_700_000_000;
const RAZORPAY_SECRET: &str = "rzp_webhook_secret";
const RAZORPAY_BODY: &[u8] = br#"{"entity":"event","event":"payment.captured"}"#;
const RAZORPAY_SIGNATURE: &str = "6f1d2291843878c4afa36db712dcb75555eeec13e91624e8ca94976a18e2312e";

struct Sent(BTreeMap<&'static str, String>);

impl Headers for Sent {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

fn stripe(secrets: &[&str]) -> Stripe {
    let mut settings = StripeSettings::new("sk_test_secret".to_owned(), String::new(), String::new());
    settings.webhook_secrets = secrets.iter().map(|secret| (*secret).to_owned()).collect();
    Stripe::new(settings).unwrap()
}

fn razorpay_with(secrets: &[&str]) -> Razorpay {
    let mut settings = RazorpaySettings::new("rzp_test_id".to_owned(), "rzp_key_secret".to_owned());
    settings.webhook_secrets = secrets.iter().map(|secret| (*secret).to_owned()).collect();
    Razorpay::new(settings, Arc::new(Still)).unwrap()
}

/// Loading whom TLS trusts takes a while, so the usual ones are made once.
static STRIPE: LazyLock<Stripe> = LazyLock::new(|| stripe(&[STRIPE_SECRET]));
static RAZORPAY: LazyLock<Razorpay> = LazyLock::new(|| razorpay_with(&[RAZORPAY_SECRET]));

fn from_stripe(secrets: &[&str], header: &str, body: &[u8], now: DateTime<Utc>) -> Result<Authentic, WebhookError> {
    let other;
    let stripe = if secrets == [STRIPE_SECRET] {
        &*STRIPE
    } else {
        other = stripe(secrets);
        &other
    };
    stripe.authenticate(&Sent(BTreeMap::from([("stripe-signature", header.to_owned())])), body, now)
}

fn from_razorpay(
    secrets: &[&str],
    signature: &str,
    event_id: Option<&str>,
    body: &[u8],
) -> Result<Authentic, WebhookError> {
    let mut headers = BTreeMap::from([("x-razorpay-signature", signature.to_owned())]);
    headers.extend(event_id.map(|id| ("x-razorpay-event-id", id.to_owned())));
    let other;
    let razorpay = if secrets == [RAZORPAY_SECRET] {
        &*RAZORPAY
    } else {
        other = razorpay_with(secrets);
        &other
    };
    razorpay.authenticate(&Sent(headers), body, at(0))
}

fn known(event_id: &str, kind: &str) -> Authentic {
    Authentic { event_id: event_id.to_owned(), kind: kind.to_owned() }
}

fn header() -> String {
    format!("t={STRIPE_TIME},v1={STRIPE_SIGNATURE}")
}

#[test]
fn stripe_signs_as_it_describes() {
    assert_eq!(Stripe::sign(STRIPE_SECRET, STRIPE_TIME, STRIPE_BODY), header());
    let said = from_stripe(&[STRIPE_SECRET], &header(), STRIPE_BODY, at(STRIPE_TIME));
    assert_eq!(said, Ok(known("evt_1", "checkout.session.completed")));
}

#[test]
fn one_right_signature_is_enough() {
    let (now, wrong) = (at(STRIPE_TIME), "0".repeat(64));
    for header in [
        format!("t={STRIPE_TIME},v1={wrong},v1={STRIPE_SIGNATURE}"),
        format!("t={STRIPE_TIME},v1={STRIPE_SIGNATURE},v1={wrong},v0={wrong}"),
        format!("v1={STRIPE_SIGNATURE},t={STRIPE_TIME}"),
        format!("t={STRIPE_TIME}, v1={STRIPE_SIGNATURE} ,,x=y,z"),
    ] {
        from_stripe(&[STRIPE_SECRET], &header, STRIPE_BODY, now).unwrap_or_else(|error| panic!("{header}: {error}"));
    }
    for secrets in [[STRIPE_SECRET, "whsec_next"], ["whsec_next", STRIPE_SECRET], ["", STRIPE_SECRET]] {
        from_stripe(&secrets, &header(), STRIPE_BODY, now).unwrap();
    }
}

#[test]
fn what_stripe_did_not_sign_is_refused() {
    let now = at(STRIPE_TIME);
    for header in [
        String::new(),
        format!("v1={STRIPE_SIGNATURE}"),
        format!("t={STRIPE_TIME}"),
        format!("t={STRIPE_TIME},v0={STRIPE_SIGNATURE}"),
        format!("t={STRIPE_TIME},v1="),
        format!("t={STRIPE_TIME},v1={}", &STRIPE_SIGNATURE[..62]),
        format!("t={STRIPE_TIME},v1={STRIPE_SIGNATURE}00"),
        format!("t={},v1={STRIPE_SIGNATURE}", STRIPE_TIME + 1),
        // The same time, but not as it was signed.
        format!("t=0{STRIPE_TIME},v1={STRIPE_SIGNATURE}"),
        format!("t=+{STRIPE_TIME},v1={STRIPE_SIGNATURE}"),
        format!("t={STRIPE_TIME},t={STRIPE_TIME},v1={STRIPE_SIGNATURE}"),
        format!("t=99999999999999999999,v1={STRIPE_SIGNATURE}"),
        // So many that they are not all tried.
        format!("t={STRIPE_TIME}{},v1={STRIPE_SIGNATURE}", format!(",v1={}", "0".repeat(64)).repeat(8)),
    ] {
        let said = from_stripe(&[STRIPE_SECRET], &header, STRIPE_BODY, now);
        assert_eq!(said, Err(WebhookError::BadSignature), "{header}");
    }
    assert_eq!(
        stripe(&[STRIPE_SECRET]).authenticate(&Sent(BTreeMap::new()), STRIPE_BODY, now),
        Err(WebhookError::BadSignature)
    );
    let said = from_stripe(&["whsec_other"], &header(), STRIPE_BODY, now);
    assert_eq!(said, Err(WebhookError::BadSignature));
}

#[test]
fn every_flipped_bit_is_noticed() {
    let now = at(STRIPE_TIME);
    let signature = hex::decode(STRIPE_SIGNATURE).unwrap();
    for bit in 0..signature.len() * 8 {
        let mut flipped = signature.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let header = format!("t={STRIPE_TIME},v1={}", hex::encode(&flipped));
        assert_eq!(from_stripe(&[STRIPE_SECRET], &header, STRIPE_BODY, now), Err(WebhookError::BadSignature), "{bit}");
    }
    for bit in 0..STRIPE_BODY.len() * 8 {
        let mut flipped = STRIPE_BODY.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(from_stripe(&[STRIPE_SECRET], &header(), &flipped, now), Err(WebhookError::BadSignature), "{bit}");
    }
    for bit in 0..RAZORPAY_BODY.len() * 8 {
        let mut flipped = RAZORPAY_BODY.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let said = from_razorpay(&[RAZORPAY_SECRET], RAZORPAY_SIGNATURE, Some("e"), &flipped);
        assert_eq!(said, Err(WebhookError::BadSignature), "{bit}");
    }
}

#[test]
fn old_and_future_signatures_are_stale() {
    let after = |seconds: i64| from_stripe(&[STRIPE_SECRET], &header(), STRIPE_BODY, at(STRIPE_TIME + seconds));
    after(300).unwrap();
    after(-300).unwrap();
    assert_eq!(after(301), Err(WebhookError::Stale(301)));
    assert_eq!(after(-301), Err(WebhookError::Stale(-301)));
    // Who cannot sign is not told the time.
    let said = from_stripe(&["whsec_other"], &header(), STRIPE_BODY, at(STRIPE_TIME + 301));
    assert_eq!(said, Err(WebhookError::BadSignature));
    let far = Stripe::sign(STRIPE_SECRET, i64::MAX, STRIPE_BODY);
    assert!(matches!(from_stripe(&[STRIPE_SECRET], &far, STRIPE_BODY, at(-1)), Err(WebhookError::Stale(_))));
}

#[test]
fn without_a_secret_nobody_is_believed() {
    for secrets in [&[][..], &[""], &["", "  "]] {
        // What fits an empty secret.
        let header = Stripe::sign("", STRIPE_TIME, STRIPE_BODY);
        let said = from_stripe(secrets, &header, STRIPE_BODY, at(STRIPE_TIME));
        assert_eq!(said, Err(WebhookError::NotConfigured));
        let signature = Razorpay::sign("", RAZORPAY_BODY);
        assert_eq!(from_razorpay(secrets, &signature, Some("e"), RAZORPAY_BODY), Err(WebhookError::NotConfigured));
    }
    let header = Stripe::sign("", STRIPE_TIME, STRIPE_BODY);
    let said = from_stripe(&["", STRIPE_SECRET], &header, STRIPE_BODY, at(STRIPE_TIME));
    assert_eq!(said, Err(WebhookError::BadSignature));
}

#[test]
fn signed_bodies_that_are_no_events_are_malformed() {
    for body in [
        &b""[..],
        b"[]",
        b"{}",
        b"{\"id\":\"evt_1\"}",
        b"{\"id\":\"\",\"type\":\"x\"}",
        b"{\"id\":1,\"type\":\"x\"}",
        b"\xff",
    ] {
        let header = Stripe::sign(STRIPE_SECRET, STRIPE_TIME, body);
        let said = from_stripe(&[STRIPE_SECRET], &header, body, at(STRIPE_TIME));
        assert!(matches!(said, Err(WebhookError::Malformed(_))), "{said:?}");
        let said = from_razorpay(&[RAZORPAY_SECRET], &Razorpay::sign(RAZORPAY_SECRET, body), Some("e"), body);
        assert!(matches!(said, Err(WebhookError::Malformed(_))), "{said:?}");
    }
}

#[test]
fn razorpay_signs_as_it_describes() {
    assert_eq!(Razorpay::sign(RAZORPAY_SECRET, RAZORPAY_BODY), RAZORPAY_SIGNATURE);
    for secrets in [&[RAZORPAY_SECRET][..], &["new", RAZORPAY_SECRET], &[RAZORPAY_SECRET, "old"]] {
        let said = from_razorpay(secrets, RAZORPAY_SIGNATURE, Some("event_1"), RAZORPAY_BODY);
        assert_eq!(said, Ok(known("event_1", "payment.captured")));
    }
    for (secret, signature) in [("other", RAZORPAY_SIGNATURE), (RAZORPAY_SECRET, ""), (RAZORPAY_SECRET, "zz")] {
        let said = from_razorpay(&[secret], signature, Some("event_1"), RAZORPAY_BODY);
        assert_eq!(said, Err(WebhookError::BadSignature));
    }
    let nobody = razorpay_with(&[RAZORPAY_SECRET]).authenticate(&Sent(BTreeMap::new()), RAZORPAY_BODY, at(0));
    assert_eq!(nobody, Err(WebhookError::BadSignature));
    // Without the id, an event could be taken in again and again.
    for id in [None, Some(""), Some(" ")] {
        let said = from_razorpay(&[RAZORPAY_SECRET], RAZORPAY_SIGNATURE, id, RAZORPAY_BODY);
        assert_eq!(said, Err(WebhookError::Malformed("x-razorpay-event-id is missing".to_owned())));
    }
}

#[test]
fn browsers_bring_back_what_razorpay_signed() {
    let razorpay = razorpay("https://gateway.example", Duration::from_secs(1));
    let (order, payment) = ("order_DESlLckIVRkHWj", "pay_DESlfW9H8K9uqM");
    let signature = "48d350370d9d156107c5f48001fd8a865e7a958e2caf5caa12ba61621c9e0800";
    assert!(razorpay.verify_checkout(order, payment, signature));
    for (order, payment, signature) in [
        ("order_DESlLckIVRkHWk", payment, signature),
        (order, "pay_DESlfW9H8K9uqN", signature),
        (payment, order, signature),
        (order, payment, ""),
        (order, payment, "48d3"),
        ("", "", signature),
    ] {
        assert!(!razorpay.verify_checkout(order, payment, signature), "{order} {payment} {signature}");
    }
    // Of a subscription the payment comes first.
    let signature = Razorpay::sign("rzp_key_secret", b"pay_1|sub_1");
    assert!(razorpay.verify_checkout("sub_1", "pay_1", &signature));
    assert!(!razorpay.verify_checkout("sub_1", "pay_1", &Razorpay::sign("rzp_key_secret", b"sub_1|pay_1")));
}

#[test]
fn every_event_that_is_signed_is_known() {
    for path in events("stripe") {
        let event = event(&path);
        let body = serde_json::to_vec(&event).unwrap();
        let header = Stripe::sign(STRIPE_SECRET, STRIPE_TIME, &body);
        let said = from_stripe(&[STRIPE_SECRET], &header, &body, at(STRIPE_TIME)).unwrap();
        assert_eq!(said, known(event["id"].as_str().unwrap(), event["type"].as_str().unwrap()));
    }
}

#[test]
fn settings_do_not_tell_secrets() {
    let mut settings = StripeSettings::new("sk_live_verysecret".to_owned(), String::new(), String::new());
    settings.webhook_secrets = vec!["whsec_verysecret".to_owned()];
    let said = format!("{settings:?} {:?}", Stripe::new(settings.clone()).unwrap());
    assert!(!said.contains("verysecret"), "{said}");
    let mut settings = RazorpaySettings::new("rzp_live_id".to_owned(), "verysecret".to_owned());
    settings.webhook_secrets = vec!["alsoverysecret".to_owned()];
    let said = format!("{settings:?} {:?}", Razorpay::new(settings.clone(), Arc::new(Still)).unwrap());
    assert!(!said.contains("verysecret") && said.contains("rzp_live_id"), "{said}");
}

proptest! {
    #[test]
    fn whatever_a_header_says_nothing_panics(header in "(t=[0-9]{0,22}|v1=[0-9a-zA-Z]{0,70}|v0=|,|=|[ -~]{0,8}|\\PC{0,4}){0,12}", body: Vec<u8>) {
        from_stripe(&[STRIPE_SECRET], &header, &body, at(STRIPE_TIME)).unwrap_err();
        from_razorpay(&[RAZORPAY_SECRET], &header, Some(&header), &body).unwrap_err();
    }

    #[test]
    fn whatever_a_body_says_nothing_panics(body: Vec<u8>, text in "\\PC{0,200}") {
        for body in [&body[..], text.as_bytes()] {
            let _ = STRIPE.read(body);
            let _ = RAZORPAY.read(body);
        }
    }

    #[test]
    fn what_is_signed_fits(body: Vec<u8>, time in 0..4_000_000_000_i64) {
        let said = from_stripe(&[STRIPE_SECRET], &Stripe::sign(STRIPE_SECRET, time, &body), &body, at(time));
        let fits = !matches!(said, Err(WebhookError::BadSignature | WebhookError::Stale(_) | WebhookError::NotConfigured));
        prop_assert!(fits);
    }
}
