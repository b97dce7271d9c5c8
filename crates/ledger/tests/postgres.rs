//! The ledger on a real PostgreSQL, over a real log.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests are tests too")]

use std::{path::PathBuf, sync::Arc, time::Duration};

use sha2::{Digest, Sha256};
use souk_domain::stream::{Category, StreamId};
use souk_embedded_postgres::testing::{TestDatabase, database};
use souk_ledger::{
    MemoryLedger, Options, Outside, PostgresLedger, Refusal, Salts, Sequencer, SequencerError, SigningKey,
};
use souk_log_postgres::PostgresLog;
use souk_ports::{
    EventLog, Expected, Filter, Ledger, LedgerError, NewEvent, Position,
    ledger::{Tile, TileKind},
};
use souk_testkit::{MemoryLog, SeededRandom};
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};
use tlog_tiles::{Hash, check_record, check_tree, record_hash};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const SECRET: [u8; 32] = [5; 32];

/// Tests have several threads: what a log that was let go of has begun ends on another one while the database is dropped.
struct World {
    pool: PgPool,
    log: Arc<PostgresLog>,
    folder: tempfile::TempDir,
    _database: TestDatabase,
}

impl World {
    async fn new() -> Self {
        let database = database().await;
        let pool = PgPoolOptions::new().max_connections(12).connect(&database.url).await.unwrap();
        souk_log_postgres::migrate(&pool).await.unwrap();
        let log = Arc::new(PostgresLog::connect(pool.clone()).await.unwrap());
        Self { pool, log, folder: tempfile::tempdir().unwrap(), _database: database }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ledger").join("checkpoint")
    }

    fn key(&self, seed: u64) -> SigningKey {
        let path = self.folder.path().join(format!("key-{seed}"));
        SigningKey::load_or_create(&path, "souk.example/log", &SeededRandom::new(seed)).unwrap()
    }

    fn sequencer_with(&self, log: Arc<dyn EventLog>, key: SigningKey, file: PathBuf) -> Sequencer {
        let options = Options { interval: Duration::from_millis(20) };
        Sequencer::new(self.pool.clone(), log, Salts::new(SECRET), key, Outside::new(file), options)
    }

    /// One as a process that has just started has it.
    async fn sequencer(&self) -> Sequencer {
        let log = PostgresLog::connect(self.pool.clone()).await.unwrap();
        self.sequencer_with(Arc::new(log), self.key(1), self.file())
    }

    fn ledger(&self) -> PostgresLedger {
        PostgresLedger::new(self.pool.clone(), Salts::new(SECRET))
    }

    /// Appends `count` events to streams of three sorts.
    async fn append(&self, count: u64, word: &str) {
        append(self.log.as_ref(), count, word).await;
    }

    async fn sql(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&self.pool).await.unwrap();
    }

    async fn back_up(&self) {
        self.sql("CREATE SCHEMA backup").await;
        for table in ["souk_log.event", "souk_ledger.leaf", "souk_ledger.tile", "souk_ledger.head"] {
            let name = table.replace('.', "_");
            self.sql(&format!("CREATE TABLE backup.{name} AS TABLE {table}")).await;
        }
    }

    async fn restore(&self, tables: &[&str]) {
        for table in tables {
            let name = table.replace('.', "_");
            self.sql(&format!("TRUNCATE {table}; INSERT INTO {table} SELECT * FROM backup.{name}")).await;
        }
    }

    async fn restore_all(&self) {
        self.restore(&["souk_log.event", "souk_ledger.leaf", "souk_ledger.tile", "souk_ledger.head"]).await;
    }

    async fn signed_size(&self) -> u64 {
        self.ledger().checkpoint().await.unwrap().map_or(0, |signed| signed.size)
    }

    /// All leaves, as tiles of them have them.
    async fn leaves(&self, size: u64) -> Vec<Vec<u8>> {
        let mut leaves = Vec::new();
        for number in 0..=size / 256 {
            let width = u16::try_from((size - number * 256).min(256)).unwrap();
            if width > 0 {
                let tile = Tile { kind: TileKind::Entries, number, width };
                leaves.extend(unbundle(&self.ledger().tile(tile).await.unwrap().unwrap()));
            }
        }
        leaves
    }
}

fn unbundle(mut bundle: &[u8]) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    while !bundle.is_empty() {
        let length = usize::from(u16::from_be_bytes([bundle[0], bundle[1]]));
        entries.push(bundle[2..2 + length].to_vec());
        bundle = &bundle[2 + length..];
    }
    entries
}

