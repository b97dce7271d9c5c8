//! What waits for a moderator, and what was decided.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use souk_domain::{
    id::{ReviewId, ValidationId},
    listing::{Kind, Pricing},
    personal::Personal,
    review,
    validation::{self, Ruling, Verdict},
};
use souk_ports::{Clock, Vault};
use souk_projections::{
    moderation::{Case, Decision, Findings, Item, QueueState, Subject, Why, case, queue},
    reliability::{self, AppealState},
};
use souk_projector::ReadGuard;
use souk_testkit::PlainVault;
use support::{Market, details, plugin, rating, user, vendor};
use uuid::Uuid;

mod support;

async fn opened() -> Market {
    let market = Market::new().await;
    for (number, name) in ["Ada", "Ben", "Cleo"].into_iter().enumerate() {
        market.register_user(number, name).await;
    }
    market.register_vendor(0, 0).await;
    market.create(0, "free-tool", details("Free tool", Kind::Skill, "x", &[], "Free."), Pricing::Free).await;
    market
}

fn validation_of(version: &str) -> Uuid {
    ValidationId::of(plugin(0), &version.parse().unwrap()).uuid()
}

fn review_by(who: usize) -> Uuid {
    ReviewId::of(user(who), plugin(0)).uuid()
}

async fn escalated(market: &Market, version: &str) {
    market.submit(0, version).await;
    market.validate(0, version, 80, Verdict::Escalate).await;
    let event = validation::Event::Escalated { version: version.parse().unwrap(), reason: "unsure".to_owned() };
    market.validation_event(0, version, event).await;
}

async fn ruled(market: &Market, version: &str, verdict: Verdict, on_appeal: bool) {
    let ruling = Ruling { verdict, reason: format!("{verdict:?}"), on_appeal };
    let event = validation::Event::Adjudicated { version: version.parse().unwrap(), ruling };
    market.validation_event(0, version, event).await;
}

async fn flagged(market: &Market, who: usize, reason: &str) {
    market.review_event(0, who, review::Event::Flagged { reason: Personal::new(user(who), reason) }).await;
}

async fn items(guard: &ReadGuard, state: QueueState, subject: Option<Subject>) -> Vec<Item> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = queue(guard, &PlainVault::default(), state, subject, cursor.as_deref(), 1).await.unwrap();
        assert!(page.items.len() <= 1);
        all.extend(page.items);
        match page.next_cursor {
            Some(next) => cursor = Some(next),
            None => return all,
        }
    }
}

fn ids(items: &[Item]) -> Vec<Uuid> {
    items.iter().map(|item| item.id).collect()
}

