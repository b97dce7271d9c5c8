//! Keys of persons, and the sealing of personal fields.
//!
//! Every secret descends from one key-encryption key ([`KeyEncryptionKey`]) by HKDF-SHA256. Each person has a random key,
//! stored wrapped; it seals that person's fields, and once it is destroyed nobody reads them again.
//!
//! A sealed field is `{"$enc":1,"kid":SUBJECT,"n":NONCE,"ct":CIPHERTEXT,"kc":COMMITMENT}`, everything but the subject in
//! unpadded base64url. It is XChaCha20-Poly1305 under a key that is derived from the person's key and the nonce, with a
//! commitment to that key, so that a ciphertext opens under one key only. Event id, stream, subject and the place of the
//! field (a JSON Pointer into the event's data) are authenticated: a field that is moved does not open. The nonce is a
//! keyed hash of all that and the text, so that sealing again gives the same bytes.

mod field;
mod files;
mod keys;
mod license;
mod person;
mod record;
mod sealing;

pub use files::KeyFiles;
pub use keys::{KeyEncryptionKey, KeyError};
pub use sealing::SealingVault;
