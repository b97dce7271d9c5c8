//! Streams that this process wrote to, and how far.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use souk_domain::stream::StreamId;

/// Streams that are remembered at least, the ones written last; at most twice as many.
const REMEMBERED: usize = 16_384;

/// The versions of streams that this process knows to be in the log, because its own appends brought them there. Nothing is
/// ever deleted, so what is known once stays true as long as the server is the same; forgetting costs a look into an index.
#[derive(Default)]
pub struct Written(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<StreamId, u64>,
    old: HashMap<StreamId, u64>,
}

impl Written {
    /// The stream has the event with this version, and those before it.
    pub fn reached(&self, streams: impl Iterator<Item = (StreamId, u64)>) {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (stream, version) in streams {
            if generations.young.len() >= REMEMBERED {
                generations.old = std::mem::take(&mut generations.young);
            }
            let known = generations.young.entry(stream).or_insert(version);
            *known = version.max(*known);
        }
    }

    /// Forgets everything.
    pub fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Generations::default();
    }

    /// For each of `streams` whether it is known to have the event with that version.
    pub fn know(&self, streams: impl Iterator<Item = (StreamId, u64)>) -> Vec<bool> {
        let generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |stream: &StreamId, version| {
            [&generations.young, &generations.old]
                .into_iter()
                .any(|generation| generation.get(stream).is_some_and(|reached| *reached >= version))
        };
        streams.map(|(stream, version)| known(&stream, version)).collect()
    }
}

#[cfg(test)]
mod tests {
    use souk_domain::stream::Category;
    use uuid::Uuid;

    use super::*;

    fn stream(number: usize) -> StreamId {
        StreamId::new(Category::Plugin, Uuid::from_u128(number as u128))
    }

    #[test]
    fn what_was_written_is_known_up_to_its_version() {
        let written = Written::default();
        written.reached([(stream(1), 3), (stream(1), 2)].into_iter());
        let asked = [(stream(1), 3), (stream(1), 0), (stream(1), 4), (stream(2), 0)];
        assert_eq!(written.know(asked.into_iter()), [true, true, false, false]);
        written.forget();
        assert_eq!(written.know(asked.into_iter()), [false; 4]);
    }

    #[test]
    fn the_latest_streams_are_remembered_and_the_oldest_forgotten() {
        let written = Written::default();
        for number in 0..2 * REMEMBERED + 1 {
            written.reached(std::iter::once((stream(number), 0)));
        }
        let asked = [(stream(0), 0), (stream(REMEMBERED), 0), (stream(2 * REMEMBERED), 0)];
        assert_eq!(written.know(asked.into_iter()), [false, true, true]);
    }
}
