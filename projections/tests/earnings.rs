//! The ledger over histories that the deciders decided: its sums, what vendors read of it, and what a payout may be.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, NaiveDate, Utc};
use souk_domain::{
    decider::Decider,
    id::RefundId,
    listing::{Kind, Pricing, Terms},
    money::{BasisPoints, Money},
    order::{Command, Contest, DisputeStatus, Gateway, Orders, Receipt, Settlement, State},
    series,
};
use souk_ports::{Clock, Directory};
use souk_projections::{Directories, earnings};
use souk_testkit::LogDirectory;
use support::{Market, details, order, plugin, user, uuid, vendor};

mod support;

/// Random numbers that are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % sides
    }
}

const PRICE: i64 = 4_900;

fn currency(number: usize) -> &'static str {
    ["USD", "JPY"][number % 2]
}

fn place(number: usize, now: DateTime<Utc>) -> Command {
    let currency = currency(number).parse().unwrap();
    Command::Place {
        id: order(number),
        buyer: user(0),
        plugin: plugin(0),
        vendor: vendor(0),
        pricing: Pricing::OneTime { amount: PRICE, currency },
        terms: Terms::default(),
        gateway: Gateway::Stripe,
        commission: BasisPoints::DEFAULT_COMMISSION,
        subscription: None,
        payout_account: (number % 4 == 3).then(|| "acct_1".to_owned()),
        available: true,
        now,
    }
}

fn random(dice: &mut Dice, number: usize, now: DateTime<Utc>) -> Command {
    let money = |amount| Money { amount, currency: currency(number).parse().unwrap() };
    let name = format!("{number}-{}", dice.roll(2));
    match dice.roll(8) {
        0..=2 => {
            let tax = dice.roll(900);
            let paid = money(if dice.roll(2) == 0 { PRICE } else { PRICE + tax });
            let fee = (dice.roll(2) == 0).then_some(59);
            Command::CompletePayment(Receipt {
                reference: name.clone(),
                names: vec![name],
                paid,
                tax: Some(tax),
                fee,
                country: None,
                paid_at: now,
            })
        }
        3 | 4 => Command::SettleRefund(Settlement {
            id: RefundId::new(uuid(12, number * 10 + usize::try_from(dice.roll(3)).unwrap())),
            reference: name,
            amount: money(1 + dice.roll(PRICE)),
            failure: (dice.roll(4) == 0).then(|| "declined".to_owned()),
            reason: "Changed mind.".to_owned(),
        }),
        5 | 6 => Command::Contest(Contest {
            reference: name,
            amount: money(1 + dice.roll(PRICE)),
            reason: "fraudulent".to_owned(),
            status: [DisputeStatus::Open, DisputeStatus::Won, DisputeStatus::Lost]
                [usize::try_from(dice.roll(3)).unwrap()],
        }),
        _ => Command::KeepUnmatched {
            reference: name,
            paid: Money { amount: 77, currency: "EUR".parse().unwrap() },
            problem: souk_domain::order::Mismatch::Currency,
        },
    }
}

async fn opened() -> Market {
    let market = Market::new().await;
    market.register_user(0, "Ada").await;
    market.register_vendor(0, 0).await;
    let shown = details("Log Reader", Kind::Skill, "tools", &["logs"], "Reads logs.");
    market.create(0, "log-reader", shown, Pricing::Free).await;
    market
}

