//! What Razorpay's events say.
//!
//! An event holds the objects that it is of under `payload`, each as its `entity`. What of a payment Razorpay calls `fee` is what Razorpay
//! keeps, and `tax` the tax on that fee, within it. Neither is a tax that the buyer paid.

use serde_json::Value;
use souk_domain::id::OrderId;
use souk_ports::payment::{DisputeOutcome, News, Notice, Paid, PaymentOutcome, RefundOutcome, SubscriptionStanding};

use super::subscription::TRIAL_NOTE;
use crate::{
    fields::{Fields, names},
    money::from_razorpay,
};

/// # Errors
/// Which field of a known type does not fit. What is of no known type is [`News::Other`].
pub fn read(body: &[u8]) -> Result<Notice, String> {
    let body: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let event = Fields::of(&body)?;
    let (kind, at) = (event.text("event")?, event.time("created_at")?);
    let of = |read: fn(&Payload<'_>, &str) -> Result<News, String>| read(&Payload(event.object("payload")?), kind);
    let news = match kind {
        "order.paid" | "payment.captured" => of(captured),
        "payment.failed" => of(failed),
        "refund.created" | "refund.processed" | "refund.failed" | "refund.speed_changed" => of(refund),
        "payment.dispute.created"
        | "payment.dispute.under_review"
        | "payment.dispute.action_required"
        | "payment.dispute.won"
        | "payment.dispute.lost"
        | "payment.dispute.closed" => of(dispute),
        "subscription.charged" => of(charged),
        "subscription.authenticated"
        | "subscription.activated"
        | "subscription.updated"
        | "subscription.pending"
        | "subscription.halted"
        | "subscription.paused"
        | "subscription.resumed"
        | "subscription.cancelled"
        | "subscription.completed" => of(subscription),
        // Also `payment.authorized`, as the money is not there yet, and invoices: of those of subscriptions `subscription.charged` says the
        // same, and which interval they are of besides.
        _ => Ok(News::Other),
    };
    Ok(Notice { at, news: news.map_err(|problem| format!("{kind}: {problem}"))? })
}

/// What an event holds.
struct Payload<'a>(Fields<'a>);

impl<'a> Payload<'a> {
    fn entity(&self, name: &str) -> Result<Fields<'a>, String> {
        self.0.object(name)?.object("entity")
    }

    fn entity_opt(&self, name: &str) -> Result<Option<Fields<'a>>, String> {
        self.0.object_opt(name)?.map(|holder| holder.object("entity")).transpose()
    }
}

fn noted_order(object: &Fields<'_>) -> Option<OrderId> {
    object.tag("notes", "order_id")?.parse().ok()
}

/// The names of a payment. An invoice, which only payments of subscriptions have here, comes first, as for other gateways.
fn payment_names(payment: &Fields<'_>) -> Result<Vec<String>, String> {
    Ok(names([payment.text_opt("invoice_id")?, Some(payment.text("id")?), payment.text_opt("order_id")?]))
}

fn captured(payload: &Payload<'_>, _kind: &str) -> Result<News, String> {
    payment(&payload.entity("payment")?, payload.entity_opt("order")?.as_ref())
}

/// What a payment says that was captured, with the order that it is of, where that is at hand.
pub fn payment(payment: &Fields<'_>, order: Option<&Fields<'_>>) -> Result<News, String> {
    // It has the notes of its subscription, and so the id of the order that began it, every time.
    if payment.text_opt("invoice_id")?.is_some() {
        return Ok(News::Other);
    }
    let noted = order.and_then(noted_order).or_else(|| noted_order(payment));
    let outcome = PaymentOutcome::Paid(paid(payment)?);
    Ok(News::Payment { order: noted, names: payment_names(payment)?, subscription: None, outcome })
}

fn paid(payment: &Fields<'_>) -> Result<Paid, String> {
    let (amount, currency) = (payment.int("amount")?, payment.text("currency")?);
    let total = from_razorpay(amount, currency)?;
    // Fees are in the currency that Razorpay pays out in. Of another one than the payment's, the port cannot say them.
    let converted = payment.text_opt("base_currency")?.is_some_and(|base| base != currency)
        || payment.int_opt("base_amount")?.is_some_and(|base| base != amount);
    let fee = if converted { None } else { payment.int_opt("fee")? };
    Ok(Paid { total, tax: None, fee, country: None })
}

fn failed(payload: &Payload<'_>, _kind: &str) -> Result<News, String> {
    let payment = payload.entity("payment")?;
    if payment.text_opt("invoice_id")?.is_some() {
        return Ok(News::Other);
    }
    let code = payment.text_opt("error_reason")?.or(payment.text_opt("error_code")?).unwrap_or("payment_failed");
    Ok(News::Payment {
        order: noted_order(&payment),
        names: payment_names(&payment)?,
        subscription: None,
        outcome: PaymentOutcome::Failed { code: code.to_owned() },
    })
}

fn refund(payload: &Payload<'_>, _kind: &str) -> Result<News, String> {
    let refund = payload.entity("refund")?;
    let known = payload.entity_opt("payment")?.map(|payment| payment_names(&payment)).transpose()?.unwrap_or_default();
    let own = refund.text("payment_id")?;
    Ok(News::Refund {
        payment: names([Some(own)].into_iter().chain(known.iter().map(|name| Some(name.as_str())))),
        refund: refund.tag("notes", "refund_id").and_then(|id| id.parse().ok()),
        reference: refund.text("id")?.to_owned(),
        amount: from_razorpay(refund.int("amount")?, refund.text("currency")?)?,
        outcome: refund_outcome(&refund)?,
    })
}

