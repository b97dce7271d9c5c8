//! Stars that begin or cease to count. Only live reviews count: hidden ones and those taken back do not.

use souk_domain::review::Event;

/// What a review's event changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stars {
    /// These count from now on.
    pub added: Option<u8>,
    /// These do not count any more.
    pub removed: Option<u8>,
}

impl Stars {
    /// What `event` changes.
    pub fn of(event: &Event) -> Self {
        let (removed, added) = match event {
            Event::Submitted { rating, .. } | Event::Restored { rating } => (None, Some(rating)),
            Event::Edited { rating, previous_rating, hidden: false, .. } => (Some(previous_rating), Some(rating)),
            Event::Retracted { rating, hidden: false } | Event::Hidden { rating, .. } => (Some(rating), None),
            Event::Edited { .. }
            | Event::Retracted { .. }
            | Event::Flagged { .. }
            | Event::Unflagged { .. }
            | Event::Replied { .. } => (None, None),
        };
        Self { added: added.map(|rating| rating.stars()), removed: removed.map(|rating| rating.stars()) }
    }

    /// The difference of any figure that each counting review adds.
    pub fn difference(self, figure: impl Fn(u8) -> i64) -> i64 {
        self.added.map_or(0, &figure) - self.removed.map_or(0, &figure)
    }

    /// How many more reviews count.
    pub fn count(self) -> i64 {
        self.difference(|_| 1)
    }

    /// How many more stars count.
    pub fn sum(self) -> i64 {
        self.difference(i64::from)
    }

    /// What the reliability moves by: a verified review of 5 stars adds a point, one of 1 or 2 takes one.
    pub fn points(self) -> i64 {
        self.difference(|stars| match stars {
            5 => 1,
            1 | 2 => -1,
            _ => 0,
        })
    }
}
