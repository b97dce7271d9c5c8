//! What Stripe says of a checkout session.

use souk_domain::id::OrderId;
use souk_ports::payment::{News, Paid, PaymentOutcome};

use super::read::unknown;
use crate::{
    fields::{Fields, names},
    money::from_stripe,
};

/// Whoever completed it may still have to pay: some ways to pay take days.
pub fn completed(session: &Fields<'_>) -> Result<News, String> {
    let is_subscription = match session.text("mode")? {
        "payment" => false,
        "subscription" => true,
        // It takes down how to pay, and nothing is paid.
        "setup" => return Ok(News::Other),
        other => return Err(unknown(session, "mode", other)),
    };
    let is_due = match session.text("payment_status")? {
        "unpaid" => return Ok(News::Other),
        "paid" => true,
        "no_payment_required" => false,
        other => return Err(unknown(session, "payment_status", other)),
    };
    let subscription = if is_subscription { Some(session.needed_name("subscription")?) } else { None };
    let total = from_stripe(session.int("amount_total")?, session.text("currency")?)?;
    // A trial begins with an invoice about nothing, which may count as paid.
    let outcome = if is_subscription && (!is_due || total.amount == 0) {
        PaymentOutcome::NothingDue
    } else {
        PaymentOutcome::Paid(Paid {
            total,
            tax: tax(session)?,
            fee: None,
            country: country(session, "customer_details")?,
        })
    };
    news(session, subscription, outcome)
}

/// A payment that takes days did not come.
pub fn failed(session: &Fields<'_>) -> Result<News, String> {
    news(session, session.name_opt("subscription")?, PaymentOutcome::Failed { code: "async_payment_failed".to_owned() })
}

/// Nobody paid in time.
pub fn expired(session: &Fields<'_>) -> Result<News, String> {
    news(session, session.name_opt("subscription")?, PaymentOutcome::Expired)
}

fn news(session: &Fields<'_>, subscription: Option<&str>, outcome: PaymentOutcome) -> Result<News, String> {
    // What is paid comes first, as other events call the payment so too: its intent, or for a subscription its first invoice.
    let names = names([session.name_opt("payment_intent")?, session.name_opt("invoice")?, Some(session.text("id")?)]);
    Ok(News::Payment { order: order(session)?, names, subscription: subscription.map(str::to_owned), outcome })
}

fn order(session: &Fields<'_>) -> Result<Option<OrderId>, String> {
    let id = session.tag("metadata", "order_id").or(session.text_opt("client_reference_id")?);
    Ok(id.and_then(|id| id.parse().ok()))
}

fn tax(session: &Fields<'_>) -> Result<Option<i64>, String> {
    let Some(details) = session.object_opt("total_details")? else { return Ok(None) };
    let tax = details.int_opt("amount_tax")?.map(|tax| from_stripe(tax, session.text("currency")?)).transpose()?;
    Ok(tax.map(|tax| tax.amount))
}

/// The country of `details.address`, when it is one.
pub fn country(object: &Fields<'_>, details: &str) -> Result<Option<String>, String> {
    let Some(details) = object.object_opt(details)? else { return Ok(None) };
    let Some(address) = details.object_opt("address")? else { return Ok(None) };
    Ok(country_code(&address)?.map(str::to_owned))
}

/// `country` of an address, when it is two capital letters.
pub fn country_code<'a>(address: &Fields<'a>) -> Result<Option<&'a str>, String> {
    let is_code = |code: &&str| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    Ok(address.text_opt("country")?.filter(is_code))
}
