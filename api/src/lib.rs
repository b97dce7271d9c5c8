//! The HTTP interface of Souk: one operation a file, the route table in `router.rs`, one error body.
//!
//! A request passes, from the outside in: [`middleware::envelope`] (request id, error body, headers, metrics, log),
//! [`middleware::identify`] (who asks, and how often), [`middleware::write`] (size, idempotency, finishing what was begun),
//! and the operation.

mod answer;
mod api;
mod asyncapi;
mod control;
mod docs;
mod error;
mod extract;
mod metrics;
mod middleware;
mod openapi;
mod operations;
mod patient;
mod reads;
mod router;
mod serve;
mod settings;
mod streams;
#[cfg(test)]
mod testing;
mod wire;

pub use api::{Api, Parts};
pub use asyncapi::asyncapi;
pub use control::{ControlError, ProjectionControl, ProjectionState, ProjectionStatus};
pub use metrics::Metrics;
pub use openapi::{openapi, routes};
pub use operations::system::{
    metrics::{measure_ledger, measure_projections},
    ready::lagging,
};
pub use reads::ReadModels;
pub use router::router;
pub use serve::serve;
pub use settings::{RateLimit, RateLimits, Settings};
pub use wire::diff::Comparison;
