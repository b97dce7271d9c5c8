//! The tables.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use souk_ports::{
    LedgerError, Position,
    ledger::{LedgerStatus, SignedCheckpoint},
};
use sqlx::{PgConnection, PgPool};
use tlog_tiles::{EMPTY_HASH, Hash};
use uuid::Uuid;

use crate::tree::{TileHashes, TileKey, Tiles};

/// The tree as it is in the database.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Head {
    /// Leaves.
    pub size: u64,
    /// The root.
    pub root: Hash,
    /// Position and id of the event of the last leaf.
    pub last: Option<(Position, Uuid)>,
}

/// The row of `souk_ledger.head`.
pub struct Row {
    /// The tree.
    pub head: Head,
    /// What was signed last.
    pub signed: Option<(u64, String)>,
    /// Whose signature that is.
    pub verifier_key: Option<String>,
}

/// A leaf to write.
pub struct NewLeaf {
    /// Place in the log.
    pub position: Position,
    /// Its bytes.
    pub entry: Bytes,
}

#[allow(clippy::needless_pass_by_value, reason = "it is what `map_err` calls")]
pub fn failed(error: sqlx::Error) -> LedgerError {
    LedgerError::Unavailable(error.to_string())
}

fn number(value: i64, column: &str) -> Result<u64, LedgerError> {
    u64::try_from(value).map_err(|_| LedgerError::Corrupt(format!("souk_ledger.head has {value} in {column}")))
}

pub fn stored(value: u64) -> Result<i64, LedgerError> {
    i64::try_from(value).map_err(|_| LedgerError::Corrupt(format!("{value} is more than a ledger can have")))
}

/// The head.
pub async fn head(pool: &PgPool) -> Result<Row, LedgerError> {
    type Columns = (i64, Option<Vec<u8>>, i64, Option<Uuid>, i64, Option<String>, Option<String>);
    let row: Columns = sqlx::query_as(
        "SELECT size, root, position, event, signed_size, note, verifier_key FROM souk_ledger.head WHERE only_one",
    )
    .fetch_one(pool)
    .await
    .map_err(failed)?;
    let (size, root, position, event, signed_size, note, verifier_key) = row;
    let root = match root {
        None => EMPTY_HASH,
        Some(root) => Hash(root.try_into().map_err(|_| LedgerError::Corrupt("souk_ledger.head.root".to_owned()))?),
    };
    let position = number(position, "position")?;
    let signed_size = number(signed_size, "signed_size")?;
    Ok(Row {
        head: Head { size: number(size, "size")?, root, last: event.map(|event| (position, event)) },
        signed: note.map(|note| (signed_size, note)),
        verifier_key,
    })
}

/// How far it is.
pub async fn status(pool: &PgPool) -> Result<LedgerStatus, LedgerError> {
    type Columns = (i64, i64, i64, Option<DateTime<Utc>>, Option<String>, Option<String>);
    let row: Columns = sqlx::query_as(
        "SELECT size, position, signed_size, signed_at, verifier_key, trouble FROM souk_ledger.head WHERE only_one",
    )
    .fetch_one(pool)
    .await
    .map_err(failed)?;
    let (size, position, signed_size, signed_at, verifier_key, trouble) = row;
    Ok(LedgerStatus {
        size: number(size, "size")?,
        position: number(position, "position")?,
        signed_size: number(signed_size, "signed_size")?,
        signed_at,
        verifier_key,
        trouble,
    })
}

/// The note that was signed last.
pub async fn note(pool: &PgPool) -> Result<Option<String>, LedgerError> {
    sqlx::query_scalar("SELECT note FROM souk_ledger.head WHERE only_one").fetch_one(pool).await.map_err(failed)
}

/// These tiles, as far as there are any.
pub async fn tiles(pool: &PgPool, keys: impl IntoIterator<Item = TileKey>) -> Result<TileHashes, LedgerError> {
    let keys: BTreeSet<TileKey> = keys.into_iter().collect();
    if keys.is_empty() {
        return Ok(TileHashes(HashMap::new()));
    }
    let levels: Vec<i16> = keys.iter().map(|(level, _)| i16::from(*level)).collect();
    let numbers = keys.iter().map(|(_, number)| stored(*number)).collect::<Result<Vec<i64>, _>>()?;
    let rows: Vec<(i16, i64, Vec<u8>)> = sqlx::query_as(
        "SELECT tile.level, tile.number, tile.hashes FROM unnest($1::smallint[], $2::bigint[]) AS wanted (level, number) \
         JOIN souk_ledger.tile USING (level, number)",
    )
    .bind(levels)
    .bind(numbers)
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let rows = rows.into_iter().filter_map(|(level, number, hashes)| {
        Some(((u8::try_from(level).ok()?, u64::try_from(number).ok()?), Bytes::from(hashes)))
    });
    Ok(TileHashes(rows.collect()))
}

