//! Streams that are checked on their way.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use sha2::{Digest as _, Sha256};
use souk_ports::{ArtifactChunks, ArtifactError, artifact::MAX_CHUNK};

struct State {
    chunks: ArtifactChunks,
    digest: String,
    /// Bytes that are still to come.
    left: u64,
    /// What came so far, where all of the artifact comes.
    hash: Option<Sha256>,
    /// What is left of a chunk that was too large to be passed on at once.
    rest: Bytes,
    ended: bool,
}

/// `chunks`, which must be `length` bytes; and those of `digest` where they are `all` of it.
pub(crate) fn checked(chunks: ArtifactChunks, digest: String, length: u64, all: bool) -> ArtifactChunks {
    let state = State { chunks, digest, left: length, hash: all.then(Sha256::new), rest: Bytes::new(), ended: false };
    stream::try_unfold(state, next).boxed()
}

/// The next chunk. The last one is given out only when everything was looked at: whoever passes it on may say beforehand how many
/// bytes there will be, and then nobody notices an error behind the last of them.
async fn next(mut state: State) -> Result<Option<(Bytes, State)>, ArtifactError> {
    if state.ended {
        return Ok(None);
    }
    while state.rest.is_empty() {
        let Some(chunk) = state.chunks.try_next().await? else {
            return end(&mut state).map(|()| None);
        };
        let Some(left) = state.left.checked_sub(chunk.len() as u64) else {
            return Err(ArtifactError::Unavailable(format!("more of {} came than was asked for", state.digest)));
        };
        state.left = left;
        state.rest = chunk;
    }
    let chunk = state.rest.split_to(state.rest.len().min(MAX_CHUNK));
    if let Some(hash) = &mut state.hash {
        hash.update(&chunk);
    }
    if state.left == 0 && state.rest.is_empty() {
        while let Some(more) = state.chunks.try_next().await? {
            if !more.is_empty() {
                return Err(ArtifactError::Unavailable(format!("more of {} came than was asked for", state.digest)));
            }
        }
        end(&mut state)?;
    }
    Ok(Some((chunk, state)))
}

fn end(state: &mut State) -> Result<(), ArtifactError> {
    state.ended = true;
    let State { digest, left, hash, .. } = state;
    if *left > 0 {
        return Err(ArtifactError::Unavailable(format!("{digest} ended {left} bytes too early")));
    }
    let found = hash.take().map(|hash| hex::encode(hash.finalize()));
    if found.is_some_and(|found| found != *digest) { Err(ArtifactError::Damaged(digest.clone())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest_of;

    async fn all(chunks: &[&[u8]], digest: &str, length: u64, all: bool) -> (Vec<usize>, Option<ArtifactError>) {
        let chunks: Vec<_> = chunks.iter().map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        let mut stream = checked(stream::iter(chunks).boxed(), digest.to_owned(), length, all);
        let mut seen = Vec::new();
        while let Some(chunk) = stream.next().await {
            match chunk {
                Ok(chunk) => seen.push(chunk.len()),
                Err(error) => return (seen, Some(error)),
            }
        }
        (seen, None)
    }

    #[tokio::test]
    async fn large_chunks_are_cut_and_empty_ones_left_out() {
        let large = vec![1; 2 * MAX_CHUNK + 1];
        let whole = [b"ab", &large[..]].concat();
        let (seen, error) = all(&[b"", b"ab", b"", &large], &digest_of(&whole), whole.len() as u64, true).await;
        assert_eq!((seen, error.is_none()), (vec![2, MAX_CHUNK, MAX_CHUNK, 1], true));
    }

    #[tokio::test]
    async fn too_little_too_much_and_other_bytes_are_errors() {
        let digest = digest_of(b"abc");
        let (_, error) = all(&[b"ab"], &digest, 3, false).await;
        assert!(error.unwrap().to_string().contains("ended 1 bytes too early"));
        let (seen, error) = all(&[b"ab", b"cd"], &digest, 3, false).await;
        assert!(error.unwrap().to_string().contains("more of") && seen == [2]);
        let (seen, error) = all(&[b"a", b"bd", b""], &digest, 3, true).await;
        assert!(matches!(error, Some(ArtifactError::Damaged(_))));
        assert_eq!(seen, [1], "the last of it is never given out");
        assert!(all(&[b"abd"], &digest, 3, false).await.1.is_none(), "a part cannot be checked");
    }
}
