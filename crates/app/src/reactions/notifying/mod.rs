//! What happens is told to whom it concerns.
//!
//! Two reactions, so that a receipt never waits for an announcement to thousands: one tells the one or two persons that an
//! event names, the other all who have a plugin.

mod direct;

use async_trait::async_trait;
use serde_json::{Value, json};
use souk_domain::{event::DomainEvent, id::PluginId, plugin};
use souk_ports::notice::Kind;

use super::{Cause, Reaction};
use crate::{
    App, AppError,
    notices::{Told, is_past, tell},
};

/// As many are told in one transaction.
const PAGE: u32 = 500;

pub(super) struct Notifications;

#[async_trait]
impl Reaction for Notifications {
    fn name(&self) -> &'static str {
        "notifications"
    }

    fn handles(&self, event_type: &str) -> bool {
        direct::TYPES.contains(&event_type)
    }

    fn at_once(&self) -> usize {
        8
    }

    async fn react(&self, app: &App, cause: &Cause<'_>) -> Result<(), AppError> {
        if is_past(app, cause.recorded) {
            return Ok(());
        }
        match direct::told(app, cause).await? {
            Some(told) => tell(app, cause.recorded, vec![told], None).await,
            None => Ok(()),
        }
    }
}

/// Tells all who have a plugin. Where it was cut off it goes on: it is remembered whom it has come to.
pub(super) struct Announcements;

#[async_trait]
impl Reaction for Announcements {
    fn name(&self) -> &'static str {
        "announcements"
    }

    fn handles(&self, event_type: &str) -> bool {
        matches!(event_type, "plugin.suspended" | "plugin.reinstated" | "plugin.deprecated" | "plugin.version_approved")
    }

    async fn react(&self, app: &App, cause: &Cause<'_>) -> Result<(), AppError> {
        let DomainEvent::Plugin(event) = &cause.event else { return Ok(()) };
        let (kind, version) = match event {
            plugin::Event::Suspended { .. } => (Kind::PluginSuspended, None),
            plugin::Event::Reinstated {} => (Kind::PluginReinstated, None),
            plugin::Event::Deprecated { .. } => (Kind::PluginDeprecated, None),
            // Nobody has a plugin yet whose first version this is.
            plugin::Event::VersionApproved { version, previous_version: Some(_), .. } => {
                (Kind::VersionAvailable, Some(version.to_string()))
            }
            _ => return Ok(()),
        };
        if is_past(app, cause.recorded) {
            return Ok(());
        }
        let id = PluginId::new(cause.recorded.stream.uuid);
        let mut details = json!({ "plugin": direct::plugin(app, id).await?.details });
        if let Some(version) = version {
            details["version"] = version.into();
        }
        announce(app, cause, id, kind, &details).await
    }
}

async fn announce(app: &App, cause: &Cause<'_>, id: PluginId, kind: Kind, details: &Value) -> Result<(), AppError> {
    let mut reached = app.ports.notices.round(cause.recorded.id).await?;
    loop {
        let page = app.ports.directory.installers_of(id, reached, PAGE, cause.recorded.position).await?;
        let Some(last) = page.last().copied() else { return Ok(()) };
        let told = page.into_iter().map(|user| Told { user, kind, details: details.clone() }).collect();
        tell(app, cause.recorded, told, Some(last)).await?;
        reached = Some(last);
    }
}
