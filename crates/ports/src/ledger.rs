//! The ledger: a Merkle tree over all events, whose head Souk signs. What is signed once cannot be told otherwise later.
//!
//! The tree is that of RFC 6962 over SHA-256; tiles and signed heads are those of C2SP's `tlog-tiles` and `tlog-checkpoint`.

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::log::{Position, RecordedEvent};

/// A hash of the tree.
pub type TreeHash = [u8; 32];

/// Leaves, or hashes, in a complete tile.
pub const TILE_WIDTH: u16 = 256;

/// A signed head of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// Leaves of the tree.
    pub size: u64,
    /// Its root.
    pub root: TreeHash,
    /// The signed note, as it is served.
    pub note: String,
}

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TileKind {
    /// Hashes of subtrees with 256^level leaves, 0 to 7.
    Hashes(u8),
    /// The leaves themselves, each behind its length (two bytes, big-endian).
    Entries,
}

/// Which part of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tile {
    /// What it holds.
    pub kind: TileKind,
    /// Which one of its kind, from 0.
    pub number: u64,
    /// Its first so many, 1 to 256.
    pub width: u16,
}

impl Tile {
    /// The tile that `level` (`0` to `63`, or `entries`) and `rest` name, as C2SP writes the end of its path: three digits a
    /// group, an `x` before all groups but the last, and `.p/W` where it is not complete. None when it is written otherwise.
    #[must_use]
    pub fn parse(level: &str, rest: &str) -> Option<Self> {
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, partial(width)?),
            None => (rest, TILE_WIDTH),
        };
        let kind = if level == "entries" { TileKind::Entries } else { TileKind::Hashes(plain(level, 63)?) };
        Some(Self { kind, number: grouped(number)?, width })
    }
}

fn partial(text: &str) -> Option<u16> {
    plain(text, 255).map(u16::from).filter(|width| *width > 0)
}

/// A decimal number without leading zeros, at most `most`.
fn plain(text: &str, most: u8) -> Option<u8> {
    let number: u8 = text.parse().ok()?;
    (number <= most && number.to_string() == text).then_some(number)
}

fn grouped(text: &str) -> Option<u64> {
    let mut number = 0_u64;
    let mut groups = text.split('/').peekable();
    let mut first = true;
    while let Some(group) = groups.next() {
        let digits = if groups.peek().is_some() { group.strip_prefix('x')? } else { group };
        if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        // There is one way to write a number.
        if first && digits == "000" && groups.peek().is_some() {
            return None;
        }
        first = false;
        number = number.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    Some(number)
}

/// That an event is in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// Its place in the log.
    pub position: Position,
    /// Its place in the tree, from 0.
    pub index: u64,
    /// Its leaf, byte for byte.
    pub leaf: Bytes,
    /// The hashes beside its path, the lowest first.
    pub proof: Vec<TreeHash>,
}

/// That events are in one tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proofs {
    /// The tree.
    pub checkpoint: SignedCheckpoint,
    /// In order of position, those that are in it.
    pub items: Vec<Inclusion>,
}

/// What makes the hashes of a leaf checkable for who has what they are of; 32 bytes each. Told only to who may see that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Openings {
    /// Goes before the name of the stream; none where the leaf tells the name itself.
    pub stream: Option<[u8; 32]>,
    /// Goes before the data.
    pub data: [u8; 32],
    /// Goes before the metadata.
    pub metadata: [u8; 32],
}

/// How far the ledger is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerStatus {
    /// Leaves of the tree.
    pub size: u64,
    /// Position of the last event in it.
    pub position: Position,
    /// Leaves of the tree that was signed last.
    pub signed_size: u64,
    /// When that was.
    pub signed_at: Option<DateTime<Utc>>,
    /// Checks the signatures; none before the first.
    pub verifier_key: Option<String>,
    /// Why nothing is signed any more, in words for an operator; none while all is well.
    pub trouble: Option<String>,
}

/// What goes wrong with the ledger.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum LedgerError {
    /// It cannot be reached.
    #[error("the ledger cannot be reached: {0}")]
    Unavailable(String),
    /// No tree was signed yet.
    #[error("no tree was signed yet")]
    Unsigned,
    /// The signed tree is smaller than what was asked about.
    #[error("the signed tree has {size} leaves")]
    BeyondTree {
        /// Its leaves.
        size: u64,
    },
    /// What is stored contradicts itself; names table, column and row.
    #[error("the ledger holds something that cannot be: {0}")]
    Corrupt(String),
}

/// The tree and its signed heads, to read.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// The tree that was signed last; none before the first.
    ///
    /// # Errors
    /// See [`LedgerError`].
    async fn checkpoint(&self) -> Result<Option<SignedCheckpoint>, LedgerError>;

    /// The bytes of a tile; none when the tree has not so much of it.
    ///
    /// # Errors
    /// See [`LedgerError`].
    async fn tile(&self, tile: Tile) -> Result<Option<Bytes>, LedgerError>;

    /// That the events at these positions are in the tree that was signed last. Those that are not in it yet, or nowhere, are left
    /// out.
    ///
    /// # Errors
    /// [`LedgerError::Unsigned`], or as [`LedgerError`] says.
    async fn prove(&self, positions: &[Position]) -> Result<Proofs, LedgerError>;

    /// The hashes that lead from the tree of `from` leaves to the one of `to`, 1 <= `from` <= `to` <= what was signed.
    ///
    /// # Errors
    /// [`LedgerError::BeyondTree`], or as [`LedgerError`] says.
    async fn consistency(&self, from: u64, to: u64) -> Result<Vec<TreeHash>, LedgerError>;

    /// What makes the leaf of `event` checkable.
    fn openings(&self, event: &RecordedEvent) -> Openings;

    /// How far it is.
    ///
    /// # Errors
    /// See [`LedgerError`].
    async fn status(&self) -> Result<LedgerStatus, LedgerError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_named_as_c2sp_names_them() {
        let hashes = |level, number, width| Some(Tile { kind: TileKind::Hashes(level), number, width });
        assert_eq!(Tile::parse("0", "000"), hashes(0, 0, 256));
        assert_eq!(Tile::parse("1", "x001/x234/067.p/1"), hashes(1, 1_234_067, 1));
        assert_eq!(Tile::parse("63", "x018/x446/x744/x073/x709/x551/615"), hashes(63, u64::MAX, 256));
        assert_eq!(
            Tile::parse("entries", "x001/234.p/255"),
            Some(Tile { kind: TileKind::Entries, number: 1_234, width: 255 })
        );
    }

    #[test]
    fn what_is_written_otherwise_names_nothing() {
        for (level, rest) in [
            ("64", "000"),
            ("00", "000"),
            ("-1", "000"),
            ("+1", "000"),
            ("data", "000"),
            ("0", ""),
            ("0", "0"),
            ("0", "1000"),
            ("0", "001/234"),
            ("0", "x001"),
            ("0", "x000/001"),
            ("0", "x001//234"),
            ("0", "000.p/0"),
            ("0", "000.p/256"),
            ("0", "000.p/01"),
            ("0", "000.p/+1"),
            ("0", "000.p/"),
            ("0", "000.p"),
            ("0", "000.p/1/2"),
            ("0", "x018/x446/x744/x073/x709/x551/616"),
        ] {
            assert_eq!(Tile::parse(level, rest), None, "{level} {rest}");
        }
    }
}
