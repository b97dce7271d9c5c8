//! Purchases and their payments.

use std::{sync::Arc, time::Duration};

use chrono::SubsecRound;
use serde_json::{Value, json};
use souk_domain::{
    id::{OrderId, UserId},
    money::{Currency, Money},
    order::{Command, Gateway, Order, Orders, State},
    text,
};

use crate::{
    App, AppError, Context, Done, Read,
    execute::{Call, Failure},
    input::MAX_REASON,
    memory::About,
    plugins::{self, PluginRef},
    vendors,
};

/// A payment that was seen.
#[derive(Clone, Debug)]
pub struct RecordPayment {
    /// The gateway's name of the payment, one line of 1 to 200 characters.
    pub reference: String,
    /// Minor units; what is due when absent.
    pub amount: Option<i64>,
    /// The currency; the order's when absent.
    pub currency: Option<Currency>,
}

pub(crate) fn placed(state: &State) -> Result<&Order, AppError> {
    match state {
        State::Placed(order) => Ok(order),
        State::Absent => Err(AppError::NotFound("this order")),
    }
}

fn order_of(done: Done<Arc<State>>) -> Result<Done<Order>, AppError> {
    let order = placed(&done.value)?.clone();
    Ok(done.map(|_| order))
}

/// Orders a plugin for the caller at today's price and terms. The id is derived from the command and the plugin.
///
/// # Errors
/// `NotFound`, `Unauthorized`; conflicts `plugin_is_free`, `not_available`.
pub async fn place(app: &App, ctx: &Context, plugin: &PluginRef, gateway: Gateway) -> Result<Done<Order>, AppError> {
    let buyer = ctx.require_user()?;
    match attempt(app, ctx, buyer, plugin, gateway, app.settings.fact_age).await {
        Err(error) if error.is_refusal() => attempt(app, ctx, buyer, plugin, gateway, Duration::ZERO).await,
        done => done,
    }
}

async fn attempt(
    app: &App,
    ctx: &Context,
    buyer: UserId,
    plugin: &PluginRef,
    gateway: Gateway,
    age: Duration,
) -> Result<Done<Order>, AppError> {
    let fact = plugins::fact(app, plugin, age).await?;
    let plugin = plugins::created(&fact.state)?;
    let vendor = vendors::known(app, plugin.vendor, age).await?.value;
    let id = OrderId::derived(&["order", &ctx.command.to_string(), &plugin.id.to_string()]);
    let command = Command::Place {
        id,
        buyer,
        plugin: plugin.id,
        vendor: plugin.vendor,
        pricing: plugin.pricing.clone(),
        terms: plugin.terms.clone(),
        gateway,
        commission: vendor.commission,
        available: plugin.suspended.is_none() && plugin.latest().is_some(),
        // As precise as the log's own times.
        now: app.ports.clock.now().trunc_subsecs(6),
    };
    let call = Call::new(ctx, id.uuid(), About::plugin(plugin.id, plugin.vendor));
    order_of(app.execute::<Orders>(call, command).await?)
}

/// The order; buyer or admin.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`.
pub async fn get(app: &App, ctx: &Context, order: OrderId) -> Result<Read<Order>, AppError> {
    let fact = app.fact::<Orders>(order.uuid(), app.settings.fact_age).await?;
    let value = placed(&fact.state)?.clone();
    if ctx.actor.id != Some(value.buyer) && !ctx.is_admin() {
        return Err(ctx.refuse("this is another's order"));
    }
    Ok(Read { value, position: fact.position, version: fact.version.unwrap_or_default() })
}

/// Records the payment of an order; admin. The same reference again changes nothing.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid`; conflicts `already_paid`, `payment_mismatch`.
pub async fn record_payment(
    app: &App,
    ctx: &Context,
    order: OrderId,
    input: RecordPayment,
) -> Result<Done<Order>, AppError> {
    let ctx = ctx.require_admin()?;
    text::line("reference", &input.reference, 200)?;
    change(app, &ctx, order, |order| Command::CompletePayment {
        reference: input.reference.clone(),
        paid: Money {
            amount: input.amount.unwrap_or(order.price.amount),
            currency: input.currency.unwrap_or(order.price.currency),
        },
    })
    .await
}

/// Gives money back; admin. `amount` in minor units; all that is left when absent.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid`; conflicts `not_paid`, `refund_too_large`.
pub async fn refund(
    app: &App,
    ctx: &Context,
    order: OrderId,
    amount: Option<i64>,
    reason: &str,
) -> Result<Done<Order>, AppError> {
    let ctx = ctx.require_admin()?;
    text::body("reason", reason, MAX_REASON)?;
    change(app, &ctx, order, |_| Command::Refund { amount, reason: reason.to_owned() }).await
}

async fn change(
    app: &App,
    ctx: &Context,
    order: OrderId,
    command: impl Fn(&Order) -> Command + Send + Sync,
) -> Result<Done<Order>, AppError> {
    let fact = app.fact::<Orders>(order.uuid(), app.settings.fact_age).await?;
    let call = Call::on(ctx, order.uuid(), fact.about);
    let done = app.decide::<Orders>(call, |state| Ok(command(placed(state)?))).await;
    order_of(done.map_err(Failure::into_error)?)
}

/// What the buyer of `order` does next, as the gateway has it.
#[must_use]
pub fn checkout(gateway: Gateway, order: OrderId) -> Value {
    match gateway {
        Gateway::Manual => json!({
            "type": "manual",
            "reference": order,
            "instructions": "Transfer the amount and name the reference; an admin records the payment when it has arrived.",
        }),
    }
}
