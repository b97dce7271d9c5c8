//! The contract of [`Notices`] and [`Outbox`], which one store offers both of.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use souk_domain::id::UserId;
use souk_ports::notice::{
    Category, Choice, Delivery, Kind, MailState, Notice, Notices, Outbox, Preferences, Read, Settled,
};
use uuid::Uuid;

use super::{Case, unique};

/// What a case gets: one store, twice.
pub type Subject = (Arc<dyn Notices>, Arc<dyn Outbox>);

const HOUR: Duration = Duration::from_secs(3600);
/// More than any test leaves behind.
const ALL: u32 = 10_000;

/// What every such store promises.
pub const CASES: &[Case<Subject>] = &[
    ("a notice is delivered once, and its mail waits once", |store| Box::pin(once(store))),
    ("an inbox is newest first, in pages, and only its owner's", |store| Box::pin(pages(store))),
    ("what is read is read, one by one or up to a time", |store| Box::pin(reading(store))),
    ("choices replace those of their category and no others", |store| Box::pin(choices(store))),
    ("an announcement is remembered with those whom it reached", |store| Box::pin(rounds(store))),
    ("a mail is claimed by one, and by another when the claim ran out", |store| Box::pin(claims(store))),
    ("a mail that failed for now comes again when it is due, not before", |store| Box::pin(later(store))),
    ("a mail that failed is listed and can be let wait again", |store| Box::pin(failed(store))),
    ("who is forgotten leaves nothing, also not in the outbox", |store| Box::pin(forgotten(store))),
    ("what is old is forgotten with its mails", |store| Box::pin(aged(store))),
];

/// Runs [`CASES`], each on what `make` gives.
///
/// # Panics
/// When a case fails.
pub async fn all(make: impl AsyncFn() -> Subject) {
    super::run("notices", CASES, make).await;
}

fn day(number: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::days(number)
}

fn person() -> UserId {
    UserId::new(unique())
}

fn notice(user: UserId, at: DateTime<Utc>) -> Notice {
    let kind = Kind::OrderPaid;
    Notice { id: unique(), user, kind, details: kind.example(), at, read: false }
}

fn by_both(notice: Notice) -> Delivery {
    Delivery { notice, in_app: true, mail: true }
}

/// Claims until `id` is among what it got: other cases leave mails behind.
async fn claim(outbox: &dyn Outbox, id: Uuid, lease: Duration) -> Option<(Uuid, u32)> {
    let claim = unique();
    let claimed = outbox.claim_mails(claim, ALL, lease).await.unwrap();
    claimed.into_iter().find(|claimed| claimed.notice.id == id).map(|claimed| (claim, claimed.attempts))
}

async fn once((store, outbox): Subject) {
    let user = person();
    let told = notice(user, day(1));
    assert_eq!(store.deliver(&[by_both(told.clone())], None).await.unwrap(), 1);
    assert_eq!(store.deliver(&[by_both(told.clone()), by_both(notice(user, day(2)))], None).await.unwrap(), 1);
    assert_eq!(store.unread(user).await.unwrap(), 2);
    assert_eq!(store.notice(user, told.id).await.unwrap(), Some(told.clone()));
    assert_eq!(store.notice(person(), told.id).await.unwrap(), None);
    let hidden = Delivery { in_app: false, ..by_both(notice(user, day(3))) };
    store.deliver(std::slice::from_ref(&hidden), None).await.unwrap();
    assert_eq!(store.unread(user).await.unwrap(), 2, "what is only mailed is not in the inbox");
    assert!(outbox.mail(hidden.notice.id).await.unwrap().is_some());
    let silent = Delivery { mail: false, ..by_both(notice(user, day(4))) };
    store.deliver(std::slice::from_ref(&silent), None).await.unwrap();
    let again = Delivery { mail: true, ..silent.clone() };
    store.deliver(&[again], None).await.unwrap();
    assert_eq!(outbox.mail(silent.notice.id).await.unwrap(), None, "what was delivered without a mail gets none later");
    let mail = outbox.mail(told.id).await.unwrap().unwrap();
    assert_eq!((mail.user, mail.kind, mail.state, mail.attempts), (user, Kind::OrderPaid, MailState::Waiting, 0));
}

