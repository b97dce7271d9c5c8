//! Artifacts in memory.

use std::{collections::HashMap, ops::Range, sync::Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use sha2::{Digest, Sha256};
use souk_ports::{ArtifactChunks, ArtifactError, ArtifactStore};

use crate::lock;

/// Bytes of a chunk: few, so that what is read in a test comes in several.
const CHUNK: usize = 64 << 10;

/// Keeps artifacts in memory.
#[derive(Debug, Default)]
pub struct MemoryArtifacts(Mutex<HashMap<String, Bytes>>);

impl MemoryArtifacts {
    /// Replaces what is kept under `digest`, so that it does not fit any more.
    pub fn damage(&self, digest: &str, bytes: Bytes) {
        lock(&self.0).insert(digest.to_owned(), bytes);
    }

    /// What is kept, unchecked.
    fn kept(&self, digest: &str) -> Result<Bytes, ArtifactError> {
        lock(&self.0).get(digest).cloned().ok_or_else(|| ArtifactError::NotFound(digest.to_owned()))
    }
}

/// That `bytes` are those of `digest`.
fn check(digest: &str, bytes: &[u8]) -> Result<(), ArtifactError> {
    let right = hex::encode(Sha256::digest(bytes)) == digest;
    right.then_some(()).ok_or_else(|| ArtifactError::Damaged(digest.to_owned()))
}

#[async_trait]
impl ArtifactStore for MemoryArtifacts {
    async fn put(&self, bytes: Bytes) -> Result<String, ArtifactError> {
        let digest = hex::encode(Sha256::digest(&bytes));
        lock(&self.0).insert(digest.clone(), bytes);
        Ok(digest)
    }

    async fn get(&self, digest: &str) -> Result<Bytes, ArtifactError> {
        let bytes = self.kept(digest)?;
        check(digest, &bytes)?;
        Ok(bytes)
    }

    async fn size(&self, digest: &str) -> Result<u64, ArtifactError> {
        Ok(self.kept(digest)?.len() as u64)
    }

    async fn read(&self, digest: &str, range: Range<u64>) -> Result<ArtifactChunks, ArtifactError> {
        let bytes = self.kept(digest)?;
        let (Range { start, end }, size) = (range, bytes.len() as u64);
        if start > end || end > size {
            return Err(ArtifactError::OutOfRange { digest: digest.to_owned(), start, end, size });
        }
        // What is in memory fits its addresses.
        let part = bytes.slice(start as usize..end as usize);
        let mut chunks: Vec<_> = part.chunks(CHUNK).map(|chunk| Ok(part.slice_ref(chunk))).collect();
        if part.len() == bytes.len()
            && let Err(error) = check(digest, &bytes)
        {
            chunks.pop();
            chunks.push(Err(error));
        }
        Ok(stream::iter(chunks).boxed())
    }
}
