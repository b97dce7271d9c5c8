//! How often pages of plugins were looked at, as one process counted it on one day.
//!
//! Looks are too many and too small to be events of their own: a process adds them up and says every now and then how many there were.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    decider::Decider,
    id::{PluginId, VendorId},
    stream::Category,
};

/// As many pages as one event tells of: well below the largest event.
pub const MAX_PAGES: usize = 1_500;

/// What was counted so far.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Until when; none before the first count.
    pub until: Option<DateTime<Utc>>,
}

/// How often one page was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// Of what.
    pub plugin_id: PluginId,
    /// Whose it was then.
    pub vendor_id: VendorId,
    /// How often.
    pub views: u64,
}

/// What can be asked.
#[derive(Clone, Debug)]
pub enum Command {
    /// Write down what was counted since the last time.
    Count {
        /// Each page once, at most [`MAX_PAGES`].
        pages: Vec<Page>,
        /// Until when.
        until: DateTime<Utc>,
    },
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// Pages were looked at.
    #[serde(rename = "traffic.counted", rename_all = "camelCase")]
    Counted {
        /// Each once.
        pages: Vec<Page>,
        /// Until when.
        until: DateTime<Utc>,
    },
}

impl Event {
    /// The type under which the log keeps it.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Counted { .. } => "traffic.counted",
        }
    }
}

/// Why counts are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It would be too large an event.
    #[error("{0} pages are more than the {MAX_PAGES} that one event tells of")]
    TooMany(usize),
}

/// Decides about counts, on streams `traffic-`.
pub struct Traffic;

impl Decider for Traffic {
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Error;

    const CATEGORY: Category = Category::Traffic;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Error> {
        let Command::Count { pages, until } = command;
        if pages.len() > MAX_PAGES {
            return Err(Error::TooMany(pages.len()));
        }
        if pages.is_empty() || state.until >= Some(until) {
            return Ok(vec![]);
        }
        Ok(vec![Event::Counted { pages, until }])
    }

    fn evolve(_: State, event: &Event) -> State {
        let Event::Counted { until, .. } = event;
        State { until: Some(*until) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        examples::{counted, id, time},
        testing::{decides_nothing_twice, given},
    };

    fn page(number: u128) -> Page {
        Page { plugin_id: id(number), vendor_id: id(2), views: 1 }
    }

    fn count(minute: u32, pages: usize) -> Command {
        let pages = (0..pages).map(|number| page(u128::try_from(number).unwrap())).collect();
        Command::Count { pages, until: time(&format!("2026-11-21T09:{minute:02}:00Z")) }
    }

    #[test]
    fn a_count_is_written_once_and_nothing_for_nothing() {
        given::<Traffic>([]).when(count(1, 0)).then_nothing();
        given::<Traffic>([counted()]).when(count(0, 1)).then_nothing();
        let Command::Count { pages, until } = count(7, 2);
        given::<Traffic>([counted()]).when(count(7, 2)).then(Event::Counted { pages, until });
        given::<Traffic>([]).when(count(1, MAX_PAGES + 1)).then_refused(Error::TooMany(MAX_PAGES + 1));
    }

    #[test]
    fn the_largest_count_is_no_larger_than_an_event_may_be() {
        let page = Page { plugin_id: id(u128::MAX), vendor_id: id(u128::MAX), views: u64::MAX };
        let event = Event::Counted { pages: vec![page; MAX_PAGES], until: time("2026-11-21T09:00:00Z") };
        assert!(serde_json::to_vec(&event).unwrap().len() < 256 * 1024);
    }

    proptest! {
        #[test]
        fn the_same_command_again_decides_nothing(counts in prop::collection::vec((0_u32..60, 0_usize..4), 0..20)) {
            let commands: Vec<_> = counts.into_iter().map(|(minute, pages)| count(minute, pages)).collect();
            decides_nothing_twice::<Traffic>(commands, |_| true)?;
        }
    }
}
