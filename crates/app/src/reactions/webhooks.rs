//! What a payment gateway told is taken in; and what waited for an order is looked at again when something happens to it.

use async_trait::async_trait;
use souk_domain::{
    event::DomainEvent,
    id::{OrderId, WebhookId},
    order, subscription,
    webhook::Progress,
};

use super::{Cause, Reaction};
use crate::{App, AppError, payments};

pub(super) struct WebhookIntake;

#[async_trait]
impl Reaction for WebhookIntake {
    fn name(&self) -> &'static str {
        "webhooks"
    }

    fn handles(&self, event_type: &str) -> bool {
        matches!(
            event_type,
            "webhook.received"
                | "payment.completed"
                | "payment.refund_failed"
                | "payment.dispute_won"
                | "subscription.started"
        )
    }

    async fn react(&self, app: &App, cause: &Cause<'_>) -> Result<(), AppError> {
        let ctx = &cause.ctx;
        let (names, order) = match &cause.event {
            DomainEvent::Webhook(_) => {
                let id = WebhookId::new(cause.recorded.stream.uuid);
                return match payments::process(app, ctx, id).await? {
                    // It may have brought names that others wait for.
                    Progress::Settled(_) => payments::wake_of(app, &ctx.step("wake"), id).await,
                    _ => Ok(()),
                };
            }
            DomainEvent::Order(order::Event::PaymentCompleted { names, .. }) => {
                (names.clone(), Some(OrderId::new(cause.recorded.stream.uuid)))
            }
            DomainEvent::Order(_) => (Vec::new(), Some(OrderId::new(cause.recorded.stream.uuid))),
            DomainEvent::Subscription(subscription::Event::Started { contract, .. }) => {
                (contract.reference.iter().cloned().collect(), Some(contract.order_id))
            }
            _ => return Ok(()),
        };
        payments::wake(app, &ctx.step("wake"), &names, order).await
    }
}
