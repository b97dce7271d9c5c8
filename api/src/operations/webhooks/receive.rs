//! `POST /webhooks/stripe`, `POST /webhooks/razorpay`

use axum::{
    Json,
    body::{Body, to_bytes},
    extract::State,
    http::{HeaderMap, StatusCode},
};
use serde_json::{Value, json};
use souk_app::payments::{self, MAX_WEBHOOK, Refused};
use souk_domain::order::Gateway;
use souk_ports::payment::{Headers, WebhookError};

use crate::{Api, error::ApiError};

struct Given<'a>(&'a HeaderMap);

impl Headers for Given<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.0.get_all(name).iter();
        let only = values.next()?;
        if values.next().is_some() { None } else { only.to_str().ok() }
    }
}

/// What Stripe tells. It is checked, kept and acknowledged; what follows from it follows later.
#[utoipa::path(post, path = "/webhooks/stripe", tag = "webhooks", request_body = Object,
    params(("Stripe-Signature" = String, Header, description = "`t=…,v1=…`")),
    responses((status = 200, description = "Kept", body = Object)))]
pub async fn receive_from_stripe(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    receive(&api, Gateway::Stripe, &headers, body).await
}

/// What Razorpay tells. It is checked, kept and acknowledged; what follows from it follows later.
#[utoipa::path(post, path = "/webhooks/razorpay", tag = "webhooks", request_body = Object,
    params(("X-Razorpay-Signature" = String, Header, description = "HMAC-SHA256 of the body, hex"),
        ("X-Razorpay-Event-Id" = String, Header, description = "Which event it is")),
    responses((status = 200, description = "Kept", body = Object)))]
pub async fn receive_from_razorpay(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    receive(&api, Gateway::Razorpay, &headers, body).await
}

async fn receive(api: &Api, gateway: Gateway, headers: &HeaderMap, body: Body) -> Result<Json<Value>, ApiError> {
    let body = to_bytes(body, MAX_WEBHOOK).await.map_err(|error| {
        let too_large =
            std::error::Error::source(&error).is_some_and(|cause| cause.is::<http_body_util::LengthLimitError>());
        if too_large {
            ApiError::too_large(MAX_WEBHOOK)
        } else {
            ApiError::new(StatusCode::BAD_REQUEST, "bad_request", "the body ended before it was complete")
        }
    })?;
    match payments::receive(&api.app, gateway, &Given(headers), &body).await {
        Ok(done) => Ok(Json(json!({ "received": true, "id": done.value }))),
        Err(Refused::App(error)) => Err(error.into()),
        Err(Refused::Webhook(error)) => {
            metrics::counter!("souk_webhooks_refused_total", "gateway" => gateway.as_str()).increment(1);
            let (status, code) = match error {
                WebhookError::NotConfigured => (StatusCode::NOT_FOUND, "not_found"),
                WebhookError::BadSignature | WebhookError::Stale(_) => (StatusCode::BAD_REQUEST, "invalid_signature"),
                WebhookError::Malformed(_) => (StatusCode::BAD_REQUEST, "bad_request"),
            };
            Err(ApiError::new(status, code, error.to_string()))
        }
    }
}
