//! What came with a version.

use semver::Version;
use serde_json::Value;
use souk_domain::{
    event::DomainEvent,
    id::PluginId,
    plugin::Event,
    stream::{Category, StreamId},
};

use crate::{App, AppError};

/// Events of a plugin that are read at once.
const PAGE: usize = 200;

/// The manifest that came with `version`; the plugin's state does not keep it.
///
/// # Errors
/// `NotFound`: there is no such version.
pub(crate) async fn manifest(app: &App, plugin: PluginId, version: &Version) -> Result<Value, AppError> {
    let (stream, mut from) = (StreamId::of(Category::Plugin, plugin), 0);
    loop {
        let page = app.ports.log.read_stream(stream, from, PAGE).await?;
        for recorded in page.iter().filter(|recorded| recorded.event_type == "plugin.version_submitted") {
            if let DomainEvent::Plugin(Event::VersionSubmitted { version: of, manifest, .. }) =
                app.open(recorded).await?
                && of == *version
            {
                return Ok(manifest);
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE => from = last.version + 1,
            _ => return Err(AppError::NotFound("this version")),
        }
    }
}
