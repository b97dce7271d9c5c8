//! What is made of Razorpay's events.

use serde_json::{Value, json};
use souk_ports::payment::{DisputeOutcome, News, Notice, Paid, PaymentOutcome, RefundOutcome, SubscriptionStanding};

use crate::fixture::{at, event, money, nonsense_everywhere, order, read, refund, with, without};

fn notice(event: &Value) -> Notice {
    read("razorpay", event).unwrap()
}

fn news(event: &Value) -> News {
    notice(event).news
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn rupees(amount: i64, fee: Option<i64>) -> PaymentOutcome {
    PaymentOutcome::Paid(Paid { total: money(amount, "INR"), tax: None, fee, country: None })
}

fn failed(code: &str) -> PaymentOutcome {
    PaymentOutcome::Failed { code: code.to_owned() }
}

fn payment(outcome: PaymentOutcome) -> News {
    let names = names(&["pay_SoukPay0000001", "order_SoukOrder00001"]);
    News::Payment { order: Some(order()), names, subscription: None, outcome }
}

#[test]
fn captured_payments_pay_orders() {
    // The fee is the gateway's, and the tax is on the fee.
    let paid = payment(rupees(149_900, Some(3_538)));
    assert_eq!(notice(&event("razorpay/order_paid")), Notice { at: at(1_767_225_600), news: paid.clone() });
    let captured = event("razorpay/payment_captured");
    assert_eq!(news(&captured), paid);
    let of = |changes: &[(&str, Value)]| news(&with(captured.clone(), changes));
    for notes in [json!([]), json!({})] {
        let told = of(&[("/payload/payment/entity/notes", notes)]);
        assert!(matches!(told, News::Payment { order: None, .. }), "{told:?}");
    }
    let authorized = of(&[("/event", json!("payment.authorized"))]);
    assert_eq!(authorized, News::Other);
    // What it keeps of dollars it says in rupees.
    let dollars = [
        ("/payload/payment/entity/currency", json!("USD")),
        ("/payload/payment/entity/amount", json!(1_999)),
        ("/payload/payment/entity/base_currency", json!("INR")),
    ];
    let PaymentOutcome::Paid(paid) = (match of(&dollars) {
        News::Payment { outcome, .. } => outcome,
        other => panic!("{other:?}"),
    }) else {
        panic!("not paid")
    };
    assert_eq!((paid.total, paid.fee), (money(1_999, "USD"), None));
}

#[test]
fn payments_of_subscriptions_are_told_by_their_subscription() {
    let invoice = ("/payload/payment/entity/invoice_id", json!("inv_SoukInvoice0002"));
    for path in ["order_paid", "payment_captured", "payment_failed"] {
        let told = news(&with(event(&format!("razorpay/{path}")), std::slice::from_ref(&invoice)));
        assert_eq!(told, News::Other, "{path}");
    }
    assert_eq!(news(&event("razorpay/invoice_paid")), News::Other);
}

#[test]
fn failed_payments_say_why() {
    let told = event("razorpay/payment_failed");
    assert_eq!(news(&told), payment(failed("payment_timed_out")));
    let less = with(told.clone(), &[("/payload/payment/entity/error_reason", Value::Null)]);
    assert_eq!(news(&less), payment(failed("BAD_REQUEST_ERROR")));
    let nothing = with(less, &[("/payload/payment/entity/error_code", Value::Null)]);
    assert_eq!(news(&nothing), payment(failed("payment_failed")));
}

#[test]
fn refunds_are_told_one_by_one() {
    let processed = event("razorpay/refund_processed");
    let whole = |outcome| News::Refund {
        payment: names(&["pay_SoukPay0000001", "order_SoukOrder00001"]),
        refund: Some(refund()),
        reference: "rfnd_SoukRefund0001".to_owned(),
        amount: money(50_000, "INR"),
        outcome,
    };
    for (kind, status, outcome) in [
        ("refund.created", "created", RefundOutcome::Pending),
        ("refund.created", "pending", RefundOutcome::Pending),
        ("refund.created", "processed", RefundOutcome::Succeeded),
        ("refund.processed", "processed", RefundOutcome::Succeeded),
        ("refund.speed_changed", "pending", RefundOutcome::Pending),
        ("refund.failed", "failed", RefundOutcome::Failed { code: "failed".to_owned() }),
    ] {
        let changes = [("/event", json!(kind)), ("/payload/refund/entity/status", json!(status))];
        assert_eq!(news(&with(processed.clone(), &changes)), whole(outcome), "{kind} {status}");
    }
    let alone = without(with(processed, &[("/payload/refund/entity/notes", json!([]))]), "/payload/payment");
    let News::Refund { payment, refund, .. } = news(&alone) else { panic!("no refund") };
    assert_eq!((payment, refund), (names(&["pay_SoukPay0000001"]), None));
}

#[test]
fn disputes_count_once_money_is_taken_away() {
    let created = event("razorpay/dispute_created");
    let whole = |outcome| News::Dispute {
        payment: names(&["pay_SoukPay0000001", "order_SoukOrder00001"]),
        reference: "disp_SoukDispute01".to_owned(),
        amount: money(149_900, "INR"),
        reason: "goods_or_services_not_received".to_owned(),
        outcome,
    };
    for (kind, status, deducted, outcome) in [
        ("created", "open", 0, DisputeOutcome::Open),
        ("under_review", "under_review", 0, DisputeOutcome::Open),
        ("action_required", "open", 0, DisputeOutcome::Open),
        ("won", "won", 0, DisputeOutcome::Won),
        ("lost", "lost", 149_900, DisputeOutcome::Lost),
        ("closed", "closed", 0, DisputeOutcome::Won),
        ("closed", "closed", 149_900, DisputeOutcome::Lost),
        ("closed", "won", 0, DisputeOutcome::Won),
        ("closed", "lost", 0, DisputeOutcome::Lost),
    ] {
        let changes = [
            ("/event", json!(format!("payment.dispute.{kind}"))),
            ("/payload/dispute/entity/status", json!(status)),
            ("/payload/dispute/entity/amount_deducted", json!(deducted)),
        ];
        assert_eq!(news(&with(created.clone(), &changes)), whole(outcome), "{kind} {status}");
        for phase in ["fraud", "retrieval"] {
            let asked = with(created.clone(), &[("/payload/dispute/entity/phase", json!(phase))]);
            assert_eq!(news(&with(asked, &changes)), News::Other);
        }
    }
}

#[test]
fn charges_pay_intervals() {
    let charged = event("razorpay/subscription_charged");
    let whole = |first| News::Renewal {
        subscription: "sub_SoukSub0000001".to_owned(),
        order: Some(order()),
        names: names(&["inv_SoukInvoice0002", "pay_SoukPay0000002", "order_SoukOrder00002"]),
        first,
        period: Some((at(1_769_904_000), at(1_772_323_200))),
        outcome: rupees(149_900, Some(3_538)),
    };
    assert_eq!(news(&charged), whole(false));
    let first = with(charged, &[("/payload/subscription/entity/paid_count", json!(1))]);
    assert_eq!(news(&first), whole(true));
    let after_a_trial = with(first, &[("/payload/subscription/entity/notes/trial_days", json!("14"))]);
    assert_eq!(news(&after_a_trial), whole(false));
}

#[test]
fn charges_that_fail_are_told_too() {
    let pending = event("razorpay/subscription_pending");
    let whole = |of: &[&str], first, code: &str| News::Renewal {
        subscription: "sub_SoukSub0000001".to_owned(),
        order: Some(order()),
        names: names(of),
        first,
        period: None,
        outcome: failed(code),
    };
    let all = ["inv_SoukInvoice0002", "pay_SoukPay0000002", "order_SoukOrder00002"];
    assert_eq!(news(&pending), whole(&all, false, "insufficient_funds"));
    let first = with(pending.clone(), &[("/payload/subscription/entity/paid_count", json!(0))]);
    assert_eq!(news(&first), whole(&all, true, "insufficient_funds"));
    let halted = [("/event", json!("subscription.halted")), ("/payload/subscription/entity/status", json!("halted"))];
    assert_eq!(news(&without(with(pending, &halted), "/payload/payment")), whole(&[], false, "halted"));
}

#[test]
fn a_trial_begins_when_the_buyer_has_agreed() {
    let agreed = event("razorpay/subscription_authenticated");
    let begins = News::Payment {
        order: Some(order()),
        names: Vec::new(),
        subscription: Some("sub_SoukSub0000001".to_owned()),
        outcome: PaymentOutcome::NothingDue,
    };
    assert_eq!(news(&agreed), begins);
    // Without a trial the payment follows at once.
    assert_eq!(news(&without(agreed, "/payload/subscription/entity/notes/trial_days")), News::Other);
}

#[test]
fn subscriptions_end() {
    let cancelled = event("razorpay/subscription_cancelled");
    let whole = |standing, ends_then| News::Subscription {
        reference: "sub_SoukSub0000001".to_owned(),
        order: Some(order()),
        standing,
        period_end: Some(at(1_772_323_200)),
        ends_then,
    };
    assert_eq!(news(&cancelled), whole(SubscriptionStanding::Ended, false));
    let of = |status: &str, remaining: i64| {
        let changes = [
            ("/event", json!("subscription.updated")),
            ("/payload/subscription/entity/status", json!(status)),
            ("/payload/subscription/entity/remaining_count", json!(remaining)),
        ];
        news(&with(cancelled.clone(), &changes))
    };
    assert_eq!(of("completed", 0), whole(SubscriptionStanding::Ended, true));
    assert_eq!(of("expired", 7), whole(SubscriptionStanding::Ended, false));
    assert_eq!(of("active", 0), whole(SubscriptionStanding::Active, true));
    for status in ["created", "authenticated", "active", "paused"] {
        assert_eq!(of(status, 7), News::Other, "{status}");
    }
}

#[test]
fn what_souk_does_nothing_about_is_no_error() {
    for kind in ["invoice.expired", "transfer.processed", "settlement.processed", "product.route.activated", "x"] {
        let told = json!({"entity": "event", "event": kind, "created_at": 1_767_225_600, "payload": []});
        assert_eq!(notice(&told), Notice { at: at(1_767_225_600), news: News::Other }, "{kind}");
    }
}

#[test]
fn what_is_missing_is_named() {
    for (path, field) in [
        ("order_paid", "payment.entity.id"),
        ("order_paid", "payment.entity.amount"),
        ("payment_captured", "payment.entity.currency"),
        ("payment_failed", "payment.entity"),
        ("refund_processed", "refund.entity.status"),
        ("refund_processed", "refund.entity.payment_id"),
        ("dispute_created", "dispute.entity.amount"),
        ("dispute_created", "dispute"),
        ("subscription_charged", "subscription.entity.paid_count"),
        ("subscription_charged", "payment"),
        ("subscription_pending", "subscription.entity.status"),
        ("subscription_cancelled", "subscription.entity.id"),
    ] {
        let event = event(&format!("razorpay/{path}"));
        let kind = event["event"].as_str().unwrap().to_owned();
        let problem = read("razorpay", &without(event, &format!("/payload/{}", field.replace('.', "/")))).unwrap_err();
        assert_eq!(problem, format!("{kind}: payload.{field} is missing"));
    }
}

#[test]
fn nonsense_is_refused_and_never_panics() {
    nonsense_everywhere("razorpay");
}
