//! What every request passes through.

pub mod envelope;
pub mod idempotency;
pub mod identify;
pub mod leftover;
pub mod rate_limit;
pub mod write;

#[cfg(test)]
mod tests;

use axum::{
    extract::{MatchedPath, Request, State},
    http::Extensions,
    middleware::Next,
    response::Response,
};

use crate::Api;

/// What a request to an operation passes through, from the outside in. It is one layer: each further one boxes the rest of the way
/// and copies the service behind it, which costs a page from memory more than the page does.
pub async fn served(State(api): State<Api>, request: Request, next: Next) -> Response {
    let api = &api;
    envelope::envelope(api, request, |request| {
        identify::identify(api, request, |request| write::write(api, request, next))
    })
    .await
}

/// What every other request passes through.
pub async fn plain(State(api): State<Api>, request: Request, next: Next) -> Response {
    envelope::envelope(&api, request, |request| next.run(request)).await
}

/// The template of the route that a request found, such as `/api/v1/plugins/{plugin}`; empty when it found none.
pub fn route(extensions: &Extensions) -> &str {
    extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str)
}
