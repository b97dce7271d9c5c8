//! Where archives and reports are kept.

use async_trait::async_trait;
use bytes::Bytes;

/// What goes wrong with artifacts.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// No artifact has this digest.
    #[error("no artifact has the digest {0}")]
    NotFound(String),
    /// The stored bytes are not those of the digest.
    #[error("the artifact {0} is damaged: its bytes have another digest")]
    Damaged(String),
    /// The store failed.
    #[error("the artifact store failed: {0}")]
    Unavailable(String),
}

/// Keeps bytes by their SHA-256 (64 lower-case hex digits). What is kept never changes.
#[async_trait]
pub trait ArtifactStore: Send + Sync {
    /// Keeps `bytes` durably and returns their digest. Keeping the same bytes again changes nothing.
    ///
    /// # Errors
    /// The store failed.
    async fn put(&self, bytes: Bytes) -> Result<String, ArtifactError>;

    /// The bytes of `digest`, checked against it.
    ///
    /// # Errors
    /// See [`ArtifactError`].
    async fn get(&self, digest: &str) -> Result<Bytes, ArtifactError>;
}
