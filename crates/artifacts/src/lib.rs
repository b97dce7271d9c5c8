//! Artifacts named by their SHA-256, in a local directory or in an S3-compatible store.
//!
//! The artifact `abcdef…` is the file `ab/cdef…` ([`LocalArtifacts`]), or the object of that name under a prefix
//! ([`S3Artifacts`]), so that one can be copied to the other as it is.

mod checked;
mod draft;
mod file;
mod local;
mod s3;

use std::ops::Range;

use sha2::{Digest as _, Sha256};
use souk_ports::ArtifactError;

pub use crate::{
    local::LocalArtifacts,
    s3::{Patience, S3Artifacts, S3Settings},
};

/// What is shown of a digest that is none.
const SHOWN: usize = 80;

fn digest_of(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// `text` itself when it is 64 lower-case hexadecimal digits, and so can be part of a path. There is nothing under another name.
fn digest(text: &str) -> Result<&str, ArtifactError> {
    if text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        Ok(text)
    } else {
        Err(ArtifactError::NotFound(text.chars().take(SHOWN).collect()))
    }
}

/// That `range` is within the `size` bytes of `digest`.
fn within(digest: &str, range: &Range<u64>, size: u64) -> Result<(), ArtifactError> {
    let Range { start, end } = *range;
    if start > end || end > size {
        return Err(ArtifactError::OutOfRange { digest: digest.to_owned(), start, end, size });
    }
    Ok(())
}