async fn shown(guard: &ReadGuard, id: Uuid) -> Case {
    case(guard, &PlainVault::default(), id).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_longest_comes_first_and_what_was_decided_last() {
    let market = opened().await;
    market.review(0, 1, 1).await;
    escalated(&market, "1.0.0").await;
    flagged(&market, 1, "rude").await;
    for version in ["1.1.0", "1.2.0", "1.3.0"] {
        escalated(&market, version).await;
    }
    ruled(&market, "1.2.0", Verdict::Reject, false).await;
    ruled(&market, "1.1.0", Verdict::Approve, false).await;
    let (_reader, guard) = market.read().await;
    let open = items(&guard, QueueState::Open, None).await;
    assert_eq!(ids(&open), [validation_of("1.0.0"), review_by(1), validation_of("1.3.0")]);
    let versions = items(&guard, QueueState::Open, Some(Subject::Version)).await;
    assert_eq!(ids(&versions), [validation_of("1.0.0"), validation_of("1.3.0")]);
    assert_eq!(ids(&items(&guard, QueueState::Open, Some(Subject::Review)).await), [review_by(1)]);
    let decided = items(&guard, QueueState::Decided, None).await;
    assert_eq!(ids(&decided), [validation_of("1.1.0"), validation_of("1.2.0")]);
    let decisions: Vec<_> = decided.iter().map(|item| item.decision).collect();
    assert_eq!(decisions, [Some(Decision::Approved), Some(Decision::Rejected)]);

    let first = &open[0];
    assert_eq!((first.why, first.reason.as_str(), first.reports), (Why::Escalated, "unsure", 1));
    assert_eq!((first.version.as_deref(), first.confidence), (Some("1.0.0"), Some(80)));
    assert_eq!(first.findings, Findings { low: 2, ..Findings::default() });
    assert_eq!((first.plugin.name.as_str(), first.vendor.slug.as_str()), ("free-tool", "vendor-0"));
    let page = queue(&guard, &PlainVault::default(), QueueState::Open, None, None, 1).await.unwrap();
    let elsewhere =
        queue(&guard, &PlainVault::default(), QueueState::Decided, None, page.next_cursor.as_deref(), 1).await;
    assert!(elsewhere.is_err(), "a cursor belongs to its list");
    assert_eq!(case(&guard, &PlainVault::default(), validation_of("9.0.0")).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_appeal_opens_a_version_again_and_both_decisions_are_kept() {
    let market = opened().await;
    escalated(&market, "1.0.0").await;
    let check = validation::CrossCheck { samples: 2, attempts: vec![640, 655] };
    let event = validation::Event::CrossChecked { version: "1.0.0".parse().unwrap(), check };
    market.validation_event(0, "1.0.0", event).await;
    ruled(&market, "1.0.0", Verdict::Reject, false).await;
    market.clock.advance(Duration::from_secs(60));
    let reason = "It is harmless.".to_owned();
    let appealed = validation::Event::Appealed { version: "1.0.0".parse().unwrap(), vendor_id: vendor(0), reason };
    market.validation_event(0, "1.0.0", appealed).await;
    let id = validation_of("1.0.0");
    let (_reader, guard) = market.read().await;
    let waits = shown(&guard, id).await;
    assert_eq!((waits.item.why, waits.item.reason.as_str(), waits.item.reports), (Why::Appealed, "It is harmless.", 1));
    assert_eq!((waits.item.decision, waits.item.since), (None, market.clock.now()));
    assert_eq!(waits.decisions.iter().map(|made| made.decision).collect::<Vec<_>>(), [Decision::Rejected]);
    assert_eq!(waits.cross_check.unwrap().attempts, [640, 655]);
    let appeal = waits.validation.unwrap().appeal.unwrap();
    assert_eq!((appeal.state, appeal.answered_at), (AppealState::Open, None));

    market.clock.advance(Duration::from_secs(60));
    ruled(&market, "1.0.0", Verdict::Approve, true).await;
    let (_reader, guard) = market.read().await;
    let over = shown(&guard, id).await;
    assert_eq!((over.item.decision, over.item.decided_at), (Some(Decision::Overturned), Some(market.clock.now())));
    let decisions: Vec<_> = over.decisions.iter().map(|made| made.decision).collect();
    assert_eq!(decisions, [Decision::Rejected, Decision::Overturned]);
    let validations = reliability::validations(&guard, plugin(0).uuid(), None, 10).await.unwrap().items;
    let appeal = validations[0].appeal.clone().unwrap();
    assert_eq!((appeal.state, appeal.answered_at), (AppealState::Overturned, Some(market.clock.now())));
    assert_eq!(validations[0].adjudication.as_deref(), Some("Approve"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_of_a_review_add_up_until_somebody_decides() {
    let market = opened().await;
    market.review(0, 1, 1).await;
    let began = market.clock.now();
    flagged(&market, 1, "rude").await;
    market.clock.advance(Duration::from_secs(60));
    let (_reader, _) = market.read().await;
    flagged(&market, 1, "very rude").await;
    let (_reader, guard) = market.read().await;
    let waits = shown(&guard, review_by(1)).await;
    assert_eq!((waits.item.reports, waits.item.since, waits.item.reason.as_str()), (2, began, "very rude"));
    let gone = PlainVault::default();
    gone.destroy(user(1)).await.unwrap();
    let erased = case(&guard, &gone, review_by(1)).await.unwrap().unwrap().item;
    assert_eq!((erased.reports, erased.reason.as_str()), (2, "[erased]"));
    assert_eq!((waits.item.subject, waits.validation), (Subject::Review, None));
    assert_eq!(waits.review.unwrap().body.as_deref(), Some("What I think."));

    let hidden = review::Event::Hidden { rating: rating(1), reason: "It is.".to_owned() };
    market.review_event(0, 1, hidden).await;
    market.review_event(0, 1, review::Event::Restored { rating: rating(1) }).await;
    let (_reader, guard) = market.read().await;
    let decided = shown(&guard, review_by(1)).await;
    assert_eq!(decided.item.decision, Some(Decision::Hidden), "what came of the reports");
    let decisions: Vec<_> = decided.decisions.iter().map(|made| (made.decision, made.reason.as_deref())).collect();
    assert_eq!(decisions, [(Decision::Hidden, Some("It is.")), (Decision::Restored, None)]);

    flagged(&market, 1, "still").await;
    market.review_event(0, 1, review::Event::Unflagged { flags: 1 }).await;
    flagged(&market, 1, "again").await;
    let (_reader, guard) = market.read().await;
    let again = shown(&guard, review_by(1)).await.item;
    assert_eq!((again.decision, again.reports, again.since), (None, 1, market.clock.now()));

    let text = |text: &str| Personal::new(user(1), text);
    let (rating, previous_rating, hidden) = (rating(3), rating(1), false);
    let edited = review::Event::Edited { rating, previous_rating, title: text("So"), body: text("So."), hidden };
    market.review_event(0, 1, edited).await;
    let (_reader, guard) = market.read().await;
    assert_eq!(shown(&guard, review_by(1)).await.item.decision, Some(Decision::Edited), "its text is another one");
    assert!(items(&guard, QueueState::Open, None).await.is_empty());
}
