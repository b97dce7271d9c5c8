//! Every payment has an invoice, and all money that goes back a credit note, numbered without gaps by vendor.

use std::time::Duration;

use async_trait::async_trait;
use souk_domain::{
    event::DomainEvent,
    id::SeriesId,
    order::{Event, Orders},
    series::{Command, Document, Kind, Numbers},
};

use super::{Cause, Reaction};
use crate::{App, AppError, execute::Call, memory::About, orders};

pub(super) struct Invoicing;

#[async_trait]
impl Reaction for Invoicing {
    fn name(&self) -> &'static str {
        "invoices"
    }

    fn handles(&self, event_type: &str) -> bool {
        matches!(
            event_type,
            "payment.completed"
                | "payment.refunded"
                | "payment.refund_failed"
                | "payment.disputed"
                | "payment.dispute_won"
                | "payment.dispute_lost"
        )
    }

    async fn react(&self, app: &App, cause: &Cause<'_>) -> Result<(), AppError> {
        let DomainEvent::Order(event) = &cause.event else { return Ok(()) };
        // Money that comes again is invoiced again: a credit note is never taken back.
        let (kind, amount, tax) = match event {
            Event::PaymentCompleted { amount, tax, .. }
            | Event::RefundFailed { amount, tax, came_back: true, .. }
            | Event::DisputeWon { amount, tax, came_back: true, .. } => (Kind::Invoice, *amount, *tax),
            Event::PaymentRefunded { amount, tax, .. }
            | Event::Disputed { amount, tax, .. }
            | Event::DisputeLost { amount, tax, taken_now: true, .. } => (Kind::CreditNote, *amount, *tax),
            _ => return Ok(()),
        };
        let fact = app.fact::<Orders>(cause.recorded.stream.uuid, Duration::MAX).await?;
        let order = orders::placed(&fact.state)?;
        let document = Document {
            source_id: cause.recorded.id,
            order_id: order.id,
            buyer_id: order.buyer,
            plugin_id: order.plugin,
            vendor_id: order.vendor,
            amount,
            tax,
            currency: order.price.currency,
            issued_at: cause.recorded.recorded_at,
        };
        let id = SeriesId::of(order.vendor, kind);
        let call = Call::on(&cause.ctx, id.uuid(), About::vendor(order.vendor));
        app.execute::<Numbers>(call, Command::Issue { kind, document: Box::new(document) }).await.map(|_| ())
    }
}
