//! What Stripe is asked. Requests are forms, whose nested fields are written `a[b][c]`.

use chrono::{DateTime, Utc};
use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::Value;
use souk_domain::listing::Interval;
use souk_ports::payment::{
    Checkout, CheckoutRequest, GatewayError, News, Notice, Recurring, RefundAnswer, RefundRequest, Split,
};

use super::{StripeSettings, checkout, read};
use crate::{
    fields::Fields,
    http::{Caller, plain, refused},
    money::{part_to_stripe, to_stripe},
};

/// Characters of a product's name that are sent; buyers see far fewer.
const NAME: usize = 250;

/// Fields of a form, in the order in which they were written.
type Form = Vec<(&'static str, String)>;

/// Asks Stripe. `key` makes the same request again find what the first one did; Stripe remembers it for at least a day.
async fn ask(
    caller: &Caller,
    settings: &StripeSettings,
    method: Method,
    path: &str,
    form: &Form,
    key: Option<&str>,
) -> Result<Value, GatewayError> {
    let mut request = caller
        .request(method.clone(), path)
        .bearer_auth(&settings.secret_key)
        .header("Stripe-Version", &settings.api_version);
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    if method == Method::POST {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
    }
    caller.call(request).await
}

pub async fn open_checkout(
    caller: &Caller,
    settings: &StripeSettings,
    request: &CheckoutRequest,
) -> Result<Checkout, GatewayError> {
    let (form, key) = (checkout_form(settings, request)?, request.order.to_string());
    let answer = ask(caller, settings, Method::POST, "/v1/checkout/sessions", &form, Some(&key)).await?;
    session(&answer)
}

pub async fn checkout(caller: &Caller, settings: &StripeSettings, reference: &str) -> Result<Checkout, GatewayError> {
    let path = format!("/v1/checkout/sessions/{}", plain(reference)?);
    session(&ask(caller, settings, Method::GET, &path, &Form::new(), None).await?)
}

pub async fn outcome(
    caller: &Caller,
    settings: &StripeSettings,
    reference: &str,
    now: DateTime<Utc>,
) -> Result<Option<Notice>, GatewayError> {
    let path = format!("/v1/checkout/sessions/{}", plain(reference)?);
    let answer = ask(caller, settings, Method::GET, &path, &Form::new(), None).await?;
    let read = || {
        let session = Fields::of(&answer)?;
        let news = match session.text("status")? {
            "complete" => checkout::completed(&session)?,
            "expired" => checkout::expired(&session)?,
            _ => News::Other,
        };
        Ok((news != News::Other).then_some(Notice { at: now, news }))
    };
    read().map_err(GatewayError::Garbled)
}

fn session(answer: &Value) -> Result<Checkout, GatewayError> {
    let read = || {
        let session = Fields::of(answer)?;
        Ok(Checkout {
            reference: session.text("id")?.to_owned(),
            url: session.text_opt("url")?.map(str::to_owned),
            public_key: None,
            expires_at: session.int_opt("expires_at")?.and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
        })
    };
    read().map_err(GatewayError::Garbled)
}

fn checkout_form(settings: &StripeSettings, request: &CheckoutRequest) -> Result<Form, GatewayError> {
    let order = request.order.to_string();
    let address = |template: &str| template.replace("{order}", &order);
    let mode = if request.subscription.is_some() { "subscription" } else { "payment" };
    let mut form: Form = vec![
        ("mode", mode.to_owned()),
        ("success_url", address(&settings.success_url)),
        ("cancel_url", address(&settings.cancel_url)),
        ("client_reference_id", order.clone()),
        ("metadata[order_id]", order.clone()),
        ("line_items[0][quantity]", "1".to_owned()),
        ("line_items[0][price_data][currency]", request.price.currency.code().to_ascii_lowercase()),
        ("line_items[0][price_data][unit_amount]", to_stripe(request.price)?.to_string()),
        ("line_items[0][price_data][product_data][name]", request.description.chars().take(NAME).collect()),
    ];
    if settings.automatic_tax {
        form.push(("automatic_tax[enabled]", "true".to_owned()));
    }
    match request.subscription {
        None => once(&mut form, order, request),
        Some(recurring) => again(&mut form, order, recurring, request.vendor.as_ref()),
    }
    Ok(form)
}

/// A payment that comes once.
fn once(form: &mut Form, order: String, request: &CheckoutRequest) {
    form.push(("payment_intent_data[metadata][order_id]", order));
    if let Some(split) = &request.vendor {
        let fee = part_to_stripe(split.commission, request.price.currency);
        form.push(("payment_intent_data[application_fee_amount]", fee.to_string()));
        form.push(("payment_intent_data[transfer_data][destination]", split.account.clone()));
    }
}

/// A payment that comes again: its fee is a share, as nobody knows yet what each of them will be.
fn again(form: &mut Form, order: String, recurring: Recurring, vendor: Option<&Split>) {
    let interval = match recurring.interval {
        Interval::Monthly => "month",
        Interval::Yearly => "year",
    };
    form.push(("line_items[0][price_data][recurring][interval]", interval.to_owned()));
    form.push(("subscription_data[metadata][order_id]", order));
    form.push(("subscription_data[metadata][subscription_id]", recurring.id.to_string()));
    if recurring.trial_days > 0 {
        form.push(("subscription_data[trial_period_days]", recurring.trial_days.to_string()));
    }
    if let Some(split) = vendor {
        form.push(("subscription_data[application_fee_percent]", percent(split.commission_basis_points)));
        form.push(("subscription_data[transfer_data][destination]", split.account.clone()));
    }
}

/// Basis points as Stripe's percent, which has at most two decimals.
fn percent(basis_points: u16) -> String {
    format!("{}.{:02}", basis_points / 100, basis_points % 100)
}

pub async fn refund(
    caller: &Caller,
    settings: &StripeSettings,
    request: &RefundRequest,
) -> Result<RefundAnswer, GatewayError> {
    let (field, payment) = payment(caller, settings, &request.payment).await?;
    let id = request.refund.to_string();
    if let Some(known) = earlier(caller, settings, field, &payment, &id).await? {
        return Ok(known);
    }
    let mut form: Form = vec![
        (field, payment),
        ("amount", to_stripe(request.amount)?.to_string()),
        ("metadata[refund_id]", id.clone()),
        ("metadata[order_id]", request.order.to_string()),
    ];
    if request.split {
        // Each party gives back its part: else Souk would pay for the vendor's.
        form.push(("reverse_transfer", "true".to_owned()));
        form.push(("refund_application_fee", "true".to_owned()));
    }
    let answer = ask(caller, settings, Method::POST, "/v1/refunds", &form, Some(&id)).await?;
    Fields::of(&answer).and_then(|refund| refund_answer(&refund)).map_err(GatewayError::Garbled)
}

/// The same refund, if it was asked for before. Stripe forgets idempotency keys after a day, but a refund may be asked for again later.
async fn earlier(
    caller: &Caller,
    settings: &StripeSettings,
    field: &str,
    payment: &str,
    id: &str,
) -> Result<Option<RefundAnswer>, GatewayError> {
    let path = format!("/v1/refunds?{field}={}&limit=100", plain(payment)?);
    let answer = ask(caller, settings, Method::GET, &path, &Form::new(), None).await?;
    let find = || {
        let refunds = Fields::of(&answer)?.list("data")?;
        let known = refunds.iter().find(|refund| refund.tag("metadata", "refund_id") == Some(id));
        known.map(refund_answer).transpose()
    };
    find().map_err(GatewayError::Garbled)
}

fn refund_answer(refund: &Fields<'_>) -> Result<RefundAnswer, String> {
    Ok(RefundAnswer { reference: refund.text("id")?.to_owned(), outcome: read::refund_outcome(refund)? })
}

/// The name by which Stripe gives a payment back, and the field that it goes into.
async fn payment(
    caller: &Caller,
    settings: &StripeSettings,
    names: &[String],
) -> Result<(&'static str, String), GatewayError> {
    if let Some(found) = refundable(names.iter().map(String::as_str)) {
        return Ok(found);
    }
    // Of a subscription's payment Souk may know the invoice only.
    let Some(invoice) = names.iter().find(|name| name.starts_with("in_")) else {
        return Err(refused("no_payment_name", "none of the payment's names is one that Stripe gives back by"));
    };
    let path = format!("/v1/invoices/{}?expand%5B%5D=payments", plain(invoice)?);
    let answer = ask(caller, settings, Method::GET, &path, &Form::new(), None).await?;
    let names =
        Fields::of(&answer).and_then(|invoice| super::invoice::payments(&invoice)).map_err(GatewayError::Garbled)?;
    refundable(names.into_iter()).ok_or_else(|| refused("no_payment_name", "nothing was paid for this invoice"))
}

/// The first name that is of a payment intent, or else of a charge. Charges of other means than cards may begin with `py_`.
fn refundable<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Option<(&'static str, String)> {
    let of = |prefix: &str| names.clone().find(|name| name.starts_with(prefix)).map(str::to_owned);
    let charge = || of("ch_").or_else(|| of("py_")).map(|name| ("charge", name));
    of("pi_").map(|name| ("payment_intent", name)).or_else(charge)
}

pub async fn end_subscription(
    caller: &Caller,
    settings: &StripeSettings,
    reference: &str,
    key: &str,
) -> Result<(), GatewayError> {
    let path = subscription(reference)?;
    let ended = ask(caller, settings, Method::DELETE, &path, &Form::new(), Some(key)).await;
    unless_over(caller, settings, &path, ended).await
}

pub async fn end_at_period_end(
    caller: &Caller,
    settings: &StripeSettings,
    reference: &str,
    ends: bool,
    key: &str,
) -> Result<(), GatewayError> {
    let path = subscription(reference)?;
    let form = vec![("cancel_at_period_end", ends.to_string())];
    let set = ask(caller, settings, Method::POST, &path, &form, Some(key)).await;
    // One that is over does not go on.
    if ends { unless_over(caller, settings, &path, set).await } else { set.map(|_| ()) }
}

fn subscription(reference: &str) -> Result<String, GatewayError> {
    Ok(format!("/v1/subscriptions/{}", plain(reference)?))
}

/// What came of ending a subscription. One that is over cannot be ended: Stripe says that there is none, or that it cannot change. That is
/// what was wanted.
async fn unless_over(
    caller: &Caller,
    settings: &StripeSettings,
    path: &str,
    ended: Result<Value, GatewayError>,
) -> Result<(), GatewayError> {
    let Err(refusal @ GatewayError::Refused { .. }) = ended else { return ended.map(|_| ()) };
    let now = ask(caller, settings, Method::GET, path, &Form::new(), None).await;
    match now.as_ref().ok().and_then(|subscription| subscription.get("status")?.as_str()) {
        Some("canceled" | "incomplete_expired") => Ok(()),
        _ => Err(refusal),
    }
}
