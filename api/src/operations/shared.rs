//! What several operations do alike.

use std::{future::Future, time::Duration};

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use souk_app::{
    AppError, Context, Done, orders,
    plugins::{self, PluginRef, PluginVersion},
    vendors,
};
use souk_domain::{
    id::{LicenseId, PayoutId, PluginId, VendorId},
    license::License,
    order::Order,
    plugin::Plugin,
    vendor::Vendor,
};
use souk_ports::Position;
use souk_projections::earnings::Span;

use crate::{
    Api,
    error::ApiError,
    extract::MinPosition,
    reads::At,
    wire::{catalogue, earnings::Payout, library},
};

/// How long the answer to a write waits for the read models. When they are slower, it tells what the streams tell.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a read waits for.
pub fn at(api: &Api, min: MinPosition) -> At {
    At { position: min.0, patience: api.settings.position_wait }
}

/// What the answer to a write waits for.
pub const fn soon(position: Position) -> At {
    At { position, patience: PATIENCE }
}

/// What is there, without waiting.
pub const fn now() -> At {
    At { position: 0, patience: Duration::ZERO }
}

/// What `read` finds. What is not there may only not be there yet, so it looks again at the log's head before it says so.
///
/// # Errors
/// 404 and what `read` fails with.
pub async fn found<T, F>(api: &Api, min: MinPosition, what: &str, read: impl Fn(At) -> F) -> Result<T, ApiError>
where
    F: Future<Output = Result<Option<T>, ApiError>>,
{
    if let Some(found) = read(at(api, min)).await? {
        return Ok(found);
    }
    let head = api.app.ports().log.head().await.map_err(AppError::from)?;
    match read(At { position: head, patience: PATIENCE }).await {
        Ok(Some(found)) => Ok(found),
        Err(error) if error.code != "projection_behind" => Err(error),
        Ok(None) | Err(_) => Err(ApiError::not_found(what)),
    }
}

/// A plugin that was just written, with what other streams tell of it.
///
/// # Errors
/// Its vendor cannot be read.
pub async fn written_plugin(api: &Api, done: Done<Plugin>) -> Result<catalogue::Plugin, ApiError> {
    let id = done.value.id.to_string();
    if let Ok(Some(plugin)) = api.reads.plugin(soon(done.position), &id).await {
        return Ok(plugin);
    }
    let vendor = vendors::get(&api.app, done.value.vendor).await?.value;
    let before = api.reads.plugin(now(), &id).await.ok().flatten();
    Ok(catalogue::Plugin::of_stream(done.value, &vendor, before, api.app.ports().clock.now()))
}

/// A version that was just written, with what its validation tells of it. Its status is what its plugin's stream says.
pub async fn written_version(api: &Api, done: Done<PluginVersion>) -> catalogue::Version {
    let id = done.value.plugin.to_string();
    let version = done.value.version.to_string();
    let named = |versions: Vec<catalogue::Version>| versions.into_iter().find(|found| found.version == version);
    let mut before = api.reads.versions(soon(done.position), &id).await.ok().flatten().and_then(named);
    if before.is_none() {
        before = api.reads.versions(now(), &id).await.ok().flatten().and_then(named);
    }
    catalogue::Version::of_stream(done.value, before, api.app.ports().clock.now())
}

/// A vendor that was just written.
pub async fn written_vendor(api: &Api, done: Done<Vendor>) -> catalogue::Vendor {
    let id = done.value.id.to_string();
    let before = api.reads.vendor(soon(done.position), &id).await.ok().flatten();
    catalogue::Vendor::of_stream(done.value, before, api.app.ports().clock.now())
}

/// An order as its stream tells it.
///
/// # Errors
/// Its plugin cannot be read.
pub async fn order(api: &Api, context: &Context, order: Order) -> Result<library::Order, ApiError> {
    let plugin = plugin_ref(api, order.plugin).await?;
    let checkout = orders::checkout(&api.app, context, &order).await?;
    Ok(library::Order::of_stream(order, plugin, checkout))
}

