//! JSON bodies.

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Value, error::Category};

use crate::{Api, error::ApiError};

/// A JSON body.
pub struct JsonBody<T>(pub T);

/// A JSON body that may be left out.
pub struct OptionalJson<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Api> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, ApiError> {
        require_json(request.headers())?;
        read_json("", &whole(request, api).await?).map(Self)
    }
}

impl<T: DeserializeOwned + Default> FromRequest<Api> for OptionalJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, ApiError> {
        let headers = request.headers().clone();
        let body = whole(request, api).await?;
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(T::default()));
        }
        require_json(&headers)?;
        read_json("", &body).map(Self)
    }
}

async fn whole(request: Request, api: &Api) -> Result<Bytes, ApiError> {
    let limit = api.settings.json_body_bytes;
    to_bytes(request.into_body(), limit).await.map_err(|_| ApiError::too_large(limit))
}

fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    let message = "the body must be JSON, with Content-Type: application/json";
    Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message))
}

/// Reads `body`, which is the part `part` of the request, or all of it when that is empty.
///
/// # Errors
/// 400 `malformed_json`, or 422 `validation_failed` with the field that does not fit.
pub fn read_json<T: DeserializeOwned>(part: &str, body: &[u8]) -> Result<T, ApiError> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value: T = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        refuse(&join(part, &path), error.inner())
    })?;
    deserializer.end().map_err(|error| refuse(part, &error))?;
    match nul_field(body) {
        Some(field) => Err(ApiError::invalid_field(join(part, &field), "must not contain control characters")),
        None => Ok(value),
    }
}

fn join(part: &str, path: &str) -> String {
    match (part, path) {
        (part, "." | "") => part.to_owned(),
        ("", path) => path.to_owned(),
        (part, path) => format!("{part}.{path}"),
    }
}

fn refuse(field: &str, error: &serde_json::Error) -> ApiError {
    if error.classify() == Category::Data {
        return ApiError::invalid_field(field_of(field, &error.to_string()), problem(error));
    }
    ApiError::new(StatusCode::BAD_REQUEST, "malformed_json", format!("the body is no JSON: {error}"))
}

/// The field that `text` speaks of, found while reading `field`: a missing one is named by the message only.
pub(super) fn field_of(field: &str, text: &str) -> String {
    let missing = text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    missing.map_or_else(|| field.to_owned(), |missing| join(field, missing))
}

/// The message without the place, which says nothing once the field is known.
fn problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(message, _)| message.to_owned())
}

/// The first field whose text holds U+0000, which no database keeps. JSON writes it as an escape only.
fn nul_field(body: &[u8]) -> Option<String> {
    let mut rest = body;
    let mut suspicious = false;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        suspicious |= rest[at + 1..].starts_with(b"u0000");
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    if !suspicious {
        return None;
    }
    serde_json::from_slice(body).ok().and_then(|value: Value| find_nul(&value))
}

fn find_nul(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(items) => items.iter().enumerate().find_map(|(index, item)| {
            find_nul(item).map(|path| format!("[{index}]{}{path}", if path.is_empty() { "" } else { "." }))
        }),
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            if name.contains('\0') {
                return Some(name.replace('\0', "\u{fffd}"));
            }
            let path = find_nul(value)?;
            Some(if path.is_empty() || path.starts_with('[') {
                format!("{name}{path}")
            } else {
                format!("{name}.{path}")
            })
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only what is refused matters")]
    struct Listing {
        name: String,
        pricing: Price,
        #[serde(default)]
        tags: Vec<String>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only what is refused matters")]
    struct Price {
        amount: i64,
    }

    fn refused(body: &str) -> (u16, &'static str, String) {
        let error = read_json::<Listing>("", body.as_bytes()).unwrap_err();
        let field = error.details.as_ref().and_then(|d| d["fields"][0]["field"].as_str()).unwrap_or_default();
        (error.status.as_u16(), error.code, field.to_owned())
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        for body in ["", "{", "{\"name\":", "nope", "{\"name\":\"a\",\"pricing\":{\"amount\":1}} extra", "\u{feff}{}"] {
            assert_eq!((refused(body).0, refused(body).1), (400, "malformed_json"), "{body}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(refused(&format!("{{\"name\":\"a\",\"pricing\":{{\"amount\":1}},\"x\":{deep}")).0, 400);
        assert_eq!(read_json::<Value>("", b"\"\xff\"").unwrap_err().code, "malformed_json");
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let refused = |body| {
            let (status, code, field) = refused(body);
            assert_eq!((status, code), (422, "validation_failed"), "{body}");
            field
        };
        assert_eq!(refused(r#"{"name":5,"pricing":{"amount":1}}"#), "name");
        assert_eq!(refused(r#"{"name":"a","pricing":{"amount":"much"}}"#), "pricing.amount");
        assert_eq!(refused(r#"{"name":"a","pricing":{}}"#), "pricing.amount");
        assert_eq!(refused(r#"{"pricing":{"amount":1}}"#), "name");
        assert_eq!(refused("[]"), "");
    }

    #[test]
    fn nul_characters_are_found_and_backslashes_are_not_mistaken_for_them() {
        let body = r#"{"name":"a","pricing":{"amount":1},"tags":["x","a\u0000b"]}"#;
        assert_eq!(refused(body).2, "tags[1]");
        assert!(read_json::<Listing>("", br#"{"name":"a\\u0000","pricing":{"amount":1}}"#).is_ok());
    }
}
