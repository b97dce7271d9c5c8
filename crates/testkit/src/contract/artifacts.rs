//! The contract of [`ArtifactStore`].

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, future::join_all};
use sha2::{Digest, Sha256};
use souk_ports::{
    ArtifactError, ArtifactStore,
    artifact::{ArtifactChunks, MAX_CHUNK},
};

use super::{Case, unique_hash};

/// What a case gets. It may hold what other cases, and others, put there.
pub type Subject = Arc<dyn ArtifactStore>;

/// What every store of artifacts promises.
pub const CASES: &[Case<Subject>] = &[
    ("what is put can be got by its digest", |store| Box::pin(put_get(store))),
    ("the same bytes again change nothing", |store| Box::pin(again(store))),
    ("the same bytes put by many at once are kept", |store| Box::pin(at_once(store))),
    ("what is not there, and what is no digest, is not found", |store| Box::pin(unknown(store))),
    ("sizes are told", |store| Box::pin(sizes(store))),
    ("a range is read exactly, also at the edges", |store| Box::pin(edges(store))),
    ("a range that is not within is refused", |store| Box::pin(beyond(store))),
    ("what is large is read in chunks", |store| Box::pin(chunks(store))),
    ("a stream that is dropped half way leaves nothing behind", |store| Box::pin(dropped(store))),
    ("a stream outlives its store", |store| Box::pin(outlives(store))),
];

/// Runs [`CASES`], each on what `make` gives.
///
/// # Panics
/// When a case fails.
pub async fn all(make: impl AsyncFn() -> Subject) {
    super::run("artifacts", CASES, make).await;
}

/// What every store promises that `damage` can make keep other bytes under a digest: they are noticed, and healed by the right
/// ones. `damage` replaces what `store` keeps.
///
/// # Panics
/// When the promise is broken.
pub async fn damage(store: Subject, damage: impl AsyncFn(&str, Bytes)) {
    let right = bytes(100_000);
    let digest = store.put(right.clone()).await.unwrap();
    let mut flipped = right.to_vec();
    flipped[50_000] ^= 1;
    for wrong in [flipped, right[..99_999].to_vec(), Vec::new(), [&right[..], b" "].concat()] {
        let wrong = Bytes::from(wrong);
        damage(&digest, wrong.clone()).await;
        let error = store.get(&digest).await.unwrap_err();
        assert!(matches!(&error, ArtifactError::Damaged(named) if *named == digest), "get: {error}");
        let size = store.size(&digest).await.unwrap();
        assert_eq!(size, wrong.len() as u64);
        let mut all = store.read(&digest, 0..size).await.unwrap();
        let mut seen = Vec::new();
        let error = loop {
            match all.next().await {
                Some(Ok(chunk)) => seen.extend_from_slice(&chunk),
                Some(Err(error)) => break error,
                None => panic!("other bytes were read to their end"),
            }
        };
        assert!(matches!(&error, ArtifactError::Damaged(named) if *named == digest), "read: {error}");
        let broken_off = seen.len() < wrong.len() || wrong.is_empty();
        assert!(wrong.starts_with(&seen) && broken_off, "the last of other bytes was given out");
        assert!(all.next().await.is_none(), "nothing follows an error");
        assert_eq!(store.put(right.clone()).await.unwrap(), digest);
        assert_eq!(store.get(&digest).await.unwrap(), right, "the right bytes heal it");
    }
}

/// `length` bytes that nothing else has: a repetition would hide that a part is read from the wrong place.
#[must_use]
pub fn bytes(length: usize) -> Bytes {
    let seed = unique_hash();
    let blocks =
        (0_u64..).flat_map(|number| Sha256::new().chain_update(seed).chain_update(number.to_le_bytes()).finalize());
    blocks.take(length).collect()
}

