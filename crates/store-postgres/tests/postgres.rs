//! The stores on a real PostgreSQL: the contracts of the ports, and what only this adapter promises.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests are tests too")]

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use souk_domain::id::UserId;
use souk_embedded_postgres::testing::{TestDatabase, database};
use souk_ports::{
    notice::{Delivery, Kind, Notice, Notices, Outbox, Settled},
    store::{Claim, Credentials, Idempotency, Parked, Progress, ReactionStore, Rotation, StoredAnswer, WrappedKeys},
};
use souk_store_postgres::{PersonKeys, PostgresStore};
use souk_testkit::contract;
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};
use uuid::Uuid;

const HOUR: Duration = Duration::from_secs(3600);

async fn store() -> (PostgresStore, PgPool, TestDatabase) {
    let database = database().await;
    let pool = PgPoolOptions::new().max_connections(12).connect(&database.url).await.unwrap();
    sqlx::migrate!("../../migrations").run(&pool).await.unwrap();
    (PostgresStore::new(pool.clone()), pool, database)
}

async fn count(pool: &PgPool, sql: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(pool).await.unwrap()
}

fn user(number: u128) -> UserId {
    UserId::new(Uuid::from_u128(number))
}

fn day(number: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::days(number)
}

#[tokio::test]
async fn the_contracts_hold() {
    let (store, _pool, _database) = store().await;
    let store = Arc::new(store);
    contract::credentials::all(async || Arc::clone(&store) as contract::credentials::Subject).await;
    contract::idempotency::all(async || Arc::clone(&store) as contract::idempotency::Subject).await;
    contract::reactions::all(async || Arc::clone(&store) as contract::reactions::Subject).await;
    contract::notices::all(async || (Arc::clone(&store) as Arc<dyn Notices>, Arc::clone(&store) as Arc<dyn Outbox>))
        .await;
}

/// Two at a time on connections of their own, many times: exactly one is served, the other is noticed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_that_use_one_refresh_token_at_once_are_told_apart() {
    let (store, pool, _database) = store().await;
    for round in 0..50_u8 {
        let token = [round; 32];
        store.start_family(user(1), Uuid::from_u128(round.into()), token, day(10)).await.unwrap();
        let tries = [100, 200].map(|next: u8| {
            let store = store.clone();
            let mut hash = [next; 32];
            hash[0] = round;
            tokio::spawn(async move { store.rotate(token, hash, day(1), day(10)).await.unwrap() })
        });
        let outcomes: Vec<_> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
        assert!(outcomes.contains(&Rotation::Rotated(user(1))), "{outcomes:?}");
        assert!(outcomes.contains(&Rotation::Reused(user(1))), "{outcomes:?}");
    }
    assert_eq!(count(&pool, "SELECT count(*) FROM souk_ops.refresh_family WHERE revoked_at IS NULL").await, 0);
    assert_eq!(count(&pool, "SELECT count(*) FROM souk_ops.refresh_token").await, 100);
}

/// Everything that locks a login, against each other: nobody is thrown out as a deadlock's victim.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rotating_ending_and_forgetting_at_once_do_not_block_each_other() {
    let (store, _pool, _database) = store().await;
    for round in 0..30_u8 {
        let tokens = [[round; 32], [round + 100; 32]];
        store.start_family(user(1), Uuid::from_u128(round.into()), tokens[0], day(10)).await.unwrap();
        store.rotate(tokens[0], tokens[1], day(1), day(10)).await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..6 {
            let store = store.clone();
            tasks.spawn(async move {
                match task % 3 {
                    0 => store.rotate(tokens[task % 2], [250 - round; 32], day(1), day(10)).await.map(drop),
                    1 => store.end_family(tokens[task % 2]).await,
                    _ => store.forget(user(1)).await,
                }
            });
        }
        for outcome in tasks.join_all().await {
            outcome.unwrap();
        }
    }
}

#[tokio::test]
async fn a_spent_token_betrays_its_family_also_after_it_expired() {
    let (store, _pool, _database) = store().await;
    let (first, second) = ([1; 32], [2; 32]);
    store.start_family(user(1), Uuid::from_u128(1), first, day(2)).await.unwrap();
    store.rotate(first, second, day(1), day(30)).await.unwrap();
    assert_eq!(store.rotate(first, [3; 32], day(5), day(30)).await.unwrap(), Rotation::Reused(user(1)));
    assert_eq!(store.rotate(second, [3; 32], day(5), day(30)).await.unwrap(), Rotation::Invalid);
}

#[tokio::test]
async fn a_token_expires_at_its_very_moment() {
    let (store, _pool, _database) = store().await;
    store.start_family(user(1), Uuid::from_u128(1), [1; 32], day(2)).await.unwrap();
    let before = day(2) - TimeDelta::microseconds(1);
    assert_eq!(store.rotate([1; 32], [2; 32], day(2), day(9)).await.unwrap(), Rotation::Invalid);
    assert_eq!(store.rotate([1; 32], [2; 32], before, day(9)).await.unwrap(), Rotation::Rotated(user(1)));
}

