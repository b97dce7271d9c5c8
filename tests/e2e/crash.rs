//! Souk is killed again and again under load: what was acknowledged stays, once; every read model equals its rebuild.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use reqwest::Method;
use serde_json::json;
use souk_embedded_postgres::testing::data_dir;
use souk_tests::{
    client::{Call, Client},
    process::{self, Options, Souk},
    sample,
};
use tokio::sync::watch;

use crate::{
    canary::database_url,
    support::{first_seller, person, published, unique},
};

const KILLS: u32 = 20;
const WORKERS: usize = 12;
/// Acknowledged writes between two kills: 20 times this is more than 1,000.
const WRITES_BETWEEN_KILLS: u64 = 60;

/// What one worker was told.
struct Acknowledged {
    user: Client,
    plugin: String,
    /// Installs and uninstalls in turn, each with the position that the answer gave.
    positions: Vec<u64>,
}

/// Installs and uninstalls one plugin in turn. Each write is repeated under its key until it is acknowledged, whatever
/// happens to Souk in between.
async fn work(
    user: Client,
    plugin: String,
    mut base: watch::Receiver<Option<String>>,
    acknowledged: Arc<AtomicU64>,
) -> Acknowledged {
    let mut positions = Vec::new();
    let path = format!("/plugins/{plugin}/install");
    loop {
        let install = positions.len() % 2 == 0;
        let key = unique("write");
        loop {
            let Some(now) = base.borrow_and_update().clone() else {
                return Acknowledged { user, plugin, positions };
            };
            let method = if install { Method::POST } else { Method::DELETE };
            let call = Call { body: install.then(|| json!({})), key: Some(key.clone()), ..Call::default() };
            match user.at(&now).call(method, &path, call).await {
                Ok(answer) if [201, 204].contains(&answer.status) => {
                    positions.push(answer.position.expect("a position"));
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                    break;
                }
                Ok(answer) => assert!([409, 503].contains(&answer.status), "{} {}", answer.status, answer.text),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }
}

fn options() -> Options {
    let binary = std::env::var_os("SOUK_TEST_BINARY").map(PathBuf::from);
    Options { binary, ..Options::default().env("SOUK_RATE_LIMITS", "off") }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_lose_nothing_and_double_nothing() {
    let home = data_dir();
    let start = || tokio::task::block_in_place(|| Souk::start(home.path(), &options())).expect("starts");
    let mut souk = start();
    let nobody = Client::new(souk.base());
    let seller = first_seller(home.path(), &nobody).await;
    let plugin = published(&seller, &sample::free()).await;

    let (tell, base) = watch::channel(Some(souk.base().to_owned()));
    let acknowledged = Arc::new(AtomicU64::new(0));
    let mut workers = Vec::new();
    for _ in 0..WORKERS {
        let user = person(&nobody, "worker").await;
        workers.push(tokio::spawn(work(user, plugin.clone(), base.clone(), Arc::clone(&acknowledged))));
    }
    for kill in 1..=KILLS {
        let goal = u64::from(kill) * WRITES_BETWEEN_KILLS;
        while acknowledged.load(Ordering::Relaxed) < goal {
            assert!(workers.iter().all(|worker| !worker.is_finished()), "a worker gave up");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tokio::task::block_in_place(|| souk.kill()).expect("is killed");
        souk = start();
        tell.send_replace(Some(souk.base().to_owned()));
    }
    // Whoever is in the middle of a write still has it acknowledged; then they all stop.
    tokio::time::sleep(Duration::from_millis(500)).await;
    tell.send_replace(None);
    let told: Vec<Acknowledged> = join_all(workers).await.into_iter().map(|worker| worker.expect("works")).collect();
    let total: usize = told.iter().map(|one| one.positions.len()).sum();
    assert!(total >= 1_000, "only {total} writes were acknowledged");

    let url = tokio::task::block_in_place(|| database_url(home.path()));
    check_log(&url, &told).await;
    tokio::task::block_in_place(|| souk.stop()).expect("stops");
    let output = tokio::task::block_in_place(|| process::run(home.path(), &["rebuild", "--all", "--verify"], &[]));
    let output = output.expect("souk runs");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "a read model differs from its rebuild after {total} writes: {text}");
}

async fn check_log(url: &str, told: &[Acknowledged]) {
    let pool = sqlx::PgPool::connect(url).await.expect("connects");
    let (events, last): (i64, i64) =
        sqlx::query_as("SELECT count(*), max(position) FROM souk_log.event").fetch_one(&pool).await.expect("counts");
    assert_eq!(events, last, "positions have gaps");
    let twice: Vec<(String,)> = sqlx::query_as(
        "SELECT convert_from(metadata, 'UTF8')::json ->> 'commandId' FROM souk_log.event \
         WHERE type LIKE 'installation.%' GROUP BY 1 HAVING count(*) > 1",
    )
    .fetch_all(&pool)
    .await
    .expect("is read");
    assert!(twice.is_empty(), "commands that were carried out twice: {twice:?}");
    for one in told {
        let positions: Vec<i64> =
            one.positions.iter().map(|position| i64::try_from(*position).expect("fits")).collect();
        let types: Vec<(String, String)> = sqlx::query_as(
            "SELECT type, convert_from(metadata, 'UTF8')::json -> 'actor' ->> 'id' FROM souk_log.event \
             WHERE position = ANY($1) ORDER BY position",
        )
        .bind(&positions)
        .fetch_all(&pool)
        .await
        .expect("is read");
        assert_eq!(types.len(), positions.len(), "acknowledged events are not in the log");
        let user = &types[0].1;
        for (index, (event, actor)) in types.iter().enumerate() {
            let wanted = if index % 2 == 0 { "installation.installed" } else { "installation.uninstalled" };
            assert_eq!((event.as_str(), actor), (wanted, user), "at {}", positions[index]);
        }
        let of_user: (i64,) = sqlx::query_as(
            "SELECT count(*) FROM souk_log.event WHERE type LIKE 'installation.%' \
             AND convert_from(metadata, 'UTF8')::json -> 'actor' ->> 'id' = $1",
        )
        .bind(user)
        .fetch_one(&pool)
        .await
        .expect("counts");
        let written = usize::try_from(of_user.0).expect("fits");
        // The last write may have been applied without anybody hearing of it.
        assert!(
            written == positions.len() || written == positions.len() + 1,
            "{} writes of {} were acknowledged, {written} are in the log",
            positions.len(),
            one.user.token().map_or("nobody", |_| one.plugin.as_str()),
        );
    }
    pool.close().await;
}
