use proptest::prelude::*;

use super::*;
use crate::{
    examples::{
        basis_points, id, one_time, order_id, paid, placed, placed_through, plugin_id, terms, time, usd, user_id,
        vendor_id,
    },
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
        subscription: None,
        payout_account: None,
        available,
        now: time("2026-11-21T09:00:00.250Z"),
    }
}

fn place() -> Command {
    place_as(user_id(), one_time(4_900), 1_500, true)
}

fn receipt(reference: &str, amount: i64) -> Receipt {
    Receipt {
        reference: reference.to_owned(),
        names: vec![reference.to_owned()],
        paid: Money { amount, currency: usd() },
        tax: None,
        fee: None,
        country: None,
        paid_at: time("2026-11-21T09:05:00Z"),
    }
}

fn pay(reference: &str, amount: i64) -> Command {
    // Payments of a test are told with their taxes unless it says otherwise.
    Command::CompletePayment(Receipt { tax: Some(0), ..receipt(reference, amount) })
}

fn refund_of(n: u128, amount: Option<i64>) -> Command {
    Command::Refund { id: id(n), amount, reason: "Changed mind.".to_owned() }
}

fn refund(amount: Option<i64>) -> Command {
    refund_of(7, amount)
}

fn refunded(amount: i64, refunded_total: i64, commission: i64, full: bool) -> Event {
    refunded_as(7, None, (amount, refunded_total, commission, full))
}

fn refunded_as(
    n: u128,
    reference: Option<&str>,
    (amount, refunded_total, commission, full): (i64, i64, i64, bool),
) -> Event {
    Event::PaymentRefunded {
        refund_id: Some(id(n)),
        reference: reference.map(str::to_owned),
        amount,
        currency: usd(),
        refunded_total,
        commission,
        tax: 0,
        full,
        reason: "Changed mind.".to_owned(),
        status: if full { OrderStatus::Refunded } else { OrderStatus::PartiallyRefunded },
    }
}

fn settled(n: u128, amount: i64, failure: Option<&str>) -> Command {
    Command::SettleRefund(Settlement {
        id: id(n),
        reference: format!("re_{n}"),
        amount: Money { amount, currency: usd() },
        failure: failure.map(str::to_owned),
        reason: "Changed mind.".to_owned(),
    })
}

fn contest(name: &str, status: DisputeStatus) -> Command {
    Command::Contest(Contest {
        reference: name.to_owned(),
        amount: Money { amount: 4_900, currency: usd() },
        reason: "fraudulent".to_owned(),
        status,
    })
}

/// What comes of `commands` after a payment of 4,900; those that are refused are left out, and given once more at the end until none
/// does anything any more.
fn after(commands: &[Command]) -> Order {
    let mut state = state_after::<Orders>([placed_through(Gateway::Stripe, 4_900, 1_500), paid(4_900, 735)]);
    for _ in 0..=commands.len() {
        for command in commands {
            let Ok(events) = Orders::decide(&state, command.clone()) else { continue };
            state = events.iter().fold(state, Orders::evolve);
        }
    }
    let State::Placed(order) = state else { panic!("not placed") };
    *order
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
    let pricing = Pricing::Subscription { amount: 900, currency: usd(), interval: Interval::Yearly, trial_days: None };
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
    let problem_of = |problem| Error::PaymentMismatch { expected_amount: 4_900, expected_currency: usd(), problem };
    let mismatch = || problem_of(Mismatch::Amount);
    let in_euro = Command::CompletePayment(Receipt {
        paid: Money { amount: 4_900, currency: "EUR".parse().unwrap() },
        ..receipt("transfer-1", 4_900)
    });
    given::<Orders>([placed(4_900, 1_500)]).when(pay("transfer-1", 4_899)).then_refused(mismatch());
    given::<Orders>([placed(4_900, 1_500)]).when(pay("transfer-1", 4_901)).then_refused(mismatch());
    given::<Orders>([placed(4_900, 1_500)]).when(in_euro).then_refused(problem_of(Mismatch::Currency));
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
    let rest = refunded_as(8, None, (3_900, 4_900, 585, true));
    given::<Orders>(partly).when(refund_of(8, None)).then(rest);
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
    given::<Orders>(nothing_left())
        .when(refund_of(8, Some(1)))
        .then_refused(Error::RefundTooLarge { wanted: 1, left: 0 });
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

fn told() -> impl Strategy<Value = DisputeStatus> {
    prop::sample::select(vec![DisputeStatus::Open, DisputeStatus::Won, DisputeStatus::Lost])
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        2 => Just(place()),
        2 => (prop::sample::select(vec!["a", "b"]), 4_899_i64..4_901).prop_map(|(name, amount)| pay(name, amount)),
        2 => (1_u128..4, prop::option::of(-1_i64..3_000)).prop_map(|(n, amount)| refund_of(n, amount)),
        2 => (1_u128..4, 1_i64..3_000, prop::option::of(Just("declined"))).prop_map(|(n, amount, code)| settled(n, amount, code)),
        2 => (prop::sample::select(vec!["a", "b"]), told()).prop_map(|(name, status)| contest(name, status)),
        1 => Just(Command::Cancel { reason: Cancellation::Expired }),
    ]
}

