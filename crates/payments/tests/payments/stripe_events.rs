//! What is made of Stripe's events.

use serde_json::{Value, json};
use souk_ports::payment::{DisputeOutcome, News, Notice, Paid, PaymentOutcome, RefundOutcome, SubscriptionStanding};

use crate::fixture::{at, event, money, nonsense_everywhere, order, read, refund, with, without};

fn notice(event: &Value) -> Notice {
    read("stripe", event).unwrap()
}

fn news(event: &Value) -> News {
    notice(event).news
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn euros(amount: i64, tax: Option<i64>, country: Option<&str>) -> PaymentOutcome {
    let country = country.map(str::to_owned);
    PaymentOutcome::Paid(Paid { total: money(amount, "EUR"), tax, fee: None, country })
}

fn failed(code: &str) -> PaymentOutcome {
    PaymentOutcome::Failed { code: code.to_owned() }
}

fn payment(of: &[&str], subscription: Option<&str>, outcome: PaymentOutcome) -> News {
    News::Payment { order: Some(order()), names: names(of), subscription: subscription.map(str::to_owned), outcome }
}

#[test]
fn a_completed_checkout_pays_the_order() {
    let completed = event("stripe/checkout_session_completed");
    let paid = payment(&["pi_3Souk1", "cs_test_a1Souk"], None, euros(2_379, Some(380), Some("DE")));
    assert_eq!(notice(&completed), Notice { at: at(1_767_225_600), news: paid.clone() });
    // The order's id also stands in a field of its own.
    assert_eq!(news(&with(completed.clone(), &[("/data/object/metadata", json!({}))])), paid);
    let nobody = [("/data/object/metadata", json!({})), ("/data/object/client_reference_id", json!("shop 7"))];
    assert!(matches!(news(&with(completed.clone(), &nobody)), News::Payment { order: None, .. }));
    let bare = [("/data/object/customer_details", Value::Null), ("/data/object/total_details", Value::Null)];
    let untold = payment(&["pi_3Souk1", "cs_test_a1Souk"], None, euros(2_379, None, None));
    assert_eq!(news(&with(completed.clone(), &bare)), untold);
    // Stripe may write the whole object in the place of a name.
    let expanded = [("/data/object/payment_intent", json!({"id": "pi_3Souk1", "object": "payment_intent"}))];
    assert_eq!(news(&with(completed.clone(), &expanded)), paid);
    let later = [("/type", json!("checkout.session.async_payment_succeeded"))];
    assert_eq!(news(&with(completed, &later)), paid);
}

#[test]
fn a_checkout_that_is_not_paid_pays_nothing() {
    let completed = event("stripe/checkout_session_completed");
    let of = |changes: &[(&str, Value)]| news(&with(completed.clone(), changes));
    assert_eq!(of(&[("/data/object/payment_status", json!("unpaid"))]), News::Other);
    assert_eq!(of(&[("/data/object/mode", json!("setup"))]), News::Other);
    let all = ["pi_3Souk1", "cs_test_a1Souk"];
    let late = of(&[("/type", json!("checkout.session.async_payment_failed"))]);
    assert_eq!(late, payment(&all, None, failed("async_payment_failed")));
    let expired = of(&[("/type", json!("checkout.session.expired")), ("/data/object/payment_intent", Value::Null)]);
    assert_eq!(expired, payment(&["cs_test_a1Souk"], None, PaymentOutcome::Expired));
}

#[test]
fn a_checkout_may_begin_a_subscription() {
    let completed = event("stripe/checkout_session_subscription");
    let all = ["in_1Souk1", "cs_test_b2Souk"];
    let paid = payment(&all, Some("sub_1Souk"), euros(2_379, Some(380), Some("DE")));
    assert_eq!(news(&completed), paid);
    let trial = payment(&all, Some("sub_1Souk"), PaymentOutcome::NothingDue);
    let free = with(completed.clone(), &[("/data/object/payment_status", json!("no_payment_required"))]);
    assert_eq!(news(&free), trial);
    assert_eq!(news(&with(completed, &[("/data/object/amount_total", json!(0))])), trial);
}

#[test]
fn intents_of_orders_are_payments_and_others_are_not() {
    let succeeded = event("stripe/payment_intent_succeeded");
    let of_intent = |outcome| payment(&["pi_3Souk1", "ch_3Souk1"], None, outcome);
    assert_eq!(notice(&succeeded), Notice { at: at(1_767_225_590), news: of_intent(euros(2_379, None, None)) });
    let declined = event("stripe/payment_intent_failed");
    assert_eq!(news(&declined), of_intent(failed("card_declined")));
    let unsaid = with(declined.clone(), &[("/data/object/last_payment_error", Value::Null)]);
    assert_eq!(news(&unsaid), of_intent(failed("payment_failed")));
    let canceled = with(succeeded.clone(), &[("/type", json!("payment_intent.canceled"))]);
    assert_eq!(news(&canceled), of_intent(failed("canceled")));
    for event in [succeeded, declined, canceled] {
        assert_eq!(news(&with(event, &[("/data/object/metadata", json!({}))])), News::Other);
    }
}

#[test]
fn refunds_are_told_one_by_one() {
    let updated = event("stripe/refund_updated");
    let of = |changes: &[(&str, Value)]| match news(&with(updated.clone(), changes)) {
        News::Refund { outcome, .. } => outcome,
        other => panic!("{other:?}"),
    };
    let whole = News::Refund {
        payment: names(&["pi_3Souk1", "ch_3Souk1"]),
        refund: Some(refund()),
        reference: "re_3Souk1".to_owned(),
        amount: money(1_000, "EUR"),
        outcome: RefundOutcome::Succeeded,
    };
    for kind in ["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"] {
        assert_eq!(news(&with(updated.clone(), &[("/type", json!(kind))])), whole);
    }
    let refused = |code: &str| RefundOutcome::Failed { code: code.to_owned() };
    let status = |word: &str| of(&[("/data/object/status", json!(word))]);
    assert_eq!(status("pending"), RefundOutcome::Pending);
    assert_eq!(status("requires_action"), RefundOutcome::Pending);
    assert_eq!(status("canceled"), refused("canceled"));
    assert_eq!(status("failed"), refused("failed"));
    let why = [("/data/object/status", json!("failed")), ("/data/object/failure_reason", json!("lost_or_stolen_card"))];
    assert_eq!(of(&why), refused("lost_or_stolen_card"));
    let elsewhere = news(&with(updated, &[("/data/object/metadata", json!({}))]));
    assert!(matches!(elsewhere, News::Refund { refund: None, .. }));
    assert_eq!(news(&event("stripe/charge_refunded")), News::Other);
}

#[test]
fn disputes_count_once_money_is_taken_away() {
    let created = event("stripe/charge_dispute_created");
    let whole = |outcome| News::Dispute {
        payment: names(&["pi_3Souk1", "ch_3Souk1"]),
        reference: "du_1Souk".to_owned(),
        amount: money(2_379, "EUR"),
        reason: "fraudulent".to_owned(),
        outcome,
    };
    for (status, outcome) in [
        ("needs_response", Some(DisputeOutcome::Open)),
        ("under_review", Some(DisputeOutcome::Open)),
        ("appeal_under_review", Some(DisputeOutcome::Open)),
        ("won", Some(DisputeOutcome::Won)),
        ("lost", Some(DisputeOutcome::Lost)),
        ("warning_needs_response", None),
        ("warning_under_review", None),
        ("warning_closed", None),
        ("prevented", None),
    ] {
        for kind in ["created", "updated", "funds_withdrawn", "funds_reinstated", "closed"] {
            let kind = json!(format!("charge.dispute.{kind}"));
            let told = news(&with(created.clone(), &[("/type", kind), ("/data/object/status", json!(status))]));
            assert_eq!(told, outcome.map_or(News::Other, whole), "{status}");
        }
    }
}

#[test]
fn subscriptions_stand_where_stripe_says() {
    let (new, old) = (event("stripe/customer_subscription_updated"), event("stripe/customer_subscription_2024"));
    let whole = |standing, ends_then| News::Subscription {
        reference: "sub_1Souk".to_owned(),
        order: Some(order()),
        standing,
        period_end: Some(at(1_769_904_000)),
        ends_then,
    };
    for event in [new, old] {
        for (status, standing) in [
            ("trialing", Some(SubscriptionStanding::Trialing)),
            ("active", Some(SubscriptionStanding::Active)),
            ("past_due", Some(SubscriptionStanding::PastDue)),
            ("unpaid", Some(SubscriptionStanding::PastDue)),
            ("paused", Some(SubscriptionStanding::PastDue)),
            ("canceled", Some(SubscriptionStanding::Ended)),
            ("incomplete_expired", Some(SubscriptionStanding::Ended)),
            ("incomplete", None),
        ] {
            for kind in ["created", "updated", "deleted", "paused", "resumed", "trial_will_end"] {
                let kind = json!(format!("customer.subscription.{kind}"));
                let told = news(&with(event.clone(), &[("/type", kind), ("/data/object/status", json!(status))]));
                assert_eq!(told, standing.map_or(News::Other, |standing| whole(standing, false)), "{status}");
            }
        }
        let ends = [("/data/object/cancel_at_period_end", json!(true))];
        assert_eq!(news(&with(event.clone(), &ends)), whole(SubscriptionStanding::Active, true));
        let ends = [("/data/object/cancel_at", json!(1_769_904_000))];
        assert_eq!(news(&with(event.clone(), &ends)), whole(SubscriptionStanding::Active, true));
        let later = [("/data/object/cancel_at", json!(1_800_000_000))];
        assert_eq!(news(&with(event, &later)), whole(SubscriptionStanding::Active, false));
    }
}

#[test]
fn invoices_pay_intervals() {
    let renewal = |names: Vec<String>, first, outcome| News::Renewal {
        subscription: "sub_1Souk".to_owned(),
        order: Some(order()),
        names,
        first,
        period: Some((at(1_769_904_000), at(1_772_323_200))),
        outcome,
    };
    let paid = event("stripe/invoice_paid");
    // What was paid comes before what was tried.
    let all = || names(&["in_1Souk2", "pi_3Souk2", "pi_3Souk0"]);
    assert_eq!(news(&paid), renewal(all(), false, euros(2_379, Some(380), Some("DE"))));
    let old = event("stripe/invoice_paid_2024");
    let old_names = names(&["in_1Souk2", "pi_3Souk2", "ch_3Souk2"]);
    assert_eq!(news(&old), renewal(old_names, true, euros(2_379, Some(380), Some("DE"))));
    let of = |changes: &[(&str, Value)]| news(&with(paid.clone(), changes));
    let first = of(&[("/data/object/billing_reason", json!("subscription_create"))]);
    assert_eq!(first, renewal(all(), true, euros(2_379, Some(380), Some("DE"))));
    assert_eq!(of(&[("/data/object/amount_paid", json!(0))]), renewal(all(), false, PaymentOutcome::NothingDue));
    // Events leave the payments out, unless somebody asked for them.
    let bare = of(&[("/data/object/payments", Value::Null), ("/data/object/total_taxes", Value::Null)]);
    assert_eq!(bare, renewal(names(&["in_1Souk2"]), false, euros(2_379, Some(0), Some("DE"))));
    let unsaid = news(&without(paid.clone(), "/data/object/total_taxes"));
    assert_eq!(unsaid, renewal(all(), false, euros(2_379, None, Some("DE"))));
    for code in ["payment_failed", "payment_action_required"] {
        let told = of(&[("/type", json!(format!("invoice.{code}")))]);
        assert_eq!(told, renewal(all(), false, failed(code)));
    }
    // An invoice about something else.
    assert_eq!(of(&[("/data/object/parent", Value::Null)]), News::Other);
}

#[test]
fn payments_of_invoices_tie_their_names() {
    let paid = event("stripe/invoice_payment_paid");
    let tied = |charge: &str| News::Payment {
        order: None,
        names: names(&["in_1Souk2", charge]),
        subscription: None,
        outcome: euros(2_379, None, None),
    };
    assert_eq!(news(&paid), tied("pi_3Souk2"));
    let of = |changes: &[(&str, Value)]| news(&with(paid.clone(), changes));
    let charge = json!({"type": "charge", "charge": "ch_3Souk2"});
    assert_eq!(of(&[("/data/object/payment", charge)]), tied("ch_3Souk2"));
    assert_eq!(of(&[("/data/object/amount_paid", json!(1_000))]), News::Other);
    let outside = json!({"type": "payment_record", "payment_record": "pr_1"});
    assert_eq!(of(&[("/data/object/payment", outside)]), News::Other);
}

#[test]
fn what_souk_does_nothing_about_is_no_error() {
    for kind in [
        "radar.early_fraud_warning.created",
        "invoice.finalized",
        "invoice.voided",
        "invoice.marked_uncollectible",
        "invoice.overdue",
        "account.updated",
        "payout.paid",
        "transfer.created",
        "application_fee.refunded",
        "charge.succeeded",
        "something.nobody.knows",
    ] {
        let told = json!({"id": "evt_1", "type": kind, "created": 1_767_225_600, "data": {"object": {"id": 7}}});
        assert_eq!(notice(&told), Notice { at: at(1_767_225_600), news: News::Other }, "{kind}");
    }
}

#[test]
fn what_is_missing_is_named() {
    for (path, field) in [
        ("checkout_session_completed", "id"),
        ("checkout_session_completed", "mode"),
        ("checkout_session_completed", "payment_status"),
        ("checkout_session_completed", "amount_total"),
        ("checkout_session_completed", "currency"),
        ("checkout_session_subscription", "subscription"),
        ("payment_intent_succeeded", "amount_received"),
        ("payment_intent_succeeded", "currency"),
        ("payment_intent_failed", "id"),
        ("refund_updated", "status"),
        ("refund_updated", "amount"),
        ("charge_dispute_created", "status"),
        ("charge_dispute_created", "amount"),
        ("customer_subscription_updated", "status"),
        ("customer_subscription_updated", "items"),
        ("invoice_paid", "amount_paid"),
        ("invoice_paid", "billing_reason"),
        ("invoice_paid", "id"),
        ("invoice_payment_paid", "amount_requested"),
    ] {
        let event = event(&format!("stripe/{path}"));
        let kind = event["type"].as_str().unwrap().to_owned();
        let problem = read("stripe", &without(event, &format!("/data/object/{field}"))).unwrap_err();
        assert_eq!(problem, format!("{kind}: data.object.{field} is missing"));
    }
    let nameless = [("/data/object/payment_intent", Value::Null), ("/data/object/charge", Value::Null)];
    let problem = read("stripe", &with(event("stripe/refund_updated"), &nameless)).unwrap_err();
    assert_eq!(problem, "refund.updated: data.object.payment_intent is missing");
    for field in ["type", "created", "data"] {
        let problem = read("stripe", &without(event("stripe/refund_updated"), &format!("/{field}"))).unwrap_err();
        assert!(problem.ends_with(&format!("{field} is missing")), "{problem}");
    }
}

#[test]
fn unknown_words_are_named() {
    for (path, field) in [
        ("checkout_session_completed", "mode"),
        ("checkout_session_completed", "payment_status"),
        ("refund_updated", "status"),
        ("charge_dispute_created", "status"),
        ("customer_subscription_updated", "status"),
    ] {
        let changed = with(event(&format!("stripe/{path}")), &[(&format!("/data/object/{field}"), json!("maybe"))]);
        let problem = read("stripe", &changed).unwrap_err();
        assert!(problem.ends_with(&format!("data.object.{field} is `maybe`, which is unknown")), "{problem}");
    }
}

#[test]
fn amounts_come_back_in_souks_units() {
    let completed = event("stripe/checkout_session_completed");
    for (currency, told, tax, total) in [
        ("jpy", 2_379, 380, (2_379, 380)),
        ("isk", 237_900, 38_000, (2_379, 380)),
        ("mga", 2_379, 380, (237_900, 38_000)),
    ] {
        let changes = [
            ("/data/object/currency", json!(currency)),
            ("/data/object/amount_total", json!(told)),
            ("/data/object/total_details/amount_tax", json!(tax)),
        ];
        let News::Payment { outcome: PaymentOutcome::Paid(paid), .. } = news(&with(completed.clone(), &changes)) else {
            panic!("{currency}")
        };
        let expected = (money(total.0, &currency.to_uppercase()), Some(total.1));
        assert_eq!((paid.total, paid.tax), expected, "{currency}");
    }
}

#[test]
fn nonsense_is_refused_and_never_panics() {
    nonsense_everywhere("stripe");
}
