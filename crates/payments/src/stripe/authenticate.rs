//! Whether Stripe sent a webhook.
//!
//! `Stripe-Signature` is a list such as `t=1700000000,v1=…,v1=…,v0=…`. A `v1` is the signature of the timestamp as it stands there, a full
//! stop and the body. There are several while Stripe replaces a secret. `v0` is of test mode and says nothing.

use chrono::{DateTime, Utc};
use serde_json::Value;
use souk_ports::payment::{Authentic, Headers, WebhookError};

use crate::{fields::Fields, signature};

/// Seconds that a signature may be old, or too new, as in Stripe's own libraries.
const TOLERANCE: i64 = 300;
/// Signatures that are tried at most; Stripe sends one or two. Whoever sends more shall not make Souk compute more.
const TRIED: usize = 8;

pub fn sign(secret: &str, timestamp: i64, body: &[u8]) -> String {
    let timestamp = timestamp.to_string();
    format!("t={timestamp},v1={}", signature::sign(secret, &[timestamp.as_bytes(), b".", body]))
}

/// # Errors
/// See [`WebhookError`]. A signature is only called stale once it fits, so that nobody else learns the time here.
pub fn authenticate(
    secrets: &[String],
    headers: &dyn Headers,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<Authentic, WebhookError> {
    if signature::usable(secrets).next().is_none() {
        return Err(WebhookError::NotConfigured);
    }
    let header = headers.get("stripe-signature").ok_or(WebhookError::BadSignature)?;
    let (timestamp, signatures) = parts(header).ok_or(WebhookError::BadSignature)?;
    let seconds: i64 = timestamp.parse().map_err(|_| WebhookError::BadSignature)?;
    if !signature::fits(secrets, &signatures, &[timestamp.as_bytes(), b".", body]) {
        return Err(WebhookError::BadSignature);
    }
    let age = now.timestamp().saturating_sub(seconds);
    if !(-TOLERANCE..=TOLERANCE).contains(&age) {
        return Err(WebhookError::Stale(age));
    }
    event(body).map_err(WebhookError::Malformed)
}

/// The one timestamp and the signatures of a header.
fn parts(header: &str) -> Option<(&str, Vec<&str>)> {
    let (mut timestamp, mut signatures) = (None, Vec::new());
    for part in header.split(',') {
        match part.trim().split_once('=') {
            // Of two timestamps nobody knows which was signed.
            Some(("t", _)) if timestamp.is_some() => return None,
            Some(("t", value)) => timestamp = Some(value),
            Some(("v1", value)) if signatures.len() < TRIED => signatures.push(value),
            _ => {}
        }
    }
    Some((timestamp?, signatures))
}

fn event(body: &[u8]) -> Result<Authentic, String> {
    let body: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let event = Fields::of(&body)?;
    Ok(Authentic { event_id: event.text("id")?.to_owned(), kind: event.text("type")?.to_owned() })
}
