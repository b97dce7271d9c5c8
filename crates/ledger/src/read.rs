//! The ledger, to read.

use std::collections::BTreeSet;

use async_trait::async_trait;
use bytes::{BufMut, Bytes, BytesMut};
use souk_ports::{
    Ledger, LedgerError, Position, RecordedEvent,
    ledger::{Inclusion, LedgerStatus, Openings, Proofs, SignedCheckpoint, TILE_WIDTH, Tile, TileKind, TreeHash},
};
use sqlx::PgPool;
use tlog_tiles::{Checkpoint, HASH_SIZE, prove_record, prove_tree};

use crate::{
    leaf::Salts,
    store,
    tree::{HEIGHT, tiles_of_consistency, tiles_of_inclusion},
};

/// The ledger in a database.
#[derive(Clone)]
pub struct PostgresLedger {
    pool: PgPool,
    salts: Salts,
}

impl PostgresLedger {
    /// The one in the database of `pool`.
    #[must_use]
    pub const fn new(pool: PgPool, salts: Salts) -> Self {
        Self { pool, salts }
    }

    async fn signed(&self) -> Result<SignedCheckpoint, LedgerError> {
        self.checkpoint().await?.ok_or(LedgerError::Unsigned)
    }
}

/// The head in a note that Souk itself wrote; whose signature it has is nothing that it needs to ask itself.
pub fn unsigned(note: String) -> Result<SignedCheckpoint, LedgerError> {
    let corrupt = || LedgerError::Corrupt("souk_ledger.head.note is no checkpoint".to_owned());
    let (text, _) = note.split_once("\n\n").ok_or_else(corrupt)?;
    let head = Checkpoint::from_bytes(format!("{text}\n").as_bytes()).map_err(|_| corrupt())?;
    Ok(SignedCheckpoint { size: head.size(), root: head.hash().0, note })
}

#[allow(clippy::needless_pass_by_value, reason = "it is what `map_err` calls")]
pub fn missing(error: tlog_tiles::Error) -> LedgerError {
    LedgerError::Corrupt(format!("souk_ledger.tile has not what a proof needs: {error}"))
}

/// Leaves as a tile of them has them.
pub fn bundle(entries: &[Vec<u8>]) -> Result<Bytes, LedgerError> {
    let mut bundle = BytesMut::new();
    for entry in entries {
        let length = u16::try_from(entry.len());
        bundle.put_u16(length.map_err(|_| LedgerError::Corrupt("souk_ledger.leaf.entry is too long".to_owned()))?);
        bundle.put_slice(entry);
    }
    Ok(bundle.freeze())
}

#[async_trait]
impl Ledger for PostgresLedger {
    async fn checkpoint(&self) -> Result<Option<SignedCheckpoint>, LedgerError> {
        store::note(&self.pool).await?.map(unsigned).transpose()
    }

    async fn tile(&self, tile: Tile) -> Result<Option<Bytes>, LedgerError> {
        match tile.kind {
            TileKind::Hashes(level) if level >= HEIGHT => Ok(None),
            // Beyond what a database can count there is nothing.
            _ if tile.number >= 1 << 48 => Ok(None),
            TileKind::Hashes(level) => {
                let key = (level, tile.number);
                let mut tiles = store::tiles(&self.pool, [key]).await?;
                let found = tiles.0.remove(&key);
                let wanted = usize::from(tile.width) * HASH_SIZE;
                Ok(found.filter(|hashes| hashes.len() >= wanted).map(|hashes| hashes.slice(..wanted)))
            }
            TileKind::Entries => {
                let first = tile.number * u64::from(TILE_WIDTH);
                let entries = store::entries(&self.pool, first, first + u64::from(tile.width)).await?;
                (entries.len() == usize::from(tile.width)).then(|| bundle(&entries)).transpose()
            }
        }
    }

    async fn prove(&self, positions: &[Position]) -> Result<Proofs, LedgerError> {
        let checkpoint = self.signed().await?;
        let leaves = store::leaves(&self.pool, positions, checkpoint.size).await?;
        let mut wanted = BTreeSet::new();
        for (index, ..) in &leaves {
            wanted.extend(tiles_of_inclusion(*index, checkpoint.size).map_err(missing)?);
        }
        let tiles = store::tiles(&self.pool, wanted).await?;
        let items = leaves.into_iter().map(|(index, position, leaf)| {
            let proof = prove_record(checkpoint.size, index, &tiles).map_err(missing)?;
            Ok(Inclusion { position, index, leaf, proof: proof.into_iter().map(|hash| hash.0).collect() })
        });
        let items = items.collect::<Result<_, LedgerError>>()?;
        Ok(Proofs { checkpoint, items })
    }

    async fn consistency(&self, from: u64, to: u64) -> Result<Vec<TreeHash>, LedgerError> {
        let size = self.signed().await?.size;
        if from == 0 || from > to || to > size {
            return Err(LedgerError::BeyondTree { size });
        }
        let wanted = tiles_of_consistency(from, to).map_err(missing)?;
        let tiles = store::tiles(&self.pool, wanted).await?;
        let proof = prove_tree(to, from, &tiles).map_err(missing)?;
        Ok(proof.into_iter().map(|hash| hash.0).collect())
    }

    fn openings(&self, event: &RecordedEvent) -> Openings {
        self.salts.openings(event)
    }

    async fn status(&self) -> Result<LedgerStatus, LedgerError> {
        store::status(&self.pool).await
    }
}