proptest! {
    #[test]
    fn the_same_command_again_decides_nothing(commands in prop::collection::vec(command(), 0..20)) {
        decides_nothing_twice::<Orders>(commands, |_| true)?;
    }

    #[test]
    fn what_a_gateway_tells_comes_to_the_same_in_any_order(
        (told, shuffled) in prop::collection::vec(
            prop_oneof![
                (1_u128..4, prop::option::of(Just("declined"))).prop_map(|(n, code)| settled(n, 1_000 + 300 * i64::try_from(n).unwrap(), code)),
                (prop::sample::select(vec!["a", "b"])).prop_map(|name| contest(name, DisputeStatus::Open)),
                Just(contest("a", DisputeStatus::Won)),
                Just(contest("b", DisputeStatus::Lost)),
            ],
            0..12,
        ).prop_flat_map(|told| (Just(told.clone()), Just(told).prop_shuffle())),
    ) {
        let (one, other) = (after(&told), after(&shuffled));
        prop_assert_eq!(one.refunded, other.refunded);
        prop_assert_eq!((one.status(), one.right()), (other.status(), other.right()));
        prop_assert_eq!(
            (one.commission_returned, one.tax_returned, one.disputes, one.refunds),
            (other.commission_returned, other.tax_returned, other.disputes, other.refunds)
        );
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
        for (n, part) in (0_u128..).zip(parts.into_iter().map(Some).chain([None])) {
            let Ok(events) = Orders::decide(&state, refund_of(n, part)) else { continue };
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

#[test]
fn taxes_lie_within_the_price_or_on_top_of_it() {
    let placed = || [placed_through(Gateway::Stripe, 4_900, 1_500)];
    let taxed = |amount, tax| Command::CompletePayment(Receipt { tax: Some(tax), ..receipt("pi_1", amount) });
    for (amount, tax, commission) in [(5_831, 931, 735), (4_900, 782, 618)] {
        let events = Orders::decide(&state_after::<Orders>(placed()), taxed(amount, tax)).unwrap();
        assert!(
            matches!(events[..], [Event::PaymentCompleted { amount: a, tax: t, commission: c, .. }] if (a, t, c) == (amount, tax, commission)),
            "{events:?}"
        );
    }
    let wrong = Error::PaymentMismatch { expected_amount: 4_900, expected_currency: usd(), problem: Mismatch::Amount };
    given::<Orders>(placed()).when(taxed(5_831, 900)).then_refused(wrong);
    // What was paid in all is told first, what of it are taxes later.
    given::<Orders>(placed()).when(Command::CompletePayment(receipt("pi_1", 5_831))).then_refused(Error::TaxesNotTold);
}

#[test]
fn another_word_for_the_same_payment_changes_nothing() {
    let words = Receipt { names: vec!["ch_1".to_owned(), "transfer-1".to_owned()], ..receipt("ch_1", 4_900) };
    given::<Orders>([placed(4_900, 1_500), paid(4_900, 735)]).when(Command::CompletePayment(words)).then_nothing();
}

#[test]
fn a_canceled_order_is_not_paid_and_a_paid_one_not_canceled() {
    let cancel = |reason| Command::Cancel { reason };
    let canceled = || Event::Canceled { reason: Cancellation::Expired };
    given::<Orders>([placed(4_900, 1_500)]).when(cancel(Cancellation::Expired)).then(canceled());
    given::<Orders>([placed(4_900, 1_500), canceled()]).when(cancel(Cancellation::Asked)).then_nothing();
    given::<Orders>([placed(4_900, 1_500), canceled()]).when(pay("pi_1", 4_900)).then_refused(Error::Canceled);
    let history = || [placed(4_900, 1_500), paid(4_900, 735)];
    given::<Orders>(history()).when(cancel(Cancellation::Asked)).then_refused(Error::AlreadyPaid);
    given::<Orders>(history()).when(cancel(Cancellation::Expired)).then_nothing();
    assert_eq!(status(vec![placed(4_900, 1_500), canceled()]), OrderStatus::Canceled);
}

#[test]
fn what_was_asked_of_a_gateway_is_spoken_for_until_it_fails() {
    let history = || vec![placed_through(Gateway::Stripe, 4_900, 1_500), paid(4_900, 735)];
    let asked = |n, amount| Event::RefundRequested {
        refund_id: id(n),
        amount,
        currency: usd(),
        reason: "Changed mind.".to_owned(),
    };
    given::<Orders>(history()).when(refund_of(1, Some(3_000))).then(asked(1, 3_000));
    let one = || [history(), vec![asked(1, 3_000)]].concat();
    given::<Orders>(one())
        .when(refund_of(2, Some(2_000)))
        .then_refused(Error::RefundTooLarge { wanted: 2_000, left: 1_900 });
    given::<Orders>(one()).when(refund_of(2, None)).then(asked(2, 1_900));
    given::<Orders>(one()).when(refund_of(1, Some(1_000))).then_refused(Error::OtherRefund);
    given::<Orders>(one()).when(settled(1, 3_000, None)).then(refunded_as(1, Some("re_1"), (3_000, 3_000, 450, false)));
    let order = after(&[refund_of(1, Some(3_000)), settled(1, 3_000, Some("declined"))]);
    assert_eq!((order.left(), order.refunded, order.status()), (4_900, 0, OrderStatus::Paid));
}

#[test]
fn a_refund_that_fails_later_is_taken_back_and_stays_failed() {
    let order = after(&[settled(1, 4_900, None)]);
    assert_eq!((order.status(), order.right()), (OrderStatus::Refunded, Right::Over(Loss::Refunded)));
    let order = after(&[settled(1, 4_900, None), settled(1, 4_900, Some("lost")), settled(1, 4_900, None)]);
    assert_eq!((order.status(), order.right(), order.commission_returned), (OrderStatus::Paid, Right::Good, 0));
}

#[test]
fn a_dispute_takes_the_money_until_it_is_decided() {
    let contested = after(&[contest("dp_1", DisputeStatus::Open)]);
    assert_eq!((contested.status(), contested.right()), (OrderStatus::Disputed, Right::OnHold));
    assert_eq!(contested.commission_returned, 735);
    let won = after(&[contest("dp_1", DisputeStatus::Open), contest("dp_1", DisputeStatus::Won)]);
    assert_eq!((won.status(), won.right(), won.commission_returned), (OrderStatus::Paid, Right::Good, 0));
    let lost = after(&[contest("dp_1", DisputeStatus::Open), contest("dp_1", DisputeStatus::Lost)]);
    assert_eq!((lost.status(), lost.right()), (OrderStatus::Disputed, Right::Over(Loss::DisputeLost)));
    assert_eq!(lost.commission_returned, 735);
    // An old word of it comes late.
    let late = after(&[contest("dp_1", DisputeStatus::Lost), contest("dp_1", DisputeStatus::Open)]);
    assert_eq!((late.right(), late.commission_returned), (Right::Over(Loss::DisputeLost), 735));
}

#[test]
fn money_that_pays_nothing_is_kept_by_its_name() {
    let keep = || Command::KeepUnmatched {
        reference: "pi_2".to_owned(),
        paid: Money { amount: 100, currency: usd() },
        problem: Mismatch::AlreadyPaid,
    };
    let kept = Event::PaymentUnmatched {
        reference: "pi_2".to_owned(),
        amount: 100,
        currency: usd(),
        problem: Mismatch::AlreadyPaid,
    };
    let history = || vec![placed(4_900, 1_500), paid(4_900, 735)];
    given::<Orders>(history()).when(keep()).then(kept.clone());
    given::<Orders>([history(), vec![kept]].concat()).when(keep()).then_nothing();
}
