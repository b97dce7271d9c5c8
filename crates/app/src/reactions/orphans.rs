//! A reservation whose holder never came to be is given back.

use std::time::Duration;

use async_trait::async_trait;
use souk_domain::{
    event::DomainEvent,
    id::UserId,
    plugin::{self, Plugins},
    reservation::{Command, Emails, Event, Holder, Kind, Names, Slugs},
    user::{self, Users},
    vendor::{self, Vendors},
};
use uuid::Uuid;

use super::{Cause, Reaction};
use crate::{
    App, AppError, Context,
    execute::Call,
    memory::{About, Remembered},
};

/// Waits for the holder, then closes its stream and releases the key. In this order: a creation that is only slow fails at the
/// closed stream, and never finds its name taken by another.
pub(super) struct Orphans;

#[async_trait]
impl Reaction for Orphans {
    fn name(&self) -> &'static str {
        "orphans"
    }

    fn handles(&self, event_type: &str) -> bool {
        matches!(event_type, "name.reserved" | "slug.reserved" | "email.reserved")
    }

    fn delay(&self, app: &App) -> Duration {
        app.settings.orphan_grace
    }

    fn at_once(&self) -> usize {
        16
    }

    async fn react(&self, app: &App, cause: &Cause<'_>) -> Result<(), AppError> {
        let (ctx, key) = (&cause.ctx, cause.recorded.stream.uuid);
        match &cause.event {
            DomainEvent::Reservation(Event::NameReserved(Holder { holder_id })) => {
                let absent = |state: &plugin::State| !matches!(state, plugin::State::Created(_));
                if close::<Plugins>(app, ctx, *holder_id, plugin::Command::Abandon, absent).await? {
                    release::<Names>(app, ctx, key, Kind::Name, *holder_id).await?;
                }
            }
            DomainEvent::Reservation(Event::SlugReserved(Holder { holder_id })) => {
                let absent = |state: &vendor::State| !matches!(state, vendor::State::Registered(_));
                if close::<Vendors>(app, ctx, *holder_id, vendor::Command::Abandon, absent).await? {
                    release::<Slugs>(app, ctx, key, Kind::Slug, *holder_id).await?;
                }
            }
            DomainEvent::Reservation(Event::EmailReserved(Holder { holder_id })) => {
                let absent = |state: &user::State| !matches!(state, user::State::Registered(_));
                if close::<Users>(app, ctx, *holder_id, user::Command::Abandon, absent).await? {
                    app.ports.credentials.forget(UserId::new(*holder_id)).await?;
                    release::<Emails>(app, ctx, key, Kind::Email, *holder_id).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Closes the holder's stream unless the holder is there; whether it is closed.
async fn close<D: Remembered>(
    app: &App,
    ctx: &Context,
    holder: Uuid,
    abandon: D::Command,
    absent: impl Fn(&D::State) -> bool + Send + Sync,
) -> Result<bool, AppError>
where
    D::Error: Into<AppError>,
{
    // A holder that is there never goes away, so an old memory of it is as good as a new one.
    if !absent(&app.fact::<D>(holder, Duration::MAX).await?.state) {
        return Ok(false);
    }
    let closed = app.execute::<D>(Call::on(ctx, holder, About::NOTHING), abandon).await?;
    Ok(absent(&closed.value))
}

async fn release<D>(app: &App, ctx: &Context, key: Uuid, kind: Kind, holder: Uuid) -> Result<(), AppError>
where
    D: Remembered<Command = Command, Error = souk_domain::reservation::Error>,
{
    let call = Call::on(ctx, key, About::NOTHING);
    match app.decide::<D>(call, |_| Ok(Command::Release { kind, holder })).await {
        Ok(_) => {
            tracing::info!(%holder, ?kind, "gave an orphaned reservation back");
            Ok(())
        }
        Err(crate::execute::Failure::Refused(error)) => Err(AppError::conflict("reservation", error)),
        Err(crate::execute::Failure::Other(error)) => Err(error),
    }
}
