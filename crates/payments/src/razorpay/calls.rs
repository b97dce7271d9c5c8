//! What Razorpay is asked of orders and refunds. Requests and answers are JSON.

use chrono::DateTime;
use reqwest::Method;
use serde_json::{Value, json};
use souk_ports::payment::{Checkout, CheckoutRequest, GatewayError, Notice, RefundAnswer, RefundRequest};

use super::{RazorpaySettings, read};
use crate::{
    fields::Fields,
    http::{Caller, plain, refused},
    money::to_razorpay,
};

/// Asks Razorpay. `body` is what a POST says.
pub async fn ask(
    caller: &Caller,
    settings: &RazorpaySettings,
    path: &str,
    body: Option<&Value>,
) -> Result<Value, GatewayError> {
    let method = if body.is_some() { Method::POST } else { Method::GET };
    let mut request = caller.request(method, path).basic_auth(&settings.key_id, Some(&settings.key_secret));
    if let Some(body) = body {
        request = request.json(body);
    }
    caller.call(request).await
}

/// Opens an order. Asked again, `unique_receipt` has Razorpay answer with the one that it made for this receipt.
pub async fn open_order(
    caller: &Caller,
    settings: &RazorpaySettings,
    request: &CheckoutRequest,
) -> Result<Checkout, GatewayError> {
    let (order, amount) = (request.order.to_string(), to_razorpay(request.price)?);
    let mut body = json!({
        "amount": amount,
        "currency": request.price.currency.code(),
        // A UUID has 36 characters, and a receipt at most 40.
        "receipt": order,
        "unique_receipt": true,
        "notes": { "order_id": order },
    });
    if let Some(split) = &request.vendor {
        let part = amount.saturating_sub(split.commission);
        let transfer = json!({
            "account": split.account,
            "amount": part,
            "currency": request.price.currency.code(),
            "notes": { "order_id": order },
        });
        // A transfer of nothing is refused.
        if part > 0 {
            body["transfers"] = json!([transfer]);
        }
    }
    let answer = ask(caller, settings, "/v1/orders", Some(&body)).await?;
    opened(settings, &answer)
}

pub async fn checkout(caller: &Caller, settings: &RazorpaySettings, reference: &str) -> Result<Checkout, GatewayError> {
    let kind = if reference.starts_with("sub_") { "subscriptions" } else { "orders" };
    let answer = ask(caller, settings, &format!("/v1/{kind}/{}", plain(reference)?), None).await?;
    opened(settings, &answer)
}

/// What was captured of an order. Of subscriptions only webhooks say which interval is paid.
pub async fn outcome(
    caller: &Caller,
    settings: &RazorpaySettings,
    reference: &str,
) -> Result<Option<Notice>, GatewayError> {
    if reference.starts_with("sub_") {
        return Ok(None);
    }
    let answer = ask(caller, settings, &format!("/v1/orders/{}/payments", plain(reference)?), None).await?;
    let read = || {
        for payment in Fields::of(&answer)?.list("items")? {
            if payment.text("status")? == "captured" {
                return Ok(Some(Notice { at: payment.time("created_at")?, news: read::payment(&payment, None)? }));
            }
        }
        Ok(None)
    };
    read().map_err(GatewayError::Garbled)
}

/// The checkout that an order or a subscription is.
pub fn opened(settings: &RazorpaySettings, answer: &Value) -> Result<Checkout, GatewayError> {
    let read = || {
        let opened = Fields::of(answer)?;
        Ok(Checkout {
            reference: opened.text("id")?.to_owned(),
            // Subscriptions have a page, orders do not.
            url: opened.text_opt("short_url")?.map(str::to_owned),
            public_key: Some(settings.key_id.clone()),
            expires_at: opened.int_opt("expire_by")?.and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
        })
    };
    read().map_err(GatewayError::Garbled)
}

pub async fn refund(
    caller: &Caller,
    settings: &RazorpaySettings,
    request: &RefundRequest,
) -> Result<RefundAnswer, GatewayError> {
    let payment = payment(caller, settings, &request.payment).await?;
    let (payment, id) = (plain(&payment)?, request.refund.to_string());
    if let Some(known) = earlier(caller, settings, payment, &id).await? {
        return Ok(known);
    }
    let mut body = json!({
        "amount": to_razorpay(request.amount)?,
        "speed": "normal",
        "notes": { "refund_id": id, "order_id": request.order.to_string() },
        "receipt": id,
    });
    if request.split {
        // The vendor gives back its part: else Souk would pay for it.
        body["reverse_all"] = json!(1);
    }
    let request = caller
        .request(Method::POST, &format!("/v1/payments/{payment}/refund"))
        .basic_auth(&settings.key_id, Some(&settings.key_secret))
        .header("X-Refund-Idempotency", id)
        .json(&body);
    let answer = caller.call(request).await?;
    Fields::of(&answer).and_then(|refund| refund_answer(&refund)).map_err(GatewayError::Garbled)
}

/// The same refund, if it was asked for before: nobody says for how long Razorpay remembers idempotency keys.
async fn earlier(
    caller: &Caller,
    settings: &RazorpaySettings,
    payment: &str,
    id: &str,
) -> Result<Option<RefundAnswer>, GatewayError> {
    let answer = ask(caller, settings, &format!("/v1/payments/{payment}/refunds?count=100"), None).await?;
    let find = || {
        let refunds = Fields::of(&answer)?.list("items")?;
        let known = refunds.iter().find(|refund| refund.tag("notes", "refund_id") == Some(id));
        known.map(refund_answer).transpose()
    };
    find().map_err(GatewayError::Garbled)
}

fn refund_answer(refund: &Fields<'_>) -> Result<RefundAnswer, String> {
    Ok(RefundAnswer { reference: refund.text("id")?.to_owned(), outcome: read::refund_outcome(refund)? })
}

/// The name of the payment itself, which Razorpay gives back by.
async fn payment(caller: &Caller, settings: &RazorpaySettings, names: &[String]) -> Result<String, GatewayError> {
    if let Some(name) = names.iter().find(|name| name.starts_with("pay_")) {
        return Ok(name.clone());
    }
    let none = || refused("no_payment_name", "none of the payment's names is one that Razorpay gives back by");
    let invoice = names.iter().find(|name| name.starts_with("inv_")).ok_or_else(none)?;
    let answer = ask(caller, settings, &format!("/v1/invoices/{}", plain(invoice)?), None).await?;
    let payment =
        Fields::of(&answer).and_then(|invoice| invoice.text_opt("payment_id")).map_err(GatewayError::Garbled)?;
    payment.map(str::to_owned).ok_or_else(none)
}
