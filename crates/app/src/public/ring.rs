//! The latest public events, read and made once for all who follow.

use std::{collections::VecDeque, sync::Arc};

use souk_ports::Position;

use super::PublicEvent;

/// As many events are held at most,
const EVENTS: usize = 4096;
/// with so many bytes of JSON.
const BYTES: usize = 16 << 20;
/// As many are handed out at once.
const BATCH: usize = 256;

/// What comes next for a follower.
pub enum Next {
    /// These, and nothing else up to there.
    Events(Vec<Arc<PublicEvent>>, Position),
    /// Nothing until the ring changes.
    Wait,
    /// The ring begins too late for him, or is not filled: he reads the log.
    Read,
}

/// The latest public events, without a gap.
#[derive(Default)]
pub struct Ring {
    /// Which run fills it: one that was replaced must not.
    pub run: u64,
    /// Whether it is being filled.
    pub running: bool,
    /// Every public event behind this position is here, or still comes,
    floor: Position,
    /// up to this position.
    upto: Position,
    events: VecDeque<Arc<PublicEvent>>,
    bytes: usize,
}

impl Ring {
    /// Whether it may lack events behind `after`.
    pub const fn lacks(&self, after: Position) -> bool {
        !self.running || after < self.floor
    }

    pub fn restart(&mut self, after: Position) {
        self.run += 1;
        self.running = true;
        (self.floor, self.upto) = (after, after);
        self.events = VecDeque::new();
        self.bytes = 0;
    }

    pub fn stop(&mut self) {
        self.running = false;
        self.events = VecDeque::new();
        self.bytes = 0;
    }

    pub fn push(&mut self, events: Vec<PublicEvent>, upto: Position) {
        for event in events {
            self.bytes += event.json.len();
            self.events.push_back(Arc::new(event));
        }
        self.upto = upto;
        while self.events.len() > EVENTS || self.bytes > BYTES {
            let Some(oldest) = self.events.pop_front() else { return };
            self.bytes -= oldest.json.len();
            self.floor = oldest.position;
        }
    }

    /// What is behind `after`.
    pub fn next(&self, after: Position) -> Next {
        if self.lacks(after) {
            return Next::Read;
        }
        if self.upto <= after {
            return Next::Wait;
        }
        let start = self.events.partition_point(|event| event.position <= after);
        let events: Vec<_> = self.events.range(start..).take(BATCH).cloned().collect();
        let more = start + events.len() < self.events.len();
        let upto = if more { events.last().map_or(self.upto, |last| last.position) } else { self.upto };
        Next::Events(events, upto)
    }
}
