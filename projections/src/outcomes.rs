//! Executions that say something about a plugin.

use serde::Serialize;
use souk_domain::execution::{Event, Fault};

/// What an execution's event adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Outcomes {
    /// Answered.
    pub succeeded: i64,
    /// Did not answer, by the plugin's own fault. What its callers or Souk did wrong counts neither way.
    pub failed: i64,
}

impl Outcomes {
    /// What `event` adds.
    pub const fn of(event: &Event) -> Self {
        match event {
            Event::Succeeded { .. } => Self { succeeded: 1, failed: 0 },
            Event::Failed { failure, .. } if matches!(failure.fault, Fault::Plugin) => Self { succeeded: 0, failed: 1 },
            Event::Started { .. } | Event::Failed { .. } => Self { succeeded: 0, failed: 0 },
        }
    }

    /// Whether it adds nothing.
    pub const fn is_none(self) -> bool {
        self.succeeded == 0 && self.failed == 0
    }

    /// Adds `other`.
    pub const fn add(&mut self, other: Self) {
        self.succeeded += other.succeeded;
        self.failed += other.failed;
    }
}
