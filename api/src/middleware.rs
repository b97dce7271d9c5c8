//! What every request passes through.

pub mod envelope;
pub mod idempotency;
pub mod identify;
pub mod leftover;
pub mod rate_limit;
pub mod write;

#[cfg(test)]
mod tests;

use axum::{Router, extract::Request, http::Extensions, response::Response};
use tower::Service;

use crate::Api;

/// The template of the route that a request found, such as `/api/v1/plugins/{plugin}`; empty when it found none.
#[derive(Clone, Copy, Debug)]
pub struct Route(pub &'static str);

/// What requests come to behind the middleware.
pub struct Next(pub Router);

impl Next {
    /// The answer to `request`.
    pub async fn run(mut self, request: Request) -> Response {
        self.0.call(request).await.unwrap_or_else(|never| match never {})
    }
}

/// What a request to an operation passes through, from the outside in. None of it is a layer of axum's: each of those boxes the rest of the
/// way and copies the service behind it, which costs a page from memory more than the page does.
pub async fn served(api: &Api, request: Request, next: Next) -> Response {
    envelope::envelope(api, request, |request| {
        identify::identify(api, request, |request| write::write(api, request, next))
    })
    .await
}

/// What every other request passes through.
pub async fn plain(api: &Api, request: Request, next: Next) -> Response {
    envelope::envelope(api, request, |request| next.run(request)).await
}

/// The [`Route`] of a request.
pub fn route(extensions: &Extensions) -> &'static str {
    extensions.get::<Route>().map_or("", |route| route.0)
}