async fn pages((store, _): Subject) {
    let (user, other) = (person(), person());
    let all: Vec<_> = [1, 3, 2, 3].into_iter().map(|number| notice(user, day(number))).collect();
    let batch: Vec<_> = all.iter().cloned().chain([notice(other, day(9))]).map(by_both).collect();
    store.deliver(&batch, None).await.unwrap();
    let mut expected = all;
    expected.sort_by_key(|notice| std::cmp::Reverse((notice.at, notice.id)));
    let first = store.inbox(user, false, None, 3).await.unwrap();
    assert_eq!(first, expected[..3]);
    let behind = first.last().map(|last| (last.at, last.id));
    assert_eq!(store.inbox(user, false, behind, 3).await.unwrap(), expected[3..]);
}

async fn reading((store, _): Subject) {
    let user = person();
    let all: Vec<_> = (1..=4).map(|number| notice(user, day(number))).collect();
    store.deliver(&all.iter().cloned().map(by_both).collect::<Vec<_>>(), None).await.unwrap();
    assert_eq!(store.read(person(), Read::One(all[3].id)).await.unwrap(), 0, "it is somebody else's");
    assert_eq!(store.read(user, Read::One(all[3].id)).await.unwrap(), 1);
    assert_eq!(store.read(user, Read::One(all[3].id)).await.unwrap(), 0);
    assert_eq!(store.read(user, Read::UpTo(day(2))).await.unwrap(), 2);
    let unread = store.inbox(user, true, None, ALL).await.unwrap();
    assert_eq!(unread, [all[2].clone()]);
    assert_eq!(store.unread(user).await.unwrap(), 1);
}

async fn choices((store, _): Subject) {
    let (user, other) = (person(), person());
    let choose = |category, in_app, email| Preferences([(category, Choice { in_app, email })].into());
    store.choose(user, &choose(Category::Reviews, false, true)).await.unwrap();
    store.choose(user, &choose(Category::Updates, true, true)).await.unwrap();
    store.choose(user, &choose(Category::Reviews, true, false)).await.unwrap();
    let chosen = store.preferences(&[user, other]).await.unwrap();
    assert_eq!(chosen.keys().copied().collect::<Vec<_>>(), [user], "who chose nothing is not among them");
    assert_eq!(chosen[&user].of(Category::Reviews), Choice { in_app: true, email: false });
    assert_eq!(chosen[&user].of(Category::Updates), Choice { in_app: true, email: true });
    assert_eq!(chosen[&user].of(Category::Orders), Category::Orders.by_default());
}

async fn rounds((store, _): Subject) {
    let event = unique();
    assert_eq!(store.round(event).await.unwrap(), None);
    for _ in 0..2 {
        let user = person();
        store.deliver(&[by_both(notice(user, day(1)))], Some((event, user))).await.unwrap();
        assert_eq!(store.round(event).await.unwrap(), Some(user));
    }
    let user = person();
    store.deliver(&[], Some((event, user))).await.unwrap();
    assert_eq!(store.round(event).await.unwrap(), Some(user), "also when nobody of a page wanted to hear of it");
}

async fn claims((store, outbox): Subject) {
    let told = notice(person(), day(1));
    store.deliver(&[by_both(told.clone())], None).await.unwrap();
    let (gone, first) = claim(&*outbox, told.id, Duration::ZERO).await.unwrap();
    let (held, second) = claim(&*outbox, told.id, HOUR).await.unwrap();
    assert_eq!((first, second), (1, 2), "a try that was cut off counts");
    assert_eq!(claim(&*outbox, told.id, HOUR).await, None);
    assert!(!outbox.settle(told.id, gone, Settled::Sent).await.unwrap(), "its claim ran out, and another has it");
    assert!(outbox.settle(told.id, held, Settled::Sent).await.unwrap());
    assert!(!outbox.settle(told.id, held, Settled::Failed("late".to_owned())).await.unwrap());
    assert_eq!(outbox.mail(told.id).await.unwrap().unwrap().state, MailState::Sent);
    assert_eq!(claim(&*outbox, told.id, HOUR).await, None, "what was sent is not sent again");
}

