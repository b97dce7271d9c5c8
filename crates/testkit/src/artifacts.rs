//! Artifacts in memory.

use std::{collections::HashMap, sync::Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use souk_ports::{ArtifactError, ArtifactStore};

use crate::lock;

/// Keeps artifacts in memory.
#[derive(Debug, Default)]
pub struct MemoryArtifacts(Mutex<HashMap<String, Bytes>>);

impl MemoryArtifacts {
    /// Replaces what is kept under `digest`, so that it does not fit any more.
    pub fn damage(&self, digest: &str, bytes: Bytes) {
        lock(&self.0).insert(digest.to_owned(), bytes);
    }
}

#[async_trait]
impl ArtifactStore for MemoryArtifacts {
    async fn put(&self, bytes: Bytes) -> Result<String, ArtifactError> {
        let digest = hex::encode(Sha256::digest(&bytes));
        lock(&self.0).insert(digest.clone(), bytes);
        Ok(digest)
    }

    async fn get(&self, digest: &str) -> Result<Bytes, ArtifactError> {
        let bytes = lock(&self.0).get(digest).cloned().ok_or_else(|| ArtifactError::NotFound(digest.to_owned()))?;
        if hex::encode(Sha256::digest(&bytes)) == digest {
            Ok(bytes)
        } else {
            Err(ArtifactError::Damaged(digest.to_owned()))
        }
    }
}
