//! Plugins, their versions and vendors, and the search over them.
//!
//! Ratings shown are Bayesian means: five imagined reviews of 3.5 stars stand beside the real ones. Reliability is the
//! confidence of the validation that was concluded last, moved by live reviews: +1 for 5 stars, -1 for 1 or 2 stars,
//! together between -30 and 10, the whole between 0 and 100. `installs` counts users who ever installed,
//! `downloads` each user, version and UTC day once.

use souk_domain::stream::Category;
use souk_projector::{Changes, Projection};

mod flush;
mod fold;
mod query;
mod ranks;
mod search;
mod showcase;

pub use query::{
    Plugin, PluginStatus, PluginVendor, Rating, Vendor, Version, VersionStatus, plugin, vendor, vendors_of, versions,
};
pub use search::{SearchParams, SearchResult, Sort};
pub use showcase::{NotShown, Page, Render, Shelf, Showcase, ShowcaseOptions, ShowcaseStatus};
pub use souk_search::Facets;

/// How many imagined reviews stand beside the real ones, and their stars.
pub(crate) const PRIOR_WEIGHT: (f64, f64) = (5.0, 3.5);

/// Plugins, their versions and vendors, and the search over them.
#[derive(Clone, Copy, Debug)]
pub struct Catalogue;

impl Projection for Catalogue {
    fn name(&self) -> &'static str {
        "catalogue"
    }

    fn version(&self) -> i32 {
        4
    }

    fn schema_sql(&self) -> &'static str {
        include_str!("schema.sql")
    }

    fn index_sql(&self) -> &'static str {
        include_str!("indexes.sql")
    }

    fn tables(&self) -> &'static [&'static str] {
        &["catalogue_plugin", "catalogue_rank", "catalogue_version", "catalogue_vendor", "catalogue_download"]
    }

    fn wants(&self, category: Category) -> bool {
        matches!(
            category,
            Category::Plugin
                | Category::Vendor
                | Category::Validation
                | Category::Installation
                | Category::Review
                | Category::Execution
                | Category::Download
        )
    }

    fn begin(&self) -> Box<dyn Changes> {
        Box::<fold::CatalogueChanges>::default()
    }
}
