//! A Merkle tree over every event, its tiles, signed heads and proofs.
//!
//! The tree is that of RFC 6962 (SHA-256, as `tlog_tiles` has it). A [`Sequencer`] follows the log, makes a leaf of each event
//! ([`leaf`]), and writes leaves, tiles and head in one transaction. Only then is the head signed ([`note`]), kept in a file outside
//! of the database ([`Outside`]), and served. Before each signature it is proven that the new tree continues the one of that file, so
//! that a database that was set back, or changed, is never signed as if nothing were.
//!
//! [`PostgresLedger`] reads what is there; [`verify`] checks it without asking anybody.

pub mod leaf;
mod memory;
pub mod note;
mod outside;
mod read;
mod sequencer;
mod store;
mod tree;
pub mod verify;

pub use self::{
    leaf::Salts,
    memory::MemoryLedger,
    note::{NoteError, SigningKey, VerifierKey},
    outside::Outside,
    read::PostgresLedger,
    sequencer::{Options, Refusal, Sequencer, SequencerError},
};
