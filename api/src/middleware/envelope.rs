//! The outermost layer: request id, error body, common headers, metrics and the log line.

use std::{panic::AssertUnwindSafe, time::Instant};

use axum::{
    body::HttpBody,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use percent_encoding::percent_decode_str;
use tracing::{Instrument, info_span};

use super::{identify::Caller, leftover::Leftover, route};
use crate::{
    Api,
    error::{self, ApiError},
    metrics::count,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How a request is found again.
#[derive(Clone, Debug)]
pub struct Trace {
    /// What the logs and error bodies call it.
    pub request_id: String,
    /// The W3C trace context that it came with, if that was well-formed.
    pub parent: Option<String>,
}

/// Gives every answer its common parts, whatever goes wrong in `then`.
pub async fn envelope<F>(api: &Api, mut request: Request, then: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let started = Instant::now();
    let id = request_id(request.headers()).unwrap_or_else(|| api.app.ports().random.uuid().to_string());
    let traceparent = traceparent(request.headers());
    let method = request.method().clone();
    let personal = method != Method::GET || has_credentials(request.headers());
    let route = route(request.extensions());
    let span = info_span!("request", id, %method, route, trace = traceparent);
    request.extensions_mut().insert(Trace { request_id: id.clone(), parent: traceparent });

    // Who asks before sending the body does not send it when refused.
    let asks_first = request.headers().contains_key(header::EXPECT);
    let leftover = (!request.body().is_end_stream()).then(Leftover::default);
    let request = request.map(|body| match &leftover {
        Some(leftover) => leftover.lend(body),
        None => body,
    });

    let answer = async {
        let response = match check_path(request.uri().path()) {
            Ok(()) => AssertUnwindSafe(then(request)).catch_unwind().await.unwrap_or_else(|_| {
                tracing::error!("the handler panicked");
                ApiError::internal("the handler panicked").into_response()
            }),
            Err(error) => {
                // What is left of its body can be read once nobody holds it.
                drop(request);
                error.into_response()
            }
        };
        if let Some(leftover) = leftover.filter(|_| !asks_first) {
            leftover.discard().await;
        }
        let mut response = error::render(response, &id, || api.app.ports().clock.now());
        set_headers(response.headers_mut(), &id, personal);
        record(&method, route, &response, started);
        response
    };
    answer.instrument(span).await
}

/// The id that the client chose, if it can stand in a log line: 1 to 128 visible ASCII characters.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(&REQUEST_ID)?.to_str().ok()?;
    ((1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())).then(|| id.to_owned())
}

/// `00-<32 hex>-<16 hex>-<2 hex>`, lower case, ids not zero.
fn traceparent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let parts: Vec<&str> = text.split('-').collect();
    let [version, trace, span, flags] = parts.as_slice() else { return None };
    let hex = |part: &str, len| part.len() == len && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let set = |part: &str| part.bytes().any(|b| b != b'0');
    let valid = *version == "00" && hex(trace, 32) && set(trace) && hex(span, 16) && set(span) && hex(flags, 2);
    valid.then(|| text.to_owned())
}

fn has_credentials(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION) || headers.contains_key("x-api-key")
}

/// No path that can mean something holds a NUL character or is no UTF-8.
fn check_path(path: &str) -> Result<(), ApiError> {
    if !path.contains('%') {
        return Ok(());
    }
    match percent_decode_str(path).decode_utf8() {
        Ok(text) if !text.contains('\0') => Ok(()),
        _ => {
            Err(ApiError::new(axum::http::StatusCode::BAD_REQUEST, "bad_request", "the path must be UTF-8 without NUL"))
        }
    }
}

fn set_headers(headers: &mut HeaderMap, id: &str, personal: bool) {
    // These, and those that were there: growing once is enough.
    headers.reserve(12);
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    // What is answered is the same for all pages that ask.
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    let caching = if personal { "no-store" } else { "no-cache" };
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static(caching));
}

fn record(method: &Method, route: &str, response: &Response, started: Instant) {
    let elapsed = started.elapsed();
    let duration_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    let status = response.status().as_u16();
    let user = response.extensions().get::<Caller>().and_then(Caller::user);
    tracing::info!(status, duration_us, user = user.map(tracing::field::display), "answered");
    let route = if route.is_empty() { "(none)" } else { route };
    count(known_method(method), route, status, elapsed.as_secs_f64());
}

/// Clients invent methods; each would be a series of its own.
fn known_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn only_sane_request_ids_are_taken_over() {
        assert_eq!(request_id(&with("x-request-id", "abc-1")), Some("abc-1".to_owned()));
        for odd in ["", "a b", &"x".repeat(129)] {
            assert_eq!(request_id(&with("x-request-id", odd)), None, "{odd}");
        }
    }

    #[test]
    fn only_valid_trace_contexts_are_taken_over() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(traceparent(&with("traceparent", good)), Some(good.to_owned()));
        for bad in [
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "nonsense",
        ] {
            assert_eq!(traceparent(&with("traceparent", bad)), None, "{bad}");
        }
    }

    #[test]
    fn paths_are_text() {
        assert!(check_path("/api/v1/plugins/a%20b").is_ok());
        assert!(check_path("/api/v1/plugins/a%00b").is_err());
        assert!(check_path("/api/v1/plugins/%ff").is_err());
    }
}
