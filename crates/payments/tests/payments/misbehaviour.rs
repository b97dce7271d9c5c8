//! Gateways that do not behave.

use std::time::Duration;

use serde_json::{Value, json};
use souk_ports::payment::{GatewayError, PaymentGateway};

use crate::{
    fixture::{checkout, money, razorpay, refund_of, stripe},
    stand_in::{Reply, StandIn},
};

/// Longer than any answer here takes.
const PATIENCE: Duration = Duration::from_secs(30);
/// For those that never answer.
const IMPATIENCE: Duration = Duration::from_millis(200);

/// What both adapters make of an answer to their first call; they must agree.
async fn both(reply: Reply, patience: Duration) -> GatewayError {
    let (one, two) = (StandIn::with([reply.clone()]).await, StandIn::with([reply]).await);
    let of_stripe = stripe(&one.base, patience).open_checkout(&checkout(1_000, "EUR")).await.unwrap_err();
    let of_razorpay = razorpay(&two.base, patience).open_checkout(&checkout(1_000, "EUR")).await.unwrap_err();
    // Asking again is for whoever knows the idempotency key.
    one.asked_once();
    two.asked_once();
    assert_eq!(of_stripe, of_razorpay);
    of_stripe
}

fn error(code: Value, message: &str) -> Value {
    json!({"error": {"type": "invalid_request_error", "code": code, "message": message}})
}

fn is_unavailable(error: &GatewayError) -> bool {
    matches!(error, GatewayError::Unavailable(_))
}

fn is_garbled(error: &GatewayError) -> bool {
    matches!(error, GatewayError::Garbled(_))
}

#[tokio::test]
async fn what_does_not_answer_is_unavailable() {
    for reply in [Reply::Never, Reply::Half] {
        let said = both(reply, IMPATIENCE).await;
        assert_eq!(said, GatewayError::Unavailable("no answer within 200ms".to_owned()));
    }
    let gone = StandIn::with([]).await.base.clone();
    let said = stripe(&gone, PATIENCE).open_checkout(&checkout(1_000, "EUR")).await.unwrap_err();
    assert!(is_unavailable(&said), "{said:?}");
}

#[tokio::test]
async fn several_calls_have_the_time_of_one() {
    let nothing = Reply::Json(200, json!({"data": [], "items": []}));
    for names in [["pi_1"], ["pay_1"]] {
        let gateway = StandIn::with([nothing.clone(), Reply::Never]).await;
        let request = refund_of(&names, money(1_000, "EUR"), false);
        let said = if names == ["pi_1"] {
            stripe(&gateway.base, IMPATIENCE).refund(&request).await
        } else {
            razorpay(&gateway.base, IMPATIENCE).refund(&request).await
        };
        assert_eq!(said, Err(GatewayError::Unavailable("no answer within 200ms".to_owned())));
        gateway.asked();
    }
}

#[tokio::test]
async fn what_fails_by_itself_or_is_busy_is_unavailable() {
    for status in [500, 502, 503, 504, 408, 409, 429] {
        for reply in [
            Reply::Json(status, error(json!("lock_timeout"), "busy")),
            Reply::Text(status, "<html>"),
            Reply::Long(status, 2 << 20),
        ] {
            let said = both(reply, PATIENCE).await;
            assert!(is_unavailable(&said), "{status}: {said:?}");
        }
    }
    let said = both(Reply::Json(409, error(json!("idempotency_key_in_use"), "wait")), PATIENCE).await;
    let expected = "HTTP 409 Conflict: idempotency_key_in_use: wait";
    assert_eq!(said, GatewayError::Unavailable(expected.to_owned()));
}

#[tokio::test]
async fn what_is_refused_says_why() {
    let refused =
        |code: &str, message: &str| GatewayError::Refused { code: code.to_owned(), message: message.to_owned() };
    for status in [400, 401, 402, 403, 404] {
        let said = both(Reply::Json(status, error(json!("card_declined"), "No.\nNever")), PATIENCE).await;
        assert_eq!(said, refused("card_declined", "No. Never"));
    }
    let said = both(Reply::Json(400, error(Value::Null, "")), PATIENCE).await;
    assert_eq!(said, refused("invalid_request_error", ""));
    let razorpays = json!({"error": {"code": "BAD_REQUEST_ERROR", "description": "Too little."}});
    assert_eq!(both(Reply::Json(400, razorpays), PATIENCE).await, refused("BAD_REQUEST_ERROR", "Too little."));
}

#[tokio::test]
async fn messages_do_not_repeat_the_key() {
    let told = error(json!("bad_sk_test_secret"), "no such key: sk_test_secret rzp_key_secret");
    for status in [401, 503] {
        let gateway = StandIn::with([Reply::Json(status, told.clone())]).await;
        let said = stripe(&gateway.base, PATIENCE).open_checkout(&checkout(1_000, "EUR")).await.unwrap_err();
        assert!(!format!("{said:?} {said}").contains("sk_test_secret"), "{said:?}");
        let gateway = StandIn::with([Reply::Json(status, told.clone())]).await;
        let said = razorpay(&gateway.base, PATIENCE).open_checkout(&checkout(1_000, "EUR")).await.unwrap_err();
        assert!(!format!("{said:?} {said}").contains("rzp_key_secret"), "{said:?}");
    }
}

#[tokio::test]
async fn what_is_not_of_the_protocol_is_garbled() {
    for reply in [
        Reply::Text(200, "<html>"),
        Reply::Text(200, ""),
        Reply::Json(200, json!([])),
        Reply::Json(200, json!({"error": null})),
        Reply::Text(404, "<html>"),
        Reply::Json(400, json!({"error": "no"})),
        Reply::Json(400, json!({})),
    ] {
        let said = both(reply, PATIENCE).await;
        assert!(is_garbled(&said), "{said:?}");
    }
}

#[tokio::test]
async fn long_answers_are_not_read() {
    let said = both(Reply::Long(200, (1 << 20) + 1), PATIENCE).await;
    assert_eq!(said, GatewayError::Garbled("the answer is longer than 1048576 bytes".to_owned()));
    // As long as an answer may be, it is read, and is no JSON.
    let said = both(Reply::Long(200, 1 << 20), PATIENCE).await;
    assert_eq!(said, GatewayError::Garbled("HTTP 200 OK without a JSON object".to_owned()));
}

#[tokio::test]
async fn keys_go_nowhere_else() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = StandIn::with([]).await;
        let said = both(Reply::Elsewhere(status, format!("{}/v1/checkout/sessions", elsewhere.base)), PATIENCE).await;
        assert!(is_garbled(&said), "{said:?}");
        assert!(elsewhere.asked().is_empty());
    }
}
