//! Who asked to be erased is erased: subscriptions end, vendors publish no more, the address is free again, and the key is destroyed.

use std::time::Duration;

use async_trait::async_trait;
use chrono::SubsecRound;
use souk_domain::{
    id::UserId,
    name::EmailAddress,
    reservation::{self, Emails, Kind},
    subscription::{self, Subscriptions},
    user::{Command, State, Users},
    vendor,
};

use super::{Cause, Reaction};
use crate::{App, AppError, Context, execute::Call, memory::About, vendors};

/// What is said of a vendor whose owner is gone.
const REASON: &str = "Its owner has left.";

/// Whatever needs the person comes first, and the key last: begun again, it goes on where it was.
pub(super) struct Erasure;

#[async_trait]
impl Reaction for Erasure {
    fn name(&self) -> &'static str {
        "erasure"
    }

    fn handles(&self, event_type: &str) -> bool {
        event_type == "user.erasure_requested"
    }

    async fn react(&self, app: &App, cause: &Cause<'_>) -> Result<(), AppError> {
        let (ctx, user) = (&cause.ctx, UserId::new(cause.recorded.stream.uuid));
        let fact = app.fact::<Users>(user.uuid(), Duration::ZERO).await?;
        let State::Registered(known) = &*fact.state else {
            // Another try has come to the end.
            app.forget(user).await;
            return Ok(());
        };
        app.ports.credentials.forget(user).await?;
        app.ports.notices.forget_person(user).await?;
        let head = app.ports.log.head().await?;
        end_subscriptions(app, ctx, user, head).await?;
        for vendor in app.ports.directory.vendors_of(user, head).await? {
            let command = vendor::Command::Suspend { reason: REASON.to_owned() };
            vendors::change(app, &ctx.step(&vendor.to_string()), vendor, command).await?;
        }
        if let Some(email) = known.email.text() {
            free(app, ctx, user, email).await?;
        }
        app.ports.vault.destroy(user).await?;
        app.forget(user).await;
        let now = app.ports.clock.now().trunc_subsecs(6);
        let call = Call::on(ctx, user.uuid(), About::NOTHING);
        app.execute::<Users>(call, Command::Erase { now }).await?;
        // What was read for that was read with the key, if it was in time.
        app.forget(user).await;
        Ok(())
    }
}

async fn end_subscriptions(app: &App, ctx: &Context, user: UserId, head: u64) -> Result<(), AppError> {
    for id in app.ports.directory.subscriptions_of(user, head).await? {
        let fact = app.fact::<Subscriptions>(id.uuid(), Duration::ZERO).await?;
        if !matches!(&*fact.state, subscription::State::Started(known) if known.contract.buyer_id == user) {
            continue;
        }
        let as_of = app.ports.clock.now().trunc_subsecs(6);
        let ctx = ctx.step(&id.to_string());
        let call = Call::on(&ctx, id.uuid(), fact.about);
        let command = subscription::Command::Cancel { at_period_end: false, as_of };
        match app.execute::<Subscriptions>(call, command).await {
            // One that is over already is over.
            Ok(_) | Err(AppError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Gives the address back, so that whoever has it can register again.
async fn free(app: &App, ctx: &Context, user: UserId, email: &str) -> Result<(), AppError> {
    let Ok(email) = EmailAddress::parse(email) else { return Ok(()) };
    let key = app.ports.vault.email_stream(&email.normalized()).uuid;
    let ctx = ctx.step("address");
    let call = Call::on(&ctx, key, About::NOTHING);
    let command = reservation::Command::Release { kind: Kind::Email, holder: user.uuid() };
    match app.decide::<Emails>(call, |_| Ok(command.clone())).await {
        Ok(_) => Ok(()),
        // It was freed already, and somebody else has it.
        Err(crate::execute::Failure::Refused(_)) => Ok(()),
        Err(crate::execute::Failure::Other(error)) => Err(error),
    }
}
