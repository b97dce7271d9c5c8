//! Which partition of a feed an event belongs to.

use souk_domain::stream::{Category, StreamId};
use uuid::Uuid;

use crate::{Concerned, RecordedEvent};

/// What an event is ordered by in a feed: the plugin it concerns, else the aggregate.
///
/// Metadata that cannot be read names no plugin; the fold that meets such an event finds it out for itself.
#[must_use]
pub fn partition_key(event: &RecordedEvent) -> Uuid {
    let StreamId { category, uuid } = event.stream;
    if category == Category::Plugin {
        return uuid;
    }
    let concerned = serde_json::from_slice::<Concerned>(&event.metadata).ok();
    concerned.and_then(|concerned| concerned.plugin_id).map_or(uuid, |plugin| plugin.uuid())
}

/// The partition of `key` among `partitions` (at least 1), as the default partitioner of Kafka's Java client computes it for
/// the key's text: murmur2 without its sign, modulo the partitions.
#[must_use]
pub fn partition_of_key(key: Uuid, partitions: u32) -> u32 {
    let text = key.hyphenated().to_string();
    (murmur2(text.as_bytes()) & 0x7fff_ffff) % partitions.max(1)
}

/// The partition of `event` among `partitions`.
#[must_use]
pub fn partition_of(event: &RecordedEvent, partitions: u32) -> u32 {
    if partitions <= 1 { 0 } else { partition_of_key(partition_key(event), partitions) }
}

/// MurmurHash2 by Austin Appleby, 32 bits, with the seed that Kafka's clients use.
fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    #[expect(clippy::cast_possible_truncation, reason = "the algorithm takes the length modulo 2^32")]
    let mut hash = SEED ^ data.len() as u32;
    let mut words = data.chunks_exact(4);
    for word in &mut words {
        let mut k = u32::from_le_bytes([word[0], word[1], word[2], word[3]]).wrapping_mul(M);
        k = (k ^ (k >> 24)).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ k;
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        hash ^= rest.iter().rev().fold(0, |tail, byte| (tail << 8) | u32::from(*byte));
        hash = hash.wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_kafkas_own_tests() {
        // org.apache.kafka.common.utils.UtilsTest
        let known: [(&str, i32); 6] = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ];
        for (text, hash) in known {
            assert_eq!(murmur2(text.as_bytes()).cast_signed(), hash, "{text}");
        }
    }

    #[test]
    fn a_key_has_one_partition_and_one_is_always_the_first() {
        let key = Uuid::from_u128(7);
        assert_eq!(partition_of_key(key, 6), partition_of_key(key, 6));
        assert!(partition_of_key(key, 6) < 6);
        assert_eq!((partition_of_key(key, 1), partition_of_key(key, 0)), (0, 0));
    }
}
