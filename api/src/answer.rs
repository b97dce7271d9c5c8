//! What operations answer with.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::Serialize;
use souk_app::Done;
use souk_ports::Position;

/// `Souk-Position`: the position of the last event of a write.
pub const POSITION: HeaderName = HeaderName::from_static("souk-position");

/// 200 with a body that is JSON already.
pub struct Ready(pub Bytes);

impl IntoResponse for Ready {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], self.0).into_response()
    }
}

/// The answer to a write that has a body.
pub struct Written<T> {
    status: StatusCode,
    position: Position,
    body: T,
}

impl<T> Written<T> {
    /// 200.
    pub const fn ok(position: Position, body: T) -> Self {
        Self { status: StatusCode::OK, position, body }
    }

    /// 201.
    pub const fn created(position: Position, body: T) -> Self {
        Self { status: StatusCode::CREATED, position, body }
    }

    /// 202.
    pub const fn accepted(position: Position, body: T) -> Self {
        Self { status: StatusCode::ACCEPTED, position, body }
    }

    /// 201 if `done` wrote `event`, else 200.
    pub fn created_if<U>(done: &Done<U>, event: &str, body: T) -> Self {
        let created = done.wrote.as_deref() == Some(event);
        Self { status: if created { StatusCode::CREATED } else { StatusCode::OK }, position: done.position, body }
    }
}

impl<T: Serialize> IntoResponse for Written<T> {
    fn into_response(self) -> Response {
        (self.status, [(POSITION, HeaderValue::from(self.position))], Json(self.body)).into_response()
    }
}

/// The answer to a write without a body: 204.
pub struct Gone(pub Position);

impl IntoResponse for Gone {
    fn into_response(self) -> Response {
        (StatusCode::NO_CONTENT, [(POSITION, HeaderValue::from(self.0))]).into_response()
    }
}
