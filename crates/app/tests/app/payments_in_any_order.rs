//! Gateways tell at least once, in any order, and late: the end is that of an orderly one.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use proptest::{
    strategy::{BoxedStrategy, Just, Strategy, ValueTree},
    test_runner::TestRunner,
};
use souk_domain::{
    event::DomainEvent,
    id::{OrderId, SubscriptionId},
    license::Status,
    listing::{Interval, Pricing},
    order::{self, DisputeStatus, Order, OrderStatus, RefundStatus},
    stream::Category,
    subscription::Standing,
};
use souk_ports::{Clock, payment::DisputeOutcome};
use souk_projections::earnings::ledger::{self, Account, Known};
use souk_testkit::gateway::Told;

use crate::{
    payments::{Till, at, paid_for, usd},
    support::paid,
};

/// As many orders, in worlds of so many; in every third they are subscriptions.
const ORDERS: usize = 1_000;
const AT_ONCE: usize = 10;

const PRICE: i64 = 4_900;
const DAY: i64 = 24 * 60;

/// What may happen to an order, told by a gateway that is orderly.
#[derive(Clone, Debug)]
enum Story {
    NeverPaid,
    Expired,
    Paid(Vec<Back>),
    Subscribed(Life),
}

/// What may happen to a subscription.
#[derive(Clone, Debug)]
struct Life {
    /// Intervals that were paid, and what became of the money of each.
    paid: Vec<Month>,
    ended: bool,
}

