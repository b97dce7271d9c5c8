//! How reliable plugins are, why, and what their validations found.
//!
//! The score starts at the confidence of the validation that was concluded last and is moved by live verified reviews
//! (5 stars +1, 1 or 2 stars -1, together between -30 and 10), executions and cross-checks; it is held between 0 and 100.
//! The parts are kept, so that a page can say why.

use souk_domain::stream::Category;
use souk_projector::{Changes, Projection};

mod fold;
mod query;

pub use query::{Change, Parts, ReliabilityPage, Step, Validation, ValidationStatus, reliability, validations};

/// How reliable plugins are, why, and what their validations found.
#[derive(Clone, Copy, Debug)]
pub struct Reliability;

impl Projection for Reliability {
    fn name(&self) -> &'static str {
        "reliability"
    }

    fn schema_sql(&self) -> &'static str {
        include_str!("schema.sql")
    }

    fn index_sql(&self) -> &'static str {
        include_str!("indexes.sql")
    }

    fn tables(&self) -> &'static [&'static str] {
        &["reliability_plugin", "reliability_change", "reliability_validation", "reliability_step"]
    }

    fn wants(&self, category: Category) -> bool {
        matches!(category, Category::Validation | Category::Review)
    }

    fn begin(&self) -> Box<dyn Changes> {
        Box::<fold::ReliabilityChanges>::default()
    }
}