#[tokio::test]
async fn logins_are_pruned_when_their_last_token_expired() {
    let (store, pool, _database) = store().await;
    store.start_family(user(1), Uuid::from_u128(1), [1; 32], day(2)).await.unwrap();
    store.start_family(user(1), Uuid::from_u128(2), [2; 32], day(2)).await.unwrap();
    store.rotate([2; 32], [3; 32], day(1), day(9)).await.unwrap();
    assert_eq!(store.prune_logins(day(3)).await.unwrap(), 1);
    assert_eq!(count(&pool, "SELECT count(*) FROM souk_ops.refresh_token").await, 2);
    assert_eq!(store.rotate([3; 32], [4; 32], day(3), day(9)).await.unwrap(), Rotation::Rotated(user(1)));
}

#[tokio::test]
async fn an_api_key_that_is_added_again_has_its_last_secret() {
    let (store, _pool, _database) = store().await;
    let key = Uuid::from_u128(5).into();
    store.add_api_key(user(1), key, [1; 32]).await.unwrap();
    store.add_api_key(user(1), key, [2; 32]).await.unwrap();
    assert_eq!(store.api_key([1; 32]).await.unwrap(), None);
    assert_eq!(store.api_key([2; 32]).await.unwrap(), Some((user(1), key)));
}

#[tokio::test]
async fn persons_keys_are_kept_in_a_migrated_database_and_in_one_of_their_own() {
    let (_store, pool, _database) = store().await;
    let keys = Arc::new(PersonKeys::of(pool.clone()));
    contract::wrapped_keys::all(async || Arc::clone(&keys) as contract::wrapped_keys::Subject).await;
    let again = Arc::new(PersonKeys::open(pool).await.unwrap());
    contract::wrapped_keys::all(async || Arc::clone(&again) as contract::wrapped_keys::Subject).await;
    keys.clear().await.unwrap();
    assert_eq!(keys.all().await.unwrap(), []);
}

#[tokio::test]
async fn a_destroyed_key_is_gone_from_the_disk_too() {
    let (_store, pool, _database) = store().await;
    let keys = PersonKeys::of(pool.clone());
    keys.get_or_insert(user(1), b"the first key").await.unwrap();
    keys.get_or_insert(user(2), b"other").await.unwrap();
    let file = || sqlx::query_scalar("SELECT pg_relation_filenode('souk_ops.person_key')::bigint").fetch_one(&pool);
    let before: i64 = file().await.unwrap();
    keys.destroy(user(1)).await.unwrap();
    assert_eq!(keys.all().await.unwrap().len(), 2, "the row stays");
    let after: i64 = file().await.unwrap();
    assert_ne!(before, after, "the file that had it is still there");
}

/// Leases that ran out, claimed by many on connections of their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_take_over_one_request_one_wins() {
    let (store, _pool, _database) = store().await;
    for round in 0..20 {
        let key = Uuid::from_u128(round);
        assert_eq!(store.claim(key, [7; 32], Duration::ZERO).await.unwrap(), Claim::Claimed);
        let tries = (0..10).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.claim(key, [7; 32], HOUR).await.unwrap() })
        });
        let claims: Vec<_> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(claims.iter().filter(|claim| **claim == Claim::Claimed).count(), 1, "{claims:?}");
        assert_eq!(claims.iter().filter(|claim| **claim == Claim::Running).count(), 9, "{claims:?}");
    }
}

#[tokio::test]
async fn another_payload_does_not_take_over_a_lease_that_ran_out() {
    let (store, _pool, _database) = store().await;
    let key = Uuid::from_u128(1);
    store.claim(key, [7; 32], Duration::ZERO).await.unwrap();
    assert_eq!(store.claim(key, [8; 32], HOUR).await.unwrap(), Claim::Mismatch);
    assert_eq!(store.claim(key, [7; 32], Duration::MAX).await.unwrap(), Claim::Claimed);
    assert_eq!(store.claim(key, [7; 32], HOUR).await.unwrap(), Claim::Running);
}

#[tokio::test]
async fn the_first_answer_stays() {
    let (store, _pool, _database) = store().await;
    let key = Uuid::from_u128(1);
    let answer = |status| StoredAnswer { status, position: Some(9), body: vec![0, 255] };
    store.finish(key, answer(200)).await.unwrap();
    assert_eq!(store.claim(key, [7; 32], HOUR).await.unwrap(), Claim::Claimed, "an answer to nothing is not kept");
    store.finish(key, answer(u16::MAX)).await.unwrap();
    store.finish(key, answer(500)).await.unwrap();
    assert_eq!(store.claim(key, [7; 32], HOUR).await.unwrap(), Claim::Finished(answer(u16::MAX)));
    let beyond = StoredAnswer { position: Some(u64::MAX), ..answer(200) };
    assert!(store.finish(key, beyond).await.is_err());
}

