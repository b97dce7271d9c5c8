//! Pages that were read for somebody who is behind, kept for the others who are: those who fall behind together read the same.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use souk_ports::Position;

use super::{PublicEvent, feed::Batch};

/// As many bytes of JSON are kept; what it was made of takes about as much again.
const BYTES: usize = 4 << 20;
/// A page counts as so many at least: few are looked through.
const LEAST: usize = 4 << 10;

/// The pages that were read last.
#[derive(Default)]
pub struct Pages(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    pages: VecDeque<Page>,
    size: usize,
}

/// Every public event behind `after` and up to `upto`: for ever, since nothing comes in between.
struct Page {
    after: Position,
    upto: Position,
    events: Vec<Arc<PublicEvent>>,
    size: usize,
}

impl Page {
    fn begins_at(&self, after: Position) -> bool {
        self.after == after
            || (after < self.upto && self.events.binary_search_by_key(&after, |event| event.position).is_ok())
    }
}

impl Pages {
    /// What comes behind `after`, where it was read before. A position that is neither the beginning of a page nor that of an event
    /// there may be none of the log at all, which only the log knows.
    pub fn find(&self, after: Position) -> Option<Batch> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let page = kept.pages.iter().rev().find(|page| page.begins_at(after))?;
        let start = page.events.partition_point(|event| event.position <= after);
        Some(Batch { events: page.events[start..].to_vec(), upto: page.upto })
    }

    /// Keeps what was read behind `after`, and lets go of the oldest.
    pub fn keep(&self, after: Position, read: &Batch) {
        if read.upto <= after {
            return;
        }
        let size = read.events.iter().map(|event| event.json.len()).sum::<usize>().max(LEAST);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.size += size;
        kept.pages.push_back(Page { after, upto: read.upto, events: read.events.clone(), size });
        while kept.size > BYTES {
            let Some(oldest) = kept.pages.pop_front() else { return };
            kept.size -= oldest.size;
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chrono::DateTime;
    use serde_json::Value;
    use uuid::Uuid;

    use super::{super::TYPES, *};

    fn event(position: Position, size: usize) -> Arc<PublicEvent> {
        Arc::new(PublicEvent {
            position,
            id: Uuid::nil(),
            public: &TYPES[0],
            subject: String::new(),
            plugin: None,
            vendor: None,
            time: DateTime::UNIX_EPOCH,
            data: Value::Null,
            key: String::new(),
            json: Bytes::from(vec![b' '; size]),
        })
    }

    fn found(pages: &Pages, after: Position) -> Option<(Vec<Position>, Position)> {
        let batch = pages.find(after)?;
        Some((batch.events.iter().map(|event| event.position).collect(), batch.upto))
    }

    #[test]
    fn who_stands_within_a_page_gets_the_rest_of_it() {
        let pages = Pages::default();
        pages.keep(10, &Batch { events: vec![event(12, 1), event(15, 1)], upto: 20 });
        assert_eq!(found(&pages, 9), None);
        assert_eq!(found(&pages, 10), Some((vec![12, 15], 20)));
        assert_eq!(found(&pages, 12), Some((vec![15], 20)));
        assert_eq!(found(&pages, 15), Some((Vec::new(), 20)), "there is nothing else up to there");
        assert_eq!(found(&pages, 13), None, "perhaps no position of this log");
        assert_eq!(found(&pages, 20), None, "what is behind it was not read");
    }

    #[test]
    fn the_oldest_go_when_there_is_too_much() {
        let pages = Pages::default();
        for page in 0..3 {
            pages.keep(page * 10, &Batch { events: vec![event(page * 10 + 1, BYTES / 2)], upto: page * 10 + 10 });
        }
        assert_eq!(found(&pages, 0), None);
        assert!(found(&pages, 10).is_some() && found(&pages, 20).is_some());
    }
}
