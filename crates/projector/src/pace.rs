//! How soon a follower writes again.

use std::time::Duration;

use tokio::time::Instant;

/// Events a second from which on it pays to let them gather: below, each is written as soon as it is there.
const BUSY: f64 = 2_000.0;
/// Between the beginnings of two writes while events come faster than that. A transaction costs as much as many events, and
/// every read model has one of its own.
const GATHER: Duration = Duration::from_millis(25);

/// Remembers the last write.
pub(crate) struct Pace {
    began: Instant,
    busy: bool,
}

impl Pace {
    /// Nothing was written before `now`.
    pub const fn new(now: Instant) -> Self {
        Self { began: now, busy: false }
    }

    /// Begins to write `events` events: all that came since the last time.
    pub fn begin(&mut self, events: usize, now: Instant) {
        self.busy = events as f64 > (now - self.began).as_secs_f64() * BUSY;
        self.began = now;
    }

    /// Until when the next write may wait for more events. Long over when there are few, or when writing itself takes long.
    pub fn next(&self) -> Instant {
        if self.busy { self.began + GATHER } else { self.began }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_many_events_wait_for_more() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        assert_eq!(pace.next(), now);
        for (events, after, waits) in [(1, 1_000, false), (10, 10, false), (40, 10, true), (1, 25, false)] {
            now += Duration::from_millis(after);
            pace.begin(events, now);
            assert_eq!(pace.next() > now, waits, "{events} events in {after} ms");
        }
    }

    #[test]
    fn a_write_that_took_long_is_followed_at_once() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        pace.begin(5_000, now);
        assert!(pace.next() <= now + GATHER);
    }
}
