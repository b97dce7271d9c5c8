//! Purchases that are paid again and again.

use std::{sync::Arc, time::Duration};

use chrono::SubsecRound;
use souk_domain::{
    id::SubscriptionId,
    subscription::{Command, State, Subscription, Subscriptions},
};

use crate::{App, AppError, Context, Done, Read, execute::Call, memory::About, vendors};

fn started(state: &State) -> Result<&Subscription, AppError> {
    match state {
        State::Started(known) => Ok(known),
        State::Absent => Err(AppError::NotFound("this subscription")),
    }
}

/// The subscription; its buyer, the owner of the vendor, or an admin.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`.
pub async fn get(app: &App, ctx: &Context, id: SubscriptionId) -> Result<Read<Subscription>, AppError> {
    let fact = app.fact::<Subscriptions>(id.uuid(), app.settings.fact_age).await?;
    let value = started(&fact.state)?.clone();
    if ctx.actor.id != Some(value.contract.buyer_id) {
        vendors::acting_for(ctx, &vendors::get(app, value.contract.vendor_id).await?.value)?;
    }
    Ok(Read { value, position: fact.position, version: fact.version.unwrap_or_default() })
}

/// Ends it when what was paid is used up, or now; buyer or admin.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`.
pub async fn cancel(
    app: &App,
    ctx: &Context,
    id: SubscriptionId,
    at_period_end: bool,
) -> Result<Done<Subscription>, AppError> {
    let as_of = app.ports.clock.now().trunc_subsecs(6);
    change(app, ctx, id, Command::Cancel { at_period_end, as_of }).await
}

/// Does not end it after all; buyer or admin.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`; conflict `subscription_over`.
pub async fn resume(app: &App, ctx: &Context, id: SubscriptionId) -> Result<Done<Subscription>, AppError> {
    let as_of = app.ports.clock.now().trunc_subsecs(6);
    change(app, ctx, id, Command::Resume { as_of }).await
}

async fn change(
    app: &App,
    ctx: &Context,
    id: SubscriptionId,
    command: Command,
) -> Result<Done<Subscription>, AppError> {
    let fact = app.fact::<Subscriptions>(id.uuid(), Duration::ZERO).await?;
    let contract = &started(&fact.state)?.contract;
    if ctx.actor.id != Some(contract.buyer_id) && !ctx.is_admin() {
        return Err(ctx.refuse("this is another's subscription"));
    }
    let about = About::plugin(contract.plugin_id, contract.vendor_id);
    let done: Done<Arc<State>> = app.execute::<Subscriptions>(Call::on(ctx, id.uuid(), about), command).await?;
    let value = started(&done.value)?.clone();
    Ok(done.map(|_| value))
}
