//! Artifacts in a bucket of an S3-compatible store.
//!
//! An object is put in one request, with its SHA-256 as checksum, on condition that there is none of its name: the store
//! refuses bytes that were damaged on the way, and what is there is not written again. One request carries up to 5 GiB, a
//! hundred times the greatest archive, so nothing is put in parts. Requests that fail are tried again, with growing, random
//! waits between, until the [`Patience`] is over.

mod error;
mod settings;

use std::{
    fmt,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{
    BackoffConfig, ClientOptions, Error, GetOptions, GetRange, GetResult, ObjectStore, ObjectStoreExt, PutMode,
    RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, Checksum, S3ConditionalPut},
    path::Path,
};
use souk_ports::{ArtifactChunks, ArtifactError, ArtifactStore};

use self::error::Refusal;
pub use self::settings::{Patience, S3Settings};
use crate::{checked::checked, digest, digest_of, within};

/// How often a request is tried again.
const RETRIES: usize = 6;
/// How often it is tried to put an object that is neither there nor can be made: others may be at it, or just remove it.
const ATTEMPTS: usize = 3;
/// More bytes than an object can have, but not more than every store can count.
const LARGEST: u64 = 1 << 50;
/// The most memory that is taken for a `get` before its bytes have come: its size is only what the store says.
const BELIEVED: u64 = 64 << 20;

/// An [`ArtifactStore`] in a bucket. Several processes may use one bucket and prefix at a time.
#[derive(Clone)]
pub struct S3Artifacts(Arc<Bucket>);

struct Bucket {
    store: AmazonS3,
    /// For who reads an error: the bucket and where it is.
    name: String,
    prefix: String,
    patience: Patience,
    /// Set once the store said that it knows no conditions.
    unconditional: AtomicBool,
}

impl fmt::Debug for S3Artifacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("S3Artifacts").field(&self.0.name).field(&self.0.prefix).finish()
    }
}

impl S3Artifacts {
    /// The store that `settings` name. Nothing is asked yet.
    ///
    /// # Errors
    /// The settings are wrong, see [`S3Settings::problems`]; or the machine's certificates cannot be had.
    pub fn new(settings: &S3Settings) -> Result<Self, ArtifactError> {
        if let Some((field, problem)) = settings.problems().into_iter().next() {
            return Err(ArtifactError::Unavailable(format!("{field}: {problem}")));
        }
        let S3Settings { bucket, region, endpoint, prefix, patience, .. } = settings.clone();
        // The client's own limits are for all of a request, however much it carries; ours are not.
        let client = ClientOptions::new()
            .with_allow_http(settings.allow_http)
            .with_connect_timeout(patience.connection)
            .with_read_timeout_disabled()
            .with_timeout_disabled();
        let backoff = BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(3),
            ..BackoffConfig::default()
        };
        let retry = RetryConfig { backoff, max_retries: RETRIES, retry_timeout: patience.transfer };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&bucket)
            .with_region(&region)
            .with_access_key_id(&settings.access_key_id)
            .with_secret_access_key(settings.secret_access_key.as_str())
            .with_checksum_algorithm(Checksum::SHA256)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_client_options(client)
            .with_retry(retry);
        let mut name = format!("bucket {bucket} in {region}");
        if let Some(endpoint) = endpoint {
            name = format!("bucket {bucket} at {endpoint}");
            builder = builder.with_endpoint(endpoint.trim_end_matches('/'));
        }
        let store = builder.build().map_err(|error| ArtifactError::Unavailable(format!("{name}: {error}")))?;
        let unconditional = AtomicBool::new(false);
        Ok(Self(Arc::new(Bucket { store, name, prefix, patience, unconditional })))
    }
}

impl Bucket {
    fn path(&self, digest: &str) -> Path {
        let (first, rest) = digest.split_at(2);
        Path::from_iter(self.prefix.split('/').filter(|part| !part.is_empty()).chain([first, rest]))
    }

    /// What `error` means for `digest`.
    fn failed(&self, digest: &str, error: &Error) -> ArtifactError {
        let refusal = Refusal::of(error);
        if matches!(error, Error::NotFound { .. }) && !refusal.no_bucket() {
            return ArtifactError::NotFound(digest.to_owned());
        }
        self.unavailable(&refusal.words())
    }

    fn unavailable(&self, why: &str) -> ArtifactError {
        ArtifactError::Unavailable(format!("{}: {why}", self.name))
    }

