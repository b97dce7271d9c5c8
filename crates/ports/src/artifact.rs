//! Where archives and reports are kept.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

/// What goes wrong with artifacts.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// No artifact has this digest.
    #[error("no artifact has the digest {0}")]
    NotFound(String),
    /// The stored bytes are not those of the digest.
    #[error("the artifact {0} is damaged: its bytes have another digest")]
    Damaged(String),
    /// The range ends behind the artifact, or before it begins.
    #[error("the artifact {digest} has {size} bytes: the range {start}..{end} is not within them")]
    OutOfRange {
        /// Whose bytes were asked for.
        digest: String,
        /// Its first byte.
        start: u64,
        /// The byte behind its last one.
        end: u64,
        /// What there is, bytes.
        size: u64,
    },
    /// The store failed.
    #[error("the artifact store failed: {0}")]
    Unavailable(String),
}

/// Bytes of an artifact in their order, in chunks of at most [`MAX_CHUNK`]. Nothing follows an error.
pub type ArtifactChunks = BoxStream<'static, Result<Bytes, ArtifactError>>;

/// The greatest chunk of [`ArtifactChunks`], bytes.
pub const MAX_CHUNK: usize = 1 << 20;

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

    /// How many bytes are stored under `digest`. They are not read, so nothing is checked.
    ///
    /// # Errors
    /// There is no such artifact, or the store failed.
    async fn size(&self, digest: &str) -> Result<u64, ArtifactError>;

    /// The bytes `range` of `digest`. They are fetched as the stream is read, and only a few chunks are held at a time. A part
    /// cannot be checked against the digest. All of it can: then a stream of other bytes has [`ArtifactError::Damaged`] in
    /// the place of its last chunk, so that whoever passes it on breaks off before the end.
    ///
    /// # Errors
    /// There is no such artifact, the range is not within it, or the store failed; what fails later is in the stream. An
    /// empty range within it is none.
    async fn read(&self, digest: &str, range: Range<u64>) -> Result<ArtifactChunks, ArtifactError>;
}
