//! The read models of Souk: one folder each, with its tables, its fold and its queries.
//!
//! Queries take a [`souk_projector::ReadGuard`], which sees one generation of every read model, and answer with what the
//! wire shows, in its spelling.

use std::sync::Arc;

use souk_projector::Projection;

pub mod catalogue;
mod copy;
mod cursor;
mod directory;
pub mod earnings;
mod error;
pub mod library;
pub mod moderation;
mod outcomes;
pub mod reliability;
pub mod reviews;
mod rows;
mod sealed;
mod stars;
pub mod timeline;
pub mod vendor_analytics;
pub mod webhooks;

pub use cursor::Page;
pub use directory::Directories;
pub use error::QueryError;

/// Every read model, in the order of their names.
#[must_use]
pub fn all() -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(catalogue::Catalogue),
        Arc::new(earnings::Earnings),
        Arc::new(library::Library),
        Arc::new(moderation::Moderation),
        Arc::new(reliability::Reliability),
        Arc::new(reviews::Reviews),
        Arc::new(timeline::Timeline),
        Arc::new(vendor_analytics::VendorAnalytics),
        Arc::new(webhooks::Webhooks),
    ]
}
