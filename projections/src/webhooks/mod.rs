//! What payment gateways told, and what came of it: for operators, and for what waits.

use souk_domain::stream::Category;
use souk_projector::{Changes, Projection};

mod fold;
mod query;

pub use query::{State, Webhook, waiting, webhook, webhooks};

/// What payment gateways told, and what came of it.
#[derive(Clone, Copy, Debug)]
pub struct Webhooks;

impl Projection for Webhooks {
    fn name(&self) -> &'static str {
        "webhooks"
    }

    fn schema_sql(&self) -> &'static str {
        include_str!("schema.sql")
    }

    fn index_sql(&self) -> &'static str {
        include_str!("indexes.sql")
    }

    fn tables(&self) -> &'static [&'static str] {
        &["webhooks_webhook"]
    }

    fn wants(&self, category: Category) -> bool {
        category == Category::Webhook
    }

    fn begin(&self) -> Box<dyn Changes> {
        Box::<fold::WebhookChanges>::default()
    }
}
