//! What Razorpay is asked of subscriptions: a plan says how much and how often, a subscription how long.

use chrono::{DateTime, Days, Utc};
use serde_json::{Value, json};
use souk_domain::listing::Interval;
use souk_ports::payment::{Checkout, CheckoutRequest, GatewayError, Recurring};

use super::{RazorpaySettings, calls};
use crate::{
    fields::Fields,
    http::{Caller, plain, refused},
    money::to_razorpay,
};

/// Razorpay wants to know how often a subscription is paid in all. After as many years it ends.
const YEARS: u32 = 30;
/// Characters of a plan's name that are sent.
const NAME: usize = 250;
/// The note that says how many days are free. It tells the first payment after a trial from a first payment.
pub const TRIAL_NOTE: &str = "trial_days";

/// Opens a subscription. Razorpay has no idempotency keys for them, so the same one is looked for among the newest first.
pub async fn open(
    caller: &Caller,
    settings: &RazorpaySettings,
    request: &CheckoutRequest,
    recurring: Recurring,
    now: DateTime<Utc>,
) -> Result<Checkout, GatewayError> {
    if request.vendor.is_some() {
        return Err(refused("split_not_supported", "Razorpay does not split what subscriptions pay"));
    }
    let order = request.order.to_string();
    let newest = calls::ask(caller, settings, "/v1/subscriptions?count=100", None).await?;
    if let Some(known) = of_order(&newest, &order) {
        return calls::opened(settings, known);
    }
    let (period, per_year) = match recurring.interval {
        Interval::Monthly => ("monthly", 12),
        Interval::Yearly => ("yearly", 1),
    };
    let name: String = request.description.chars().take(NAME).collect();
    let plan = json!({
        "period": period,
        "interval": 1,
        "item": { "name": name, "amount": to_razorpay(request.price)?, "currency": request.price.currency.code() },
        "notes": { "order_id": order },
    });
    let plan = calls::ask(caller, settings, "/v1/plans", Some(&plan)).await?;
    let plan = Fields::of(&plan).and_then(|plan| plan.text("id")).map_err(GatewayError::Garbled)?;
    let mut body = json!({
        "plan_id": plan,
        "total_count": YEARS * per_year,
        "quantity": 1,
        "customer_notify": true,
        "notes": { "order_id": order, "subscription_id": recurring.id.to_string() },
    });
    if recurring.trial_days > 0 {
        let begins = now.checked_add_days(Days::new(recurring.trial_days.into())).unwrap_or(now);
        body["start_at"] = json!(begins.timestamp());
        body["notes"][TRIAL_NOTE] = json!(recurring.trial_days.to_string());
    }
    let answer = calls::ask(caller, settings, "/v1/subscriptions", Some(&body)).await?;
    calls::opened(settings, &answer)
}

fn of_order<'a>(list: &'a Value, order: &str) -> Option<&'a Value> {
    let noted = |subscription: &&Value| subscription.pointer("/notes/order_id").and_then(Value::as_str) == Some(order);
    list.get("items")?.as_array()?.iter().find(noted)
}

pub async fn end(
    caller: &Caller,
    settings: &RazorpaySettings,
    reference: &str,
    at_period_end: bool,
) -> Result<(), GatewayError> {
    let path = format!("/v1/subscriptions/{}", plain(reference)?);
    let body = json!({ "cancel_at_cycle_end": at_period_end });
    let ended = calls::ask(caller, settings, &format!("{path}/cancel"), Some(&body)).await;
    let Err(refusal @ GatewayError::Refused { .. }) = ended else { return ended.map(|_| ()) };
    // One that is over cannot be ended. That is what was wanted.
    let now = calls::ask(caller, settings, &path, None).await;
    match now.as_ref().ok().and_then(|subscription| subscription.get("status")?.as_str()) {
        Some("cancelled" | "completed" | "expired") => Ok(()),
        _ => Err(refusal),
    }
}