/// Leaves from `from` on, before `to`, in order.
pub async fn entries(pool: &PgPool, from: u64, to: u64) -> Result<Vec<Vec<u8>>, LedgerError> {
    sqlx::query_scalar("SELECT entry FROM souk_ledger.leaf WHERE index >= $1 AND index < $2 ORDER BY index")
        .bind(stored(from)?)
        .bind(stored(to)?)
        .fetch_all(pool)
        .await
        .map_err(failed)
}

/// Index, position and bytes of the leaves at these positions that are among the first `size`, in order.
pub async fn leaves(
    pool: &PgPool,
    positions: &[Position],
    size: u64,
) -> Result<Vec<(u64, Position, Bytes)>, LedgerError> {
    // What is beyond what a log can have is not in it.
    let positions: Vec<i64> = positions.iter().filter_map(|position| i64::try_from(*position).ok()).collect();
    let rows: Vec<(i64, i64, Vec<u8>)> = sqlx::query_as(
        "SELECT index, position, entry FROM souk_ledger.leaf WHERE position = ANY($1) AND index < $2 ORDER BY index",
    )
    .bind(positions)
    .bind(stored(size)?)
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let rows = rows.into_iter().map(|(index, position, entry)| {
        Ok((number(index, "index")?, number(position, "position")?, Bytes::from(entry)))
    });
    rows.collect()
}

/// Writes leaves, tiles and head, if the head is still `before`.
///
/// # Errors
/// `Ok(false)` when somebody else has moved the head.
pub async fn commit(
    pool: &PgPool,
    before: &Head,
    after: &Head,
    leaves: Vec<NewLeaf>,
    tiles: Tiles,
) -> Result<bool, LedgerError> {
    let mut transaction = souk_transaction::begin(pool).await.map_err(failed)?;
    let moved = sqlx::query(
        "UPDATE souk_ledger.head SET size = $1, root = $2, position = $3, event = $4 WHERE only_one AND size = $5",
    )
    .bind(stored(after.size)?)
    .bind(after.root.0.as_slice())
    .bind(stored(after.last.map_or(0, |(position, _)| position))?)
    .bind(after.last.map(|(_, event)| event))
    .bind(stored(before.size)?)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    if moved.rows_affected() == 0 {
        return Ok(false);
    }
    insert(&mut transaction, before.size, leaves, tiles).await?;
    transaction.commit().await.map_err(failed)?;
    Ok(true)
}

async fn insert(at: &mut PgConnection, first: u64, leaves: Vec<NewLeaf>, tiles: Tiles) -> Result<(), LedgerError> {
    let positions = leaves.iter().map(|leaf| stored(leaf.position)).collect::<Result<Vec<i64>, _>>()?;
    let entries: Vec<&[u8]> = leaves.iter().map(|leaf| &*leaf.entry).collect();
    sqlx::query(
        "INSERT INTO souk_ledger.leaf (index, position, entry) \
         SELECT $1 + place - 1, position, entry FROM unnest($2::bigint[], $3::bytea[]) WITH ORDINALITY AS new (position, entry, place)",
    )
    .bind(stored(first)?)
    .bind(positions)
    .bind(entries)
    .execute(&mut *at)
    .await
    .map_err(failed)?;
    let levels: Vec<i16> = tiles.keys().map(|(level, _)| i16::from(*level)).collect();
    let numbers = tiles.keys().map(|(_, number)| stored(*number)).collect::<Result<Vec<i64>, _>>()?;
    let hashes: Vec<&[u8]> = tiles.values().map(Vec::as_slice).collect();
    sqlx::query(
        "INSERT INTO souk_ledger.tile (level, number, hashes) SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[]) \
         ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes",
    )
    .bind(levels)
    .bind(numbers)
    .bind(hashes)
    .execute(at)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Puts what was signed into the place of what was signed before it.
pub async fn signed(pool: &PgPool, signed: &SignedCheckpoint, verifier_key: &str) -> Result<(), LedgerError> {
    sqlx::query(
        "UPDATE souk_ledger.head SET signed_size = $1, note = $2, signed_at = now(), verifier_key = $3, trouble = NULL \
         WHERE only_one AND signed_size < $1",
    )
    .bind(stored(signed.size)?)
    .bind(&signed.note)
    .bind(verifier_key)
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Says why nothing is signed any more, or that all is well again.
pub async fn trouble(pool: &PgPool, trouble: Option<&str>) -> Result<(), LedgerError> {
    sqlx::query("UPDATE souk_ledger.head SET trouble = $1 WHERE only_one AND trouble IS DISTINCT FROM $1")
        .bind(trouble)
        .execute(pool)
        .await
        .map_err(failed)?;
    Ok(())
}
