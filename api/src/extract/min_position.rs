//! `Souk-Min-Position`.

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, request::Parts},
};
use souk_ports::Position;

use crate::{Api, error::ApiError};

const HEADER: HeaderName = HeaderName::from_static("souk-min-position");

/// The position that the answer must have reached; 0 when the client asked for none.
#[derive(Clone, Copy, Debug)]
pub struct MinPosition(pub Position);

impl FromRequestParts<Api> for MinPosition {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get(&HEADER) else { return Ok(Self(0)) };
        // Positions are kept as signed 64-bit integers.
        let position = value.to_str().ok().and_then(|text| text.trim().parse::<Position>().ok());
        let position = position.filter(|position| i64::try_from(*position).is_ok());
        position
            .map(Self)
            .ok_or_else(|| ApiError::bad_header("Souk-Min-Position", "must be a position, a whole number"))
    }
}
