//! Plugin archives: reading them safely, packing them deterministically, and their manifest.
//!
//! Everything here is pure and synchronous: bytes in, a value or findings out. Nothing is ever unpacked to a file system,
//! and the time and memory that hostile bytes can cost are bounded by [`archive::Limits`].

pub mod archive;
pub mod capabilities;
mod finding;
pub mod frontmatter;
pub mod ignore;
pub mod kinds;
pub mod manifest;
pub mod pack;
pub mod samples;
pub mod workflow;

use sha2::{Digest, Sha256};

pub use finding::{finding, shown};

/// SHA-256 of `bytes`, 64 lower-case hex digits: how archives and reports are named.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
