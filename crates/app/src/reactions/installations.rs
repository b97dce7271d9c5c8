//! A license that ends blocks the installation that rests on it.

use std::time::Duration;

use async_trait::async_trait;
use souk_domain::{
    event::DomainEvent,
    id::{InstallationId, LicenseId},
    installation::{self, Command, Installations},
    license::{self, License, Licenses, Status},
};
use souk_ports::RecordedEvent;

use super::{Cause, Reaction};
use crate::{App, AppError, Context, execute::Call, licenses, memory::About};

/// Answers the end of a license, and settles the race between that end and an installation that had just found it good:
/// whichever of the two events comes last finds the other. Suspensions, yanks and revoked approvals need no such answer,
/// since they leave what was installed before them in place, and a race amounts to having been installed before.
pub(super) struct InstallationGuard;

#[async_trait]
impl Reaction for InstallationGuard {
    fn name(&self) -> &'static str {
        "installations"
    }

    fn handles(&self, event_type: &str) -> bool {
        matches!(event_type, "license.revoked" | "installation.installed" | "installation.upgraded")
    }

    /// What is free rests on no license. An event that cannot be read is left to who opens it, and says so.
    fn concerns(&self, recorded: &RecordedEvent) -> bool {
        DomainEvent::decode_bytes(&recorded.event_type, recorded.schema_version, &recorded.data)
            .map_or(true, |event| license_of(&event, recorded).is_some())
    }

    async fn react(&self, app: &App, cause: &Cause<'_>) -> Result<(), AppError> {
        let Some(license) = license_of(&cause.event, cause.recorded) else { return Ok(()) };
        let fact = app.fact::<Licenses>(license.uuid(), Duration::ZERO).await?;
        let license = licenses::issued(&fact.state)?;
        if license.status() == Status::Revoked { block(app, &cause.ctx, license).await } else { Ok(()) }
    }
}

/// The license that ended, or that the installation rests on.
const fn license_of(event: &DomainEvent, recorded: &RecordedEvent) -> Option<LicenseId> {
    match event {
        DomainEvent::License(license::Event::Revoked { .. }) => Some(LicenseId::new(recorded.stream.uuid)),
        DomainEvent::Installation(
            installation::Event::Installed { license_id, .. } | installation::Event::Upgraded { license_id, .. },
        ) => *license_id,
        _ => None,
    }
}

async fn block(app: &App, ctx: &Context, license: &License) -> Result<(), AppError> {
    let installation = InstallationId::of(license.holder, license.plugin);
    let call = Call::on(ctx, installation.uuid(), About::plugin(license.plugin, license.vendor));
    let command = Command::Block { license: license.id, reason: "the license was revoked".to_owned() };
    app.execute::<Installations>(call, command).await.map(|_| ())
}
