//! The life of a subscription, with the clock moved by hand.

use std::time::Duration;

use souk_app::{App, licenses, orders, schedule, subscriptions};
use souk_domain::{
    id::{LicenseId, OrderId, SubscriptionId},
    license::LicenseKind,
    listing::{Interval, Pricing},
    order::{Gateway, OrderStatus},
    subscription::{Standing, Subscription},
};
use souk_ports::{Clock, payment::DisputeOutcome};
use souk_testkit::gateway::Told;

use crate::{
    payments::{Till, at, usd},
    support::reason,
};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn monthly(trial_days: Option<u32>) -> Pricing {
    let (currency, interval) = ("USD".parse().unwrap(), Interval::Monthly);
    Pricing::Subscription { amount: 900, currency, interval, trial_days }
}

async fn known(till: &Till, order: OrderId) -> Option<Subscription> {
    let id = SubscriptionId::of(order);
    subscriptions::get(&till.app, &till.world.operator(), id).await.ok().map(|read| read.value)
}

async fn code(till: &Till, order: OrderId) -> &'static str {
    let license = till.license(order).await.unwrap();
    let key = licenses::key(&till.app, license.id, license.key_generation);
    licenses::validate(&till.app, &key, None).await.unwrap().code
}

async fn pay_by_hand(till: &Till, app: &App, order: OrderId, reference: &str) {
    let input = orders::RecordPayment { reference: reference.into(), amount: None, currency: None };
    orders::record_payment(app, &till.world.operator(), order, input).await.unwrap();
    till.settle().await;
}

async fn pass(till: &Till, time: Duration) -> schedule::Ran {
    till.world.clock.advance(time);
    let ran = schedule::run_due(&till.app).await.unwrap();
    till.settle().await;
    assert!(!schedule::run_due(&till.app).await.unwrap().anything(), "what was due was not done");
    ran
}

async fn by_hand(till: &Till) -> OrderId {
    let ctx = till.world.as_user(till.buyer);
    orders::place(&till.app, &ctx, &till.plugin.id.into(), Gateway::Manual).await.unwrap().value.id
}

/// The renewal that waits to be paid.
async fn bill(till: &Till) -> OrderId {
    let placed = till.world.events_of("order.placed").pop().unwrap();
    OrderId::new(placed.stream.uuid)
}

#[tokio::test]
async fn without_a_gateway_every_interval_is_billed_before_it_begins() {
    let till = Till::new(monthly(None)).await;
    let order = by_hand(&till).await;
    pay_by_hand(&till, &till.app, order, "bank-1").await;
    let first = known(&till, order).await.unwrap();
    assert_eq!(
        (first.standing, till.license(order).await.unwrap().kind),
        (Standing::Active, LicenseKind::Subscription)
    );
    assert_eq!(pass(&till, DAY).await, schedule::Ran::default());
    // A week before the end the next interval can be paid.
    assert_eq!(pass(&till, 24 * DAY).await.billed, 1);
    let renewal = bill(&till).await;
    pay_by_hand(&till, &till.app, renewal, "bank-2").await;
    let second = known(&till, order).await.unwrap();
    assert_eq!(second.period_end, Interval::Monthly.end_after(first.period_end));
    pass(&till, 10 * DAY).await;
    assert_eq!(code(&till, order).await, "VALID");
}

#[tokio::test]
async fn who_does_not_pay_is_behind_and_then_out() {
    let till = Till::new(monthly(None)).await;
    let order = by_hand(&till).await;
    pay_by_hand(&till, &till.app, order, "bank-1").await;
    let ran = pass(&till, 32 * DAY).await;
    assert_eq!((ran.expired, ran.billed, ran.behind, ran.lapsed), (1, 1, 1, 0));
    assert_eq!((known(&till, order).await.unwrap().standing, code(&till, order).await), (Standing::PastDue, "EXPIRED"));
    let renewal = bill(&till).await;
    let ran = pass(&till, 14 * DAY).await;
    assert_eq!(ran.lapsed, 1);
    assert_eq!(known(&till, order).await.unwrap().standing, Standing::Lapsed);
    assert_eq!(till.now(renewal).await.status(), OrderStatus::Canceled);
    assert_eq!(till.world.count("license.expired"), 2, "once when it ended, once for good");
}

