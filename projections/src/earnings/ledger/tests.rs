use proptest::prelude::*;
use souk_domain::{
    decider::Decider,
    id::{Id, RefundId},
    listing::{Pricing, Terms},
    money::{BasisPoints, Money},
    order::{
        Cancellation, Command, Contest, DisputeStatus, Event, Gateway, Mismatch, Orders, Receipt, Settlement, State,
    },
    vendor,
};
use uuid::Uuid;

use super::*;

fn id<K>(number: u128) -> Id<K> {
    Id::new(Uuid::from_u128(number))
}

fn money(amount: i64) -> Money {
    Money { amount, currency: "USD".parse().unwrap() }
}

fn place(price: i64, commission: u16, direct: bool) -> Command {
    let currency = "USD".parse().unwrap();
    Command::Place {
        id: id(1),
        buyer: id(2),
        plugin: id(3),
        vendor: id(4),
        pricing: Pricing::OneTime { amount: price, currency },
        terms: Terms::default(),
        gateway: Gateway::Stripe,
        commission: BasisPoints::try_from(commission).unwrap(),
        subscription: None,
        payout_account: direct.then(|| "acct_1".to_owned()),
        available: true,
        now: "2026-11-21T09:00:00Z".parse().unwrap(),
    }
}

fn pay(name: &str, amount: i64, tax: i64, fee: Option<i64>) -> Command {
    Command::CompletePayment(Receipt {
        reference: name.to_owned(),
        names: vec![name.to_owned()],
        paid: money(amount),
        tax: Some(tax),
        fee,
        country: Some("DE".to_owned()),
        paid_at: "2026-11-21T09:05:00Z".parse().unwrap(),
    })
}

fn refund_id(number: u128) -> RefundId {
    id(number)
}

fn command(price: i64) -> impl Strategy<Value = Command> {
    let status = prop::sample::select(vec![DisputeStatus::Open, DisputeStatus::Won, DisputeStatus::Lost]);
    let name = || prop::sample::select(vec!["a", "b", "c"]);
    prop_oneof![
        3 => (name(), 0..=price, prop::option::of(0_i64..90), any::<bool>()).prop_map(move |(name, tax, fee, on_top)| {
            pay(name, if on_top { price + tax } else { price }, tax, fee)
        }),
        3 => (1_u128..5, 1..=price).prop_map(|(n, amount)| {
            Command::Refund { id: refund_id(n), amount: Some(amount), reason: "Changed mind.".to_owned() }
        }),
        5 => (1_u128..5, 1..=price, prop::option::weighted(0.3, Just("declined".to_owned()))).prop_map(|(n, amount, failure)| {
            Command::SettleRefund(Settlement {
                id: refund_id(n),
                reference: format!("re_{n}"),
                amount: money(amount),
                failure,
                reason: "Changed mind.".to_owned(),
            })
        }),
        4 => (name(), 1..=price * 2, status).prop_map(|(name, amount, status)| {
            let (reference, reason) = (name.to_owned(), "fraudulent".to_owned());
            Command::Contest(Contest { reference, amount: money(amount), reason, status })
        }),
        1 => name().prop_map(|name| {
            Command::KeepUnmatched { reference: name.to_owned(), paid: money(77), problem: Mismatch::AlreadyPaid }
        }),
        1 => name().prop_map(|name| {
            Command::ReturnUnmatched { reference: name.to_owned(), refund: format!("re_{name}"), amount: money(77) }
        }),
        1 => Just(Command::Cancel { reason: Cancellation::Expired }),
    ]
}

/// The events of an order whose buyer, gateway and bank do `commands`; what is refused is left out.
fn history(commands: impl IntoIterator<Item = Command>) -> (State, Vec<Event>) {
    let (mut state, mut events) = (State::default(), Vec::new());
    for command in commands {
        for event in Orders::decide(&state, command).unwrap_or_default() {
            state = Orders::evolve(state, &event);
            events.push(event);
        }
    }
    (state, events)
}