/// The digest of `bytes`.
#[must_use]
pub fn digest_of(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

async fn read(store: &Subject, digest: &str, range: Range<u64>) -> Vec<u8> {
    collect(store.read(digest, range).await.unwrap()).await
}

async fn collect(chunks: ArtifactChunks) -> Vec<u8> {
    let chunks: Vec<Bytes> = chunks.try_collect().await.unwrap();
    for chunk in &chunks {
        assert!(chunk.len() <= MAX_CHUNK, "a chunk of {} bytes", chunk.len());
    }
    chunks.concat()
}

async fn put_get(store: Subject) {
    for bytes in [bytes(1), bytes(4_096), bytes(3_000_000), Bytes::new()] {
        let digest = store.put(bytes.clone()).await.unwrap();
        assert_eq!(digest, digest_of(&bytes));
        assert_eq!(store.get(&digest).await.unwrap(), bytes);
    }
}

async fn again(store: Subject) {
    let (bytes, other) = (bytes(10_000), bytes(10_000));
    let digest = store.put(bytes.clone()).await.unwrap();
    assert_ne!(store.put(other).await.unwrap(), digest);
    assert_eq!(store.put(bytes.clone()).await.unwrap(), digest);
    assert_eq!(store.get(&digest).await.unwrap(), bytes);
}

async fn at_once(store: Subject) {
    let bytes = bytes(500_000);
    let digests = join_all((0..16).map(|_| store.put(bytes.clone()))).await;
    assert!(digests.into_iter().all(|digest| digest.unwrap() == digest_of(&bytes)));
    assert_eq!(store.get(&digest_of(&bytes)).await.unwrap(), bytes);
}

async fn unknown(store: Subject) {
    let digest = store.put(bytes(10)).await.unwrap();
    let (missing, long) = (hex::encode(unique_hash()), "é".repeat(10_000));
    let climbing = format!("ab/../../{}", &digest[..55]);
    for digest in [&missing, &digest.to_uppercase(), &digest[..63], &format!("{digest}0"), &climbing, &long]
        .map(String::from)
        .into_iter()
        .chain(["", "..", "/etc/passwd", "drafts", "\0", "?x=1"].map(String::from))
    {
        let answers = [
            store.get(&digest).await.map(drop),
            store.size(&digest).await.map(drop),
            store.read(&digest, 0..1).await.map(drop),
            store.read(&digest, 0..0).await.map(drop),
        ];
        for answer in answers {
            assert!(matches!(answer, Err(ArtifactError::NotFound(_))), "{digest}: {answer:?}");
        }
    }
}

async fn sizes(store: Subject) {
    for length in [0, 1, 1_000_001] {
        let digest = store.put(bytes(length)).await.unwrap();
        assert_eq!(store.size(&digest).await.unwrap(), length as u64);
    }
}

async fn edges(store: Subject) {
    let bytes = bytes(200_000);
    let digest = store.put(bytes.clone()).await.unwrap();
    for range in
        [0..1, 0..199_999, 0..200_000, 1..200_000, 199_999..200_000, 65_535..65_537, 131_072..131_073, 7..150_001]
    {
        let wanted = &bytes[range.start as usize..range.end as usize];
        assert!(read(&store, &digest, range.clone()).await == wanted, "{range:?}");
    }
    for start in [0, 1, 199_999, 200_000] {
        assert!(read(&store, &digest, start..start).await.is_empty(), "{start}..{start}");
    }
    let digest = store.put(Bytes::new()).await.unwrap();
    assert!(read(&store, &digest, 0..0).await.is_empty());
}

async fn beyond(store: Subject) {
    let digest = store.put(bytes(1_000)).await.unwrap();
    for range in [
        0..1_001,
        999..1_001,
        1_000..1_001,
        5_000..6_000,
        1_001..1_001,
        Range { start: 10, end: 9 },
        0..u64::MAX,
        u64::MAX..u64::MAX,
    ] {
        let Err(error) = store.read(&digest, range.clone()).await else { panic!("{range:?} was read") };
        let right = matches!(&error, ArtifactError::OutOfRange { digest: named, start, end, size: 1_000 }
            if *named == digest && (*start..*end) == range);
        assert!(right, "{range:?}: {error}");
    }
    let empty = store.put(Bytes::new()).await.unwrap();
    let error = store.read(&empty, 0..1).await.map(drop).unwrap_err();
    assert!(matches!(error, ArtifactError::OutOfRange { size: 0, .. }), "{error}");
}

async fn chunks(store: Subject) {
    let bytes = bytes(5_000_000);
    let digest = store.put(bytes.clone()).await.unwrap();
    assert!(read(&store, &digest, 0..5_000_000).await == bytes);
    assert!(read(&store, &digest, 1_234_567..4_999_999).await == bytes[1_234_567..4_999_999]);
}

async fn dropped(store: Subject) {
    let bytes = bytes(2_500_000);
    let digest = store.put(bytes.clone()).await.unwrap();
    for _ in 0..20 {
        let mut chunks = store.read(&digest, 0..2_500_000).await.unwrap();
        assert!(chunks.next().await.unwrap().is_ok());
    }
    assert_eq!(store.get(&digest).await.unwrap(), bytes);
}

async fn outlives(store: Subject) {
    let bytes = bytes(300_000);
    let digest = store.put(bytes.clone()).await.unwrap();
    let chunks = store.read(&digest, 100..300_000).await.unwrap();
    drop(store);
    assert!(collect(chunks).await == bytes[100..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryArtifacts;

    #[tokio::test]
    async fn the_store_in_memory_passes() {
        all(async || Arc::new(MemoryArtifacts::default()) as Subject).await;
    }

    #[tokio::test]
    async fn the_store_in_memory_notices_damage() {
        let store = Arc::new(MemoryArtifacts::default());
        damage(Arc::clone(&store) as Subject, async |digest, bytes| store.damage(digest, bytes)).await;
    }
}
