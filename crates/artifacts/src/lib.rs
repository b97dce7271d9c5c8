//! Artifacts in a local directory, named by their SHA-256.
//!
//! The artifact `abcdef…` is the file `ab/cdef…` (mode 0600). It is written to `drafts/` first, synced, and renamed, so that
//! a file under its final name is complete, also after a crash. Several processes may use one directory at a time.

mod draft;
mod file;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use souk_ports::{ArtifactError, ArtifactStore};

use crate::file::Place;

/// What is shown of a digest that is none.
const SHOWN: usize = 80;

/// An [`ArtifactStore`] in a directory of its own.
#[derive(Clone, Debug)]
pub struct LocalArtifacts(Arc<Place>);

impl LocalArtifacts {
    /// The store in `directory`, which is made (mode 0700) when it is not there. Drafts that a crash left are removed; those
    /// that another process writes just now are not.
    ///
    /// # Errors
    /// The directory cannot be made or written to.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, ArtifactError> {
        let directory = directory.into();
        Place::open(directory.clone()).map(|place| Self(Arc::new(place))).map_err(|error| failed(&directory, &error))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Place) -> Result<T, ArtifactError> + Send + 'static,
    ) -> Result<T, ArtifactError> {
        let place = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || work(&place))
            .await
            .map_err(|error| ArtifactError::Unavailable(error.to_string()))?
    }
}

#[async_trait]
impl ArtifactStore for LocalArtifacts {
    async fn put(&self, bytes: Bytes) -> Result<String, ArtifactError> {
        self.run(move |place| {
            let digest = digest_of(&bytes);
            place.keep(&digest, &bytes).map_err(|error| failed(place.directory(), &error))?;
            Ok(digest)
        })
        .await
    }

    async fn get(&self, digest: &str) -> Result<Bytes, ArtifactError> {
        if !is_digest(digest) {
            return Err(ArtifactError::NotFound(digest.chars().take(SHOWN).collect()));
        }
        let digest = digest.to_owned();
        self.run(move |place| {
            let bytes = match place.read(&digest) {
                Ok(Some(bytes)) => bytes,
                Ok(None) => return Err(ArtifactError::NotFound(digest)),
                Err(error) => return Err(failed(place.directory(), &error)),
            };
            if digest_of(&bytes) == digest { Ok(Bytes::from(bytes)) } else { Err(ArtifactError::Damaged(digest)) }
        })
        .await
    }
}

fn failed(directory: &Path, error: &io::Error) -> ArtifactError {
    ArtifactError::Unavailable(format!("{}: {error}", directory.display()))
}

fn digest_of(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Whether `text` is 64 lower-case hexadecimal digits, and so can be part of a path.
fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
