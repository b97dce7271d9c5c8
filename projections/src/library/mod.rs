//! What users own: installations, licenses and orders.

use souk_domain::stream::Category;
use souk_projector::{Changes, Projection};

mod fold;
mod query;

pub use query::{
    Activation, Installation, License, Order, PluginRef, installations, license, licenses, licenses_for, order, orders,
};

/// What users own.
#[derive(Clone, Copy, Debug)]
pub struct Library;

impl Projection for Library {
    fn name(&self) -> &'static str {
        "library"
    }

    fn schema_sql(&self) -> &'static str {
        include_str!("schema.sql")
    }

    fn index_sql(&self) -> &'static str {
        include_str!("indexes.sql")
    }

    fn tables(&self) -> &'static [&'static str] {
        &["library_plugin", "library_installation", "library_license", "library_activation", "library_order"]
    }

    fn wants(&self, category: Category) -> bool {
        matches!(category, Category::Plugin | Category::Installation | Category::License | Category::Order)
    }

    fn begin(&self) -> Box<dyn Changes> {
        Box::<fold::LibraryChanges>::default()
    }
}