#[tokio::test]
async fn who_pays_late_goes_on_where_it_ended() {
    let till = Till::new(monthly(None)).await;
    let order = by_hand(&till).await;
    pay_by_hand(&till, &till.app, order, "bank-1").await;
    let first = known(&till, order).await.unwrap();
    pass(&till, 35 * DAY).await;
    let renewal = bill(&till).await;
    pay_by_hand(&till, &till.app, renewal, "bank-2").await;
    let second = known(&till, order).await.unwrap();
    assert_eq!((second.standing, second.period_end), (Standing::Active, Interval::Monthly.end_after(first.period_end)));
    assert_eq!(code(&till, order).await, "VALID");
}

#[tokio::test]
async fn a_trial_is_free_once_and_then_paid_or_over() {
    let till = Till::new(monthly(Some(14))).await;
    let order = by_hand(&till).await;
    till.settle().await;
    let license = till.license(order).await.unwrap();
    assert_eq!((license.kind, code(&till, order).await), (LicenseKind::Trial, "VALID"));
    let again = till.now(by_hand(&till).await).await;
    assert_eq!(again.subscription.unwrap().trial_days, 0, "one trial a user and plugin");
    let began = known(&till, order).await.unwrap();
    pay_by_hand(&till, &till.app, order, "bank-1").await;
    let paid = known(&till, order).await.unwrap();
    assert_eq!((paid.standing, paid.period_end), (Standing::Active, Interval::Monthly.end_after(began.period_end)));
    assert_eq!(till.license(order).await.unwrap().kind, LicenseKind::Subscription);

    let other = Till::new(monthly(Some(14))).await;
    let order = by_hand(&other).await;
    other.settle().await;
    pass(&other, 15 * DAY).await;
    assert_eq!(
        (known(&other, order).await.unwrap().standing, code(&other, order).await),
        (Standing::PastDue, "EXPIRED")
    );
    pass(&other, 14 * DAY).await;
    assert_eq!(known(&other, order).await.unwrap().standing, Standing::Lapsed);
    assert_eq!(other.now(order).await.status(), OrderStatus::Canceled);
}

#[tokio::test]
async fn a_trial_that_never_began_is_not_used_up() {
    let till = Till::new(monthly(Some(14))).await;
    let first = till.order().await;
    assert_eq!(first.subscription.unwrap().trial_days, 14);
    let second = till.order().await;
    assert_eq!(second.subscription.unwrap().trial_days, 14);
    assert_eq!(till.now(first.id).await.status(), OrderStatus::Canceled, "only one of them can begin it");
}

#[tokio::test]
async fn a_subscription_is_canceled_by_who_pays_for_it() {
    let till = Till::new(monthly(None)).await;
    let order = by_hand(&till).await;
    pay_by_hand(&till, &till.app, order, "bank-1").await;
    let (id, buyer) = (SubscriptionId::of(order), till.world.as_user(till.buyer));
    let owner = till.world.as_user(till.owner);
    assert_eq!(subscriptions::cancel(&till.app, &owner, id, true).await.unwrap_err().code(), "forbidden");
    assert!(subscriptions::cancel(&till.app, &buyer, id, true).await.unwrap().value.ends_then);
    let resumed = subscriptions::resume(&till.app, &till.world.as_user(till.buyer), id).await.unwrap().value;
    assert!(!resumed.ends_then);
    subscriptions::cancel(&till.app, &till.world.as_user(till.buyer), id, true).await.unwrap();
    till.settle().await;
    assert_eq!(code(&till, order).await, "VALID");
    let ran = pass(&till, 32 * DAY).await;
    assert_eq!((ran.lapsed, ran.billed, ran.behind), (1, 0, 0));
    let late = subscriptions::resume(&till.app, &till.world.as_user(till.buyer), id).await.unwrap_err();
    assert_eq!((reason(&late), code(&till, order).await), ("subscription_over", "EXPIRED"));
}

