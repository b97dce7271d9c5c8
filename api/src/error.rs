//! The one error body.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use souk_app::AppError;
use souk_domain::listing::Invalid;
use souk_ports::store::StoreError;
use utoipa::ToSchema;

/// Why a request is refused, or failed. As a response it has no body yet: the outermost middleware writes it, which knows
/// the request's id.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable snake case.
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
    /// What a program can use.
    pub details: Option<Value>,
    /// After how many seconds trying again makes sense.
    pub retry_after: Option<u64>,
    /// By how many points this moved the plugin's reliability.
    pub reliability_impact: Option<i64>,
}

/// Says that the body of an error response is written already.
#[derive(Clone, Copy, Debug)]
pub struct Rendered;

/// The body of every error.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub struct ErrorBody {
    error: ErrorContent,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ErrorContent {
    /// Stable, snake case.
    #[schema(example = "validation_failed")]
    code: &'static str,
    /// A sentence for people; may change.
    message: String,
    /// `fields` (`[{field, problem}]`) of a refused request, `reason` of a conflict, and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    details: Option<Value>,
    /// When, RFC 3339.
    #[schema(value_type = String, format = DateTime)]
    timestamp: String,
    /// What the logs know the request by; also in `X-Request-Id`.
    request_id: String,
    /// By how many whole points this failure moved the plugin's reliability score, 0 or less: the score less what it would be with one
    /// failed execution less. Absent where the failure is not the plugin's, and where the read model did not know of it in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = -1)]
    reliability_impact: Option<i64>,
}

impl ApiError {
    /// An error without details.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), details: None, retry_after: None, reliability_impact: None }
    }

    /// The same with details.
    #[must_use]
    pub fn with_details(self, details: Value) -> Self {
        Self { details: Some(details), ..self }
    }

    /// The same with `Retry-After`.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// The same, saying by how many points it moved the plugin's reliability, where that is known.
    #[must_use]
    pub fn with_reliability_impact(self, points: Option<i64>) -> Self {
        Self { reliability_impact: points, ..self }
    }

    /// 422: fields are refused.
    pub fn invalid(fields: &[Invalid]) -> Self {
        let message = fields.iter().map(|f| format!("{}: {}", f.field, f.problem)).collect::<Vec<_>>().join("; ");
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", message)
            .with_details(json!({ "fields": fields }))
    }

    /// 422: one field is refused.
    pub fn invalid_field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::invalid(&[Invalid { field: field.into(), problem: problem.into() }])
    }

    /// 400: a header is not what it should be.
    pub fn bad_header(header: &'static str, problem: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", format!("{header}: {problem}"))
            .with_details(json!({ "header": header }))
    }

    /// 404.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("{what} does not exist"))
    }

    /// 401.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// 409.
    pub fn conflict(reason: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message).with_details(json!({ "reason": reason }))
    }

    /// 413.
    pub fn too_large(limit: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            format!("the body may have at most {limit} bytes"),
        )
        .with_details(json!({ "limit": limit }))
    }

    /// 503: a read model has not come far enough.
    pub fn behind() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "projection_behind", "the read models are behind; try again")
            .retry_after(1)
    }

    /// 503: the log or a store does not answer. Why is for the logs only.
    pub fn unavailable(why: &str) -> Self {
        tracing::warn!(why, "a part of Souk does not answer");
        let message =
            "a part of Souk does not answer; a write may or may not have happened: repeat it with its Idempotency-Key";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message).retry_after(2)
    }

    /// 500. Why is for the logs only.
    pub fn internal(why: &str) -> Self {
        tracing::error!(why, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Souk made a mistake; the request id helps to find it")
    }

    /// What a bare status stands for.
    fn of_status(status: StatusCode) -> Self {
        let (code, message) = match status {
            StatusCode::BAD_REQUEST => ("bad_request", "the request is malformed"),
            StatusCode::UNAUTHORIZED => ("unauthorized", "sign in first"),
            StatusCode::FORBIDDEN => ("forbidden", "this is not allowed"),
            StatusCode::NOT_FOUND => ("not_found", "there is nothing at this address"),
            StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "this address does not take this method"),
            StatusCode::REQUEST_TIMEOUT => ("request_timeout", "the request took too long to arrive"),
            StatusCode::PAYLOAD_TOO_LARGE => ("payload_too_large", "the body is too large"),
            StatusCode::URI_TOO_LONG => ("uri_too_long", "the address is too long"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ("unsupported_media_type", "the body has the wrong content type"),
            StatusCode::UNPROCESSABLE_ENTITY => ("validation_failed", "the request is refused"),
            StatusCode::SERVICE_UNAVAILABLE => ("unavailable", "a part of Souk does not answer"),
            status if status.is_client_error() => ("bad_request", "the request is refused"),
            _ => ("internal", "Souk made a mistake; the request id helps to find it"),
        };
        Self::new(status, code, message)
    }

    fn body(self, request_id: &str, now: DateTime<Utc>) -> ErrorBody {
        ErrorBody {
            error: ErrorContent {
                code: self.code,
                message: self.message,
                details: self.details,
                timestamp: now.to_rfc3339_opts(SecondsFormat::Millis, true),
                request_id: request_id.to_owned(),
                reliability_impact: self.reliability_impact,
            },
        }
    }
}