async fn later((store, outbox): Subject) {
    let told = notice(person(), day(1));
    store.deliver(&[by_both(told.clone())], None).await.unwrap();
    let (held, _) = claim(&*outbox, told.id, HOUR).await.unwrap();
    assert!(outbox.settle(told.id, held, Settled::Later(Duration::ZERO, "451".to_owned())).await.unwrap());
    let (held, attempts) = claim(&*outbox, told.id, HOUR).await.unwrap();
    assert_eq!(attempts, 2);
    assert!(outbox.settle(told.id, held, Settled::Later(HOUR, "450\0".to_owned())).await.unwrap());
    assert_eq!(claim(&*outbox, told.id, HOUR).await, None);
    let mail = outbox.mail(told.id).await.unwrap().unwrap();
    assert_eq!(mail.state, MailState::Waiting);
    assert!(mail.problem.is_some_and(|problem| problem.starts_with("450")));
    assert!(mail.due_at > mail.queued_at + TimeDelta::minutes(50));
}

async fn failed((store, outbox): Subject) {
    let (one, two) = (notice(person(), day(1)), notice(person(), day(1)));
    store.deliver(&[by_both(one.clone()), by_both(two.clone())], None).await.unwrap();
    assert!(!outbox.retry(one.id).await.unwrap(), "it did not fail");
    let (held, _) = claim(&*outbox, one.id, HOUR).await.unwrap();
    assert!(outbox.settle(one.id, held, Settled::Failed("550".to_owned())).await.unwrap());
    let listed = outbox.mails(Some(MailState::Failed), None, ALL).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|mail| mail.id).collect();
    assert!(ids.contains(&one.id) && !ids.contains(&two.id));
    let all = outbox.mails(None, None, ALL).await.unwrap();
    assert!(all.windows(2).all(|pair| (pair[0].queued_at, pair[0].id) > (pair[1].queued_at, pair[1].id)));
    let last = all.last().map(|last| (last.queued_at, last.id));
    assert_eq!(outbox.mails(None, last, ALL).await.unwrap(), []);
    assert!(outbox.retry(one.id).await.unwrap());
    let (_, attempts) = claim(&*outbox, one.id, HOUR).await.unwrap();
    assert_eq!(attempts, 1, "it has all its time again");
    assert!(!outbox.retry(unique()).await.unwrap());
}

async fn forgotten((store, outbox): Subject) {
    let (user, other) = (person(), person());
    let (theirs, told) = (notice(other, day(1)), notice(user, day(1)));
    store.deliver(&[by_both(told.clone()), by_both(theirs.clone())], None).await.unwrap();
    let off = Choice { in_app: false, email: false };
    store.choose(user, &Preferences([(Category::Orders, off)].into())).await.unwrap();
    store.forget_person(user).await.unwrap();
    assert_eq!(store.inbox(user, false, None, ALL).await.unwrap(), []);
    assert_eq!(outbox.mail(told.id).await.unwrap(), None);
    assert!(store.preferences(&[user]).await.unwrap().is_empty());
    assert!(outbox.mail(theirs.id).await.unwrap().is_some());
    assert_eq!(store.unread(other).await.unwrap(), 1);
}

async fn aged((store, outbox): Subject) {
    let user = person();
    let told = notice(user, DateTime::from_timestamp(0, 0).unwrap());
    store.deliver(&[by_both(told.clone())], None).await.unwrap();
    // Long enough for what the other cases left behind, which happened in days to come.
    assert!(store.forget_notices(365 * 24 * HOUR).await.unwrap() >= 1);
    assert_eq!(store.notice(user, told.id).await.unwrap(), None);
    assert_eq!(outbox.mail(told.id).await.unwrap(), None);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_store_in_memory_passes() {
        let clock = Arc::new(crate::ManualClock::default());
        all(async || {
            let store = Arc::new(crate::MemoryNotices::new(clock.clone()));
            (store.clone() as Arc<dyn Notices>, store as Arc<dyn Outbox>)
        })
        .await;
    }
}