#[tokio::test]
async fn a_gateway_runs_a_subscription_from_its_trial_to_a_dispute_that_is_lost() {
    let till = Till::new(monthly(None)).await;
    let order = till.order().await;
    let start = till.world.clock.now();
    let minutes = |days: i64| (start - at(0)).num_minutes() + days * 24 * 60;
    let names = |number: u32| vec![format!("in_{number}"), format!("pi_{number}")];
    let subscription = || "sub_1".to_owned();
    let month = |number: i64| {
        let begin = (0..number).fold(start, |begin, _| Interval::Monthly.end_after(begin));
        (begin, Interval::Monthly.end_after(begin))
    };
    let invoice = |number: u32, first| Told::Renewed {
        subscription: subscription(),
        names: names(number),
        first,
        period: month(number.into()),
        total: usd(900),
    };
    // The second month is told before the first, and that it was not paid at first comes last.
    till.tell("evt_4", minutes(33), invoice(1, None)).await;
    till.settle().await;
    assert_eq!(till.world.count("webhook.deferred"), 1);
    till.tell("evt_1", minutes(0), invoice(0, Some(order.id))).await;
    till.settle().await;
    till.tell("evt_3", minutes(31), Told::RenewalFailed { subscription: subscription(), names: names(1) }).await;
    till.settle().await;
    let now = known(&till, order.id).await.unwrap();
    assert_eq!((now.standing, now.period_end), (Standing::Active, month(1).1));
    let renewal = bill(&till).await;
    assert_eq!((till.now(renewal).await.status(), till.world.count("payment.completed")), (OrderStatus::Paid, 2));
    assert_eq!(code(&till, order.id).await, "VALID");
    assert_eq!(till.license(order.id).await.unwrap().expires_at, Some(month(1).1 + chrono::Duration::days(1)));

    let dispute = |outcome| Told::Disputed {
        payment: vec!["pi_1".to_owned()],
        reference: "dp_1".to_owned(),
        amount: usd(900),
        outcome,
    };
    till.tell("evt_5", minutes(40), dispute(DisputeOutcome::Open)).await;
    till.settle().await;
    assert_eq!(code(&till, order.id).await, "SUSPENDED");
    till.tell("evt_6", minutes(50), dispute(DisputeOutcome::Lost)).await;
    till.settle().await;
    assert_eq!(
        (known(&till, order.id).await.unwrap().standing, code(&till, order.id).await),
        (Standing::Lapsed, "REVOKED")
    );
    // The gateway is told to charge no more, and what it says of that is nothing new.
    till.tell("evt_7", minutes(51), Told::Ended { subscription: subscription() }).await;
    till.settle().await;
    assert_eq!(*till.gateway.ended.lock().unwrap(), ["sub_1"]);
    assert!(till.world.store_is_clean().await);
}

#[tokio::test]
async fn a_license_of_a_subscription_ends_when_nobody_tells_of_it_any_more() {
    let till = Till::new(monthly(None)).await;
    let order = till.order().await;
    let start = till.world.clock.now();
    let told = Told::Renewed {
        subscription: "sub_1".into(),
        names: vec!["in_1".into()],
        first: Some(order.id),
        period: (start, start + chrono::Duration::days(30)),
        total: usd(900),
    };
    till.tell("evt_1", (start - at(0)).num_minutes(), told).await;
    till.settle().await;
    assert_eq!(pass(&till, 33 * DAY).await.expired, 1);
    assert_eq!((code(&till, order.id).await, till.world.count("license.expired")), ("EXPIRED", 1));
    let license = LicenseId::of(order.id);
    // Another process with an older clock finds nothing to do either.
    assert_eq!(schedule::run_due(&till.world.app()).await.unwrap(), schedule::Ran::default());
    assert!(till.license(order.id).await.unwrap().expired, "{license}");
}
