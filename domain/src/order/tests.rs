use proptest::prelude::*;

use super::*;
use crate::{
    examples::{basis_points, id, one_time, order_id, paid, placed, plugin_id, terms, time, usd, user_id, vendor_id},
    listing::Interval,
    testing::{decides_nothing_twice, given, state_after},
};

fn place_as(buyer: UserId, pricing: Pricing, commission: u16, available: bool) -> Command {
    Command::Place {
        id: order_id(),
        buyer,
        plugin: plugin_id(),
        vendor: vendor_id(),
        pricing,
        terms: terms(),
        gateway: Gateway::Manual,
        commission: basis_points(commission),
        available,
        now: time("2026-11-21T09:00:00.250Z"),
    }
}

fn place() -> Command {
    place_as(user_id(), one_time(4_900), 1_500, true)
}

fn pay(reference: &str, amount: i64) -> Command {
    Command::CompletePayment { reference: reference.to_owned(), paid: Money { amount, currency: usd() } }
}

fn refund(amount: Option<i64>) -> Command {
    Command::Refund { amount, reason: "Changed mind.".to_owned() }
}

fn refunded(amount: i64, refunded_total: i64, commission: i64, full: bool) -> Event {
    Event::PaymentRefunded {
        amount,
        currency: usd(),
        refunded_total,
        commission,
        full,
        reason: "Changed mind.".to_owned(),
    }
}

fn status(events: Vec<Event>) -> OrderStatus {
    let State::Placed(order) = state_after::<Orders>(events) else { panic!("not placed") };
    order.status()
}

#[test]
fn placing_happens_once_and_fixes_price_terms_and_commission() {
    given::<Orders>([]).when(place()).then(placed(4_900, 1_500));
    given::<Orders>([placed(4_900, 1_500)]).when(place()).then_nothing();
    given::<Orders>([placed(4_900, 1_500)])
        .when(place_as(id(66), one_time(4_900), 1_500, true))
        .then_refused(Error::AlreadyPlaced);
}

#[test]
fn a_subscription_is_placed_at_the_price_of_its_first_interval() {
    let pricing = Pricing::Subscription { amount: 900, currency: usd(), interval: Interval::Yearly };
    let Ok(events) = Orders::decide(&State::Absent, place_as(user_id(), pricing.clone(), 1_500, true)) else {
        panic!("refused")
    };
    let State::Placed(order) = state_after::<Orders>(events) else { panic!("not placed") };
    assert_eq!((order.price, order.pricing), (Money { amount: 900, currency: usd() }, pricing));
}

#[test]
fn only_what_costs_something_and_can_be_installed_is_bought() {
    given::<Orders>([]).when(place_as(user_id(), Pricing::Free, 1_500, true)).then_refused(Error::Free);
    given::<Orders>([]).when(place_as(user_id(), one_time(4_900), 1_500, false)).then_refused(Error::NotAvailable);
}

#[test]
fn nothing_can_be_asked_of_an_order_that_was_not_placed() {
    given::<Orders>([]).when(pay("transfer-1", 4_900)).then_refused(Error::NotPlaced);
    given::<Orders>([]).when(refund(None)).then_refused(Error::NotPlaced);
    given::<Orders>([paid(4_900, 735)]).when(refund(None)).then_refused(Error::NotPlaced);
}

#[test]
fn a_payment_completes_once() {
    let history = || [placed(4_900, 1_500), paid(4_900, 735)];
    given::<Orders>([placed(4_900, 1_500)]).when(pay("transfer-1", 4_900)).then(paid(4_900, 735));
    given::<Orders>(history()).when(pay("transfer-1", 4_900)).then_nothing();
    given::<Orders>(history()).when(pay("transfer-2", 4_900)).then_refused(Error::AlreadyPaid);
}

#[test]
fn a_payment_matches_the_amount_and_currency_of_the_order() {
    let mismatch = || Error::PaymentMismatch { expected_amount: 4_900, expected_currency: usd() };
    let in_euro = Command::CompletePayment {
        reference: "transfer-1".to_owned(),
        paid: Money { amount: 4_900, currency: "EUR".parse().unwrap() },
    };
    given::<Orders>([placed(4_900, 1_500)]).when(pay("transfer-1", 4_899)).then_refused(mismatch());
    given::<Orders>([placed(4_900, 1_500)]).when(pay("transfer-1", 4_901)).then_refused(mismatch());
    given::<Orders>([placed(4_900, 1_500)]).when(in_euro).then_refused(mismatch());
    given::<Orders>([placed(4_900, 1_500), paid(4_900, 735)]).when(pay("transfer-1", 1)).then_refused(mismatch());
}

