//! A subscription that ends in Souk ends at its gateway.

use std::time::Duration;

use async_trait::async_trait;
use souk_domain::{
    event::DomainEvent,
    order::Gateway,
    subscription::{Event, Reason, State, Subscriptions},
};
use souk_ports::payment::GatewayError;

use super::{Cause, Reaction};
use crate::{App, AppError};

pub(super) struct Cancellations;

#[async_trait]
impl Reaction for Cancellations {
    fn name(&self) -> &'static str {
        "cancellations"
    }

    fn handles(&self, event_type: &str) -> bool {
        matches!(event_type, "subscription.canceled" | "subscription.resumed" | "subscription.lapsed")
    }

    async fn react(&self, app: &App, cause: &Cause<'_>) -> Result<(), AppError> {
        let DomainEvent::Subscription(event) = &cause.event else { return Ok(()) };
        let fact = app.fact::<Subscriptions>(cause.recorded.stream.uuid, Duration::ZERO).await?;
        let State::Started(known) = &*fact.state else { return Ok(()) };
        let contract = &known.contract;
        let (Some(reference), false) = (&contract.reference, contract.gateway == Gateway::Manual) else {
            return Ok(());
        };
        let ends_then = match event {
            Event::Canceled { .. } | Event::Resumed { .. } => Some(known.ends_then),
            // What its buyer let end, or did not pay, the gateway has ended itself.
            Event::Lapsed { reason: Reason::PaymentReversed | Reason::Canceled, .. } => None,
            _ => return Ok(()),
        };
        let Some(gateway) = app.gateway(contract.gateway) else {
            return Err(AppError::Unavailable(format!("Souk does not work with {}", contract.gateway.as_str())));
        };
        let key = cause.recorded.id.to_string();
        let told = match ends_then {
            Some(ends_then) => gateway.end_at_period_end(reference, ends_then, &key).await,
            None => gateway.end_subscription(reference, &key).await,
        };
        match told {
            Ok(()) => Ok(()),
            Err(GatewayError::Refused { code, message }) => {
                // It is over there already.
                tracing::warn!(subscription = %contract.subscription_id, code, message, "the gateway did not end it");
                Ok(())
            }
            Err(error) => Err(AppError::Unavailable(error.to_string())),
        }
    }
}