/// `response` with the error body, if it is an error that has none yet.
pub fn render(response: Response, request_id: &str, now: impl FnOnce() -> DateTime<Utc>) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || response.extensions().get::<Rendered>().is_some() {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    let error = parts.extensions.remove::<ApiError>().unwrap_or_else(|| ApiError::of_status(status));
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH] {
        parts.headers.remove(name);
    }
    let mut response = (parts.status, parts.headers, Json(error.body(request_id, now()))).into_response();
    response.extensions_mut().extend(parts.extensions);
    response.extensions_mut().insert(Rendered);
    response
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"souk\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<AppError> for ApiError {
    fn from(error: AppError) -> Self {
        let code = error.code();
        match error {
            AppError::Invalid(fields) => Self::invalid(&fields.0),
            AppError::NotFound(_) => Self::new(StatusCode::NOT_FOUND, code, error.to_string()),
            AppError::NotYetInLedger => Self::new(StatusCode::NOT_FOUND, code, error.to_string()).retry_after(1),
            AppError::Unauthorized(_) => Self::new(StatusCode::UNAUTHORIZED, code, error.to_string()),
            AppError::Forbidden(_) | AppError::NotEntitled(_) => {
                Self::new(StatusCode::FORBIDDEN, code, error.to_string())
            }
            AppError::InvalidSignature(_) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, error.to_string()),
            AppError::Conflict { reason, message } => Self::conflict(reason, message),
            AppError::Behind => Self::behind(),
            AppError::Unavailable(why) => Self::unavailable(&why),
            AppError::Internal(why) => Self::internal(&why),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::unavailable(&error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use souk_domain::listing::InvalidFields;

    use super::*;

    async fn rendered(response: Response) -> (StatusCode, Value) {
        let response = render(response, "request-1", || DateTime::UNIX_EPOCH);
        let status = response.status();
        let body = to_bytes(response.into_body(), 10_000).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn every_refusal_has_its_status_and_code() {
        let invalid = Invalid { field: "name".to_owned(), problem: "must have 2 to 150 characters".to_owned() };
        for (error, status, code) in [
            (AppError::Invalid(InvalidFields(vec![invalid])), 422, "validation_failed"),
            (AppError::NotFound("this plugin"), 404, "not_found"),
            (AppError::Unauthorized("sign in first"), 401, "unauthorized"),
            (AppError::Forbidden("only an admin does this"), 403, "forbidden"),
            (AppError::NotEntitled("no license".to_owned()), 403, "not_entitled"),
            (AppError::conflict("name_taken", "taken"), 409, "conflict"),
            (AppError::NotYetInLedger, 404, "not_yet_in_ledger"),
            (AppError::Behind, 503, "projection_behind"),
            (AppError::Unavailable("the log".to_owned()), 503, "unavailable"),
            (AppError::Internal("a bug".to_owned()), 500, "internal"),
        ] {
            let (got, body) = rendered(ApiError::from(error).into_response()).await;
            assert_eq!((got.as_u16(), body["error"]["code"].as_str()), (status, Some(code)));
            assert_eq!(body["error"]["requestId"], "request-1");
            assert_eq!(body["error"]["timestamp"], "1970-01-01T00:00:00.000Z");
        }
    }

    #[tokio::test]
    async fn details_name_fields_and_reasons() {
        let (_, body) = rendered(ApiError::invalid_field("pricing.amount", "must be positive").into_response()).await;
        assert_eq!(body["error"]["details"]["fields"][0]["field"], "pricing.amount");
        let (_, body) = rendered(ApiError::conflict("name_taken", "taken").into_response()).await;
        assert_eq!(body["error"]["details"]["reason"], "name_taken");
    }

    #[tokio::test]
    async fn causes_are_not_told_to_strangers() {
        let (_, body) = rendered(ApiError::from(AppError::Internal("table x, row 7".to_owned())).into_response()).await;
        assert!(!body.to_string().contains("row 7"));
    }

    #[tokio::test]
    async fn bare_statuses_get_the_body_too() {
        for status in [404, 405, 413, 415, 418, 500, 504] {
            let (got, body) = rendered(StatusCode::from_u16(status).unwrap().into_response()).await;
            assert_eq!(got.as_u16(), status);
            assert!(body["error"]["code"].is_string());
        }
    }

    #[test]
    fn retry_after_and_the_challenge_are_headers() {
        assert_eq!(ApiError::behind().into_response().headers()[header::RETRY_AFTER], "1");
        let response = ApiError::unauthorized("sign in first").into_response();
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer realm=\"souk\"");
    }
}
