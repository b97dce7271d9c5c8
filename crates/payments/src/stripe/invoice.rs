//! What Stripe says of an invoice.
//!
//! Since 2025 an invoice names its subscription under `parent`, and its payments only in a list that events leave out: an event of its own,
//! `invoice_payment.paid`, says which payment is of which invoice. Before, all stood at the top.

use chrono::{DateTime, Utc};
use souk_ports::payment::{News, Paid, PaymentOutcome};

use super::checkout::country_code;
use crate::{
    fields::{Fields, names},
    money::from_stripe,
};

/// From when until when.
type Period = (DateTime<Utc>, DateTime<Utc>);

/// The billing reason of the invoice that begins a subscription.
const FIRST: &str = "subscription_create";

pub fn paid(invoice: &Fields<'_>) -> Result<News, String> {
    let Some(subscription) = Subscription::of(invoice)? else { return Ok(News::Other) };
    let total = from_stripe(invoice.int("amount_paid")?, invoice.text("currency")?)?;
    let outcome = if total.amount == 0 {
        PaymentOutcome::NothingDue
    } else {
        let address = invoice.object_opt("customer_address")?;
        let country = address.map(|address| country_code(&address)).transpose()?.flatten().map(str::to_owned);
        PaymentOutcome::Paid(Paid { total, tax: tax(invoice)?, fee: None, country })
    };
    news(invoice, &subscription, outcome)
}

pub fn failed(invoice: &Fields<'_>, code: &str) -> Result<News, String> {
    let Some(subscription) = Subscription::of(invoice)? else { return Ok(News::Other) };
    news(invoice, &subscription, PaymentOutcome::Failed { code: code.to_owned() })
}

/// A payment of an invoice: what ties the names that refunds and disputes go by to the name of the invoice.
pub fn tied(payment: &Fields<'_>) -> Result<News, String> {
    let amount = payment.int("amount_paid")?;
    // Who pays an invoice in parts is told of by the invoice, once it is paid in full.
    if amount < payment.int("amount_requested")? {
        return Ok(News::Other);
    }
    let of = payment.object("payment")?;
    let names = names([payment.name_opt("invoice")?, of.name_opt("payment_intent")?, of.name_opt("charge")?]);
    // It was paid outside of Stripe.
    if names.len() < 2 {
        return Ok(News::Other);
    }
    let total = from_stripe(amount, payment.text("currency")?)?;
    let outcome = PaymentOutcome::Paid(Paid { total, tax: None, fee: None, country: None });
    Ok(News::Payment { order: None, names, subscription: None, outcome })
}

fn news(invoice: &Fields<'_>, subscription: &Subscription<'_>, outcome: PaymentOutcome) -> Result<News, String> {
    let own = Some(invoice.text("id")?);
    Ok(News::Renewal {
        subscription: subscription.name.to_owned(),
        order: subscription.order.and_then(|id| id.parse().ok()),
        // Its payments may be told of late or not at all, the invoice itself always is.
        names: names([own].into_iter().chain(payments(invoice)?.into_iter().map(Some))),
        first: invoice.text("billing_reason")? == FIRST,
        period: period(invoice)?,
        outcome,
    })
}

/// The subscription that an invoice is of.
struct Subscription<'a> {
    name: &'a str,
    order: Option<&'a str>,
}

impl<'a> Subscription<'a> {
    /// None when the invoice is of something else.
    fn of(invoice: &Fields<'a>) -> Result<Option<Self>, String> {
        let details = match invoice.object_opt("parent")? {
            Some(parent) => parent.object_opt("subscription_details")?,
            None => invoice.object_opt("subscription_details")?,
        };
        let order = details.as_ref().and_then(|details| details.tag("metadata", "order_id"));
        let name = match details.as_ref().map(|details| details.name_opt("subscription")).transpose()?.flatten() {
            Some(name) => Some(name),
            None => invoice.name_opt("subscription")?,
        };
        Ok(name.map(|name| Self { name, order }))
    }
}

/// The names of an invoice's payments: intents and charges, those that are paid before others.
///
/// # Errors
/// Which field does not fit.
pub fn payments<'a>(invoice: &Fields<'a>) -> Result<Vec<&'a str>, String> {
    let mut payments = match invoice.object_opt("payments")? {
        Some(payments) => payments.list("data")?,
        None => Vec::new(),
    };
    payments.sort_by_key(|payment| !matches!(payment.text_opt("status"), Ok(Some("paid"))));
    let mut found = Vec::new();
    for payment in &payments {
        let Some(of) = payment.object_opt("payment")? else { continue };
        found.extend([of.name_opt("payment_intent")?, of.name_opt("charge")?]);
    }
    found.extend([invoice.name_opt("payment_intent")?, invoice.name_opt("charge")?]);
    Ok(found.into_iter().flatten().collect())
}

/// The time that an invoice's lines of a subscription pay for: the latest, as lines may also make up for a change before it.
fn period(invoice: &Fields<'_>) -> Result<Option<Period>, String> {
    let Some(lines) = invoice.object_opt("lines")? else { return Ok(None) };
    let mut periods = Vec::new();
    for line in lines.list("data")? {
        let is_of_subscription = match line.object_opt("parent")? {
            Some(parent) => parent.text("type")? == "subscription_item_details",
            None => line.text_opt("type")? == Some("subscription"),
        };
        if is_of_subscription {
            let period = line.object("period")?;
            periods.push((period.time("start")?, period.time("end")?));
        }
    }
    Ok(periods.into_iter().max_by_key(|(_, end)| *end))
}

/// Taxes of an invoice; none where it does not say.
fn tax(invoice: &Fields<'_>) -> Result<Option<i64>, String> {
    let currency = invoice.text("currency")?;
    let mut tax = None;
    // Null means that nothing was taxed.
    for list in ["total_taxes", "total_tax_amounts"].into_iter().filter(|list| invoice.has(list)) {
        let amounts = invoice.list(list)?.iter().map(|tax| tax.int("amount")).collect::<Result<Vec<_>, _>>()?;
        tax = tax.or(Some(amounts.into_iter().fold(0, i64::saturating_add)));
    }
    if tax.is_none() && invoice.has("tax") {
        tax = Some(invoice.int_opt("tax")?.unwrap_or(0));
    }
    tax.map(|tax| from_stripe(tax, currency).map(|tax| tax.amount)).transpose()
}