#[tokio::test]
async fn pruning_spares_what_runs_and_what_is_young() {
    let (store, pool, _database) = store().await;
    for (number, lease, done) in [(1, HOUR, false), (2, Duration::ZERO, false), (3, HOUR, true), (4, HOUR, true)] {
        let key = Uuid::from_u128(number);
        store.claim(key, [7; 32], lease).await.unwrap();
        if done {
            store.finish(key, StoredAnswer { status: 200, position: None, body: Vec::new() }).await.unwrap();
        }
    }
    sqlx::raw_sql("UPDATE souk_ops.idempotency SET claimed_at = claimed_at - interval '2 days' WHERE status IS NULL")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query("UPDATE souk_ops.idempotency SET claimed_at = claimed_at - interval '2 days' WHERE key = $1")
        .bind(Uuid::from_u128(3))
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(store.prune(24 * HOUR).await.unwrap(), 2, "the abandoned one and the old one");
    assert_eq!(store.prune(Duration::MAX).await.unwrap(), 0);
    assert_eq!(count(&pool, "SELECT count(*) FROM souk_ops.idempotency").await, 2);
}

/// Whoever loses the lease while it moves its checkpoint: either it moved before, or it is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_want_one_lease_one_moves_the_checkpoint() {
    let (store, _pool, _database) = store().await;
    let tries = (1..=20_u64).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let holder = Uuid::from_u128(number.into());
            let leased = store.lease("issue-license", holder, HOUR).await.unwrap();
            let moved = store.advance("issue-license", holder, Progress::at(number)).await.unwrap();
            assert_eq!(leased, moved);
            moved.then_some(number)
        })
    });
    let moved: Vec<_> = join_all(tries).await.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(moved.len(), 1);
    assert_eq!(store.checkpoint("issue-license", 0).await.unwrap(), Progress::at(moved[0]));
}

#[tokio::test]
async fn a_reason_may_quote_anything() {
    let (store, _pool, _database) = store().await;
    let parked = Parked {
        reaction: "r".to_owned(),
        position: 3,
        event: Uuid::from_u128(1),
        reason: "cut\0here".to_owned(),
        attempts: u32::MAX,
    };
    store.park(parked.clone()).await.unwrap();
    store.park(parked).await.unwrap();
    let kept = store.parked(None).await.unwrap();
    assert_eq!(kept[0].reason, "cut\u{fffd}here");
    assert_eq!(kept[0].attempts, i32::MAX.unsigned_abs());
}

#[tokio::test]
async fn a_database_that_is_gone_is_an_error_of_every_store() {
    let (store, pool, _database) = store().await;
    pool.close().await;
    assert!(store.password(user(1)).await.is_err());
    assert!(PersonKeys::of(pool).get(user(1)).await.is_err());
    assert!(store.claim(Uuid::nil(), [0; 32], HOUR).await.is_err());
    assert!(store.checkpoint("r", 0).await.is_err());
}

#[tokio::test]
async fn a_database_is_begun_with_one_key_encryption_key_for_good() {
    let (store, _pool, _database) = store().await;
    assert_eq!(store.key_encryption_key().await.unwrap(), None);
    let tries = (0..8).map(|number| {
        let store = store.clone();
        tokio::spawn(async move { store.begin_with_key([number; 8]).await.unwrap() })
    });
    let answers: Vec<_> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(store.key_encryption_key().await.unwrap(), Some(answers[0]));
}

#[tokio::test]
async fn a_database_remembers_the_data_directory_that_it_was_begun_with() {
    let (store, _pool, _database) = store().await;
    assert_eq!(store.data_dir().await.unwrap(), None);
    store.begin_with_key([1; 8]).await.unwrap();
    store.begin_with_data_dir("/first").await.unwrap();
    store.begin_with_data_dir("/second").await.unwrap();
    assert_eq!(store.data_dir().await.unwrap().as_deref(), Some("/first"));
}

/// Many processes at once work off one outbox: every mail goes to exactly one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_mail_is_claimed_twice_however_many_claim_at_once() {
    const MAILS: u128 = 200;
    let (store, pool, _database) = store().await;
    let kind = Kind::OrderPaid;
    let told = (1..=MAILS).map(|number| Notice {
        id: Uuid::from_u128(number),
        user: user(1),
        kind,
        details: kind.example(),
        at: day(1),
        read: false,
    });
    let batch: Vec<_> = told.map(|notice| Delivery { notice, in_app: true, mail: true }).collect();
    assert_eq!(store.deliver(&batch, None).await.unwrap(), MAILS as u64);
    let workers = (1000..1008_u128).map(|worker| {
        let store = store.clone();
        tokio::spawn(async move {
            let (claim, mut mine) = (Uuid::from_u128(worker), Vec::new());
            loop {
                let claimed = store.claim_mails(claim, 7, HOUR).await.unwrap();
                if claimed.is_empty() {
                    return mine;
                }
                for claimed in claimed {
                    assert!(store.settle(claimed.notice.id, claim, Settled::Sent).await.unwrap());
                    mine.push(claimed.notice.id);
                }
            }
        })
    });
    let mut all: Vec<_> = join_all(workers).await.into_iter().flat_map(Result::unwrap).collect();
    all.sort();
    assert_eq!(all, (1..=MAILS).map(Uuid::from_u128).collect::<Vec<_>>());
    assert_eq!(count(&pool, "SELECT count(*) FROM souk_ops.mail WHERE attempts = 1 AND state = 'sent'").await, 200);
}
