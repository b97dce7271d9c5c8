//! Purchases and their payments.

use std::{sync::Arc, time::Duration};

use chrono::SubsecRound;
use souk_domain::{
    id::{OrderId, PluginId, RefundId, SubscriptionId, UserId},
    listing::Pricing,
    money::{Currency, Money},
    order::{Billed, Cancellation, Command, Gateway, Order, OrderStatus, Orders, Receipt, State},
    plugin::Plugin,
    reservation::{self, Trials},
    stream::StreamId,
    subscription::{self, Subscriptions},
    text,
};
use souk_ports::payment::{CheckoutRequest, Recurring, Split};
use uuid::Uuid;

use crate::{
    App, AppError, Context, Done, Read,
    execute::{Call, Failure},
    input::MAX_REASON,
    memory::About,
    payments,
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

pub(crate) fn order_of(done: Done<Arc<State>>) -> Result<Done<Order>, AppError> {
    let order = placed(&done.value)?.clone();
    Ok(done.map(|_| order))
}

/// Orders a plugin for the caller at today's price and terms. The id is derived from the command and the plugin.
///
/// # Errors
/// `NotFound`, `Unauthorized`; conflicts `plugin_is_free`, `not_available`, `gateway_not_available`.
pub async fn place(app: &App, ctx: &Context, plugin: &PluginRef, gateway: Gateway) -> Result<Done<Order>, AppError> {
    let buyer = ctx.require_user()?;
    if gateway != Gateway::Manual && app.gateway(gateway).is_none() {
        let message = format!("this Souk does not take payments through {}", gateway.as_str());
        return Err(AppError::conflict("gateway_not_available", message));
    }
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
    let available = plugin.suspended.is_none() && plugin.latest().is_some();
    let command = Command::Place {
        id,
        buyer,
        plugin: plugin.id,
        vendor: plugin.vendor,
        pricing: plugin.pricing.clone(),
        terms: plugin.terms.clone(),
        gateway,
        commission: vendor.commission,
        subscription: billed(app, ctx, id, buyer, plugin, available).await?,
        payout_account: vendor.payout_accounts.get(&gateway).cloned(),
        available,
        // As precise as the log's own times.
        now: app.ports.clock.now().trunc_subsecs(6),
    };
    let call = Call::new(ctx, id.uuid(), About::plugin(plugin.id, plugin.vendor));
    order_of(app.execute::<Orders>(call, command).await?)
}

/// For a subscription, its first interval: with a trial where the plugin has one and the buyer had none of it.
async fn billed(
    app: &App,
    ctx: &Context,
    order: OrderId,
    buyer: UserId,
    plugin: &Plugin,
    available: bool,
) -> Result<Option<Billed>, AppError> {
    let Pricing::Subscription { trial_days, .. } = plugin.pricing else { return Ok(None) };
    let trial_days = match trial_days {
        Some(days) if available && take_trial(app, ctx, order, buyer, plugin.id).await? => days,
        _ => 0,
    };
    Ok(Some(Billed { subscription_id: SubscriptionId::of(order), renewal: false, trial_days }))
}

/// Whether `order` has the one trial of a plugin that a user gets. An earlier order that never began one gives it up.
async fn take_trial(
    app: &App,
    ctx: &Context,
    order: OrderId,
    buyer: UserId,
    plugin: PluginId,
) -> Result<bool, AppError> {
    let key = StreamId::of_trial(buyer, plugin).uuid;
    for _ in 0..3 {
        let step = ctx.step(&format!("trial {order}"));
        let take = Call::on(&step, key, About::NOTHING);
        let command = reservation::Command::Reserve { kind: reservation::Kind::Trial, holder: order.uuid() };
        let holder = match app.decide::<Trials>(take, |_| Ok(command.clone())).await {
            Ok(_) => return Ok(true),
            Err(Failure::Refused(reservation::Error::Taken { holder })) => holder,
            Err(Failure::Other(error)) => return Err(error),
        };
        let id = SubscriptionId::of(OrderId::new(holder));
        let begun = app.fact::<Subscriptions>(id.uuid(), Duration::ZERO).await?;
        if matches!(*begun.state, subscription::State::Started(_)) {
            return Ok(false);
        }
        // It cannot begin one any more once it is canceled.
        let earlier = OrderId::new(holder);
        if change(app, &ctx.step("forgo"), earlier, |_| cancel_command()).await.is_err() {
            return Ok(false);
        }
        let step = ctx.step(&format!("release {holder}"));
        let release = Call::on(&step, key, About::NOTHING);
        let command = reservation::Command::Release { kind: reservation::Kind::Trial, holder };
        app.decide::<Trials>(release, |_| Ok(command.clone())).await.map_err(|failure| match failure {
            Failure::Refused(error) => AppError::conflict("trial", error),
            Failure::Other(error) => error,
        })?;
    }
    Ok(false)
}

const fn cancel_command() -> Command {
    Command::Cancel { reason: Cancellation::Asked }
}

/// Lets nobody pay an order any more; buyer or admin.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`; conflict `already_paid`.
pub async fn cancel(app: &App, ctx: &Context, order: OrderId) -> Result<Done<Order>, AppError> {
    get(app, ctx, order).await?;
    change(app, ctx, order, |_| cancel_command()).await
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
/// `NotFound`, `Forbidden`, `Invalid`; conflicts `already_paid`, `payment_mismatch`, `order_canceled`, `not_manual`.
pub async fn record_payment(
    app: &App,
    ctx: &Context,
    order: OrderId,
    input: RecordPayment,
) -> Result<Done<Order>, AppError> {
    let ctx = ctx.require_admin()?;
    text::line("reference", &input.reference, 200)?;
    let paid_at = app.ports.clock.now().trunc_subsecs(6);
    let fact = app.fact::<Orders>(order.uuid(), app.settings.fact_age).await?;
    let gateway = placed(&fact.state)?.gateway;
    if gateway != Gateway::Manual {
        let message = format!("{} tells by itself what is paid", gateway.as_str());
        return Err(AppError::conflict("not_manual", message));
    }
    change(app, &ctx, order, |order| {
        Command::CompletePayment(Receipt {
            reference: input.reference.clone(),
            names: vec![input.reference.clone()],
            paid: Money {
                amount: input.amount.unwrap_or(order.price.amount),
                currency: input.currency.unwrap_or(order.price.currency),
            },
            tax: Some(0),
            fee: None,
            country: None,
            paid_at,
        })
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
    // Asking for all that is left, twice with different commands, is asking twice for nothing.
    let id = RefundId::derived(&["refund", &ctx.command.to_string()]);
    change(app, &ctx, order, |_| Command::Refund { id, amount, reason: reason.to_owned() }).await
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

/// What the buyer of an order does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checkout {
    /// Transfer the amount and name the order; an admin records the payment when it has arrived.
    Manual {
        /// What to name.
        reference: Uuid,
    },
    /// Pay at the gateway.
    Gateway {
        /// Which.
        gateway: Gateway,
        /// Where; none while the gateway does not answer.
        checkout: Option<souk_ports::payment::Checkout>,
    },
}

/// What the buyer of `order` does next; none when there is nothing to pay. Opens a checkout where there is none yet.
///
/// # Errors
/// `Unavailable`: the log. A gateway that does not answer is no error: the checkout is missing, and asking again opens it.
pub async fn checkout(app: &App, ctx: &Context, order: &Order) -> Result<Option<Checkout>, AppError> {
    if order.status() != OrderStatus::Pending {
        return Ok(None);
    }
    let gateway = order.gateway;
    let Some(port) = app.gateway(gateway) else {
        return Ok(match gateway {
            Gateway::Manual => Some(Checkout::Manual { reference: order.id.uuid() }),
            Gateway::Stripe | Gateway::Razorpay => Some(Checkout::Gateway { gateway, checkout: None }),
        });
    };
    let answer = match &order.checkout {
        Some(reference) => port.checkout(reference).await,
        None => port.open_checkout(&request(app, order).await?).await,
    };
    let opened = match answer {
        Ok(opened) => opened,
        Err(error) => {
            tracing::warn!(order = %order.id, gateway = gateway.as_str(), %error, "no checkout");
            return Ok(Some(Checkout::Gateway { gateway, checkout: None }));
        }
    };
    if order.checkout.as_ref() != Some(&opened.reference) {
        let names = [opened.reference.clone()];
        let linked = payments::link(app, &ctx.step("checkout name"), gateway, &names, order.id.uuid()).await?;
        if let Err(problem) = linked {
            return Err(AppError::Internal(problem));
        }
        let reference = opened.reference.clone();
        change(app, &ctx.step("checkout"), order.id, |_| Command::OpenCheckout { reference: reference.clone() })
            .await?;
    }
    Ok(Some(Checkout::Gateway { gateway, checkout: Some(opened) }))
}

async fn request(app: &App, order: &Order) -> Result<CheckoutRequest, AppError> {
    let fact = plugins::fact(app, &order.plugin.into(), app.settings.fact_age).await?;
    let plugin = plugins::created(&fact.state)?;
    let recurring = match (&order.pricing, order.subscription) {
        (Pricing::Subscription { interval, .. }, Some(billed)) => {
            Some(Recurring { id: billed.subscription_id, interval: *interval, trial_days: billed.trial_days })
        }
        _ => None,
    };
    Ok(CheckoutRequest {
        order: order.id,
        price: order.price,
        description: plugin.details.display_name.clone(),
        subscription: recurring,
        vendor: order.payout_account.clone().map(|account| Split {
            account,
            commission: order.commission.of(order.price.amount),
            commission_basis_points: order.commission.get(),
        }),
    })
}
