//! What several operations do alike.

use std::{future::Future, time::Duration};

use souk_app::{
    AppError, Done,
    plugins::{self, PluginRef, PluginVersion},
    vendors,
};
use souk_domain::{
    id::{LicenseId, PluginId, VendorId},
    license::License,
    order::Order,
    plugin::Plugin,
    vendor::Vendor,
};
use souk_ports::Position;

use crate::{
    Api,
    error::ApiError,
    extract::MinPosition,
    reads::At,
    wire::{catalogue, library},
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
pub async fn order(api: &Api, order: Order) -> Result<library::Order, ApiError> {
    let plugin = plugin_ref(api, order.plugin).await?;
    Ok(library::Order::of_stream(order, plugin))
}

/// A license as its stream tells it, and the names of its machines as the read models know them at `position`. Its key is told
/// to its holder only.
///
/// # Errors
/// Its plugin cannot be read.
pub async fn license(api: &Api, license: License, position: Position, key: bool) -> Result<library::License, ApiError> {
    let plugin = plugin_ref(api, license.plugin).await?;
    let before = api.reads.license(soon(position), license.id.uuid()).await.ok().flatten();
    let key = key.then(|| license_key(api, license.id));
    Ok(library::License::of_stream(license, plugin, key, before.as_ref()))
}

/// The key of a license.
pub fn license_key(api: &Api, license: LicenseId) -> String {
    souk_app::licenses::key(&api.app, license)
}

/// What is shown of a plugin beside something else.
///
/// # Errors
/// It cannot be read.
pub async fn plugin_ref(api: &Api, plugin: PluginId) -> Result<library::PluginRef, ApiError> {
    let plugin = plugins::get(&api.app, &PluginRef::Id(plugin)).await?.value;
    Ok(library::PluginRef::of_stream(plugin))
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