/// A license as its stream tells it, and the names of its machines as the read models know them at `position`. Its key is told
/// to its holder only.
///
/// # Errors
/// Its plugin cannot be read.
pub async fn license(api: &Api, license: License, position: Position, key: bool) -> Result<library::License, ApiError> {
    let plugin = plugin_ref(api, license.plugin).await?;
    let before = api.reads.license(soon(position), license.id.uuid()).await.ok().flatten();
    let key = key.then(|| license_key(api, license.id, license.key_generation));
    Ok(library::License::of_stream(license, plugin, key, before.as_ref()))
}

/// The key of a license.
pub fn license_key(api: &Api, license: LicenseId, generation: u32) -> String {
    souk_app::licenses::key(&api.app, license, generation)
}

/// The plugin that a path names: where pages are in memory, its id is found there, and only its own stream has to be read.
pub fn named(api: &Api, plugin: &str) -> PluginRef {
    match (PluginRef::from(plugin), api.reads.likely(plugin)) {
        (PluginRef::Name(name), Some(id)) => PluginRef::Likely(name, id.into()),
        (named, _) => named,
    }
}

/// What is shown of a plugin beside something else.
///
/// # Errors
/// It cannot be read.
pub async fn plugin_ref(api: &Api, plugin: PluginId) -> Result<library::PluginRef, ApiError> {
    Ok(plugins::tell(&api.app, &PluginRef::Id(plugin), library::PluginRef::of_stream).await?)
}

/// The vendor that a path or a field names, by id or slug.
///
/// # Errors
/// 404.
pub async fn vendor_id(api: &Api, vendor: &str) -> Result<VendorId, ApiError> {
    match vendor.parse() {
        Ok(id) => Ok(id),
        Err(_) => Ok(vendors::by_slug(&api.app, vendor).await?),
    }
}

/// `2026-01-31`, or the UTC day of a time.
///
/// # Errors
/// 422 for `field`.
pub fn day(field: &str, text: Option<&str>) -> Result<Option<NaiveDate>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let time = || text.parse::<DateTime<Utc>>().ok().map(|time| time.date_naive());
    // RFC 3339 writes four digits for a year; chrono reads more, which no database keeps.
    let day = text.parse::<NaiveDate>().ok().or_else(time).filter(|day| (0..=9999).contains(&day.year()));
    day.map(Some).ok_or_else(|| ApiError::invalid_field(field, "must be a day (2026-01-31) or a time (RFC 3339)"))
}

/// The days between two texts, both included, of all currencies.
///
/// # Errors
/// 422: one is no day, or they are in the wrong order.
pub fn span(from: Option<&str>, to: Option<&str>) -> Result<Span, ApiError> {
    let span = Span { from: day("from", from)?, to: day("to", to)?, currency: None };
    match (span.from, span.to) {
        (Some(from), Some(to)) if to < from => Err(ApiError::invalid_field("to", "must not be before `from`")),
        _ => Ok(span),
    }
}

/// A payout that was just written.
pub async fn written_payout(api: &Api, payout: PayoutId, done: Done<Vendor>) -> Result<Payout, ApiError> {
    let told =
        |found: &Payout| done.value.payouts.get(&payout).is_some_and(|known| known.status.to_string() == found.status);
    if let Ok(Some(found)) = api.reads.payout(soon(done.position), payout.uuid()).await
        && told(&found)
    {
        return Ok(found);
    }
    let known = done.value.payouts.get(&payout).ok_or_else(|| ApiError::not_found("this payout"))?;
    Ok(Payout::of_stream(done.value.id, payout, known, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_from_days_and_times() {
        let new_year = NaiveDate::from_ymd_opt(2026, 1, 1);
        assert_eq!(day("from", Some("2026-01-01")).unwrap(), new_year);
        assert_eq!(day("from", Some("2026-01-01T01:00:00Z")).unwrap(), new_year);
        assert_eq!(day("from", Some("2025-12-31T23:00:00-02:00")).unwrap(), new_year);
    }

    #[test]
    fn spans_go_forward() {
        assert!(span(Some("2026-01-02"), Some("2026-01-02")).is_ok());
        assert!(span(None, None).is_ok());
        assert_eq!(span(Some("2026-01-02"), Some("2026-01-01")).unwrap_err().code, "validation_failed");
    }
}
