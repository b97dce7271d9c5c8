//! The ledger in memory, made of a log whenever it is asked: for tests of what stands above it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use souk_ports::{
    EventLog, Filter, Ledger, LedgerError, Position, Random, RecordedEvent,
    ledger::{Inclusion, LedgerStatus, Openings, Proofs, SignedCheckpoint, TILE_WIDTH, Tile, TileKind, TreeHash},
};
use tlog_tiles::{HASH_SIZE, prove_record, prove_tree, record_hash};

use crate::{
    leaf::{Leaf, Salts},
    note::{NoteError, SigningKey, VerifierKey},
    read::{bundle, missing},
    tree::{Edge, TileHashes},
};

/// A [`Ledger`] in memory that signs all of its log's events at the moment when it is asked, or as many as it was told.
pub struct MemoryLedger {
    log: Arc<dyn EventLog>,
    salts: Salts,
    key: SigningKey,
    most: Mutex<Option<usize>>,
}

struct Made {
    events: Vec<RecordedEvent>,
    entries: Vec<Vec<u8>>,
    tiles: TileHashes,
    signed: Option<SignedCheckpoint>,
}

impl MemoryLedger {
    /// The ledger over `log`.
    #[must_use]
    pub const fn new(log: Arc<dyn EventLog>, salts: Salts, key: SigningKey) -> Self {
        Self { log, salts, key, most: Mutex::new(None) }
    }

    /// The ledger over `log` with a new key and salts of nobody's.
    ///
    /// # Errors
    /// None.
    pub fn over(log: Arc<dyn EventLog>, random: &dyn Random) -> Result<Self, NoteError> {
        Ok(Self::new(log, Salts::new([7; 32]), SigningKey::generate("souk.test", random)?))
    }

    /// What checks its signatures.
    #[must_use]
    pub const fn verifier_key(&self) -> &VerifierKey {
        self.key.verifier()
    }

    /// From now on only the first `most` events are in it, as if it had not come further.
    pub fn stop_at(&self, most: Option<usize>) {
        *self.most.lock().unwrap_or_else(PoisonError::into_inner) = most;
    }

    async fn make(&self) -> Result<Made, LedgerError> {
        let unavailable = |error: &dyn std::fmt::Display| LedgerError::Unavailable(error.to_string());
        let most = self.most.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or(usize::MAX);
        let (mut events, mut after) = (Vec::new(), 0);
        loop {
            let page = self.log.read_all(after, &Filter::default(), 1000).await.map_err(|error| unavailable(&error))?;
            let Some(last) = page.last() else { break };
            after = last.position;
            events.extend(page);
        }
        events.truncate(most);
        let leaf = |(index, event): (u64, &RecordedEvent)| Leaf::of(index, event, &self.openings(event)).encode();
        let entries = (0..).zip(&events).map(leaf).map(|entry| entry.map(|entry| entry.to_vec()));
        let entries = entries.collect::<Result<Vec<_>, _>>().map_err(|error| unavailable(&error))?;
        let mut edge = Edge::default();
        let tiles = edge.extend(entries.iter().map(|entry| record_hash(entry)));
        let root = edge.root().map_err(missing)?;
        let signed = (!events.is_empty()).then(|| self.key.sign(edge.size(), root.0)).transpose();
        let signed = signed.map_err(|error| unavailable(&error))?;
        let tiles: HashMap<_, _> = tiles.into_iter().map(|(key, tile)| (key, Bytes::from(tile))).collect();
        Ok(Made { events, entries, tiles: TileHashes(tiles), signed })
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn checkpoint(&self) -> Result<Option<SignedCheckpoint>, LedgerError> {
        Ok(self.make().await?.signed)
    }

    async fn tile(&self, tile: Tile) -> Result<Option<Bytes>, LedgerError> {
        let made = self.make().await?;
        match tile.kind {
            TileKind::Hashes(level) => {
                let wanted = usize::from(tile.width) * HASH_SIZE;
                let found = made.tiles.0.get(&(level, tile.number));
                Ok(found.filter(|hashes| hashes.len() >= wanted).map(|hashes| hashes.slice(..wanted)))
            }
            TileKind::Entries => {
                let first =
                    tile.number.checked_mul(u64::from(TILE_WIDTH)).and_then(|first| usize::try_from(first).ok());
                let range = first.and_then(|first| Some(first..first.checked_add(usize::from(tile.width))?));
                range.and_then(|range| made.entries.get(range)).map(bundle).transpose()
            }
        }
    }

    async fn prove(&self, positions: &[Position]) -> Result<Proofs, LedgerError> {
        let made = self.make().await?;
        let checkpoint = made.signed.ok_or(LedgerError::Unsigned)?;
        let mut items = Vec::new();
        for ((index, event), entry) in (0..).zip(&made.events).zip(made.entries) {
            if positions.contains(&event.position) {
                let proof = prove_record(checkpoint.size, index, &made.tiles).map_err(missing)?;
                let proof = proof.into_iter().map(|hash| hash.0).collect();
                items.push(Inclusion { position: event.position, index, leaf: Bytes::from(entry), proof });
            }
        }
        Ok(Proofs { checkpoint, items })
    }

    async fn consistency(&self, from: u64, to: u64) -> Result<Vec<TreeHash>, LedgerError> {
        let made = self.make().await?;
        let size = made.signed.ok_or(LedgerError::Unsigned)?.size;
        if from == 0 || from > to || to > size {
            return Err(LedgerError::BeyondTree { size });
        }
        let proof = prove_tree(to, from, &made.tiles).map_err(missing)?;
        Ok(proof.into_iter().map(|hash| hash.0).collect())
    }

    fn openings(&self, event: &RecordedEvent) -> Openings {
        self.salts.openings(event)
    }

    async fn status(&self) -> Result<LedgerStatus, LedgerError> {
        let made = self.make().await?;
        let size = made.entries.len() as u64;
        Ok(LedgerStatus {
            size,
            position: made.events.last().map_or(0, |event| event.position),
            signed_size: size,
            verifier_key: Some(self.key.verifier().to_string()),
            ..LedgerStatus::default()
        })
    }
}
