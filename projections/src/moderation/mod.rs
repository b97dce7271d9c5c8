//! What waits for a moderator, and what moderators decided.
//!
//! An item is a version whose validation asked for a human or whose vendor appealed, or a review that was reported. It is opened by
//! such an event and closed by the first decision after it; another such event opens it again.

use souk_domain::stream::Category;
use souk_projector::{Changes, Projection};

mod fold;
mod query;

pub use query::{Case, CrossCheck, Decided, Decision, Findings, Item, QueueState, Subject, Why, case, queue};

/// What waits for a moderator, and what moderators decided.
#[derive(Clone, Copy, Debug)]
pub struct Moderation;

impl Projection for Moderation {
    fn name(&self) -> &'static str {
        "moderation"
    }

    fn version(&self) -> i32 {
        2
    }

    fn schema_sql(&self) -> &'static str {
        include_str!("schema.sql")
    }

    fn index_sql(&self) -> &'static str {
        include_str!("indexes.sql")
    }

    fn tables(&self) -> &'static [&'static str] {
        &["moderation_item", "moderation_decision", "moderation_cross_check"]
    }

    fn wants(&self, category: Category) -> bool {
        matches!(category, Category::Validation | Category::Review)
    }

    fn begin(&self) -> Box<dyn Changes> {
        Box::<fold::ModerationChanges>::default()
    }
}