async fn append(log: &dyn EventLog, count: u64, word: &str) {
    for first in (0..count).step_by(50) {
        let events: Vec<NewEvent> = (first..count.min(first + 50))
            .map(|number| NewEvent {
                id: Uuid::from_bytes(Sha256::digest(format!("{word} {number}"))[..16].try_into().unwrap()),
                event_type: "plugin.described".to_owned(),
                schema_version: 1,
                data: format!("{{\"n\":{number},\"word\":\"{word}\"}}").into(),
                metadata: format!("{{\"of\":\"{word}\"}}").into(),
            })
            .collect();
        let category =
            [Category::Plugin, Category::Installation, Category::User][usize::try_from(first / 50 % 3).unwrap()];
        let stream = StreamId::new(category, events[0].id);
        log.append(stream, Expected::NoStream, events).await.unwrap();
    }
}

/// The root of RFC 6962, section 2.1, word for word.
fn naive(leaves: &[Vec<u8>]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => Sha256::new().chain_update([0]).chain_update(leaf).finalize().into(),
        _ => {
            let mut split = 1;
            while split * 2 < leaves.len() {
                split *= 2;
            }
            let (left, right) = leaves.split_at(split);
            Sha256::new().chain_update([1]).chain_update(naive(left)).chain_update(naive(right)).finalize().into()
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_has_its_leaf_and_every_leaf_its_proof() {
    let world = World::new().await;
    assert_eq!(world.sequencer().await.once().await.unwrap(), None);
    assert_eq!(world.ledger().prove(&[1]).await, Err(LedgerError::Unsigned));
    let mut trees = Vec::new();
    for (count, word) in [(1, "a"), (254, "b"), (1, "c"), (1, "d"), (700, "e")] {
        world.append(count, word).await;
        let signed = world.sequencer().await.once().await.unwrap().unwrap();
        assert_eq!(world.key(1).verifier().open(&signed.note).unwrap(), signed);
        assert_eq!(world.ledger().checkpoint().await.unwrap().unwrap(), signed);
        assert_eq!(std::fs::read_to_string(world.file()).unwrap(), signed.note);
        assert_eq!(signed.root, naive(&world.leaves(signed.size).await), "{}", signed.size);
        trees.push(signed);
    }
    let last = trees.last().unwrap();
    let events = world.log.read_all(0, &Filter::default(), 2000).await.unwrap();
    assert_eq!(events.len() as u64, last.size);
    let positions: Vec<Position> = events.iter().map(|event| event.position).collect();
    let proofs = world.ledger().prove(&positions).await.unwrap();
    assert_eq!(proofs.items.len(), events.len());
    for (event, item) in events.iter().zip(&proofs.items) {
        let proof = item.proof.iter().map(|hash| Hash(*hash)).collect();
        let (size, root) = (proofs.checkpoint.size, Hash(proofs.checkpoint.root));
        check_record(&proof, size, root, item.index, record_hash(&item.leaf)).unwrap();
        let leaf: serde_json::Value = serde_json::from_slice(&item.leaf).unwrap();
        let salt = world.ledger().openings(event).data;
        let hash = hex::encode(Sha256::new().chain_update(salt).chain_update(&event.data).finalize());
        assert_eq!((&leaf["data"], &leaf["id"]), (&hash.into(), &event.id.to_string().into()));
        let named = leaf["stream"] == event.stream.to_string();
        assert_eq!(named, event.stream.category == Category::Plugin, "{leaf}");
    }
    for pair in trees.windows(2) {
        let proof = world.ledger().consistency(pair[0].size, pair[1].size).await.unwrap();
        let proof = proof.into_iter().map(Hash).collect();
        check_tree(&proof, pair[1].size, Hash(pair[1].root), pair[0].size, Hash(pair[0].root)).unwrap();
    }
    for (from, to) in [(0, 1), (2, 1), (1, last.size + 1), (1, u64::MAX)] {
        assert_eq!(world.ledger().consistency(from, to).await, Err(LedgerError::BeyondTree { size: last.size }));
    }
    assert!(world.ledger().prove(&[last.size + 1, u64::MAX]).await.unwrap().items.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tiles_end_where_the_tree_does_and_memory_has_the_same() {
    let world = World::new().await;
    world.append(600, "a").await;
    world.sequencer().await.once().await.unwrap();
    let memory = MemoryLedger::new(world.log.clone(), Salts::new(SECRET), world.key(1));
    assert_eq!(memory.checkpoint().await.unwrap(), world.ledger().checkpoint().await.unwrap());
    let mut there = 0;
    for kind in [TileKind::Entries, TileKind::Hashes(0), TileKind::Hashes(1), TileKind::Hashes(7), TileKind::Hashes(63)]
    {
        for number in [0, 1, 2, 3, 1 << 40, u64::MAX] {
            for width in [1, 2, 3, 87, 88, 89, 255, 256] {
                let tile = Tile { kind, number, width };
                let found = world.ledger().tile(tile).await.unwrap();
                assert_eq!(found, memory.tile(tile).await.unwrap(), "{tile:?}");
                let leaves = match kind {
                    TileKind::Hashes(0) | TileKind::Entries => 600,
                    TileKind::Hashes(1) => 2,
                    TileKind::Hashes(_) => 0,
                };
                let fits = number.checked_mul(256).is_some_and(|first| first + u64::from(width) <= leaves);
                assert_eq!(found.is_some(), fits, "{tile:?}");
                there += u32::from(fits);
            }
        }
    }
    assert!(there > 30, "{there}");
    assert_eq!(memory.prove(&[1, 300, 600]).await.unwrap(), world.ledger().prove(&[1, 300, 600]).await.unwrap());
    assert_eq!(memory.consistency(100, 600).await.unwrap(), world.ledger().consistency(100, 600).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_tree_and_signature_or_file_and_database_leaves_nothing_undone() {
    let world = World::new().await;
    world.append(300, "a").await;
    assert_eq!(world.sequencer().await.grow().await.unwrap(), 300);
    assert_eq!(world.ledger().checkpoint().await.unwrap(), None);
    assert!(!world.file().exists());
    let first = world.sequencer().await.once().await.unwrap().unwrap();
    assert_eq!((first.size, world.signed_size().await), (300, 300));

    // The file is there already, and the database does not know yet.
    world.append(10, "b").await;
    world.sql("CREATE SCHEMA before; CREATE TABLE before.head AS TABLE souk_ledger.head").await;
    let second = world.sequencer().await.once().await.unwrap().unwrap();
    world
        .sql(
            "UPDATE souk_ledger.head SET note = before.note, signed_size = before.signed_size, signed_at = before.signed_at \
             FROM before.head AS before",
        )
        .await;
    assert_eq!(world.signed_size().await, 300);
    let again = world.sequencer().await.once().await.unwrap().unwrap();
    assert_eq!(again, second);
    assert_eq!(world.signed_size().await, 310);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_backup_is_not_signed_and_neither_is_what_was_written_behind_it() {
    let world = World::new().await;
    world.append(100, "a").await;
    world.sequencer().await.once().await.unwrap();
    world.back_up().await;
    world.append(100, "b").await;
    let signed = world.sequencer().await.once().await.unwrap().unwrap();
    world.restore_all().await;

    let refused = world.sequencer().await.once().await.unwrap_err();
    assert!(matches!(refused, SequencerError::Refused(Refusal::Smaller { found: 100, signed: 200, .. })), "{refused}");
    assert!(refused.to_string().starts_with("tree_is_smaller: "));

    let log = PostgresLog::connect(world.pool.clone()).await.unwrap();
    append(&log, 150, "c").await;
    let refused = world.sequencer().await.once().await.unwrap_err();
    assert!(matches!(refused, SequencerError::Refused(Refusal::Forked { signed: 200, .. })), "{refused}");
    assert!(refused.to_string().starts_with("tree_is_forked: "));
    // Nothing was put on top of what was restored, and the file is as it was.
    assert_eq!(world.ledger().status().await.unwrap().size, 100);
    assert_eq!(world.signed_size().await, 100);
    assert_eq!(std::fs::read_to_string(world.file()).unwrap(), signed.note);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_that_are_older_than_the_log_grow_back_to_the_same_tree() {
    let world = World::new().await;
    world.append(100, "a").await;
    world.sequencer().await.once().await.unwrap();
    world.back_up().await;
    world.append(700, "b").await;
    let signed = world.sequencer().await.once().await.unwrap().unwrap();
    world.restore(&["souk_ledger.leaf", "souk_ledger.tile", "souk_ledger.head"]).await;
    assert_eq!(world.sequencer().await.once().await.unwrap().unwrap(), signed);
    assert_eq!(world.signed_size().await, 800);
    // All of it anew, as docs/AUDIT.md has it; also while it runs.
    let statement = include_str!("../../../docs/AUDIT.md").lines().find(|line| line.starts_with("TRUNCATE ")).unwrap();
    world.sql(statement).await;
    let cancel = CancellationToken::new();
    let running = tokio::spawn(world.sequencer().await.run(cancel.clone()));
    for _ in 0..2000 {
        if world.signed_size().await == 800 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    cancel.cancel();
    running.await.unwrap();
    assert_eq!(world.ledger().checkpoint().await.unwrap().unwrap(), signed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_that_was_signed_elsewhere_is_a_fork_whether_smaller_or_greater() {
    let world = World::new().await;
    world.append(50, "a").await;
    world.sequencer().await.once().await.unwrap();
    world.back_up().await;
    world.append(50, "b").await;
    world.sequencer().await.once().await.unwrap();
    world.restore_all().await;
    // Somebody signs on from the backup, where the file is not.
    let log = Arc::new(PostgresLog::connect(world.pool.clone()).await.unwrap());
    append(log.as_ref(), 70, "c").await;
    let elsewhere = world.folder.path().join("elsewhere");
    let other = world.sequencer_with(log, world.key(1), elsewhere).once().await.unwrap().unwrap();
    assert_eq!(other.size, 120);
    let refused = world.sequencer().await.once().await.unwrap_err();
    assert!(matches!(refused, SequencerError::Refused(Refusal::Forked { signed: 100, .. })), "{refused}");
}

/// One byte of a tile, of an event that is not yet in the tree for the second time, of the key and of the file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_changed_underneath_is_named() {
    let world = World::new().await;
    world.append(300, "a").await;
    let signed = world.sequencer().await.once().await.unwrap().unwrap();

    let other = world.sequencer_with(world.log.clone(), world.key(2), world.file()).once().await.unwrap_err();
    assert!(matches!(other, SequencerError::Refused(Refusal::Key { .. })), "{other}");

    let memory = MemoryLog::default();
    append(&memory, 300, "other").await;
    let other = world.sequencer_with(Arc::new(memory), world.key(1), world.file()).once().await.unwrap_err();
    assert!(matches!(other, SequencerError::Refused(Refusal::Log { position: 300, .. })), "{other}");

    std::fs::write(world.file(), signed.note.replacen("\n300\n", "\n299\n", 1)).unwrap();
    let other = world.sequencer().await.once().await.unwrap_err();
    assert!(matches!(other, SequencerError::Refused(Refusal::Outside { .. })), "{other}");
    std::fs::write(world.file(), &signed.note).unwrap();
    world.sequencer().await.once().await.unwrap();

    world.sql("CREATE TABLE kept AS TABLE souk_ledger.tile").await;
    // A byte at the edge, and one in what is complete.
    for (level, number, place) in [(0, 1, 5), (1, 0, 5), (0, 0, 8191)] {
        world
            .sql(&format!(
                "UPDATE souk_ledger.tile SET hashes = set_byte(hashes, {place}, get_byte(hashes, {place}) # 1) \
                 WHERE level = {level} AND number = {number}"
            ))
            .await;
        let found = world.sequencer().await.once().await;
        if (level, number) == (0, 0) {
            // What is complete is below its own hash: whoever reads it finds it out.
            let proofs = world.ledger().prove(&[255]).await.unwrap();
            let item = &proofs.items[0];
            let proof = item.proof.iter().map(|hash| Hash(*hash)).collect();
            let root = Hash(proofs.checkpoint.root);
            check_record(&proof, 300, root, item.index, record_hash(&item.leaf)).unwrap_err();
        } else {
            let refused = found.unwrap_err();
            assert!(matches!(refused, SequencerError::Refused(Refusal::Tiles { size: 300 })), "{refused}");
        }
        world.sql("TRUNCATE souk_ledger.tile; INSERT INTO souk_ledger.tile SELECT * FROM kept").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_sequencers_at_once_make_one_tree() {
    let world = World::new().await;
    let cancel = CancellationToken::new();
    let mut running = Vec::new();
    for _ in 0..3 {
        running.push(tokio::spawn(world.sequencer().await.run(cancel.clone())));
    }
    // Some that do not even ask for the lock.
    for _ in 0..3 {
        let (sequencer, cancel) = (world.sequencer().await, cancel.clone());
        running.push(tokio::spawn(async move {
            while !cancel.is_cancelled() {
                if let Err(SequencerError::Refused(refusal)) = sequencer.once().await {
                    panic!("{refusal}");
                }
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        }));
    }
    for round in 0..40 {
        world.append(50, &format!("round {round}")).await;
    }
    for _ in 0..2000 {
        if world.signed_size().await == 2000 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    cancel.cancel();
    for task in running {
        task.await.unwrap();
    }
    let signed = world.ledger().checkpoint().await.unwrap().unwrap();
    assert_eq!((signed.size, signed.root), (2000, naive(&world.leaves(2000).await)));
    assert_eq!(std::fs::read_to_string(world.file()).unwrap(), signed.note);
}

/// A refusal is where an operator looks, and is gone when its reason is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_told_in_the_status() {
    let world = World::new().await;
    world.append(10, "a").await;
    let signed = world.sequencer().await.once().await.unwrap().unwrap();
    std::fs::write(world.file(), "no checkpoint").unwrap();
    let cancel = CancellationToken::new();
    let running = tokio::spawn(world.sequencer().await.run(cancel.clone()));
    let mut status = world.ledger().status().await.unwrap();
    for _ in 0..2000 {
        if status.trouble.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        status = world.ledger().status().await.unwrap();
    }
    cancel.cancel();
    running.await.unwrap();
    assert!(status.trouble.unwrap().starts_with("outside_checkpoint_unreadable: "));
    std::fs::write(world.file(), signed.note).unwrap();
    world.sequencer().await.once().await.unwrap();
    assert_eq!(world.ledger().status().await.unwrap().trouble, None);
}
