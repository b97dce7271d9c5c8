//! What every request passes through.

pub mod envelope;
pub mod idempotency;
pub mod identify;
pub mod leftover;
pub mod rate_limit;
pub mod write;

#[cfg(test)]
mod tests;

use axum::{extract::MatchedPath, http::Extensions};

/// The template of the route that a request found, such as `/api/v1/plugins/{plugin}`; empty when it found none.
pub fn route(extensions: &Extensions) -> &str {
    extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str)
}
