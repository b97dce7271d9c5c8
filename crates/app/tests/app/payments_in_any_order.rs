//! Gateways tell at least once, in any order, and late: the end is that of an orderly one.

use std::collections::BTreeMap;

use proptest::{
    strategy::{Just, Strategy, ValueTree},
    test_runner::TestRunner,
};
use souk_domain::{
    id::OrderId,
    license::Status,
    order::{DisputeStatus, Order, OrderStatus, RefundStatus},
};
use souk_ports::payment::DisputeOutcome;
use souk_testkit::gateway::Told;

use crate::{
    payments::{Till, paid_for, usd},
    support::paid,
};

/// As many orders, in worlds of so many.
const ORDERS: usize = 1_000;
const AT_ONCE: usize = 10;

/// What may happen to an order of 4,900, told by a gateway that is orderly.
#[derive(Clone, Debug)]
enum Story {
    NeverPaid,
    Expired,
    Paid(Vec<Back>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Back {
    /// So much is given back, and perhaps that fails later.
    Refund(i64, bool),
    Won,
    Lost,
    StillOpen,
}

fn story() -> impl Strategy<Value = (Story, u8)> {
    let back = proptest::prop_oneof![
        4 => (1_i64..3_000, proptest::bool::weighted(0.3)).prop_map(|(amount, fails)| Back::Refund(amount, fails)),
        1 => proptest::bool::weighted(0.3).prop_map(|fails| Back::Refund(4_900, fails)),
        1 => Just(Back::Won),
        1 => Just(Back::Lost),
        1 => Just(Back::StillOpen),
    ];
    let story = proptest::prop_oneof![
        1 => Just(Story::NeverPaid),
        1 => Just(Story::Expired),
        8 => proptest::collection::vec(back, 0..5).prop_map(Story::Paid),
    ];
    (story, 0_u8..3)
}

/// What the gateway tells of a story, in order. A gateway gives back only what it has.
fn telling(order: &Order, number: usize, story: &Story, failures: u8) -> Vec<Told> {
    let (intent, session) = (format!("pi_{number}"), format!("cs_{number}"));
    let names = || vec![intent.clone(), session.clone()];
    let mut told: Vec<Told> = (0..failures).map(|_| Told::NotPaid { order: Some(order.id), names: names() }).collect();
    let backs = match story {
        Story::NeverPaid => return told,
        Story::Expired => {
            told.push(Told::Expired { order: order.id, names: vec![session] });
            return told;
        }
        Story::Paid(backs) => backs,
    };
    told.push(paid_for(order, &[&intent, &session], 4_900));
    told.push(paid_for(order, &[&intent], 4_900));
    let mut left = 4_900;
    for (index, back) in backs.iter().enumerate() {
        let payment = vec![intent.clone()];
        match *back {
            Back::Refund(amount, fails) if amount <= left => {
                let reference = format!("re_{number}_{index}");
                let refund = |failed| Told::Refunded {
                    payment: payment.clone(),
                    refund: None,
                    reference: reference.clone(),
                    amount: usd(amount),
                    failed,
                };
                told.push(refund(false));
                if fails {
                    told.push(refund(true));
                } else {
                    left -= amount;
                }
            }
            Back::Refund(..) => {}
            Back::Won | Back::Lost | Back::StillOpen => {
                let reference = format!("dp_{number}_{index}");
                let dispute = |outcome| Told::Disputed {
                    payment: payment.clone(),
                    reference: reference.clone(),
                    amount: usd(4_900),
                    outcome,
                };
                told.push(dispute(DisputeOutcome::Open));
                match back {
                    Back::Won => told.push(dispute(DisputeOutcome::Won)),
                    Back::Lost => told.push(dispute(DisputeOutcome::Lost)),
                    _ => {}
                }
            }
        }
    }
    told
}

/// All that counts in the end.
#[derive(Debug, PartialEq)]
struct End {
    status: OrderStatus,
    refunded: i64,
    commission_returned: i64,
    refunds: Vec<(i64, RefundStatus)>,
    disputes: BTreeMap<String, DisputeStatus>,
    license: Option<Status>,
    licenses: usize,
    payments: usize,
}

async fn end_of(till: &Till, order: OrderId) -> End {
    let now = till.now(order).await;
    let license = till.license(order).await;
    let issued = |event: &souk_ports::RecordedEvent| {
        String::from_utf8_lossy(&event.data).contains(&format!("\"orderId\":\"{order}\""))
    };
    let mut refunds: Vec<_> = now.refunds.values().map(|refund| (refund.amount, refund.status)).collect();
    refunds.sort_by_key(|(amount, status)| (*amount, format!("{status:?}")));
    End {
        status: now.status(),
        refunded: now.refunded,
        commission_returned: now.commission_returned,
        refunds,
        disputes: now.disputes.iter().map(|(name, dispute)| (name.clone(), dispute.status)).collect(),
        license: license.map(|license| license.status()),
        licenses: till.world.events_of("license.issued").iter().filter(|event| issued(event)).count(),
        payments: till
            .world
            .events_of("payment.completed")
            .iter()
            .filter(|event| event.stream.uuid == order.uuid())
            .count(),
    }
}

/// Tells everything of `stories` in a new world, arranged by `arrange`; how each order ended, without its number.
async fn tell_all(
    stories: &[(Story, u8)],
    arrange: impl FnOnce(Vec<(String, i64, Told)>) -> Vec<(String, i64, Told)>,
) -> Vec<End> {
    let till = Till::new(paid()).await;
    let (mut orders, mut messages) = (Vec::new(), Vec::new());
    for (number, (story, failures)) in stories.iter().enumerate() {
        let order = till.order().await;
        for (index, told) in telling(&order, number, story, *failures).into_iter().enumerate() {
            messages.push((format!("evt_{number}_{index}"), i64::try_from(index).unwrap(), told));
        }
        orders.push(order.id);
    }
    for (id, minute, told) in arrange(messages) {
        till.tell(&id, minute, told).await;
    }
    till.settle().await;
    assert!(till.world.store_is_clean().await, "a reaction gave up");
    let mut ends = Vec::new();
    for order in orders {
        ends.push(end_of(&till, order).await);
    }
    till.running.stop().await;
    ends
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_order_the_end_is_the_same() {
    let mut runner = TestRunner::deterministic();
    for world in 0..ORDERS / AT_ONCE {
        let stories = proptest::collection::vec(story(), AT_ONCE).new_tree(&mut runner).unwrap().current();
        let expected = tell_all(&stories, |messages| messages).await;
        let mut arranged = None;
        let ends = tell_all(&stories, |messages| {
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
            assert_eq!(end, wanted, "order {number} of world {world}: {:?}, told as {told:?}", stories[number]);
            let paid = matches!(stories[number].0, Story::Paid(_));
            assert_eq!((end.payments, end.licenses), (usize::from(paid), usize::from(paid)), "{:?}", stories[number]);
        }
    }
}
