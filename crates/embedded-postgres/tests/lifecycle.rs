//! Starting, sharing, stopping and surviving, with a real PostgreSQL.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};
use souk_embedded_postgres::{ServeLock, testing};
use support::{Other, alive, ends, eventually, execute, number, server, start, text};

#[test]
fn plays_its_part() {
    support::play();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn an_empty_directory_becomes_a_durable_private_cluster_that_keeps_its_data() {
    let directory = testing::data_dir();
    let cluster = start(directory.path()).await;
    let url = cluster.url().to_owned();
    execute(&url, "CREATE EXTENSION pg_trgm; CREATE TABLE kept (n bigint); INSERT INTO kept VALUES (7)").await;
    for (setting, expected) in [
        ("SELECT current_setting('fsync')", "on"),
        ("SELECT current_setting('synchronous_commit')", "on"),
        ("SELECT current_setting('full_page_writes')", "on"),
        ("SELECT current_setting('listen_addresses')", ""),
        ("SELECT current_setting('server_encoding')", "UTF8"),
        ("SELECT current_setting('jit')", "off"),
        ("SELECT lower('ÄÉÑ')", "äéñ"),
        ("SELECT datcollate FROM pg_database WHERE datname = current_database()", "C"),
        ("SELECT current_setting('is_superuser')", "off"),
    ] {
        assert_eq!(text(&url, setting).await, expected, "{setting}");
    }
    assert_eq!(mode(&directory.path().join("postgres.json")), 0o600);
    assert_eq!(mode(&directory.path().join("postgres")), 0o700);
    assert_eq!(mode(&directory.path().join("postgres/socket")), 0o700);
    cluster.stop().await.unwrap();
    assert_eq!(server(&directory.path().join("postgres")), None);

    let cluster = start(directory.path()).await;
    assert_eq!(number(cluster.url(), "SELECT n FROM kept").await, 7);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_gets_nobody_in() {
    let directory = testing::data_dir();
    let cluster = start(directory.path()).await;
    let (before, after) = cluster.url().split_once('@').unwrap();
    let (user, _) = before.rsplit_once(':').unwrap();
    let refused = <sqlx::PgConnection as sqlx::Connection>::connect(&format!("{user}:guess@{after}")).await;
    let error = refused.unwrap_err().into_database_error().unwrap();
    assert_eq!(error.code().unwrap(), "28P01");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn the_last_user_out_stops_the_server_and_nobody_before() {
    let directory = testing::data_dir();
    let root = directory.path().join("postgres");
    let first = start(directory.path()).await;
    let pid = server(&root).unwrap();
    let mut other = Other::start("use", directory.path(), &[]);
    assert_eq!(other.says(), first.url());
    assert_eq!(server(&root), Some(pid), "the other process attaches");

    first.stop().await.unwrap();
    assert_eq!(server(&root), Some(pid), "the other process still uses it");
    let third = start(directory.path()).await;
    other.tell("stop");
    assert_eq!(other.says(), "stopped");
    assert_eq!(number(third.url(), "SELECT 1::bigint").await, 1);
    third.stop().await.unwrap();
    assert_eq!(server(&root), None);
    assert!(ends(pid));
}

#[tokio::test]
async fn simultaneous_first_starts_make_one_cluster() {
    let directory = testing::data_dir();
    let mut others: Vec<Other> = (0..3).map(|_| Other::start("use", directory.path(), &[])).collect();
    let mine = start(directory.path()).await;
    for other in &mut others {
        assert_eq!(other.says(), mine.url());
    }
    mine.stop().await.unwrap();
    for mut other in others {
        other.tell("stop");
        assert_eq!(other.says(), "stopped");
    }
    assert_eq!(server(&directory.path().join("postgres")), None);
}

#[tokio::test]
async fn a_killed_souk_leaves_a_running_cluster_to_which_the_next_one_attaches() {
    let directory = testing::data_dir();
    let root = directory.path().join("postgres");
    let mut other = Other::start("use", directory.path(), &[]);
    let url = other.says();
    execute(&url, "CREATE TABLE kept (n bigint); INSERT INTO kept VALUES (7)").await;
    let pid = server(&root).unwrap();
    other.kill_group();
    assert!(alive(pid), "the server is in no process group of Souk's");

    let cluster = start(directory.path()).await;
    assert_eq!(server(&root), Some(pid));
    assert_eq!(number(cluster.url(), "SELECT n FROM kept").await, 7);
    cluster.stop().await.unwrap();
    assert!(ends(pid));
}

#[tokio::test]
async fn a_killed_server_is_started_again_with_all_that_was_committed() {
    let directory = testing::data_dir();
    let root = directory.path().join("postgres");
    let cluster = start(directory.path()).await;
    execute(cluster.url(), "CREATE TABLE kept (n bigint); INSERT INTO kept VALUES (7)").await;
    let pid = server(&root).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    drop(cluster);

    let cluster = start(directory.path()).await;
    assert_ne!(server(&root), Some(pid));
    assert_eq!(number(cluster.url(), "SELECT n FROM kept").await, 7);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_killed_server_is_revived_for_those_who_use_it() {
    let directory = testing::data_dir();
    let root = directory.path().join("postgres");
    let cluster = start(directory.path()).await;
    assert!(!cluster.revive().await.unwrap(), "it runs");
    execute(cluster.url(), "CREATE TABLE kept (n bigint); INSERT INTO kept VALUES (7)").await;
    let pid = server(&root).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    while alive(pid) {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }

    assert!(cluster.revive().await.unwrap(), "it was gone");
    assert_eq!(number(cluster.url(), "SELECT n FROM kept").await, 7);
    cluster.stop().await.unwrap();
    assert_eq!(server(&root), None);
}

#[tokio::test]
async fn a_pid_file_whose_number_another_process_has_by_now_stops_no_start() {
    let directory = testing::data_dir();
    let root = directory.path().join("postgres");
    let cluster = start(directory.path()).await;
    let file = root.join("data/postmaster.pid");
    let running = fs::read_to_string(&file).unwrap();
    cluster.stop().await.unwrap();
    let (_, rest) = running.split_once('\n').unwrap();
    // This very process: alive, and no server.
    fs::write(&file, format!("{}\n{rest}", std::process::id())).unwrap();

    let cluster = start(directory.path()).await;
    assert_ne!(server(&root), i32::try_from(std::process::id()).ok());
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn long_paths_and_odd_letters_are_fine() {
    let directory = testing::data_dir();
    let odd = directory.path().join("with space, 'quote' \"double\" $HOME `id` ü".to_owned() + &"x".repeat(120));
    let cluster = start(&odd).await;
    assert_eq!(number(cluster.url(), "SELECT 1::bigint").await, 1);
    let pid = server(&odd.join("postgres")).unwrap();
    cluster.stop().await.unwrap();
    assert!(ends(pid));
    let record: serde_json::Value = serde_json::from_slice(&fs::read(odd.join("postgres.json")).unwrap()).unwrap();
    let socket = record["socketDirectory"].as_str().unwrap();
    assert!(Path::new(socket).is_absolute() && socket.len() < 90, "{socket}");
    fs::remove_dir(socket).unwrap();
}

#[tokio::test]
async fn two_serves_of_one_directory_get_a_clear_error_until_the_first_is_gone() {
    let directory = testing::data_dir();
    let mut other = Other::start("serve", directory.path(), &[]);
    assert_eq!(other.says(), "serving");
    let error = ServeLock::acquire(directory.path()).unwrap_err().to_string();
    assert!(error.contains(&other.id().to_string()), "{error}");
    assert!(error.contains(&directory.path().canonicalize().unwrap().display().to_string()), "{error}");
    other.kill_group();
    let lock = ServeLock::acquire(directory.path()).unwrap();
    assert!(ServeLock::acquire(directory.path()).is_err());
    drop(lock);
    ServeLock::acquire(directory.path()).unwrap();
}

#[tokio::test]
async fn test_databases_are_apart_and_go_with_their_value() {
    let first = testing::database().await;
    let second = testing::database().await;
    execute(&first.url, "CREATE TABLE here (n bigint)").await;
    assert_eq!(number(&second.url, "SELECT count(*) FROM pg_tables WHERE tablename = 'here'").await, 0);
    let there = "SELECT count(*) FROM pg_database WHERE datname LIKE 'souk_test_%'";
    let before = number(&second.url, there).await;
    drop(first);
    assert_eq!(number(&second.url, there).await, before - 1);
    second.close().await;
}

#[tokio::test]
async fn the_cluster_of_tests_is_gone_when_their_process_aborts() {
    let directory = testing::data_dir();
    let mut other = Other::start("test", directory.path(), &[]);
    let url = other.says();
    let (_, socket) = url.split_once("host=").unwrap();
    let (socket, _) = socket.split_once('&').unwrap();
    let socket = socket.replace("%2F", "/");
    let root = Path::new(&socket).parent().unwrap().to_owned();
    let pid = server(&root).unwrap();
    assert!(alive(pid));
    other.tell("abort");
    other.wait();
    eventually("the server ends", || !alive(pid)).await;
    eventually("its directory is removed", || !root.parent().unwrap().exists()).await;
}
