//! What vendors sell, and how their plugins are used.
//!
//! Every figure is a sum of daily differences, by UTC day, vendor and plugin (and currency, for money). Net revenue is gross
//! revenue less refunds and commission, where the commission is less what is given back of it on refunds. `orders` are those
//! that were paid.

use souk_domain::stream::Category;
use souk_projector::{Changes, Projection};

mod buyers;
mod fold;
mod query;
mod sales;

pub use buyers::{Conversion, CountryFigures, SubscriptionFigures, SubscriptionPoint, Subscriptions};
pub use query::{Amounts, Analytics, AnalyticsParams, Figures, Granularity, PluginFigures, SeriesPoint, analytics};

/// What vendors sell, and how their plugins are used.
#[derive(Clone, Copy, Debug)]
pub struct VendorAnalytics;

impl Projection for VendorAnalytics {
    fn name(&self) -> &'static str {
        "vendor_analytics"
    }

    // 2: downloads, countries, orders that were placed, and subscriptions. 3: looks at pages.
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
            "vendor_analytics_activity",
            "vendor_analytics_money",
            "vendor_analytics_plugin",
            "vendor_analytics_country",
            "vendor_analytics_order",
            "vendor_analytics_subscription",
        ]
    }

    fn wants(&self, category: Category) -> bool {
        use Category::{Download, Installation, Order, Plugin, Review, Subscription, Traffic};
        matches!(category, Plugin | Installation | Review | Order | Subscription | Download | Traffic)
    }

    fn begin(&self) -> Box<dyn Changes> {
        Box::<fold::AnalyticsChanges>::default()
    }
}
