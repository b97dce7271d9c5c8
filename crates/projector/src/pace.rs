//! How soon a follower writes again.

use std::time::Duration;

use tokio::time::Instant;

/// Events a second from which on it pays to let them gather: below, each is written as soon as it is there.
const BUSY: f64 = 3_000.0;
/// Over so many seconds events are counted: what comes in bundles is no rush.
const SPAN: f64 = 0.1;
/// Between the beginnings of two writes while events come faster than that. A transaction costs as much as many events, and
/// every read model has one of its own.
const GATHER: Duration = Duration::from_millis(50);

/// Remembers the last write, and how fast events came lately.
pub(crate) struct Pace {
    began: Instant,
    /// Events a second, those of longer ago counting less and less.
    rate: f64,
}

impl Pace {
    /// Nothing was written before `now`.
    pub const fn new(now: Instant) -> Self {
        Self { began: now, rate: 0.0 }
    }

    /// Begins to write `events` events: all that came since the last time.
    pub fn begin(&mut self, events: usize, now: Instant) {
        let elapsed = (now - self.began).as_secs_f64();
        self.rate = self.rate * (-elapsed / SPAN).exp() + events as f64 / SPAN;
        self.began = now;
    }

    /// Until when the next write may wait for more events. Long over when there are few, or when writing itself takes long.
    pub fn next(&self) -> Instant {
        if self.rate > BUSY { self.began + GATHER } else { self.began }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the last of `writes` writes of `events` events each, `apart` milliseconds apart, is followed by a wait.
    fn waits(writes: usize, events: usize, apart: u64) -> bool {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        for _ in 0..writes {
            now += Duration::from_millis(apart);
            pace.begin(events, now);
        }
        pace.next() > now
    }

    #[test]
    fn only_many_events_wait_for_more() {
        assert!(!waits(100, 1, 10), "100 a second");
        assert!(!waits(100, 5, 5), "1,000 a second");
        assert!(!waits(100, 100, 100), "1,000 a second, in bundles");
        assert!(waits(100, 40, 5), "8,000 a second");
        assert!(!waits(1, 200, 1), "a bundle that comes alone");
    }

    #[test]
    fn a_write_that_took_long_is_followed_at_once() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        pace.begin(5_000, now);
        assert!(pace.next() <= now + GATHER);
    }
}
