//! Rebuilding while queries go on, and finding a cell that somebody changed.

use std::{
    path::Path,
    process::Output,
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

fn rebuild(data_dir: &Path, arguments: &[&str]) -> Output {
    let arguments: Vec<&str> = ["rebuild"].into_iter().chain(arguments.iter().copied()).collect();
    tokio::task::block_in_place(|| process::run(data_dir, &arguments, &[])).expect("souk runs")
}

fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_equals_the_live_read_models_and_a_changed_cell_is_named() {
    let home = data_dir();
    let options = Options::default().env("SOUK_RATE_LIMITS", "off");
    let souk = tokio::task::block_in_place(|| Souk::start(home.path(), &options)).expect("starts");
    let nobody = Client::new(souk.base());
    let seller = first_seller(home.path(), &nobody).await;
    let plugin = published(&seller, &sample::free()).await;
    let user = person(&nobody, "user").await;
    user.post(&format!("/plugins/{plugin}/install"), json!({})).await.expect("answers").expect(201).expect("installs");

    let stop = Arc::new(AtomicBool::new(false));
    let queries = tokio::spawn({
        let (stop, nobody, user, plugin) = (Arc::clone(&stop), nobody.clone(), user.clone(), plugin.clone());
        async move {
            let mut asked = 0u32;
            while !stop.load(Ordering::Relaxed) {
                nobody.get("/plugins?q=log").await?.expect(200)?;
                let body = json!({"rating": asked % 5 + 1, "title": format!("Title {asked}"), "body": "Text"});
                let written = user.put(&format!("/plugins/{plugin}/reviews/mine"), body).await?;
                let position = written.position.ok_or_else(|| written.text.clone())?;
                nobody.get_at(&format!("/plugins/{plugin}"), position).await?.expect(200)?;
                user.get_at("/me/library", position).await?.expect(200)?;
                asked += 1;
            }
            Ok::<u32, String>(asked)
        }
    });
    for _ in 0..3 {
        let output = rebuild(home.path(), &["--all", "--verify"]);
        assert!(output.status.success(), "{}", printed(&output));
    }
    stop.store(true, Ordering::Relaxed);
    let asked = queries.await.expect("ends").expect("no query fails while read models are rebuilt");
    assert!(asked > 0);

    let url = tokio::task::block_in_place(|| database_url(home.path()));
    let pool = sqlx::PgPool::connect(&url).await.expect("connects");
    let (schema, id): (String, String) = changed_cell(&pool, &plugin).await;
    let output = rebuild(home.path(), &["--all", "--verify"]);
    let text = printed(&output);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("catalogue_plugin") && text.contains(&id), "table and key should be named: {text}");

    let output = rebuild(home.path(), &["catalogue"]);
    assert!(output.status.success(), "a rebuild without --verify repairs: {}", printed(&output));
    let output = rebuild(home.path(), &["--all", "--verify"]);
    assert!(output.status.success(), "{schema} should be repaired: {}", printed(&output));
    let output = rebuild(home.path(), &["no_such_model"]);
    assert!(!output.status.success() && printed(&output).contains("no_such_model"));
    pool.close().await;
    tokio::task::block_in_place(|| souk.stop()).expect("stops");
}

/// Changes one cell of the live catalogue by SQL; the schema, and the key of the row.
async fn changed_cell(pool: &sqlx::PgPool, plugin: &str) -> (String, String) {
    let (schema,): (String,) = sqlx::query_as(
        "SELECT schema_name FROM souk_ops.projection_generation WHERE projection = 'catalogue' AND state = 'live'",
    )
    .fetch_one(pool)
    .await
    .expect("is live");
    let update =
        format!("UPDATE {schema}.catalogue_plugin SET summary = 'tampered' WHERE name = $1 RETURNING plugin_id::text");
    let (id,): (String,) =
        sqlx::query_as(sqlx::AssertSqlSafe(update)).bind(plugin).fetch_one(pool).await.expect("is changed");
    (schema, id)
}
