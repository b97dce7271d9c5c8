//! The audit: what happened to a plugin, as everyone, its vendor or an admin may see it.

mod entry;
mod snapshot;
mod visible;

use souk_domain::id::PluginId;
use souk_ports::Position;

pub(crate) use self::entry::plain;
pub use self::{
    entry::{Entry, PublicActor},
    snapshot::{Snapshot, as_of},
};
use self::{
    entry::{Pseudonyms, entry},
    visible::Viewer,
};
use crate::{
    App, AppError, Context,
    plugins::{self, PluginRef},
    vendors,
};

/// Whether the vendor of a plugin may see every field of `data`, as it is stored.
pub(crate) fn vendor_sees_all_of(event_type: &str, schema_version: u16, data: &serde_json::Value) -> bool {
    // Rules are about the newest shape.
    let known = souk_domain::event::DomainEvent::decode(event_type, schema_version, data.clone()).is_ok();
    let (Some(fields), Some(rule), true) = (data.as_object(), visible::rule_of(event_type), known) else {
        return false;
    };
    fields.keys().all(|field| rule.shows(field, Viewer::Vendor))
}

/// A page of a history.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Which plugin.
    pub plugin: PluginId,
    /// In order of position.
    pub items: Vec<Entry>,
    /// What to ask for as `after` to go on; none at the end.
    pub next: Option<Position>,
}

/// The events that concern `plugin` behind `after`, at most `limit`, as the caller may see them. Waits until the read model
/// has reached `at_least`.
///
/// # Errors
/// `NotFound`, `Behind`.
pub async fn page(
    app: &App,
    caller: &Context,
    plugin: &PluginRef,
    after: Position,
    limit: usize,
    at_least: Position,
) -> Result<Page, AppError> {
    let fact = plugins::fact(app, plugin, app.settings().fact_age).await?;
    let plugin = plugins::created(&fact.state)?;
    let viewer = if caller.is_admin() {
        Viewer::Admin
    } else {
        let vendor = vendors::get(app, plugin.vendor).await?.value;
        if caller.actor.id == Some(vendor.owner) { Viewer::Vendor } else { Viewer::Public }
    };
    let mut positions = app.ports.timeline.page(plugin.id, after, limit.saturating_add(1), at_least).await?;
    let more = positions.len() > limit;
    positions.truncate(limit);
    let pseudonyms = Pseudonyms::of(app, plugin.id)?;
    let mut items = Vec::with_capacity(positions.len());
    for recorded in app.ports.log.read_at(&positions).await? {
        items.push(entry(app, &pseudonyms, &recorded, viewer).await?);
    }
    Ok(Page { plugin: plugin.id, items, next: positions.last().copied().filter(|_| more) })
}
