//! Older shapes of events, brought up to date as they are read. What the log holds is never rewritten.
//!
//! A shape that changes gets a higher version in [`EVENT_TYPES`](crate::event::EVENT_TYPES), an [`Upcast`] from the
//! version before in [`TABLE`], and one more example in `golden/`; the examples of older versions stay.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::personal::CLEAR_MARKER;

/// One step from a version of a shape to the next.
pub struct Upcast {
    /// Of events of this type.
    pub event_type: &'static str,
    /// From this version to the one after it.
    pub from: u16,
    /// The fields as the next version has them. Pure, and total over whatever that version ever wrote.
    pub apply: fn(Value) -> Value,
}

/// Every step there is.
pub const TABLE: &[Upcast] = &[
    // Before these texts were sealed, they stood in the log as they are: there is no key that could be destroyed, and so no person.
    Upcast { event_type: "license.activated", from: 1, apply: |data| unsealed(data, "label") },
    Upcast { event_type: "user.api_key_issued", from: 1, apply: |data| unsealed(data, "label") },
    Upcast { event_type: "review.flagged", from: 1, apply: |data| unsealed(data, "reason") },
    // Before vendors could sign, no version was signed.
    Upcast { event_type: "plugin.version_submitted", from: 1, apply: |data| with(data, &[("signature", Value::Null)]) },
    // Before workflows were stripped, nothing was taken out of them.
    Upcast { event_type: "plugin.version_submitted", from: 2, apply: |data| with(data, &[("stripped", Value::Null)]) },
    // Before vendors could appeal, no verdict answered an appeal.
    Upcast {
        event_type: "validation.adjudicated",
        from: 1,
        apply: |data| with(data, &[("onAppeal", Value::Bool(false))]),
    },
    // Before subscriptions were renewed, every order stood for itself.
    Upcast {
        event_type: "order.placed",
        from: 1,
        apply: |data| with(data, &[("subscription", Value::Null), ("payoutAccount", Value::Null)]),
    },
    // Before gateways told, a payment had one name, no taxes and no fee.
    Upcast {
        event_type: "payment.completed",
        from: 1,
        apply: |data| {
            let nothing = [("fee", Value::Null), ("country", Value::Null), ("paidAt", Value::Null)];
            with(with(data, &nothing), &[("names", json!([])), ("tax", json!(0))])
        },
    },
    Upcast {
        event_type: "payment.refunded",
        from: 1,
        apply: |data| {
            let full = data.get("full").and_then(Value::as_bool).unwrap_or_default();
            let status = if full { "refunded" } else { "partially_refunded" };
            let nothing = [("refundId", Value::Null), ("reference", Value::Null)];
            with(with(data, &nothing), &[("tax", json!(0)), ("status", json!(status))])
        },
    },
    Upcast { event_type: "license.issued", from: 1, apply: |data| with(data, &[("subscriptionId", Value::Null)]) },
    // Before payments could hold a license, whoever decided about it decided alone.
    Upcast {
        event_type: "license.suspended",
        from: 1,
        apply: |data| with(data, &[("status", json!("suspended")), ("payment", Value::Null)]),
    },
    Upcast {
        event_type: "license.reinstated",
        from: 1,
        apply: |data| with(data, &[("status", json!("active")), ("payment", Value::Null)]),
    },
    Upcast {
        event_type: "license.revoked",
        from: 1,
        apply: |data| with(data, &[("status", json!("revoked")), ("payment", Value::Null)]),
    },
];

/// With a text in `field` that was never sealed.
fn unsealed(mut data: Value, field: &str) -> Value {
    if let Some(text) = data.get_mut(field).filter(|text| text.is_string()) {
        *text = json!({ CLEAR_MARKER: { "subject": Uuid::nil(), "text": text.take() } });
    }
    data
}

/// `data` with `fields` that it did not have.
fn with(mut data: Value, fields: &[(&str, Value)]) -> Value {
    if let Some(known) = data.as_object_mut() {
        known.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    }
    data
}

/// Takes `data` from version `from` to version `to`, step by step.
///
/// # Errors
/// `table` lacks a step.
pub(crate) fn apply(table: &[Upcast], event_type: &str, from: u16, to: u16, data: Value) -> Result<Value, String> {
    (from..to).try_fold(data, |data, version| {
        table
            .iter()
            .find(|step| step.event_type == event_type && step.from == version)
            .map(|step| (step.apply)(data))
            .ok_or_else(|| format!("nothing leads from schema version {version} to the next"))
    })
}

#[cfg(test)]
mod tests;
