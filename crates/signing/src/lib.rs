//! Who signs what, and how it is checked without asking anybody.
//!
//! | who | signs | with |
//! |---|---|---|
//! | a vendor | the 32 bytes of an archive's SHA-256 ([`artifact_message`]) | a key that it made and registered |
//! | Souk | `souk release record v1`, a line feed, and the canonical JSON of a [`Record`] ([`record_message`]) | its own key |
//! | Souk | `license/` or `machine/`, and what a license file says ([`license_file`]) | the same key |
//!
//! Signatures are Ed25519 (RFC 8032), checked strictly: keys and points of small order and encodings that are not canonical are
//! refused, so that everybody agrees on what is right. Keys and signatures travel as base64 with padding.
//!
//! Pure: no file, no clock, no randomness.

mod canonical;
mod check;
mod key;
pub mod license_file;
mod record;

use sha2::{Digest, Sha256};

pub use canonical::canonical;
pub use check::{Check, Outcome, check, keys_of};
pub use key::{KeyError, PublicKey, SecretKey, Signature};
pub use record::{Record, SignedRecord, record_message};

/// What a vendor signs of an archive: its SHA-256, 32 bytes. None when `digest` is not 64 hex digits.
#[must_use]
pub fn artifact_message(digest: &str) -> Option<[u8; 32]> {
    hex::decode(digest).ok()?.try_into().ok()
}

/// SHA-256 of `bytes`, 64 lower-case hex digits.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