#[test]
fn a_refund_gives_back_what_was_asked_or_all_that_is_left() {
    let history = || vec![placed(4_900, 1_500), paid(4_900, 735)];
    given::<Orders>([placed(4_900, 1_500)]).when(refund(None)).then_refused(Error::NotPaid);
    given::<Orders>(history()).when(refund(None)).then(refunded(4_900, 4_900, 735, true));
    given::<Orders>(history()).when(refund(Some(4_900))).then(refunded(4_900, 4_900, 735, true));
    given::<Orders>(history()).when(refund(Some(1_000))).then(refunded(1_000, 1_000, 150, false));
    let partly = [history(), vec![refunded(1_000, 1_000, 150, false)]].concat();
    given::<Orders>(partly).when(refund(None)).then(refunded(3_900, 4_900, 585, true));
}

#[test]
fn refunds_never_exceed_what_was_captured() {
    let history = || vec![placed(4_900, 1_500), paid(4_900, 735)];
    for amount in [0, -1, i64::MIN] {
        given::<Orders>(history()).when(refund(Some(amount))).then_refused(Error::RefundNotPositive);
    }
    for wanted in [4_901, i64::MAX] {
        given::<Orders>(history())
            .when(refund(Some(wanted)))
            .then_refused(Error::RefundTooLarge { wanted, left: 4_900 });
    }
    let nothing_left = || [history(), vec![refunded(4_900, 4_900, 735, true)]].concat();
    given::<Orders>(nothing_left()).when(refund(None)).then_nothing();
    given::<Orders>(nothing_left()).when(refund(Some(1))).then_refused(Error::RefundTooLarge { wanted: 1, left: 0 });
}

#[test]
fn the_status_follows_the_money() {
    let mut events = vec![placed(4_900, 1_500)];
    assert_eq!(status(events.clone()), OrderStatus::Pending);
    events.push(paid(4_900, 735));
    assert_eq!(status(events.clone()), OrderStatus::Paid);
    events.push(refunded(1_000, 1_000, 150, false));
    assert_eq!(status(events.clone()), OrderStatus::PartiallyRefunded);
    events.push(refunded(3_900, 4_900, 585, true));
    assert_eq!(status(events), OrderStatus::Refunded);
    assert_eq!(serde_json::to_value(OrderStatus::PartiallyRefunded).unwrap(), "partially_refunded");
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        2 => Just(place()),
        2 => (prop::sample::select(vec!["a", "b"]), 4_899_i64..4_901).prop_map(|(name, amount)| pay(name, amount)),
        2 => prop::option::of(-1_i64..3_000).prop_map(refund),
    ]
}

proptest! {
    // A refund of an amount is another one each time; one of all that is left is not.
    #[test]
    fn the_same_command_again_decides_nothing(commands in prop::collection::vec(command(), 0..20)) {
        decides_nothing_twice::<Orders>(commands, |c| !matches!(c, Command::Refund { amount: Some(_), .. }))?;
    }

    #[test]
    fn in_parts_or_at_once_a_refund_gives_back_the_same(
        amount in prop_oneof![1_i64..=10_000, Just(i64::MAX)],
        points in 0_u16..=10_000,
        parts in prop::collection::vec(1_i64..5_000, 0..20),
    ) {
        let full_commission = basis_points(points).of(amount);
        let mut state = state_after::<Orders>([placed(amount, points), paid(amount, full_commission)]);
        let (mut money, mut commission) = (0_i64, 0_i64);
        for part in parts.into_iter().map(Some).chain([None]) {
            let Ok(events) = Orders::decide(&state, refund(part)) else { continue };
            for event in events {
                if let Event::PaymentRefunded { amount: part, refunded_total, commission: back, .. } = &event {
                    money += part;
                    commission += back;
                    prop_assert_eq!(money, *refunded_total);
                    prop_assert!(*back >= 0 && back <= part);
                }
                state = Orders::evolve(state, &event);
            }
        }
        prop_assert_eq!((money, commission), (amount, full_commission));
    }
}
