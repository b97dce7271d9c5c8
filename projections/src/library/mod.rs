//! What users own: installations, licenses, orders and subscriptions.

use souk_domain::stream::Category;
use souk_projector::{Changes, Projection};

mod fold;
mod query;

pub use query::{
    Activation, Due, Installation, License, Order, PluginRef, Subscription, due, installations, installers, license,
    licenses, licenses_for, order, orders, running_subscriptions, subscription, subscriptions,
};

/// What users own.
#[derive(Clone, Copy, Debug)]
pub struct Library;

impl Projection for Library {
    fn name(&self) -> &'static str {
        "library"
    }

    // 2: subscriptions, and what of a license is counted. 3: labels of machines as the log keeps them.
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
            "library_plugin",
            "library_installation",
            "library_license",
            "library_activation",
            "library_order",
            "library_subscription",
        ]
    }

    fn wants(&self, category: Category) -> bool {
        use Category::{Installation, License, Order, Plugin, Subscription};
        matches!(category, Plugin | Installation | License | Order | Subscription)
    }

    fn begin(&self) -> Box<dyn Changes> {
        Box::<fold::LibraryChanges>::default()
    }
}
