//! Directories, programs and leftovers that stand in the way.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use souk_embedded_postgres::{Cluster, Error, Options, testing};
use support::{Other, execute, is_root, number, server, start};

#[test]
fn plays_its_part() {
    support::play();
}

async fn refusal(directory: &Path) -> Error {
    match Cluster::start(Options::new(directory)).await {
        Ok(cluster) => {
            cluster.stop().await.unwrap();
            panic!("it started");
        }
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_directory_closed_to_the_servers_user_gets_its_cluster_elsewhere() {
    if !is_root() {
        println!("skipped: only root runs the server as another user");
        return;
    }
    let outer = testing::data_dir();
    let closed = outer.path().join("closed");
    fs::DirBuilder::new().mode(0o700).create(&closed).unwrap();
    let directory = closed.join("souk");
    let cluster = start(&directory).await;
    execute(cluster.url(), "CREATE TABLE kept (n bigint); INSERT INTO kept VALUES (7)").await;
    let record: serde_json::Value =
        serde_json::from_slice(&fs::read(directory.join("postgres.json")).unwrap()).unwrap();
    let root = Path::new(record["directory"].as_str().unwrap()).to_owned();
    assert!(root.is_absolute() && !root.starts_with(&closed), "{}", root.display());
    assert_eq!(fs::metadata(&root).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(!directory.join("postgres").exists());
    cluster.stop().await.unwrap();
    assert_eq!(server(&root), None);

    let cluster = start(&directory).await;
    assert_eq!(number(cluster.url(), "SELECT n FROM kept").await, 7);
    cluster.stop().await.unwrap();

    fs::remove_dir_all(&root).unwrap();
    let error = refusal(&directory).await;
    assert!(matches!(error, Error::ClusterMissing { .. }), "{error}");
}

#[tokio::test]
async fn a_cluster_that_was_never_finished_is_made_again() {
    // Interrupted before the record was written, and after it.
    for recorded in [false, true] {
        let directory = testing::data_dir();
        let root = directory.path().join("postgres");
        let cluster = start(directory.path()).await;
        cluster.stop().await.unwrap();
        fs::rename(root.join("complete"), root.join("unfinished")).unwrap();
        fs::write(root.join("data/PG_VERSION"), "half a vers").unwrap();
        if !recorded {
            fs::remove_file(directory.path().join("postgres.json")).unwrap();
        }
        let cluster = start(directory.path()).await;
        assert_eq!(number(cluster.url(), "SELECT 1::bigint").await, 1);
        cluster.stop().await.unwrap();
    }
}

#[tokio::test]
async fn finished_clusters_and_the_files_of_others_are_never_removed() {
    let directory = testing::data_dir();
    let root = directory.path().join("postgres");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("thesis.txt"), "mine").unwrap();
    let error = refusal(directory.path()).await;
    assert!(matches!(error, Error::NotOurs { .. }), "{error}");
    assert_eq!(fs::read_to_string(root.join("thesis.txt")).unwrap(), "mine");

    fs::remove_dir_all(&root).unwrap();
    start(directory.path()).await.stop().await.unwrap();
    let record = directory.path().join("postgres.json");
    fs::remove_file(&record).unwrap();
    let error = refusal(directory.path()).await;
    assert!(matches!(error, Error::RecordMissing { .. }), "{error}");
    assert!(root.join("data/PG_VERSION").exists());
    fs::write(&record, "{").unwrap();
    let error = refusal(directory.path()).await;
    assert!(matches!(error, Error::RecordInvalid { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_does_not_start_shows_the_end_of_its_log() {
    let directory = testing::data_dir();
    start(directory.path()).await.stop().await.unwrap();
    let custom = directory.path().join("postgres/data/custom.conf");
    fs::write(&custom, "shared_buffers = 'plenty'\n").unwrap();
    let error = refusal(directory.path()).await.to_string();
    assert!(error.contains("shared_buffers") && error.contains("plenty"), "{error}");
    fs::remove_file(&custom).unwrap();
    start(directory.path()).await.stop().await.unwrap();
}

#[tokio::test]
async fn without_programs_the_error_says_what_to_install_or_set() {
    let directory = testing::data_dir();
    let empty = directory.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let empty = empty.to_str().unwrap();
    let never = ("SOUK_POSTGRES_INSTALL", "never");
    let environment = [("PATH", ""), never, ("SOUK_POSTGRES_BIN", empty)];
    let error = Other::start("use", &directory.path().join("souk"), &environment).says();
    assert!(error.contains("SOUK_POSTGRES_BIN") && error.contains(empty), "{error}");

    let environment = [("SOUK_POSTGRES_BIN", ""), ("SOUK_POSTGRES_INSTALL", "perhaps")];
    let error = Other::start("use", &directory.path().join("souk"), &environment).says();
    assert!(error.contains("perhaps") && error.contains("never"), "{error}");
}

/// A directory with programs that only tell this version.
fn pretend(directory: &Path, version: &str) {
    fs::create_dir(directory).unwrap();
    for name in ["initdb", "postgres", "pg_ctl"] {
        let path = directory.join(name);
        fs::write(&path, format!("#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[tokio::test]
async fn a_cluster_of_another_major_version_is_refused_and_both_versions_named() {
    let directory = testing::data_dir();
    let souk = directory.path().join("souk");
    start(&souk).await.stop().await.unwrap();
    let made_by = fs::read_to_string(souk.join("postgres/data/PG_VERSION")).unwrap();
    let programs = directory.path().join("programs");
    pretend(&programs, "99.1");
    let environment = [("SOUK_POSTGRES_BIN", programs.to_str().unwrap())];
    let error = Other::start("use", &souk, &environment).says();
    assert!(error.contains(&format!("PostgreSQL {}", made_by.trim())), "{error}");
    assert!(error.contains("PostgreSQL 99"), "{error}");
}

#[tokio::test]
async fn a_version_that_is_too_old_is_as_good_as_none() {
    let directory = testing::data_dir();
    let programs = directory.path().join("programs");
    pretend(&programs, "13.20");
    let environment = [("SOUK_POSTGRES_BIN", programs.to_str().unwrap())];
    let error = Other::start("use", &directory.path().join("souk"), &environment).says();
    assert!(error.contains("14 or newer"), "{error}");
}
