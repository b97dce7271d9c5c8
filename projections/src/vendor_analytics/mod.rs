//! What vendors sell, and how their plugins are used.
//!
//! Every figure is a sum of daily differences, by UTC day, vendor and plugin (and currency, for money). Net revenue is gross
//! revenue less refunds and commission, where the commission is less what is given back of it on refunds. `orders` are those
//! that were paid.

use souk_domain::stream::Category;
use souk_projector::{Changes, Projection};

mod fold;
mod query;

pub use query::{Amounts, Analytics, AnalyticsParams, Figures, Granularity, PluginFigures, SeriesPoint, analytics};

/// What vendors sell, and how their plugins are used.
#[derive(Clone, Copy, Debug)]
pub struct VendorAnalytics;

impl Projection for VendorAnalytics {
    fn name(&self) -> &'static str {
        "vendor_analytics"
    }

    fn schema_sql(&self) -> &'static str {
        include_str!("schema.sql")
    }

    fn index_sql(&self) -> &'static str {
        include_str!("indexes.sql")
    }

    fn tables(&self) -> &'static [&'static str] {
        &["vendor_analytics_activity", "vendor_analytics_money", "vendor_analytics_plugin"]
    }

    fn wants(&self, category: Category) -> bool {
        matches!(category, Category::Plugin | Category::Installation | Category::Review | Category::Order)
    }

    fn begin(&self) -> Box<dyn Changes> {
        Box::<fold::AnalyticsChanges>::default()
    }
}
