//! However events are batched, the tables are the same.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use souk_domain::{
    installation, license,
    listing::{Interval, Kind, Pricing, Terms},
    personal::Personal,
    plugin, review, series,
    validation::{self, Verdict},
    vendor,
};
use souk_ports::{Clock, EventLog};
use souk_projector::RebuildOptions;
use support::{Market, details, license_of, rating, user};

mod support;

/// Random numbers that are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// What the deciders would know, so that the history is one that could be.
struct Known {
    plugins: usize,
    users: usize,
    installed: std::collections::HashMap<(usize, usize), bool>,
    reviewed: std::collections::HashMap<(usize, usize), Review>,
    versions: Vec<u64>,
    approved: Vec<Vec<String>>,
    orders: Vec<(usize, usize, i64, i64)>,
    machines: std::collections::BTreeSet<(usize, String)>,
    disputes: std::collections::BTreeMap<usize, i64>,
    payouts: Vec<(usize, i64, Payout)>,
    documents: [u64; 2],
    subscriptions: Vec<(usize, usize, bool)>,
    things: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Payout {
    Requested,
    Paid,
    Failed,
}

#[derive(Clone, Copy, PartialEq)]
enum Review {
    Live(u8),
    Hidden(u8),
    Retracted,
}

impl Known {
    fn of(plugins: usize, users: usize) -> Self {
        Self {
            plugins,
            users,
            installed: std::collections::HashMap::new(),
            reviewed: std::collections::HashMap::new(),
            versions: vec![0; plugins],
            approved: vec![Vec::new(); plugins],
            orders: Vec::new(),
            machines: std::collections::BTreeSet::new(),
            disputes: std::collections::BTreeMap::new(),
            payouts: Vec::new(),
            documents: [0; 2],
            subscriptions: Vec::new(),
            things: 0,
        }
    }
}

async fn begin(market: &Market, known: &Known) {
    for number in 0..known.users {
        market.register_user(number, &format!("Person {number}")).await;
    }
    market.register_vendor(0, 0).await;
    market.register_vendor(1, 1).await;
    for number in 0..known.plugins {
        let shown = details(&format!("Plugin {number}"), Kind::Workflow, "tools", &["One", "two"], "What it is for.");
        market.create(number, &format!("Plugin.Nr_{number}"), shown, Pricing::Free).await;
    }
}

async fn step(market: &Market, dice: &mut Dice, known: &mut Known) {
    let (of, who) = (dice.roll(known.plugins), dice.roll(known.users));
    match dice.roll(16) {
        0 => plugin_step(market, dice, of).await,
        1 if dice.roll(3) == 0 && !known.approved[of].is_empty() => {
            let version = &known.approved[of][dice.roll(known.approved[of].len())];
            let reason = "It loses lines.".to_owned();
            let event = plugin::Event::RolledBack { version: version.parse().unwrap(), from_version: None, reason };
            market.plugin_event(of, event).await;
        }
        1 => version_step(market, dice, known, of).await,
        2..=4 => installation_step(market, dice, known, of, who).await,
        5..=7 => review_step(market, dice, known, of, who).await,
        8 | 9 => order_step(market, dice, known, of, who).await,
        10 => license_step(market, dice, known).await,
        11 | 12 => market.executed(of, who, dice.roll(5)).await,
        13 => money_step(market, dice, known).await,
        14 => custom_step(market, dice, known, of, who).await,
        _ => {
            market.clock.advance(std::time::Duration::from_secs(40_000));
            let event = if dice.roll(2) == 0 {
                vendor::Event::Verified {}
            } else {
                vendor::Event::Suspended { reason: "x".to_owned() }
            };
            market.vendor_event(dice.roll(2), event).await;
        }
    }
}

async fn plugin_step(market: &Market, dice: &mut Dice, of: usize) {
    let event = match dice.roll(6) {
        0 => plugin::Event::Suspended { reason: "looked at".to_owned() },
        1 => plugin::Event::Reinstated {},
        2 => plugin::Event::Deprecated { message: "use another".to_owned() },
        3 => plugin::Event::Priced {
            pricing: Pricing::OneTime { amount: 4_900, currency: "USD".parse().unwrap() },
            terms: Terms { max_devices: 7, ..Terms::default() },
            previous_pricing: Pricing::Free,
            previous_terms: Terms::default(),
        },
        4 => plugin::Event::Transferred { from_vendor_id: support::vendor(0), to_vendor_id: support::vendor(1) },
        _ => plugin::Event::Described {
            details: Box::new(details(
                &format!("Renamed {}", dice.roll(9)),
                Kind::Skill,
                "other",
                &["three"],
                "Changed.",
            )),
        },
    };
    market.plugin_event(of, event).await;
}

async fn version_step(market: &Market, dice: &mut Dice, known: &mut Known, of: usize) {
    known.versions[of] += 1;
    let version = format!("1.{}.0{}", known.versions[of], ["", "-rc.1"][dice.roll(2)]);
    market.submit(of, &version).await;
    let verdict = [Verdict::Approve, Verdict::Escalate, Verdict::Reject][dice.roll(3)];
    market.validate(of, &version, u8::try_from(60 + dice.roll(41)).unwrap(), verdict).await;
    let consensus = u16::try_from(500 + dice.roll(501)).unwrap();
    let attempts = if consensus > 700 { vec![consensus] } else { vec![400, consensus] };
    market.cross_check(of, &version, &attempts).await;
    let parsed: semver::Version = version.parse().unwrap();
    if dice.roll(2) == 0 {
        let check = validation::CrossCheck { samples: 2, attempts: vec![u16::try_from(dice.roll(1_001)).unwrap()] };
        market.validation_event(of, &version, validation::Event::CrossChecked { version: parsed.clone(), check }).await;
    }
    match dice.roll(6) {
        0 => {
            market.approve(of, &version, Some(95)).await;
            known.approved[of].push(version);
        }
        1 => {
            market.approve(of, &version, None).await;
            let event = plugin::Event::VersionYanked { version: parsed, reason: "broken".to_owned() };
            market.plugin_event(of, event).await;
        }
        2 => {
            let event = validation::Event::Escalated { version: parsed.clone(), reason: "unsure".to_owned() };
            market.validation_event(of, &version, event).await;
            let event = validation::Event::Adjudicated { version: parsed, ruling: ruling(Verdict::Approve, false) };
            market.validation_event(of, &version, event).await;
            market.approve(of, &version, None).await;
        }
        3 => appeal_step(market, dice, of, &version).await,
        4 => {
            let event = validation::Event::Escalated { version: parsed, reason: "unsure".to_owned() };
            market.validation_event(of, &version, event).await;
        }
        _ => {}
    }
}

fn ruling(verdict: Verdict, on_appeal: bool) -> validation::Ruling {
    validation::Ruling { verdict, reason: "looked at".to_owned(), on_appeal }
}

/// An appeal against what a moderator or the pipeline rejected, some of which are answered.
async fn appeal_step(market: &Market, dice: &mut Dice, of: usize, version: &str) {
    let parsed: semver::Version = version.parse().unwrap();
    let judged = |ruling| validation::Event::Adjudicated { version: parsed.clone(), ruling };
    if dice.roll(2) == 0 {
        let event = validation::Event::Escalated { version: parsed.clone(), reason: "unsure".to_owned() };
        market.validation_event(of, version, event).await;
        market.validation_event(of, version, judged(ruling(Verdict::Reject, false))).await;
    }
    let (vendor_id, reason) = (support::vendor(0), "It is harmless.".to_owned());
    let event = validation::Event::Appealed { version: parsed.clone(), vendor_id, reason };
    market.validation_event(of, version, event).await;
    match dice.roll(3) {
        0 => market.validation_event(of, version, judged(ruling(Verdict::Reject, true))).await,
        1 => {
            market.validation_event(of, version, judged(ruling(Verdict::Approve, true))).await;
            market.approve(of, version, None).await;
        }
        _ => {}
    }
}

async fn installation_step(market: &Market, dice: &mut Dice, known: &mut Known, of: usize, who: usize) {
    let version: semver::Version = "1.0.0".parse().unwrap();
    match known.installed.get(&(of, who)).copied() {
        Some(true) if dice.roll(3) == 0 => {
            let checked = installation::Checked { plugin_version: 3, license_version: Some(1) };
            let (from_version, to_version) = (version, "1.1.0".parse().unwrap());
            let event =
                installation::Event::Upgraded { from_version, to_version, license_id: Some(license_of(1)), checked };
            market.installation_event(of, who, event).await;
        }
        Some(true) => {
            let event = if dice.roll(2) == 0 {
                installation::Event::Uninstalled { version }
            } else {
                installation::Event::Blocked { version, license_id: license_of(1), reason: "revoked".to_owned() }
            };
            market.installation_event(of, who, event).await;
            known.installed.insert((of, who), false);
        }
        before => {
            market.install(of, who, "1.0.0", before.is_none()).await;
            known.installed.insert((of, who), true);
        }
    }
}

async fn review_step(market: &Market, dice: &mut Dice, known: &mut Known, of: usize, who: usize) {
    let stars = u8::try_from(1 + dice.roll(5)).unwrap();
    let text = |text: &str| Personal::new(user(who), text);
    let (event, next) = match known.reviewed.get(&(of, who)).copied() {
        None | Some(Review::Retracted) => {
            market.review(of, who, stars).await;
            known.reviewed.insert((of, who), Review::Live(stars));
            return;
        }
        Some(Review::Live(old)) => match dice.roll(8) {
            0 => (review::Event::Retracted { rating: rating(old), hidden: false }, Review::Retracted),
            1 => (review::Event::Hidden { rating: rating(old), reason: "rude".to_owned() }, Review::Hidden(old)),
            2..=4 => (review::Event::Flagged { reason: text(&format!("rude {}", dice.roll(9))) }, Review::Live(old)),
            5 => (review::Event::Unflagged { flags: 1 }, Review::Live(old)),
            6 => (review::Event::Replied { body: "Thank you.".to_owned() }, Review::Live(old)),
            _ => (
                review::Event::Edited {
                    rating: rating(stars),
                    previous_rating: rating(old),
                    title: text("Again"),
                    body: text("On second thoughts."),
                    hidden: false,
                },
                Review::Live(stars),
            ),
        },
        Some(Review::Hidden(old)) => match dice.roll(3) {
            0 => (review::Event::Retracted { rating: rating(old), hidden: true }, Review::Retracted),
            1 => (review::Event::Restored { rating: rating(old) }, Review::Live(old)),
            _ => (
                review::Event::Edited {
                    rating: rating(stars),
                    previous_rating: rating(old),
                    title: text("Politer"),
                    body: text("Please."),
                    hidden: true,
                },
                Review::Hidden(stars),
            ),
        },
    };
    market.review_event(of, who, event).await;
    known.reviewed.insert((of, who), next);
}

async fn order_step(market: &Market, dice: &mut Dice, known: &mut Known, of: usize, who: usize) {
    let currency = |of: usize| ["USD", "JPY"][of % 2];
    if known.orders.is_empty() || dice.roll(2) == 0 {
        let number = known.orders.len();
        market.place(number, of, who, 4_900, currency(of)).await;
        if dice.roll(4) != 0 {
            market.pay(number, of, 4_900, currency(of)).await;
            market.issue(number, of, who).await;
            known.orders.push((number, of, 4_900, 0));
        } else {
            known.orders.push((number, of, 0, 0));
        }
    } else {
        let at = dice.roll(known.orders.len());
        let (number, of, left, refunded) = known.orders[at];
        if let Some(amount) = known.disputes.get(&number).copied() {
            if dice.roll(2) == 0 {
                market.dispute(number, of, (amount, currency(of)), true).await;
                known.disputes.remove(&number);
            }
        } else if left > 0 && dice.roll(4) == 0 {
            market.dispute(number, of, (left, currency(of)), false).await;
            known.disputes.insert(number, left);
        } else if dice.roll(8) == 0 {
            market.unmatched(number, of, 77).await;
        } else if left > 0 {
            let amount = if dice.roll(2) == 0 { left } else { left / 3 };
            market.refund(number, of, (amount, refunded + amount), currency(of), amount == left).await;
            known.orders[at] = (number, of, left - amount, refunded + amount);
        }
    }
}

/// Payouts and the documents of payments.
async fn money_step(market: &Market, dice: &mut Dice, known: &mut Known) {
    if dice.roll(3) == 0 {
        let kind = [series::Kind::Invoice, series::Kind::CreditNote][dice.roll(2)];
        let last = &mut known.documents[usize::from(kind == series::Kind::CreditNote)];
        *last += 1;
        let of = dice.roll(known.orders.len().max(1));
        market.invoice(kind, *last, of, dice.roll(known.plugins), 4_900, "USD").await;
        return;
    }
    if known.payouts.is_empty() || dice.roll(3) == 0 {
        let (number, who) = (known.payouts.len(), dice.roll(2));
        market.request_payout(number, who, 5_000, "USD").await;
        known.payouts.push((who, 5_000, Payout::Requested));
        return;
    }
    let number = dice.roll(known.payouts.len());
    let (who, amount, status) = known.payouts[number];
    known.payouts[number].2 = match (status, dice.roll(2)) {
        (Payout::Requested, 0) => {
            market.payout_paid(number, who, amount, "USD").await;
            Payout::Paid
        }
        (Payout::Requested | Payout::Paid, _) => {
            market.payout_failed(number, who, amount, "USD").await;
            Payout::Failed
        }
        (Payout::Failed, _) => Payout::Failed,
    };
}

/// Subscriptions, downloads, and what gateways tell.
async fn custom_step(market: &Market, dice: &mut Dice, known: &mut Known, of: usize, who: usize) {
    known.things += 1;
    match dice.roll(6) {
        5 => market.looks(known.things, of, 3).await,
        0 => market.download(known.things, of, who).await,
        1 => market.webhook(known.things).await,
        2 | 3 if !known.subscriptions.is_empty() => {
            let at = dice.roll(known.subscriptions.len());
            let (number, of, lapsed) = known.subscriptions[at];
            if lapsed {
                return;
            }
            if dice.roll(2) == 0 {
                market.renew(number, of).await;
            } else {
                market.lapse(number, of).await;
                known.subscriptions[at].2 = true;
            }
        }
        _ => {
            // Orders of the same numbers are others: nothing joins the two.
            let (number, interval) = (known.things, [Interval::Monthly, Interval::Yearly][dice.roll(2)]);
            market.subscribe(number, of, who, interval, dice.roll(2) == 0).await;
            known.subscriptions.push((number, of, false));
        }
    }
}

async fn license_step(market: &Market, dice: &mut Dice, known: &mut Known) {
    if known.orders.is_empty() {
        return;
    }
    let (number, of, ..) = known.orders[dice.roll(known.orders.len())];
    let machine = format!("machine {}", dice.roll(3));
    match dice.roll(6) {
        0 => {
            market
                .license_event(
                    number,
                    of,
                    license::Event::Suspended {
                        reason: "dispute".to_owned(),
                        status: license::Status::Suspended,
                        payment: None,
                    },
                )
                .await
        }
        1 => {
            market
                .license_event(
                    number,
                    of,
                    license::Event::Reinstated { status: license::Status::Active, payment: None },
                )
                .await
        }
        2 => {
            market
                .license_event(
                    number,
                    of,
                    license::Event::Revoked {
                        reason: "refund".to_owned(),
                        status: license::Status::Revoked,
                        payment: None,
                    },
                )
                .await
        }
        _ if known.machines.remove(&(number, machine.clone())) => {
            market
                .license_event(number, of, license::Event::Deactivated { fingerprint: machine, activations: 0 })
                .await;
        }
        _ => {
            market.activate(number, of, &machine, market.clock.now()).await;
            known.machines.insert((number, machine));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_events_are_batched_the_tables_are_the_same() {
    for seed in [1, 2, 3] {
        let market = Market::new().await;
        fold_and_compare(&market, seed, Known::of(4, 5), 250, 1, &[3, 40, 100_000]).await;
    }
}

/// So many rows that rebuilds copy them, into new tables and into others, while the live tables get them few at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_are_copied_are_those_that_are_inserted() {
    let market = Market::new().await;
    fold_and_compare(&market, 4, Known::of(1_200, 700), 2_500, 200, &[100_000, 1_300]).await;
}

/// Folds a random history `live` events at a time, and compares rebuilds of it in batches.
async fn fold_and_compare(market: &Market, seed: u64, mut known: Known, steps: usize, live: usize, batches: &[usize]) {
    let mut dice = Dice(seed);
    begin(market, &known).await;
    for _ in 0..steps {
        step(market, &mut dice, &mut known).await;
    }
    let running = market.run(live);
    let reader = market.reader().await;
    let names: Vec<&str> = market.projections.iter().map(|projection| projection.name()).collect();
    reader.at(&names, Some(market.log.head().await.unwrap()), support::PATIENCE).await.unwrap();
    running.stop().await;
    let unbalanced: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT position, sum(amount)::bigint FROM souk_earnings_g1.earnings_entry GROUP BY position HAVING sum(amount) <> 0",
    )
    .fetch_all(&market.pool)
    .await
    .unwrap();
    assert_eq!(unbalanced, [], "seed {seed}: transactions that do not sum to zero");
    for batch in batches {
        let options = RebuildOptions { verify: true, batch: *batch, ..RebuildOptions::default() };
        let outcome = market.rebuild().run(options).await.unwrap();
        for report in &outcome.reports {
            assert!(report.is_equal(), "seed {seed}, batches of {batch}: {report}");
        }
        let tables = outcome.reports.iter().flat_map(|report| &report.tables);
        let filled = tables.filter(|table| table.rebuilt_rows > 0).count();
        let tables: usize = market.projections.iter().map(|projection| projection.tables().len()).sum();
        assert_eq!(filled, tables, "seed {seed}: a table without rows proves nothing");
    }
}
