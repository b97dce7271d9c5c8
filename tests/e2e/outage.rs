//! The database dies under a Souk that serves: 503 with the error body until it is back, and what was acknowledged stays.

use std::{path::Path, time::Duration};

use reqwest::Method;
use serde_json::json;
use souk_embedded_postgres::testing::data_dir;
use souk_tests::{
    client::{Call, Client},
    process::{Options, Souk},
    sample,
};

use crate::{
    concurrency::history,
    support::{first_seller, person, published, unique},
};

/// Kills the PostgreSQL of `data_dir` without any goodbye.
fn kill_postgres(data_dir: &Path) {
    let file = data_dir.join("postgres/data/postmaster.pid");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let pid = text.lines().next().expect("a process id");
    let killed = std::process::Command::new("kill").args(["-KILL", pid]).status().expect("kill runs");
    assert!(killed.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_database_costs_503s_but_nothing_that_was_acknowledged() {
    let home = data_dir();
    let options = Options::default().env("SOUK_RATE_LIMITS", "off");
    let souk = tokio::task::block_in_place(|| Souk::start(home.path(), &options)).expect("starts");
    let nobody = Client::new(souk.base());
    let seller = first_seller(home.path(), &nobody).await;
    let plugin = published(&seller, &sample::free()).await;
    let user = person(&nobody, "user").await;
    let path = format!("/plugins/{plugin}/install");

    let mut acknowledged = Vec::new();
    let mut refused = 0;
    for turn in 0..60 {
        if turn == 20 {
            kill_postgres(home.path());
        }
        let install = turn % 2 == 0;
        let key = unique("turn");
        loop {
            let method = if install { Method::POST } else { Method::DELETE };
            let call = Call { body: install.then(|| json!({})), key: Some(key.clone()), ..Call::default() };
            let answer = user.call(method, &path, call).await.expect("answers");
            match answer.status {
                201 | 204 => {
                    acknowledged.push(answer.position.expect("a position"));
                    break;
                }
                503 | 409 => {
                    assert!(answer.body["error"]["requestId"].is_string(), "{}", answer.text);
                    refused += 1;
                    assert!(refused < 600, "it never came back");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                other => panic!("{other}: {}", answer.text),
            }
        }
    }
    let last = acknowledged.last().copied().expect("some");
    let path = format!("/plugins/{plugin}/history?limit=1");
    // Connections of readers are noticed to be dead one by one.
    while let Ok(answer) = nobody.get_at(&path, last).await.expect("answers").expect(503) {
        refused += 1;
        assert!(refused < 600, "reads never came back: {}", answer.text);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let found: Vec<u64> = history(&nobody, &plugin)
        .await
        .iter()
        .filter(|item| item["type"].as_str().is_some_and(|event| event.starts_with("installation.")))
        .filter_map(|item| item["position"].as_u64())
        .collect();
    assert_eq!(found, acknowledged, "each acknowledged write once, in order, and no other");
    tokio::task::block_in_place(|| souk.stop()).expect("stops");
}
