//! How reliable plugins are, why, and what their validations found.
//!
//! The score starts at the confidence of the validation that was concluded last and is moved by live verified reviews
//! (5 stars +1, 1 or 2 stars -1, together between -30 and 10), executions and cross-checks; it is held between 0 and 100.
//! Of s executions that answered and f that did not by the plugin's fault, executions give (10 s - 40 f) / (20 + s + f), whole
//! points: 20 imagined ones stand beside the real ones, a plugin that always answers gains up to 10, one that never does loses up to 40.
//! The parts are kept, so that a page can say why.

use souk_domain::stream::Category;
use souk_projector::{Changes, Projection};

mod fold;
mod metrics;
mod patterns;
mod query;

pub use metrics::{Agreement, Consensus, Metrics, Pattern};
pub use query::{
    Appeal, AppealState, Change, Parts, ReliabilityPage, Step, Validation, ValidationStatus, failure_impact, history,
    reliability, validation, validations,
};

/// How reliable plugins are, why, and what their validations found.
#[derive(Clone, Copy, Debug)]
pub struct Reliability;

impl Projection for Reliability {
    fn name(&self) -> &'static str {
        "reliability"
    }

    fn version(&self) -> i32 {
        3
    }

    fn schema_sql(&self) -> &'static str {
        include_str!("schema.sql")
    }

    fn index_sql(&self) -> &'static str {
        include_str!("indexes.sql")
    }

    fn tables(&self) -> &'static [&'static str] {
        &[
            "reliability_plugin",
            "reliability_change",
            "reliability_execution",
            "reliability_validation",
            "reliability_step",
            "reliability_cross_check",
            "reliability_failure",
        ]
    }

    fn wants(&self, category: Category) -> bool {
        matches!(category, Category::Validation | Category::Review | Category::Execution)
    }

    fn begin(&self) -> Box<dyn Changes> {
        Box::<fold::ReliabilityChanges>::default()
    }
}