/// Lets `steps` random things happen to `orders` orders, a few hours apart.
async fn trade(market: &Market, dice: &mut Dice, orders: usize, steps: usize) {
    let mut states: HashMap<usize, State> = HashMap::new();
    for _ in 0..steps {
        market.clock.advance(Duration::from_secs(20_000));
        let number = usize::try_from(dice.roll(i64::try_from(orders).unwrap())).unwrap();
        let state = states.remove(&number).unwrap_or_default();
        let now = market.clock.now();
        let command = if matches!(state, State::Absent) { place(number, now) } else { random(dice, number, now) };
        let events = Orders::decide(&state, command).unwrap_or_default();
        let mut state = state;
        for event in events {
            state = Orders::evolve(state, &event);
            market.order_event(number, 0, event).await;
        }
        states.insert(number, state);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_vendor_earned_is_what_its_orders_say() {
    let market = opened().await;
    let begun = market.clock.now();
    trade(&market, &mut Dice(7), 24, 600).await;
    let (reader, guard) = market.read().await;
    let unbalanced: Vec<(i64,)> =
        sqlx::query_as("SELECT position FROM earnings_entry GROUP BY position HAVING sum(amount) <> 0")
            .fetch_all(guard.pool())
            .await
            .unwrap();
    assert_eq!(unbalanced, [], "transactions that do not sum to zero");
    let totals: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT currency, sum(amount)::bigint, count(*) FROM earnings_entry GROUP BY currency ORDER BY currency",
    )
    .fetch_all(guard.pool())
    .await
    .unwrap();
    assert!(totals.iter().all(|(_, sum, count)| *sum == 0 && *count > 5), "{totals:?}");
    assert_eq!(totals.len(), 3);

    let days: Vec<(i64,)> = sqlx::query_as(
        "SELECT sum(d.amount)::bigint FROM (
             SELECT vendor_id, currency, (booked_at AT TIME ZONE 'UTC')::date AS day, account, kind, amount FROM earnings_entry
             WHERE account IN ('vendor', 'transfer', 'payout')
             UNION ALL SELECT vendor_id, currency, day, account, kind, -amount FROM earnings_day
         ) d GROUP BY vendor_id, currency, day, account, kind HAVING sum(d.amount) <> 0",
    )
    .fetch_all(guard.pool())
    .await
    .unwrap();
    assert_eq!(days, [], "days that are not the sums of their entries");

    let log = LogDirectory::new((*market.log).clone());
    let read = Directories::new(std::sync::Arc::new(reader), support::PATIENCE);
    let days = (market.clock.now() - begun).num_days();
    let mut seen = std::collections::BTreeSet::new();
    for day in (-1..=days + 1).step_by(9) {
        let before = begun + chrono::Duration::days(day);
        for code in ["USD", "JPY", "EUR"] {
            let (code, at) = (code.parse().unwrap(), guard.position("earnings").unwrap());
            let told = read.earned(vendor(0), code, before, at).await.unwrap();
            assert_eq!(told, log.earned(vendor(0), code, before, 0).await.unwrap(), "{code} before {before}");
            seen.insert(told);
        }
        assert_eq!(read.earned(vendor(1), "USD".parse().unwrap(), before, 0).await.unwrap(), 0);
    }
    assert!(seen.len() > 10, "sums that are all the same prove nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn balances_and_statements_add_up() {
    let market = opened().await;
    trade(&market, &mut Dice(3), 12, 300).await;
    market.request_payout(0, 0, 5_000, "USD").await;
    market.payout_paid(0, 0, 5_000, "USD").await;
    market.request_payout(1, 0, 700, "USD").await;
    market.request_payout(2, 0, 900, "USD").await;
    market.payout_failed(2, 0, 900, "USD").await;
    market.request_payout(3, 0, 600, "USD").await;
    market.payout_paid(3, 0, 600, "USD").await;
    market.payout_failed(3, 0, 600, "USD").await;
    let (_reader, guard) = market.read().await;
    let vendor = vendor(0).uuid();

    let held_after = market.clock.now() - chrono::Duration::days(7);
    let balances = earnings::balances(&guard, vendor, held_after).await.unwrap();
    let dollars = balances.iter().find(|balance| balance.currency == "USD").unwrap();
    assert_eq!((dollars.in_transit, dollars.paid_out), (700, 5_000));
    assert_eq!(dollars.available(), dollars.balance - dollars.pending);
    let earned = earnings::earned(&guard, vendor, "USD", held_after).await.unwrap();
    assert_eq!(
        dollars.available(),
        earned - 5_000 - 700,
        "what can be paid out is what the vendor's stream decides by"
    );

    let whole = earnings::Span { currency: Some("USD".to_owned()), ..earnings::Span::default() };
    let statement = earnings::statement(&guard, vendor, &whole, "USD").await.unwrap().unwrap();
    assert_eq!((statement.opening, statement.closing), (0, dollars.balance));
    let kinds: std::collections::BTreeSet<&str> = statement.lines.iter().map(|line| line.entry.kind.as_str()).collect();
    let expected =
        ["dispute", "dispute_reversal", "payment", "payout_failed", "payout_paid", "payout_requested", "refund"];
    assert!(expected.iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
    assert_eq!(statement.lines[0].entry.plugin_name, "log-reader");

    // Days beside each other: what the one ends with the next begins with.
    let day = |text: &str| Some(text.parse::<NaiveDate>().unwrap());
    let early = earnings::Span { to: day("2026-05-20"), ..whole.clone() };
    let late = earnings::Span { from: day("2026-05-21"), ..whole.clone() };
    let early = earnings::statement(&guard, vendor, &early, "USD").await.unwrap().unwrap();
    let late = earnings::statement(&guard, vendor, &late, "USD").await.unwrap().unwrap();
    assert!(!early.lines.is_empty() && !late.lines.is_empty());
    assert_eq!((early.closing, late.closing), (late.opening, statement.closing));
    assert_eq!(early.lines.len() + late.lines.len(), statement.lines.len());

    // Page by page it is the same.
    let (mut pages, mut cursor) = (Vec::new(), None);
    loop {
        let page = earnings::entries(&guard, vendor, &whole, cursor.as_deref(), 7).await.unwrap();
        pages.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    pages.reverse();
    let lines: Vec<_> = statement.lines.into_iter().map(|line| line.entry).collect();
    assert_eq!(pages, lines);
    assert!(earnings::entries(&guard, vendor, &earnings::Span::default(), Some("00"), 7).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payouts_batches_and_invoices_are_found() {
    let market = opened().await;
    market.register_vendor(1, 0).await;
    trade(&market, &mut Dice(5), 4, 40).await;
    for (number, who) in [(0, 0), (2, 1), (3, 0)] {
        market.request_payout(number, who, 5_000, "USD").await;
    }
    market.payout_failed(2, 1, 5_000, "USD").await;
    market.invoice(series::Kind::Invoice, 1, 0, 0, PRICE, "USD").await;
    market.invoice(series::Kind::CreditNote, 1, 0, 0, 900, "USD").await;
    market.invoice(series::Kind::Invoice, 2, 1, 0, PRICE, "JPY").await;
    let (_reader, guard) = market.read().await;

    let mine = earnings::payouts(&guard, vendor(0).uuid(), None, 1).await.unwrap();
    let next = earnings::payouts(&guard, vendor(0).uuid(), mine.next_cursor.as_deref(), 1).await.unwrap();
    assert_eq!((mine.items[0].id, next.items[0].id), (uuid(5, 3), uuid(5, 0)));
    assert_eq!((next.next_cursor, mine.items[0].status.as_str()), (None, "requested"));
    let batch = earnings::batch(&guard, uuid(6, 0)).await.unwrap();
    let found: Vec<_> =
        batch.iter().map(|p| (p.vendor_slug.as_str(), p.status.as_str(), p.reason.as_deref())).collect();
    assert_eq!(found, [("vendor-0", "requested", None), ("vendor-1", "failed", Some("no such account"))]);
    assert!(earnings::payout(&guard, uuid(5, 9)).await.unwrap().is_none());

    let of_order = earnings::invoices_of_order(&guard, order(0).uuid()).await.unwrap();
    let shown: Vec<_> =
        of_order.iter().map(|i| (i.kind.as_str(), i.number, i.amount, i.plugin_name.as_str())).collect();
    assert_eq!(shown, [("invoice", 1, PRICE, "log-reader"), ("credit_note", 1, 900, "log-reader")]);
    let all = earnings::invoices_of_vendor(&guard, vendor(0).uuid(), None, 20).await.unwrap();
    assert_eq!(all.items.iter().map(|i| i.number).collect::<Vec<_>>(), [2, 1, 1]);
    let owed = earnings::owed(&guard, "USD").await.unwrap();
    assert!(
        owed.iter().all(|id| *id == vendor(0).uuid()),
        "a vendor whose payout failed without earnings is owed nothing: {owed:?}"
    );
}
