//! Whether Razorpay sent a webhook. It signs the body alone, without a time: what comes again is known by its id only, which stands in a
//! header.

use serde_json::Value;
use souk_ports::payment::{Authentic, Headers, WebhookError};

use crate::{fields::Fields, signature};

/// # Errors
/// See [`WebhookError`]; nothing is ever stale.
pub fn authenticate(secrets: &[String], headers: &dyn Headers, body: &[u8]) -> Result<Authentic, WebhookError> {
    if signature::usable(secrets).next().is_none() {
        return Err(WebhookError::NotConfigured);
    }
    let signature = headers.get("x-razorpay-signature").ok_or(WebhookError::BadSignature)?;
    if !signature::fits(secrets, &[signature.trim()], &[body]) {
        return Err(WebhookError::BadSignature);
    }
    let event_id = headers.get("x-razorpay-event-id").map(str::trim).filter(|id| !id.is_empty());
    // Without it, the same event could be taken in again and again.
    let event_id = event_id.ok_or_else(|| WebhookError::Malformed("x-razorpay-event-id is missing".to_owned()))?;
    let kind = kind(body).map_err(WebhookError::Malformed)?;
    Ok(Authentic { event_id: event_id.to_owned(), kind })
}

fn kind(body: &[u8]) -> Result<String, String> {
    let body: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    Ok(Fields::of(&body)?.text("event")?.to_owned())
}