fn sum(transactions: &[Transaction], account: Account) -> i64 {
    let entries = transactions.iter().flat_map(|transaction| &transaction.entries);
    entries.filter(|(on, _)| *on == account).map(|(_, amount)| amount).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn every_transaction_sums_to_zero_and_the_vendor_has_what_the_order_says(
        (price, commands) in (1_i64..6_000)
            .prop_flat_map(|price| (Just(price), prop::collection::vec(command(price), 0..25))),
        commission in 0_u16..=10_000,
        direct in any::<bool>(),
    ) {
        // The payment comes early in most histories; without one there is little to see.
        let first = [place(price, commission, direct), pay("first", price, price / 6, Some(30))];
        let (state, events) = history(first.into_iter().chain(commands));
        let mut known = Known::default();
        let booked: Vec<Transaction> = events.iter().filter_map(|event| of_order(&mut known, event)).collect();
        for transaction in &booked {
            prop_assert_eq!(transaction.entries.iter().map(|(_, amount)| amount).sum::<i64>(), 0, "{:?}", transaction);
            let accounts: std::collections::BTreeSet<_> = transaction.entries.iter().map(|(account, _)| account).collect();
            prop_assert_eq!(accounts.len(), transaction.entries.len(), "an account is there once: {:?}", transaction);
        }
        let State::Placed(order) = state else { panic!("not placed") };
        let payment = order.payment.clone().unwrap();
        let share = payment.total - payment.tax - payment.commission - order.vendor_returned();
        let (paid_to, other) = if direct { (Account::Transfer, Account::Vendor) } else { (Account::Vendor, Account::Transfer) };
        prop_assert_eq!(-sum(&booked, paid_to), share);
        prop_assert_eq!(sum(&booked, other), 0);
        prop_assert_eq!(-sum(&booked, Account::Commission), payment.commission - order.commission_returned);
        prop_assert_eq!(-sum(&booked, Account::Tax), payment.tax - order.tax_returned);
    }
}

#[test]
fn a_payment_is_parted_into_what_everybody_has_of_it() {
    let (_, events) = history([place(4_900, 1_500, false), pay("pi_1", 5_831, 931, Some(180))]);
    let mut known = Known::default();
    let booked: Vec<Transaction> = events.iter().filter_map(|event| of_order(&mut known, event)).collect();
    let parts = vec![
        (Account::Gateway, 5_651),
        (Account::Fees, 180),
        (Account::Tax, -931),
        (Account::Commission, -735),
        (Account::Vendor, -4_165),
    ];
    assert_eq!(booked, [Transaction { kind: "payment", entries: parts }]);
}

#[test]
fn what_is_taken_back_twice_is_not_the_vendors_loss_twice() {
    let told = |status| {
        let (reference, reason) = ("dp_1".to_owned(), "fraudulent".to_owned());
        Command::Contest(Contest { reference, amount: money(4_900), reason, status })
    };
    let settled = Command::SettleRefund(Settlement {
        id: refund_id(1),
        reference: "re_1".to_owned(),
        amount: money(4_900),
        failure: None,
        reason: "Changed mind.".to_owned(),
    });
    let commands = [place(4_900, 1_500, false), pay("pi_1", 4_900, 0, None), settled, told(DisputeStatus::Open)];
    let (_, events) = history(commands.clone());
    let mut known = Known::default();
    let booked: Vec<Transaction> = events.iter().filter_map(|event| of_order(&mut known, event)).collect();
    assert_eq!((sum(&booked, Account::Vendor), sum(&booked, Account::Suspense)), (0, 4_900));
    assert_eq!(sum(&booked, Account::Gateway), -4_900);
    let (_, events) = history(commands.into_iter().chain([told(DisputeStatus::Won)]));
    let mut known = Known::default();
    let booked: Vec<Transaction> = events.iter().filter_map(|event| of_order(&mut known, event)).collect();
    assert_eq!((sum(&booked, Account::Vendor), sum(&booked, Account::Suspense)), (0, 0));
}

#[test]
fn a_payout_leaves_and_comes_back_from_where_it_was() {
    let payout_id = id(9);
    let (amount, currency) = (1_000, "USD".parse().unwrap());
    let requested = vendor::Event::PayoutRequested {
        payout_id,
        vendor_id: id(4),
        amount,
        currency,
        batch_id: None,
        requested_at: "2026-11-21T09:05:00Z".parse().unwrap(),
    };
    let paid = vendor::Event::PayoutPaid {
        payout_id,
        amount,
        currency,
        reference: "bank-1".to_owned(),
        paid_at: "2026-11-22T09:05:00Z".parse().unwrap(),
    };
    let failed = vendor::Event::PayoutFailed { payout_id, amount, currency, reason: "no such account".to_owned() };
    for (events, was_paid) in [(vec![&requested, &failed], false), (vec![&requested, &paid, &failed], true)] {
        let booked: Vec<Transaction> = events.into_iter().filter_map(|event| of_payout(was_paid, event)).collect();
        for transaction in &booked {
            assert_eq!(transaction.entries.iter().map(|(_, amount)| amount).sum::<i64>(), 0, "{transaction:?}");
        }
        for account in [Account::Vendor, Account::Payout, Account::Gateway] {
            assert_eq!(sum(&booked, account), 0, "{account:?}");
        }
    }
}
