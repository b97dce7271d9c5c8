//! The latest records of one partition, shared by all who follow it.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use souk_ports::{FeedBatch, Position, RecordedEvent};
use tokio::{sync::watch, time::Instant};

use crate::record::Read;

/// Events and bytes that are held. Past either, fetching pauses until the slowest subscriber has come along.
const FULL: (usize, usize) = (16_384, 32 << 20);
/// Events and bytes that are handed out at once.
const BATCH: (usize, usize) = (2_000, 8 << 20);
/// A subscriber that takes nothing for so long is not waited for; it reads from the log.
const STALLED: Duration = Duration::from_secs(5);

fn size(event: &RecordedEvent) -> usize {
    event.data.len() + event.metadata.len()
}

/// What comes next for a subscriber.
pub enum Next {
    /// This.
    Batch(FeedBatch),
    /// Nothing until the ring changes.
    Wait,
    /// The ring begins too late: read from the log.
    Behind,
    /// Nobody fills the ring.
    Idle,
}

#[derive(Default)]
pub struct Ring {
    /// Whether it is being filled.
    running: bool,
    /// Every event behind this position, up to `upto`, is in `events`.
    floor: Position,
    upto: Position,
    events: VecDeque<Arc<RecordedEvent>>,
    bytes: usize,
}

impl Ring {
    pub const fn is_running(&self) -> bool {
        self.running
    }

    pub fn next(&self, after: Position) -> Next {
        if !self.running {
            return Next::Idle;
        }
        if after < self.floor {
            return Next::Behind;
        }
        if self.upto <= after {
            return Next::Wait;
        }
        let start = self.events.partition_point(|event| event.position <= after);
        let mut bytes = 0;
        let events: Vec<RecordedEvent> = self
            .events
            .range(start..)
            .take(BATCH.0)
            .take_while(|event| {
                let fits = bytes < BATCH.1;
                bytes += size(event);
                fits
            })
            .map(|event| RecordedEvent::clone(event))
            .collect();
        let all = start + events.len() == self.events.len();
        let upto = if all { self.upto } else { events.last().map_or(after, |last| last.position) };
        Next::Batch(FeedBatch { events, upto })
    }

    fn begin(&mut self, after: Position) {
        (self.running, self.floor, self.upto) = (true, after, after);
        (self.events, self.bytes) = (VecDeque::new(), 0);
    }

    fn is_full(&self) -> bool {
        self.events.len() >= FULL.0 || self.bytes >= FULL.1
    }

    /// Adds what was read. What is known already is passed over; where something is missing, the ring begins anew behind it.
    fn push(&mut self, read: Read) -> Option<(Position, Position)> {
        if read.upto <= self.upto {
            return None;
        }
        let mut gap = None;
        if read.previous > self.upto {
            gap = Some((self.upto, read.previous));
            self.begin(read.previous);
        }
        self.upto = read.upto;
        if let Some(event) = read.event {
            self.bytes += size(&event);
            self.events.push_back(Arc::new(event));
        }
        gap
    }

    /// Drops events up to `position`, as long as there are too many.
    fn drop_to(&mut self, position: Position) {
        while self.events.len() > FULL.0 / 2 || self.bytes > FULL.1 / 2 {
            match self.events.front() {
                Some(oldest) if oldest.position <= position => {
                    self.bytes -= size(oldest);
                    self.floor = oldest.position;
                    self.events.pop_front();
                }
                _ => return,
            }
        }
    }
}

/// A partition that is followed.
pub struct Partition {
    pub number: i32,
    ring: watch::Sender<Ring>,
    /// Where its subscribers are.
    cursors: Mutex<Vec<Weak<AtomicU64>>>,
    /// The slowest of them, and since when.
    slowest: Mutex<(Position, Instant)>,
    /// Held by who starts filling the ring.
    pub starting: tokio::sync::Mutex<()>,
}

impl Partition {
    pub fn new(number: i32) -> Self {
        Self {
            number,
            ring: watch::Sender::new(Ring::default()),
            cursors: Mutex::default(),
            slowest: Mutex::new((0, Instant::now())),
            starting: tokio::sync::Mutex::new(()),
        }
    }

    pub fn watch(&self, cursor: &Arc<AtomicU64>) -> watch::Receiver<Ring> {
        self.cursors.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(cursor));
        self.ring.subscribe()
    }

    pub fn is_followed(&self) -> bool {
        self.ring.receiver_count() > 0
    }

    pub fn begin(&self, after: Position) {
        self.ring.send_modify(|ring| ring.begin(after));
    }

    /// Nobody fills it any more; whoever wants something starts that again.
    pub fn end(&self) {
        self.ring.send_modify(|ring| {
            ring.begin(0);
            ring.running = false;
        });
    }

    pub fn push(&self, read: Vec<Read>) {
        self.ring.send_if_modified(|ring| {
            let before = ring.upto;
            for read in read {
                if let Some((from, to)) = ring.push(read) {
                    tracing::warn!(
                        partition = self.number,
                        from,
                        to,
                        "records are missing in the topic: read from the log"
                    );
                }
            }
            ring.upto != before
        });
    }

    /// Whether more may be fetched; makes room where all subscribers have been.
    pub fn has_room(&self) -> bool {
        if !self.ring.borrow().is_full() {
            return true;
        }
        let position = self.slowest();
        self.ring.send_if_modified(|ring| {
            ring.drop_to(position);
            false
        });
        !self.ring.borrow().is_full()
    }

    /// Where the slowest subscriber is that need be waited for.
    fn slowest(&self) -> Position {
        let mut cursors = self.cursors.lock().unwrap_or_else(PoisonError::into_inner);
        cursors.retain(|cursor| cursor.strong_count() > 0);
        let positions = cursors.iter().filter_map(Weak::upgrade).map(|cursor| cursor.load(Ordering::Acquire));
        let position = positions.min().unwrap_or(Position::MAX);
        let mut slowest = self.slowest.lock().unwrap_or_else(PoisonError::into_inner);
        if slowest.0 != position {
            *slowest = (position, Instant::now());
        }
        if slowest.1.elapsed() >= STALLED { Position::MAX } else { position }
    }
}
