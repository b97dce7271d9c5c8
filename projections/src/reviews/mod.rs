//! What reviewers say. Names and texts are kept as the log keeps them, and opened when they are read: no table ever has one that can be read.

use souk_domain::stream::Category;
use souk_projector::{Changes, Projection};

mod fold;
mod query;

pub use query::{Author, Reply, Review, ReviewPage, Summary, Written, review, review_of, reviews, summary, written_by};

/// What reviewers say.
#[derive(Clone, Copy, Debug)]
pub struct Reviews;

impl Projection for Reviews {
    fn name(&self) -> &'static str {
        "reviews"
    }

    // 2: texts as the log keeps them.
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
        &["reviews_person", "reviews_review", "reviews_summary"]
    }

    fn wants(&self, category: Category) -> bool {
        matches!(category, Category::User | Category::Review)
    }

    fn begin(&self) -> Box<dyn Changes> {
        Box::<fold::ReviewChanges>::default()
    }
}
