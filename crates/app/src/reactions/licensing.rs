//! What an order comes to decides what its license is worth; a subscription decides for how long.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use souk_domain::{
    event::DomainEvent,
    id::{LicenseId, SubscriptionId},
    license::{Command, LicenseKind, Licenses, PaymentCause},
    order::{Gateway, Order, Orders, Right},
    subscription::{self, Contract, Reason, Standing, Subscription, Subscriptions},
};

use super::{Cause, Reaction};
use crate::{App, AppError, Context, execute::Call, memory::About, orders, payments::interval_after};

/// Looks at the order and the subscription as they stand and not at what has just happened to them: so it does not matter which of
/// their events comes first, or comes again.
pub(super) struct Licensing;

#[async_trait]
impl Reaction for Licensing {
    fn name(&self) -> &'static str {
        "licensing"
    }

    fn handles(&self, event_type: &str) -> bool {
        matches!(
            event_type,
            "order.placed"
                | "payment.completed"
                | "payment.refunded"
                | "payment.refund_failed"
                | "payment.disputed"
                | "payment.dispute_won"
                | "payment.dispute_lost"
                | "subscription.started"
                | "subscription.renewed"
                | "subscription.lapsed"
        )
    }

    async fn react(&self, app: &App, cause: &Cause<'_>) -> Result<(), AppError> {
        let (ctx, id) = (&cause.ctx, cause.recorded.stream.uuid);
        match &cause.event {
            DomainEvent::Order(event) => {
                let fact = app.fact::<Orders>(id, Duration::ZERO).await?;
                let order = orders::placed(&fact.state)?;
                let version = fact.version.unwrap_or_default();
                if matches!(event, souk_domain::order::Event::Placed { .. }) {
                    return begin_trial(app, ctx, order, cause.recorded.recorded_at).await;
                }
                follow_order(app, ctx, order, version, cause.recorded.recorded_at).await
            }
            DomainEvent::Subscription(_) => {
                let fact = app.fact::<Subscriptions>(id, Duration::ZERO).await?;
                match &*fact.state {
                    subscription::State::Started(known) => {
                        follow_subscription(app, ctx, known, cause.recorded.recorded_at).await
                    }
                    subscription::State::Absent => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

/// A trial that no gateway runs begins when it is ordered.
async fn begin_trial(app: &App, ctx: &Context, order: &Order, now: DateTime<Utc>) -> Result<(), AppError> {
    let tries = order.subscription.is_some_and(|billed| billed.trial_days > 0 && !billed.renewal);
    if tries && order.gateway == Gateway::Manual {
        start_subscription(app, &ctx.step("start"), order, None, now, true).await?;
    }
    Ok(())
}

async fn follow_order(
    app: &App,
    ctx: &Context,
    order: &Order,
    order_version: u64,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let right = order.right();
    if right == Right::None {
        return Ok(());
    }
    let paid_at = order.payment.as_ref().and_then(|payment| payment.paid_at).unwrap_or(now);
    let license = match order.subscription {
        None => {
            // Also when the money is back already: whatever came first, there was a license and it is over.
            issue(app, ctx, order, LicenseKind::Perpetual, None).await?;
            LicenseId::of(order.id)
        }
        Some(billed) => {
            if order.gateway == Gateway::Manual {
                pay_interval(app, ctx, order, paid_at).await?;
            }
            let fact = app.fact::<Subscriptions>(billed.subscription_id.uuid(), Duration::ZERO).await?;
            // Whoever begins it tells of it, and then this order is looked at again.
            let subscription::State::Started(known) = &*fact.state else { return Ok(()) };
            if matches!(right, Right::Over(_)) {
                reverse(app, ctx, known, order, now).await?;
            }
            known.contract.license_id
        }
    };
    settle(app, ctx, license, PaymentCause { order_id: order.id, order_version }, order, right).await
}

/// An interval that no gateway runs was paid: it begins when the one before ends.
async fn pay_interval(app: &App, ctx: &Context, order: &Order, paid_at: DateTime<Utc>) -> Result<(), AppError> {
    let Some(billed) = order.subscription else { return Ok(()) };
    let id = billed.subscription_id;
    let fact = app.fact::<Subscriptions>(id.uuid(), Duration::ZERO).await?;
    match &*fact.state {
        subscription::State::Absent => {
            start_subscription(app, &ctx.step("start"), order, None, paid_at, false).await?;
        }
        // Its first payment, after a trial or not, begins or began it.
        subscription::State::Started(known) if billed.renewal || !known.was_paid() => {
            let begins = known.period_end;
            let command = subscription::Command::RenewOnce {
                order: order.id,
                period_end: interval_after(&known.contract, begins),
                as_of: paid_at,
            };
            app.execute::<Subscriptions>(Call::on(&ctx.step("renew"), id.uuid(), fact.about), command).await?;
        }
        subscription::State::Started(_) => {}
    }
    Ok(())
}

/// Begins the subscription of `order`; whether it had not begun yet.
pub(crate) async fn start_subscription(
    app: &App,
    ctx: &Context,
    order: &Order,
    reference: Option<String>,
    since: DateTime<Utc>,
    trial: bool,
) -> Result<bool, AppError> {
    let Some(billed) = order.subscription.filter(|billed| !billed.renewal) else { return Ok(false) };
    let id = SubscriptionId::of(order.id);
    let contract = Contract {
        subscription_id: id,
        order_id: order.id,
        buyer_id: order.buyer,
        plugin_id: order.plugin,
        vendor_id: order.vendor,
        license_id: LicenseId::of(order.id),
        pricing: order.pricing.clone(),
        terms: order.terms.clone(),
        gateway: order.gateway,
        reference,
        commission_basis_points: order.commission,
        payout_account: order.payout_account.clone(),
    };
    let period_end =
        if trial { since + chrono::Duration::days(billed.trial_days.into()) } else { interval_after(&contract, since) };
    let about = About::plugin(order.plugin, order.vendor);
    let command = subscription::Command::Start { contract: Box::new(contract), trial, since, period_end };
    let done = app.execute::<Subscriptions>(Call::on(ctx, id.uuid(), about), command).await?;
    if let (true, subscription::State::Started(known)) = (!done.changed && !trial, &*done.value)
        && known.standing == Standing::Trialing
    {
        // It began as a trial, and is paid now.
        let command = subscription::Command::Renew { order: Some(order.id), period_end, as_of: since };
        return Ok(app.execute::<Subscriptions>(Call::on(&ctx.step("paid"), id.uuid(), about), command).await?.changed);
    }
    Ok(done.changed)
}

/// The money of an interval went back: the subscription is over, whichever interval it was.
async fn reverse(
    app: &App,
    ctx: &Context,
    known: &Subscription,
    order: &Order,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let id = known.contract.subscription_id;
    let about = About::plugin(order.plugin, order.vendor);
    let command = subscription::Command::Lapse { reason: Reason::PaymentReversed, at: now };
    app.execute::<Subscriptions>(Call::on(&ctx.step("lapse"), id.uuid(), about), command).await.map(|_| ())
}

async fn issue(
    app: &App,
    ctx: &Context,
    order: &Order,
    kind: LicenseKind,
    expires_at: Option<DateTime<Utc>>,
) -> Result<(), AppError> {
    let id = LicenseId::of(order.id);
    let command = Command::Issue {
        id,
        order: order.id,
        holder: order.buyer,
        plugin: order.plugin,
        vendor: order.vendor,
        subscription: order.subscription.map(|billed| billed.subscription_id),
        kind,
        terms: order.terms.clone(),
        expires_at,
    };
    let ctx = ctx.step("issue");
    let call = Call::new(&ctx, id.uuid(), About::plugin(order.plugin, order.vendor));
    app.execute::<Licenses>(call, command).await.map(|_| ())
}

async fn settle(
    app: &App,
    ctx: &Context,
    license: LicenseId,
    cause: PaymentCause,
    order: &Order,
    right: Right,
) -> Result<(), AppError> {
    let ctx = ctx.step("settle");
    let call = Call::on(&ctx, license.uuid(), About::plugin(order.plugin, order.vendor));
    match app.execute::<Licenses>(call, Command::Settle { cause, right }).await {
        // Whoever issues it looks at the order again.
        Ok(_) | Err(AppError::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// A license is good for as long as its subscription is paid, and a little longer where a gateway takes its time.
async fn follow_subscription(
    app: &App,
    ctx: &Context,
    known: &Subscription,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let contract = &known.contract;
    let trial = !known.was_paid();
    let grace = match contract.gateway {
        Gateway::Manual => chrono::Duration::zero(),
        Gateway::Stripe | Gateway::Razorpay if trial => chrono::Duration::zero(),
        Gateway::Stripe | Gateway::Razorpay => {
            chrono::Duration::from_std(app.settings.money.renewal_grace).unwrap_or_default()
        }
    };
    let until = known.period_end + grace;
    let kind = if trial { LicenseKind::Trial } else { LicenseKind::Subscription };
    let fact = app.fact::<Orders>(contract.order_id.uuid(), Duration::ZERO).await?;
    let order = orders::placed(&fact.state)?;
    issue(app, ctx, order, kind, Some(until)).await?;
    let about = About::plugin(contract.plugin_id, contract.vendor_id);
    let give = async |step: &str, command: Command| {
        let ctx = ctx.step(step);
        match app.execute::<Licenses>(Call::on(&ctx, contract.license_id.uuid(), about), command).await {
            Ok(_) | Err(AppError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    };
    let version = fact.version.unwrap_or_default();
    give(
        "settle",
        Command::Settle { cause: PaymentCause { order_id: order.id, order_version: version }, right: order.right() },
    )
    .await?;
    if known.standing == Standing::Lapsed {
        let at = known.lapsed_at.unwrap_or(now).min(until);
        give("end", Command::End { at }).await
    } else {
        give("extend", Command::Extend { until, kind }).await
    }
}
