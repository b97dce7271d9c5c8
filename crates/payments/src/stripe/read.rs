//! What Stripe's events say.
//!
//! `data.object` is the object as it was when the event was made, so it says what is, and not what changed.

use serde_json::Value;
use souk_ports::payment::{DisputeOutcome, News, Notice, Paid, PaymentOutcome, RefundOutcome, SubscriptionStanding};

use super::{checkout, invoice};
use crate::{
    fields::{Fields, names},
    money::from_stripe,
};

/// # Errors
/// Which field of a known type does not fit. What is of no known type is [`News::Other`].
pub fn read(body: &[u8]) -> Result<Notice, String> {
    let body: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let event = Fields::of(&body)?;
    let (kind, at) = (event.text("type")?, event.time("created")?);
    let of = |read: fn(&Fields<'_>) -> Result<News, String>| read(&event.object("data")?.object("object")?);
    let news = match kind {
        "checkout.session.completed" | "checkout.session.async_payment_succeeded" => of(checkout::completed),
        "checkout.session.async_payment_failed" => of(checkout::failed),
        "checkout.session.expired" => of(checkout::expired),
        "payment_intent.succeeded" => of(intent_succeeded),
        "payment_intent.payment_failed" => of(intent_failed),
        "payment_intent.canceled" => of(intent_canceled),
        // `charge.refunded` tells of the same refunds, but not which one, and not when one fails later.
        "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => of(refund),
        "charge.dispute.created"
        | "charge.dispute.updated"
        | "charge.dispute.funds_withdrawn"
        | "charge.dispute.funds_reinstated"
        | "charge.dispute.closed" => of(dispute),
        "customer.subscription.created"
        | "customer.subscription.updated"
        | "customer.subscription.deleted"
        | "customer.subscription.paused"
        | "customer.subscription.resumed"
        | "customer.subscription.trial_will_end" => of(subscription),
        "invoice.paid" => of(invoice::paid),
        "invoice.payment_failed" => of(|invoice| invoice::failed(invoice, "payment_failed")),
        "invoice.payment_action_required" => of(|invoice| invoice::failed(invoice, "payment_action_required")),
        "invoice_payment.paid" => of(invoice::tied),
        _ => Ok(News::Other),
    };
    Ok(Notice { at, news: news.map_err(|problem| format!("{kind}: {problem}"))? })
}

/// A payment intent that Souk opened a checkout for. Those of subscriptions do not have the order's id: their invoices tell.
fn intent(object: &Fields<'_>, outcome: PaymentOutcome) -> Result<News, String> {
    let order = object.tag("metadata", "order_id").and_then(|id| id.parse().ok());
    let names = names([Some(object.text("id")?), object.name_opt("latest_charge")?]);
    Ok(News::Payment { order, names, subscription: None, outcome })
}

fn is_of_an_order(object: &Fields<'_>) -> bool {
    object.tag("metadata", "order_id").is_some()
}

fn intent_succeeded(object: &Fields<'_>) -> Result<News, String> {
    if !is_of_an_order(object) {
        return Ok(News::Other);
    }
    let total = from_stripe(object.int("amount_received")?, object.text("currency")?)?;
    // What of it are taxes, the session says.
    intent(object, PaymentOutcome::Paid(Paid { total, tax: None, fee: None, country: None }))
}

fn intent_failed(object: &Fields<'_>) -> Result<News, String> {
    if !is_of_an_order(object) {
        return Ok(News::Other);
    }
    let code = match object.object_opt("last_payment_error")? {
        Some(error) => error.text_opt("code")?.or(error.text_opt("type")?),
        None => None,
    };
    intent(object, PaymentOutcome::Failed { code: code.unwrap_or("payment_failed").to_owned() })
}

fn intent_canceled(object: &Fields<'_>) -> Result<News, String> {
    if !is_of_an_order(object) {
        return Ok(News::Other);
    }
    intent(object, PaymentOutcome::Failed { code: "canceled".to_owned() })
}

/// The names of the payment that something is of.
fn payment(object: &Fields<'_>) -> Result<Vec<String>, String> {
    let names = names([object.name_opt("payment_intent")?, object.name_opt("charge")?]);
    if names.is_empty() { Err(format!("{} is missing", object.path("payment_intent"))) } else { Ok(names) }
}

fn refund(object: &Fields<'_>) -> Result<News, String> {
    Ok(News::Refund {
        payment: payment(object)?,
        refund: object.tag("metadata", "refund_id").and_then(|id| id.parse().ok()),
        reference: object.text("id")?.to_owned(),
        amount: from_stripe(object.int("amount")?, object.text("currency")?)?,
        outcome: refund_outcome(object)?,
    })
}

/// What became of a refund, in an event or an answer.
///
/// # Errors
/// It is in no known state.
pub fn refund_outcome(object: &Fields<'_>) -> Result<RefundOutcome, String> {
    match object.text("status")? {
        // What is required is something that the buyer does, such as to name an account.
        "pending" | "requires_action" => Ok(RefundOutcome::Pending),
        "succeeded" => Ok(RefundOutcome::Succeeded),
        "canceled" => Ok(RefundOutcome::Failed { code: "canceled".to_owned() }),
        "failed" => {
            let code = object.text_opt("failure_reason")?.unwrap_or("failed").to_owned();
            Ok(RefundOutcome::Failed { code })
        }
        other => Err(unknown(object, "status", other)),
    }
}

fn dispute(object: &Fields<'_>) -> Result<News, String> {
    let outcome = match object.text("status")? {
        // Banks that ask first, and payers who were paid back before they could contest: no money is taken away.
        "warning_needs_response" | "warning_under_review" | "warning_closed" | "prevented" => return Ok(News::Other),
        // An appeal is made after it was lost: the money is away, and that is not the last word.
        "needs_response" | "under_review" | "appeal_needs_response" | "appeal_under_review" => DisputeOutcome::Open,
        "won" => DisputeOutcome::Won,
        "lost" => DisputeOutcome::Lost,
        other => return Err(unknown(object, "status", other)),
    };
    Ok(News::Dispute {
        payment: payment(object)?,
        reference: object.text("id")?.to_owned(),
        amount: from_stripe(object.int("amount")?, object.text("currency")?)?,
        reason: object.text_opt("reason")?.unwrap_or("general").to_owned(),
        outcome,
    })
}

fn subscription(object: &Fields<'_>) -> Result<News, String> {
    let standing = match object.text("status")? {
        // Begun and not paid yet: nothing stands until it is.
        "incomplete" => return Ok(News::Other),
        "trialing" => SubscriptionStanding::Trialing,
        "active" => SubscriptionStanding::Active,
        // Paused is what a trial becomes that ended without a way to pay.
        "past_due" | "unpaid" | "paused" => SubscriptionStanding::PastDue,
        "canceled" | "incomplete_expired" => SubscriptionStanding::Ended,
        other => return Err(unknown(object, "status", other)),
    };
    let period_end = match object.time_opt("current_period_end")? {
        Some(end) => Some(end),
        // Since 2025 each item has its own period.
        None => {
            let items = object.object("items")?.list("data")?;
            let ends = items.iter().map(|item| item.time_opt("current_period_end")).collect::<Result<Vec<_>, _>>()?;
            ends.into_iter().flatten().max()
        }
    };
    // Newer subscriptions say only when they end, and not that it is with the period.
    let ends_with = object.time_opt("cancel_at")?.zip(period_end).is_some_and(|(ends, period)| ends <= period);
    Ok(News::Subscription {
        reference: object.text("id")?.to_owned(),
        order: object.tag("metadata", "order_id").and_then(|id| id.parse().ok()),
        standing,
        period_end,
        ends_then: object.flag("cancel_at_period_end")? || ends_with,
    })
}

/// The error of a word that nobody knows.
pub fn unknown(object: &Fields<'_>, name: &str, word: &str) -> String {
    let word: String = word.chars().take(40).collect();
    format!("{} is `{word}`, which is unknown", object.path(name))
}