    /// What `work` gives, within `limit`.
    async fn patiently<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, ArtifactError>>,
    ) -> Result<T, ArtifactError> {
        let late = || self.unavailable(&format!("it did not answer within {limit:?}"));
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(late()))
    }

    async fn size(&self, digest: &str) -> Result<u64, ArtifactError> {
        let path = self.path(digest);
        match self.store.head(&path).await {
            Ok(known) => Ok(known.size),
            // An answer to HEAD has no body, so it does not say whether the object or the bucket is missing, or why the
            // access key is refused. One to GET does; of an object that came meanwhile, nothing but the head is read.
            Err(Error::NotFound { .. } | Error::PermissionDenied { .. } | Error::Unauthenticated { .. }) => {
                let asked = self.store.get(&path).await;
                asked.map(|found| found.meta.size).map_err(|error| self.failed(digest, &error))
            }
            Err(error) => Err(self.failed(digest, &error)),
        }
    }

    /// Everything of `digest`, checked against it.
    async fn all(self: &Arc<Self>, digest: &str) -> Result<(u64, ArtifactChunks), ArtifactError> {
        let found = self.store.get(&self.path(digest)).await.map_err(|error| self.failed(digest, &error))?;
        let size = found.meta.size;
        Ok((size, checked(self.chunks(digest, found), digest.to_owned(), size, true)))
    }

    /// What was `found` as it comes in, each chunk within the patience.
    fn chunks(self: &Arc<Self>, digest: &str, found: GetResult) -> ArtifactChunks {
        let state = (Arc::clone(self), digest.to_owned(), found.into_stream());
        stream::try_unfold(state, |(bucket, digest, mut chunks)| async move {
            let next = async { chunks.try_next().await.map_err(|error| bucket.failed(&digest, &error)) };
            let chunk = bucket.patiently(bucket.patience.answer, next).await?;
            Ok(chunk.map(|chunk| (chunk, (bucket, digest, chunks))))
        })
        .boxed()
    }

    /// Bytes `range` of `digest`. An empty range cannot be asked for, and some stores give everything instead of a range whose
    /// numbers are too large for them: their places are only looked at.
    async fn part(self: &Arc<Self>, digest: &str, range: Range<u64>) -> Result<ArtifactChunks, ArtifactError> {
        if range.is_empty() || range.end > LARGEST {
            let size = self.size(digest).await?;
            within(digest, &range, size)?;
            return Ok(checked(stream::empty().boxed(), digest.to_owned(), 0, size == 0));
        }
        let options = GetOptions { range: Some(GetRange::Bounded(range.clone())), ..GetOptions::default() };
        match self.store.get_opts(&self.path(digest), options).await {
            Ok(found) => {
                let size = found.meta.size;
                within(digest, &range, size)?;
                let length = range.end - range.start;
                Ok(checked(self.chunks(digest, found), digest.to_owned(), length, length == size))
            }
            Err(error) => {
                // A range that begins behind the end is refused, by some stores in the same way as one that they cannot read.
                if matches!(Refusal::of(&error).status, Some(400 | 416)) {
                    within(digest, &range, self.size(digest).await?)?;
                }
                Err(self.failed(digest, &error))
            }
        }
    }

    async fn keep(self: &Arc<Self>, digest: &str, bytes: Bytes) -> Result<(), ArtifactError> {
        let path = self.path(digest);
        let mut trouble = self.unavailable(&format!("{digest} is neither there nor can it be put"));
        for _ in 0..ATTEMPTS {
            let mode = if self.unconditional.load(Ordering::Relaxed) { PutMode::Overwrite } else { PutMode::Create };
            match self.store.put_opts(&path, bytes.clone().into(), mode.into()).await {
                Ok(_) => return Ok(()),
                Err(Error::AlreadyExists { .. }) => {}
                Err(error) => {
                    let refusal = Refusal::of(&error);
                    trouble = self.unavailable(&refusal.words());
                    match refusal.status {
                        // Without the condition the same bytes are written again, which changes nothing either.
                        Some(501) => {
                            self.unconditional.store(true, Ordering::Relaxed);
                            continue;
                        }
                        // Some servers answer that there is one, and hang up, while they are still being sent the bytes.
                        None if refusal.broken => {}
                        _ => return Err(trouble),
                    }
                }
            }
            match self.verify(digest).await {
                // What another writer began may have failed: then nothing is there, and it is our turn again.
                Err(ArtifactError::NotFound(_)) => {}
                Err(ArtifactError::Damaged(_)) => return self.replace(digest, bytes).await,
                verified => return verified,
            }
        }
        Err(trouble)
    }

    /// That the object of `digest` has its bytes. They are read for that: the store's own checksum is about what it was given.
    async fn verify(self: &Arc<Self>, digest: &str) -> Result<(), ArtifactError> {
        let (_, chunks) = self.all(digest).await?;
        chunks.try_for_each(|_| async { Ok(()) }).await
    }

    /// Puts `bytes` in place of what has their name.
    async fn replace(&self, digest: &str, bytes: Bytes) -> Result<(), ArtifactError> {
        let put = self.store.put(&self.path(digest), bytes.into()).await;
        put.map(drop).map_err(|error| self.unavailable(&Refusal::of(&error).words()))
    }
}

#[async_trait]
impl ArtifactStore for S3Artifacts {
    async fn put(&self, bytes: Bytes) -> Result<String, ArtifactError> {
        let hashed = tokio::task::spawn_blocking(move || (digest_of(&bytes), bytes)).await;
        let (digest, bytes) = hashed.map_err(|error| ArtifactError::Unavailable(error.to_string()))?;
        self.0.patiently(self.0.patience.transfer, self.0.keep(&digest, bytes)).await?;
        Ok(digest)
    }

    async fn get(&self, text: &str) -> Result<Bytes, ArtifactError> {
        let digest = digest(text)?;
        let work = async {
            let (size, mut chunks) = self.0.patiently(self.0.patience.answer, self.0.all(digest)).await?;
            let mut bytes = Vec::with_capacity(usize::try_from(size.min(BELIEVED)).unwrap_or_default());
            while let Some(chunk) = chunks.try_next().await? {
                bytes.extend_from_slice(&chunk);
            }
            Ok(Bytes::from(bytes))
        };
        self.0.patiently(self.0.patience.transfer, work).await
    }

    async fn size(&self, text: &str) -> Result<u64, ArtifactError> {
        let digest = digest(text)?;
        self.0.patiently(self.0.patience.answer, self.0.size(digest)).await
    }

    async fn read(&self, text: &str, range: Range<u64>) -> Result<ArtifactChunks, ArtifactError> {
        let digest = digest(text)?;
        self.0.patiently(self.0.patience.answer, self.0.part(digest, range)).await
    }
}
