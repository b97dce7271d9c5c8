//! A completed payment issues the license; a refund in full ends it.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Months, Utc};
use souk_domain::{
    event::DomainEvent,
    id::LicenseId,
    license::{Command, LicenseKind, Licenses},
    listing::{Interval, Pricing},
    order::{Event, Order, OrderStatus, Orders},
};

use super::{Cause, Reaction};
use crate::{App, AppError, Context, execute::Call, memory::About, orders};

/// One reaction for both events, so that a refund is never answered before its payment.
pub(super) struct Licensing;

#[async_trait]
impl Reaction for Licensing {
    fn name(&self) -> &'static str {
        "licensing"
    }

    fn handles(&self, event_type: &str) -> bool {
        matches!(event_type, "payment.completed" | "payment.refunded")
    }

    async fn react(&self, app: &App, cause: &Cause<'_>) -> Result<(), AppError> {
        let DomainEvent::Order(event) = &cause.event else { return Ok(()) };
        let fact = app.fact::<Orders>(cause.recorded.stream.uuid, Duration::ZERO).await?;
        let order = orders::placed(&fact.state)?;
        match event {
            // Refunded since: there is nothing left to issue, also when this event was parked for a while.
            Event::PaymentCompleted { .. } if order.status() == OrderStatus::Refunded => Ok(()),
            Event::PaymentCompleted { .. } => issue(app, &cause.ctx, order, cause.recorded.recorded_at).await,
            Event::PaymentRefunded { full: true, .. } => revoke(app, &cause.ctx, order).await,
            Event::PaymentRefunded { .. } | Event::Placed { .. } => Ok(()),
        }
    }
}

async fn issue(app: &App, ctx: &Context, order: &Order, paid_at: DateTime<Utc>) -> Result<(), AppError> {
    let id = LicenseId::of(order.id);
    let (kind, expires_at) = match order.pricing {
        Pricing::Free | Pricing::OneTime { .. } => (LicenseKind::Perpetual, None),
        Pricing::Subscription { interval, .. } => {
            let months = match interval {
                Interval::Monthly => Months::new(1),
                Interval::Yearly => Months::new(12),
            };
            (LicenseKind::Subscription, paid_at.checked_add_months(months))
        }
    };
    let command = Command::Issue {
        id,
        order: order.id,
        holder: order.buyer,
        plugin: order.plugin,
        vendor: order.vendor,
        kind,
        terms: order.terms.clone(),
        expires_at,
    };
    let call = Call::new(ctx, id.uuid(), About::plugin(order.plugin, order.vendor));
    app.execute::<Licenses>(call, command).await.map(|_| ())
}

async fn revoke(app: &App, ctx: &Context, order: &Order) -> Result<(), AppError> {
    let call = Call::on(ctx, LicenseId::of(order.id).uuid(), About::plugin(order.plugin, order.vendor));
    let command = Command::Revoke { reason: "the order was refunded in full".to_owned() };
    match app.execute::<Licenses>(call, command).await {
        // Never issued, since the refund was faster.
        Ok(_) | Err(AppError::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}