/// What became of a refund, in an event or an answer. Razorpay does not say why one failed.
///
/// # Errors
/// It is in no known state.
pub fn refund_outcome(refund: &Fields<'_>) -> Result<RefundOutcome, String> {
    match refund.text("status")? {
        "created" | "pending" => Ok(RefundOutcome::Pending),
        "processed" => Ok(RefundOutcome::Succeeded),
        "failed" => Ok(RefundOutcome::Failed { code: "failed".to_owned() }),
        other => Err(unknown(refund, "status", other)),
    }
}

fn dispute(payload: &Payload<'_>, kind: &str) -> Result<News, String> {
    let dispute = payload.entity("dispute")?;
    // Banks that ask first: no money is taken away.
    if matches!(dispute.text_opt("phase")?, Some("fraud" | "retrieval")) {
        return Ok(News::Other);
    }
    let outcome = match kind {
        "payment.dispute.won" => DisputeOutcome::Won,
        "payment.dispute.lost" => DisputeOutcome::Lost,
        // Nobody decided: what was taken away stays so.
        "payment.dispute.closed" => match dispute.text("status")? {
            "won" => DisputeOutcome::Won,
            "lost" => DisputeOutcome::Lost,
            _ if dispute.int_opt("amount_deducted")?.unwrap_or(0) > 0 => DisputeOutcome::Lost,
            _ => DisputeOutcome::Won,
        },
        _ => DisputeOutcome::Open,
    };
    let known = payload.entity_opt("payment")?.map(|payment| payment_names(&payment)).transpose()?.unwrap_or_default();
    let own = dispute.text("payment_id")?;
    Ok(News::Dispute {
        payment: names([Some(own)].into_iter().chain(known.iter().map(|name| Some(name.as_str())))),
        reference: dispute.text("id")?.to_owned(),
        amount: from_razorpay(dispute.int("amount")?, dispute.text("currency")?)?,
        reason: dispute.text_opt("reason_code")?.unwrap_or("general").to_owned(),
        outcome,
    })
}

fn has_trial(subscription: &Fields<'_>) -> bool {
    subscription.tag("notes", TRIAL_NOTE).is_some_and(|days| days != "0")
}

fn charged(payload: &Payload<'_>, _kind: &str) -> Result<News, String> {
    let (subscription, payment) = (payload.entity("subscription")?, payload.entity("payment")?);
    let period = subscription.time_opt("current_start")?.zip(subscription.time_opt("current_end")?);
    Ok(News::Renewal {
        subscription: subscription.text("id")?.to_owned(),
        order: noted_order(&subscription),
        names: payment_names(&payment)?,
        // After a trial, the order itself stands for the trial.
        first: subscription.int("paid_count")? == 1 && !has_trial(&subscription),
        period,
        outcome: PaymentOutcome::Paid(paid(&payment)?),
    })
}

/// Razorpay does not say of a subscription whether it was told to end with the period. [`News::Subscription`] would have to: so one that
/// goes on is news only when nothing is left to be paid, and one that is behind is told of by the payment that failed.
fn subscription(payload: &Payload<'_>, _kind: &str) -> Result<News, String> {
    let subscription = payload.entity("subscription")?;
    let (reference, order) = (subscription.text("id")?.to_owned(), noted_order(&subscription));
    let is_last = subscription.int_opt("remaining_count")? == Some(0);
    let standing = match subscription.text("status")? {
        // The buyer has agreed, and what is free begins.
        "authenticated" if has_trial(&subscription) => {
            let outcome = PaymentOutcome::NothingDue;
            return Ok(News::Payment { order, names: Vec::new(), subscription: Some(reference), outcome });
        }
        // It is tried again, or not any more.
        status @ ("pending" | "halted") => return behind(payload, &subscription, status),
        "active" if is_last => SubscriptionStanding::Active,
        // Begun and not paid yet; paid, which `subscription.charged` says; or paused, which Souk asks nobody to do.
        "created" | "authenticated" | "active" | "paused" => return Ok(News::Other),
        "cancelled" | "completed" | "expired" => SubscriptionStanding::Ended,
        other => return Err(unknown(&subscription, "status", other)),
    };
    let period_end = subscription.time_opt("current_end")?;
    Ok(News::Subscription { reference, order, standing, period_end, ends_then: is_last })
}

/// A payment of an interval that failed.
fn behind(payload: &Payload<'_>, subscription: &Fields<'_>, status: &str) -> Result<News, String> {
    let payment = payload.entity_opt("payment")?;
    let code = match &payment {
        Some(payment) => payment.text_opt("error_reason")?.or(payment.text_opt("error_code")?),
        None => None,
    };
    Ok(News::Renewal {
        subscription: subscription.text("id")?.to_owned(),
        order: noted_order(subscription),
        names: payment.as_ref().map(payment_names).transpose()?.unwrap_or_default(),
        first: subscription.int("paid_count")? == 0 && !has_trial(subscription),
        period: None,
        outcome: PaymentOutcome::Failed { code: code.unwrap_or(status).to_owned() },
    })
}

fn unknown(object: &Fields<'_>, name: &str, word: &str) -> String {
    let word: String = word.chars().take(40).collect();
    format!("{} is `{word}`, which is unknown", object.path(name))
}
