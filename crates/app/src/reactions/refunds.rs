//! A refund that was asked for is asked of the gateway that has the money.

use std::time::Duration;

use async_trait::async_trait;
use souk_domain::{
    event::DomainEvent,
    id::RefundId,
    money::Money,
    order::{Command, Event, Order, Orders, RefundStatus, Settlement},
};
use souk_ports::payment::{GatewayError, RefundOutcome, RefundRequest};

use super::{Cause, Reaction};
use crate::{App, AppError, Context, execute::Call, memory::About, orders, payments};

pub(super) struct Refunding;

#[async_trait]
impl Reaction for Refunding {
    fn name(&self) -> &'static str {
        "refunds"
    }

    fn handles(&self, event_type: &str) -> bool {
        event_type == "payment.refund_requested"
    }

    async fn react(&self, app: &App, cause: &Cause<'_>) -> Result<(), AppError> {
        let DomainEvent::Order(Event::RefundRequested { refund_id, amount, currency, reason }) = &cause.event else {
            return Ok(());
        };
        let fact = app.fact::<Orders>(cause.recorded.stream.uuid, Duration::ZERO).await?;
        let order = orders::placed(&fact.state)?;
        let pending = order.refunds.get(refund_id).is_some_and(|refund| refund.status == RefundStatus::Pending);
        let Some(payment) = order.payment.as_ref().filter(|_| pending) else { return Ok(()) };
        let gateway = order.gateway;
        let Some(port) = app.gateway(gateway) else {
            return Err(AppError::Unavailable(format!("Souk does not work with {} any more", gateway.as_str())));
        };
        let mut names = vec![payment.reference.clone()];
        names.extend(payment.names.iter().filter(|name| **name != payment.reference).cloned());
        let amount = Money { amount: *amount, currency: *currency };
        let request = RefundRequest {
            refund: *refund_id,
            order: order.id,
            payment: names,
            amount,
            split: order.payout_account.is_some(),
        };
        let (reference, failure) = match port.refund(&request).await {
            Ok(answer) => {
                let known = [answer.reference.clone()];
                let linked = payments::link(app, &cause.ctx, gateway, &known, refund_id.uuid()).await?;
                if let Err(problem) = linked {
                    return Err(AppError::Internal(problem));
                }
                match answer.outcome {
                    // What becomes of it the gateway tells.
                    RefundOutcome::Pending => return Ok(()),
                    RefundOutcome::Succeeded => (answer.reference, None),
                    RefundOutcome::Failed { code } => (answer.reference, Some(code)),
                }
            }
            Err(GatewayError::Refused { code, message }) => {
                tracing::error!(order = %order.id, refund = %refund_id, code, message, "a refund was refused");
                (refund_id.to_string(), Some(code))
            }
            Err(error @ (GatewayError::Unavailable(_) | GatewayError::Garbled(_))) => {
                return Err(AppError::Unavailable(error.to_string()));
            }
        };
        let told = Settlement { id: *refund_id, reference, amount, failure, reason: reason.clone() };
        settle(app, &cause.ctx, order, *refund_id, told).await
    }
}

async fn settle(app: &App, ctx: &Context, order: &Order, refund: RefundId, told: Settlement) -> Result<(), AppError> {
    let ctx = ctx.step(&refund.to_string());
    let call = Call::on(&ctx, order.id.uuid(), About::plugin(order.plugin, order.vendor));
    app.execute::<Orders>(call, Command::SettleRefund(told)).await.map(|_| ())
}
