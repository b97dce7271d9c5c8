//! The local store keeps what it is given, and notices when it did not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests are tests too")]

use std::{
    fs::{self, File},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use futures::StreamExt;
use souk_artifacts::LocalArtifacts;
use souk_ports::{ArtifactError, ArtifactStore};
use souk_testkit::contract;
use tempfile::TempDir;

const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

fn store() -> (LocalArtifacts, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    (LocalArtifacts::open(directory.path().join("artifacts")).unwrap(), directory)
}

fn file_of(directory: &TempDir, digest: &str) -> PathBuf {
    directory.path().join("artifacts").join(&digest[..2]).join(&digest[2..])
}

fn drafts(directory: &TempDir) -> usize {
    fs::read_dir(directory.path().join("artifacts/drafts")).unwrap().count()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[tokio::test]
async fn the_directory_keeps_the_contract() {
    let (store, _directory) = store();
    contract::artifacts::all(async || Arc::new(store.clone()) as contract::artifacts::Subject).await;
}

#[tokio::test]
async fn the_directory_notices_damage() {
    let (store, directory) = store();
    let damage = async |digest: &str, bytes: Bytes| fs::write(file_of(&directory, digest), bytes).unwrap();
    contract::artifacts::damage(Arc::new(store.clone()), damage).await;
}

#[tokio::test]
async fn what_is_put_can_be_got_also_after_a_restart() {
    let (store, directory) = store();
    for bytes in [Bytes::from_static(b"hello"), Bytes::new(), Bytes::from(vec![0xab; 3_000_000])] {
        let digest = store.put(bytes.clone()).await.unwrap();
        assert_eq!(store.get(&digest).await.unwrap(), bytes);
        assert_eq!(store.put(bytes.clone()).await.unwrap(), digest);
        let reopened = LocalArtifacts::open(directory.path().join("artifacts")).unwrap();
        assert_eq!(reopened.get(&digest).await.unwrap(), bytes);
    }
    assert_eq!(store.put(Bytes::from_static(b"hello")).await.unwrap(), HELLO);
    assert_eq!(drafts(&directory), 0);
}

#[tokio::test]
async fn only_the_owner_can_look() {
    let (store, directory) = store();
    let file = file_of(&directory, &store.put(Bytes::from_static(b"hello")).await.unwrap());
    assert_eq!(mode(&file), 0o600);
    for folder in
        [file.parent().unwrap(), &directory.path().join("artifacts"), &directory.path().join("artifacts/drafts")]
    {
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
}

#[tokio::test]
async fn an_unknown_digest_and_what_is_none_are_not_found() {
    let (store, directory) = store();
    store.put(Bytes::from_static(b"hello")).await.unwrap();
    fs::write(directory.path().join("secret"), "secret").unwrap();
    let climbing = format!("ab/../../{}", "secret");
    let padded = format!("../secret{}", "/".repeat(55));
    let long = "é".repeat(10_000);
    for digest in ["0".repeat(64), HELLO.to_uppercase(), HELLO[..63].to_owned(), format!("{HELLO}0"), climbing, padded]
        .iter()
        .map(String::as_str)
        .chain(["", "..", "/etc/passwd", "drafts", "\0", long.as_str()])
    {
        match store.get(digest).await {
            Err(error @ ArtifactError::NotFound(_)) => assert!(error.to_string().len() < 300, "{error}"),
            other => panic!("{digest}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn damage_is_noticed_and_healed_by_the_same_bytes() {
    let (store, directory) = store();
    let digest = store.put(Bytes::from_static(b"hello")).await.unwrap();
    let file = file_of(&directory, &digest);
    for damage in [&b"hellp"[..], b"hell", b"", b"hello "] {
        fs::write(&file, damage).unwrap();
        match store.get(&digest).await {
            Err(ArtifactError::Damaged(named)) => assert_eq!(named, digest),
            other => panic!("{other:?}"),
        }
        store.put(Bytes::from_static(b"hello")).await.unwrap();
        assert_eq!(store.get(&digest).await.unwrap(), "hello");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_bytes_put_by_many_at_once_are_kept_once() {
    let (_, directory) = store();
    let path = directory.path().join("artifacts");
    let bytes = Bytes::from(vec![7; 500_000]);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..40 {
        // A store each, as several processes have; opening cleans up while others write.
        let (path, bytes) = (path.clone(), bytes.clone());
        tasks.spawn(async move {
            let store = LocalArtifacts::open(path).unwrap();
            let own = Bytes::from(format!("own {number}"));
            let digest = store.put(own.clone()).await.unwrap();
            assert_eq!(store.get(&digest).await.unwrap(), own);
            store.put(bytes).await.unwrap()
        });
    }
    let mut digests = tasks.join_all().await;
    digests.dedup();
    assert_eq!(digests.len(), 1);
    assert_eq!(LocalArtifacts::open(&path).unwrap().get(&digests[0]).await.unwrap(), bytes);
    assert_eq!(drafts(&directory), 0);
}

#[tokio::test]
async fn drafts_of_a_crash_go_and_those_of_others_stay() {
    let (_, directory) = store();
    let folder = directory.path().join("artifacts/drafts");
    fs::write(folder.join("1-0"), "left over").unwrap();
    let writing = File::create(folder.join("1-1")).unwrap();
    writing.lock().unwrap();
    LocalArtifacts::open(directory.path().join("artifacts")).unwrap();
    assert!(!folder.join("1-0").exists());
    assert!(folder.join("1-1").exists());
}

#[tokio::test]
async fn a_file_that_is_cut_while_it_is_read_is_an_error() {
    let (store, directory) = store();
    let digest = store.put(contract::artifacts::bytes(1_000_000)).await.unwrap();
    let mut chunks = store.read(&digest, 1..1_000_000).await.unwrap();
    assert!(chunks.next().await.unwrap().is_ok());
    File::options().write(true).open(file_of(&directory, &digest)).unwrap().set_len(300_000).unwrap();
    let rest: Vec<_> = chunks.collect().await;
    match rest.last() {
        Some(Err(ArtifactError::Unavailable(why))) => assert!(why.contains("too early"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_directory_that_cannot_be_used_is_an_error() {
    let (store, directory) = store();
    let occupied = directory.path().join("occupied");
    fs::write(&occupied, "a file").unwrap();
    assert!(matches!(LocalArtifacts::open(&occupied), Err(ArtifactError::Unavailable(_))));

    let digest = store.put(Bytes::from_static(b"hello")).await.unwrap();
    let file = file_of(&directory, &digest);
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert!(matches!(store.get(&digest).await, Err(ArtifactError::Unavailable(_))));
    assert!(matches!(store.size(&digest).await, Err(ArtifactError::Unavailable(_))));
    assert!(matches!(store.put(Bytes::from_static(b"hello")).await, Err(ArtifactError::Unavailable(_))));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).unwrap();
}
