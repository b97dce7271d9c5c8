//! Artifacts in a local directory.
//!
//! A file (mode 0600) is written to `drafts/` first, synced, and renamed, so that one under its final name is complete, also
//! after a crash. Several processes may use one directory at a time.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use souk_ports::{ArtifactChunks, ArtifactError, ArtifactStore};

use crate::{checked::checked, digest, digest_of, file::Place, within};

/// Bytes that are read from a file at a time.
const CHUNK: u64 = 256 << 10;

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

    /// Does what waits for the disk, off the threads that must not.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Place) -> io::Result<T> + Send + 'static,
    ) -> Result<T, ArtifactError> {
        let place = Arc::clone(&self.0);
        blocking(move || work(&place).map_err(|error| failed(place.directory(), &error))).await
    }

    /// The file of `digest` and its size.
    async fn open_file(&self, digest: &str) -> Result<(File, u64), ArtifactError> {
        let name = digest.to_owned();
        let found = self.run(move |place| place.open_file(&name)).await?;
        found.ok_or_else(|| ArtifactError::NotFound(digest.to_owned()))
    }
}

#[async_trait]
impl ArtifactStore for LocalArtifacts {
    async fn put(&self, bytes: Bytes) -> Result<String, ArtifactError> {
        self.run(move |place| {
            let digest = digest_of(&bytes);
            place.keep(&digest, &bytes)?;
            Ok(digest)
        })
        .await
    }

    async fn get(&self, text: &str) -> Result<Bytes, ArtifactError> {
        let name = digest(text)?.to_owned();
        let found = self.run(move |place| Ok(place.read(&name)?.map(|bytes| (digest_of(&bytes), bytes)))).await?;
        match found {
            Some((right, bytes)) if right == text => Ok(Bytes::from(bytes)),
            Some(_) => Err(ArtifactError::Damaged(text.to_owned())),
            None => Err(ArtifactError::NotFound(text.to_owned())),
        }
    }

    async fn size(&self, text: &str) -> Result<u64, ArtifactError> {
        Ok(self.open_file(digest(text)?).await?.1)
    }

    async fn read(&self, text: &str, range: Range<u64>) -> Result<ArtifactChunks, ArtifactError> {
        let digest = digest(text)?;
        let (mut file, size) = self.open_file(digest).await?;
        within(digest, &range, size)?;
        let (start, length) = (range.start, range.end - range.start);
        let file = self.run(move |_| file.seek(SeekFrom::Start(start)).map(|_| file)).await?;
        let store = self.clone();
        let chunks = stream::try_unfold((file, length), move |(mut file, left)| {
            let store = store.clone();
            async move {
                if left == 0 {
                    return Ok(None);
                }
                let next = left.min(CHUNK);
                let read = move |_: &Place| {
                    let mut chunk = Vec::new();
                    Read::by_ref(&mut file).take(next).read_to_end(&mut chunk)?;
                    Ok((chunk, file))
                };
                let (chunk, file) = store.run(read).await?;
                // A file that became shorter ends early, which is noticed where the bytes are counted.
                let left = if chunk.is_empty() { return Ok(None) } else { left - chunk.len() as u64 };
                Ok(Some((Bytes::from(chunk), (file, left))))
            }
        });
        Ok(checked(chunks.boxed(), digest.to_owned(), length, length == size))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArtifactError> + Send + 'static,
) -> Result<T, ArtifactError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| ArtifactError::Unavailable(error.to_string()))?
}

fn failed(directory: &Path, error: &io::Error) -> ArtifactError {
    ArtifactError::Unavailable(format!("{}: {error}", directory.display()))
}
