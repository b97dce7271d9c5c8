//! `souk rebuild` is killed in the middle and at the moment of the swap, while Souk serves and is written to.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::json;
use souk_embedded_postgres::testing::data_dir;
use souk_tests::{
    client::Client,
    process::{self, Options, Souk},
    sample,
};

use crate::{
    canary::database_url,
    support::{first_seller, person, published},
};

/// So many installations make a log that takes a while to read.
const EVENTS: i64 = 20_000;

/// A process that ends with the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs `souk rebuild --all --verify`, and kills it when it says that it has come to `moment`.
fn kill_at(data_dir: &Path, moment: &str) {
    let mut child = Killed(
        Command::new(process::binary().expect("is built"))
            .args(["rebuild", "--all", "--verify", "--data-dir"])
            .arg(data_dir)
            .env("SOUK_TEST_REBUILD_HOLD", moment)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("souk runs"),
    );
    let output = child.0.stdout.take().expect("is piped");
    let held = BufReader::new(output).lines().any(|line| line.is_ok_and(|line| line == "held"));
    assert!(held, "the rebuild ended before it came to {moment}");
}

async fn live(pool: &sqlx::PgPool) -> Vec<String> {
    sqlx::query_scalar("SELECT schema_name FROM souk_ops.projection_generation WHERE state = 'live' ORDER BY 1")
        .fetch_all(pool)
        .await
        .expect("is asked")
}

/// Copies of the one installation that there is, as if many people had installed.
async fn enlarge(pool: &sqlx::PgPool) {
    let copied = sqlx::query(
        "INSERT INTO souk_log.event (position, recorded_at, version, schema_version, stream, id, category, type, data, metadata) \
         SELECT (SELECT max(position) FROM souk_log.event) + n, recorded_at, 0, schema_version, gen_random_uuid(), \
         gen_random_uuid(), category, type, data, metadata \
         FROM (SELECT * FROM souk_log.event WHERE type = 'installation.installed' LIMIT 1) AS one, generate_series(1, $1) AS n",
    )
    .bind(EVENTS)
    .execute(pool)
    .await
    .expect("copies");
    assert_eq!(copied.rows_affected(), EVENTS.unsigned_abs());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_rebuild_touches_nothing_and_the_next_one_finishes_it() {
    let home = data_dir();
    let options = Options::default().env("SOUK_RATE_LIMITS", "off");
    let souk = tokio::task::block_in_place(|| Souk::start(home.path(), &options)).expect("starts");
    let nobody = Client::new(souk.base());
    let seller = first_seller(home.path(), &nobody).await;
    let plugin = published(&seller, &sample::free()).await;
    let user = person(&nobody, "user").await;
    user.post(&format!("/plugins/{plugin}/install"), json!({})).await.expect("answers").expect(201).expect("installs");
    let url = tokio::task::block_in_place(|| database_url(home.path()));
    let pool = sqlx::PgPool::connect(&url).await.expect("connects");
    enlarge(&pool).await;

    let stop = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let (stop, nobody, user, plugin) = (Arc::clone(&stop), nobody.clone(), user.clone(), plugin.clone());
        async move {
            let mut positions = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                nobody.get("/plugins?q=log").await?.expect(200)?;
                let body = json!({"rating": positions.len() % 5 + 1, "title": "Title", "body": "Text"});
                let written = user.put(&format!("/plugins/{plugin}/reviews/mine"), body).await?;
                positions.push(written.position.ok_or_else(|| written.text.clone())?);
                nobody.get(&format!("/plugins/{plugin}")).await?.expect(200)?;
            }
            Ok::<Vec<u64>, String>(positions)
        }
    });
    for moment in ["10", "50", "90", "swap"] {
        let before = live(&pool).await;
        tokio::task::block_in_place(|| kill_at(home.path(), moment));
        assert_eq!(live(&pool).await, before, "killed at {moment}, it changed what serves");
        let output = tokio::task::block_in_place(|| process::run(home.path(), &["rebuild", "--all", "--verify"], &[]))
            .expect("souk runs");
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "after a kill at {moment}: {text}");
        let after = live(&pool).await;
        assert!(after.iter().all(|schema| !before.contains(schema)), "{after:?}");
    }
    stop.store(true, Ordering::Relaxed);
    let positions = writing.await.expect("ends").expect("no request fails while rebuilds are killed");
    let kept: i64 =
        sqlx::query_scalar("SELECT count(*) FROM souk_log.event WHERE position = ANY($1) AND category = 'review'")
            .bind(positions.iter().map(|position| position.cast_signed()).collect::<Vec<_>>())
            .fetch_one(&pool)
            .await
            .expect("is asked");
    assert_eq!(kept.unsigned_abs(), positions.len() as u64, "an acknowledged event is lost");
    pool.close().await;
    tokio::task::block_in_place(|| souk.stop()).expect("stops");
}