#[derive(Clone, Debug)]
struct Month {
    /// How often it was tried before it was paid.
    failures: u8,
    back: Option<Back>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Back {
    /// So much is given back, and perhaps that fails later.
    Refund(i64, bool),
    Won,
    Lost,
    StillOpen,
}

fn back() -> impl Strategy<Value = Back> {
    proptest::prop_oneof![
        4 => (1_i64..3_000, proptest::bool::weighted(0.3)).prop_map(|(amount, fails)| Back::Refund(amount, fails)),
        1 => proptest::bool::weighted(0.3).prop_map(|fails| Back::Refund(PRICE, fails)),
        1 => Just(Back::Won),
        1 => Just(Back::Lost),
        1 => Just(Back::StillOpen),
    ]
}

fn bought_once() -> BoxedStrategy<(Story, u8)> {
    let story = proptest::prop_oneof![
        1 => Just(Story::NeverPaid),
        1 => Just(Story::Expired),
        8 => proptest::collection::vec(back(), 0..5).prop_map(Story::Paid),
    ];
    (story, 0_u8..3).boxed()
}

fn subscribed() -> BoxedStrategy<(Story, u8)> {
    // What is given back in full ends a subscription, at the gateway too: that cannot be taken back if it fails later.
    let back =
        back().prop_map(|back| if back == Back::Refund(PRICE, true) { Back::Refund(PRICE, false) } else { back });
    let month = (0_u8..3, proptest::option::weighted(0.3, back)).prop_map(|(failures, back)| Month { failures, back });
    let life = (proptest::collection::vec(month, 1..5), proptest::bool::ANY);
    let story = life.prop_map(|(paid, ended)| Story::Subscribed(Life { paid, ended }));
    (story, Just(0)).boxed()
}

/// A minute of the world, and what the gateway tells of it.
type Message = (i64, Told);

/// What came of the money of a payment that is known as `payment`.
fn given_back(payment: &str, index: usize, back: Back, left: &mut i64) -> Vec<Told> {
    let names = vec![payment.to_owned()];
    match back {
        Back::Refund(amount, fails) if amount <= *left => {
            let refund = |failed| Told::Refunded {
                payment: names.clone(),
                refund: None,
                reference: format!("re_{payment}_{index}"),
                amount: usd(amount),
                failed,
            };
            if fails {
                return vec![refund(false), refund(true)];
            }
            *left -= amount;
            vec![refund(false)]
        }
        // A gateway gives back only what it has.
        Back::Refund(..) => vec![],
        Back::Won | Back::Lost | Back::StillOpen => {
            let dispute = |outcome| Told::Disputed {
                payment: names.clone(),
                reference: format!("dp_{payment}_{index}"),
                amount: usd(PRICE),
                outcome,
            };
            let decided = match back {
                Back::Won => Some(DisputeOutcome::Won),
                Back::Lost => Some(DisputeOutcome::Lost),
                _ => None,
            };
            std::iter::once(DisputeOutcome::Open).chain(decided).map(dispute).collect()
        }
    }
}

/// What the gateway tells of a story, in order.
fn telling(order: &Order, number: usize, story: &Story, failures: u8, start: DateTime<Utc>) -> Vec<Message> {
    let (intent, session) = (format!("pi_{number}"), format!("cs_{number}"));
    let names = || vec![intent.clone(), session.clone()];
    let mut told: Vec<Told> = (0..failures).map(|_| Told::NotPaid { order: Some(order.id), names: names() }).collect();
    match story {
        Story::NeverPaid => {}
        Story::Expired => told.push(Told::Expired { order: order.id, names: vec![session] }),
        Story::Paid(backs) => {
            told.push(paid_for(order, &[&intent, &session], PRICE));
            told.push(paid_for(order, &[&intent], PRICE));
            let mut left = PRICE;
            for (index, back) in backs.iter().enumerate() {
                told.extend(given_back(&intent, index, *back, &mut left));
            }
        }
        Story::Subscribed(life) => return life_of(order, number, life, start),
    }
    told.into_iter().enumerate().map(|(minute, told)| (i64::try_from(minute).unwrap(), told)).collect()
}

fn life_of(order: &Order, number: usize, life: &Life, start: DateTime<Utc>) -> Vec<Message> {
    let subscription = || format!("sub_{number}");
    let begun = (start - at(0)).num_minutes();
    let mut told = Vec::new();
    let mut begin = start;
    for (month, Month { failures, back }) in life.paid.iter().enumerate() {
        let end = Interval::Monthly.end_after(begin);
        let minute = (begin - at(0)).num_minutes();
        let payment = format!("pi_{number}_{month}");
        if month > 0 {
            let failed =
                Told::RenewalFailed { subscription: subscription(), names: vec![format!("in_{number}_{month}")] };
            told.extend((0..*failures).map(|again| (minute + i64::from(again), failed.clone())));
        }
        let first = (month == 0).then_some(order.id);
        let names = vec![format!("in_{number}_{month}"), payment.clone()];
        let (period, total) = ((begin, end), usd(PRICE));
        told.push((minute + 10, Told::Renewed { subscription: subscription(), names, first, period, total }));
        let mut left = PRICE;
        for (index, back) in back.iter().enumerate() {
            let backs = given_back(&payment, index, *back, &mut left).into_iter();
            told.extend((minute + DAY..).zip(backs));
        }
        begin = end;
    }
    if life.ended {
        told.push((begun + 400 * DAY, Told::Ended { subscription: subscription() }));
    }
    told
}

/// All that counts in the end of an order.
#[derive(Debug, PartialEq)]
struct End {
    status: OrderStatus,
    refunded: i64,
    commission_returned: i64,
    refunds: Vec<(i64, RefundStatus)>,
    disputes: BTreeMap<String, DisputeStatus>,
    payments: usize,
    /// What its transactions come to on each account, where it is anything.
    ledger: BTreeMap<Account, i64>,
}

/// All that counts of what somebody bought: with a subscription, of every interval by its name.
#[derive(Debug, PartialEq)]
struct Ends {
    orders: BTreeMap<String, End>,
    /// Where it stands; until when, unless it is revoked.
    license: Option<(Status, Option<DateTime<Utc>>)>,
    licenses: usize,
    subscription: Option<(Standing, DateTime<Utc>)>,
}

/// What every order's transactions come to, where it is anything.
fn books(till: &Till) -> BTreeMap<OrderId, BTreeMap<Account, i64>> {
    let mut known: BTreeMap<OrderId, Known> = BTreeMap::new();
    let mut books: BTreeMap<OrderId, BTreeMap<Account, i64>> = BTreeMap::new();
    for recorded in till.world.memory.events() {
        if recorded.stream.category != Category::Order {
            continue;
        }
        let id = OrderId::new(recorded.stream.uuid);
        let event = DomainEvent::decode_bytes(&recorded.event_type, recorded.schema_version, &recorded.data).unwrap();
        let DomainEvent::Order(event) = event else { panic!("{recorded:?}") };
        let Some(transaction) = ledger::of_order(known.entry(id).or_default(), &event) else { continue };
        let sum: i64 = transaction.entries.iter().map(|(_, amount)| amount).sum();
        assert_eq!(sum, 0, "{transaction:?} of {event:?}");
        for (account, amount) in transaction.entries {
            *books.entry(id).or_default().entry(account).or_default() += amount;
        }
    }
    for accounts in books.values_mut() {
        accounts.retain(|_, balance| *balance != 0);
    }
    books
}

async fn end_of(till: &Till, order: OrderId, books: &mut BTreeMap<OrderId, BTreeMap<Account, i64>>) -> End {
    let now = till.now(order).await;
    let mut refunds: Vec<_> = now.refunds.values().map(|refund| (refund.amount, refund.status)).collect();
    refunds.sort_by_key(|(amount, status)| (*amount, format!("{status:?}")));
    let paid = till.world.events_of("payment.completed");
    End {
        status: now.status(),
        refunded: now.refunded,
        commission_returned: now.commission_returned,
        refunds,
        disputes: now.disputes.iter().map(|(name, dispute)| (name.clone(), dispute.status)).collect(),
        payments: paid.iter().filter(|event| event.stream.uuid == order.uuid()).count(),
        ledger: books.remove(&order).unwrap_or_default(),
    }
}

/// How an order ended, with the intervals that followed it.
async fn ends_of(till: &Till, id: OrderId, books: &mut BTreeMap<OrderId, BTreeMap<Account, i64>>) -> Ends {
    let mut orders = BTreeMap::from([(String::new(), end_of(till, id, books).await)]);
    let subscription = SubscriptionId::of(id);
    for recorded in till.world.events_of("order.placed") {
        let event = DomainEvent::decode_bytes(&recorded.event_type, recorded.schema_version, &recorded.data).unwrap();
        let DomainEvent::Order(order::Event::Placed { order_id, subscription: Some(billed), .. }) = event else {
            continue;
        };
        if billed.renewal && billed.subscription_id == subscription {
            let names = till.now(order_id).await.payment.map(|payment| payment.names).unwrap_or_default();
            let name = names.iter().find(|name| name.starts_with("in_")).cloned().unwrap_or_default();
            let end = end_of(till, order_id, books).await;
            assert!(orders.insert(name.clone(), end).is_none(), "two orders of {name}");
        }
    }
    let issued = till.world.events_of("license.issued");
    let of_order = |event: &&souk_ports::RecordedEvent| {
        String::from_utf8_lossy(&event.data).contains(&format!("\"orderId\":\"{id}\""))
    };
    let subscription = souk_app::subscriptions::get(&till.app, &till.world.operator(), subscription).await.ok();
    Ends {
        orders,
        license: till.license(id).await.map(|license| {
            let status = license.status();
            (status, license.expires_at.filter(|_| status != Status::Revoked))
        }),
        licenses: issued.iter().filter(of_order).count(),
        subscription: subscription.map(|read| (read.value.standing, read.value.period_end)),
    }
}

/// Tells everything of `stories` in a new world, arranged by `arrange`; how each ended, without its number.
async fn tell_all(
    pricing: Pricing,
    stories: &[(Story, u8)],
    arrange: impl FnOnce(Vec<(String, Message)>) -> Vec<(String, Message)>,
) -> Vec<Ends> {
    let till = Till::new(pricing).await;
    let start = till.world.clock.now();
    let (mut orders, mut messages) = (Vec::new(), Vec::new());
    for (number, (story, failures)) in stories.iter().enumerate() {
        let order = till.order().await;
        for (index, message) in telling(&order, number, story, *failures, start).into_iter().enumerate() {
            messages.push((format!("evt_{number}_{index}"), message));
        }
        orders.push(order.id);
    }
    for (id, (minute, told)) in arrange(messages) {
        till.tell(&id, minute, told).await;
    }
    till.settle().await;
    assert!(till.world.store_is_clean().await, "a reaction gave up");
    let mut books = books(&till);
    let mut ends = Vec::new();
    for order in orders {
        ends.push(ends_of(&till, order, &mut books).await);
    }
    assert!(books.is_empty(), "money of orders that nobody placed: {books:?}");
    till.running.stop().await;
    ends
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_order_the_end_is_the_same() {
    let mut runner = TestRunner::deterministic();
    for world in 0..ORDERS / AT_ONCE {
        let (pricing, stories) = if world % 3 == 2 { (monthly(), subscribed()) } else { (paid(), bought_once()) };
        let stories = proptest::collection::vec(stories, AT_ONCE).new_tree(&mut runner).unwrap().current();
        let expected = tell_all(pricing.clone(), &stories, |messages| messages).await;
        let mut arranged = None;
        let ends = tell_all(pricing, &stories, |messages| {
            // Everything once or twice in any order; what is lost the first time comes at the end.
            let twice: Vec<_> = messages.iter().chain(messages.iter().step_by(2)).cloned().collect();
            let mut shuffled = Just(twice).prop_shuffle().new_tree(&mut runner).unwrap().current();
            let late = shuffled.split_off(shuffled.len() * 4 / 5);
            shuffled.extend(Just(late).prop_shuffle().new_tree(&mut runner).unwrap().current());
            arranged = Some(shuffled.iter().map(|(id, ..)| id.clone()).collect::<Vec<_>>());
            shuffled
        })
        .await;
        for (number, (end, wanted)) in ends.iter().zip(&expected).enumerate() {
            let told: Vec<_> =
                arranged.iter().flatten().filter(|id| id.starts_with(&format!("evt_{number}_"))).collect();
            let story = &stories[number].0;
            assert_eq!(end, wanted, "order {number} of world {world}: {story:?}, told as {told:?}");
            let intervals = match story {
                Story::NeverPaid | Story::Expired => 0,
                Story::Paid(_) => 1,
                Story::Subscribed(life) => life.paid.len(),
            };
            let payments: usize = end.orders.values().map(|end| end.payments).sum();
            assert_eq!((payments, end.licenses), (intervals, intervals.min(1)), "{story:?}");
        }
    }
}

fn monthly() -> Pricing {
    let (currency, interval) = ("USD".parse().unwrap(), Interval::Monthly);
    Pricing::Subscription { amount: PRICE, currency, interval, trial_days: None }
}
