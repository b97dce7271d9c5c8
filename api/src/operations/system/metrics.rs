//! `GET /metrics`

use std::{collections::BTreeMap, time::Duration};

use axum::{
    extract::State,
    http::{HeaderName, header},
};
use souk_ports::{Position, ledger::LedgerStatus};
use souk_projections::catalogue::ShowcaseStatus;
use tokio::time::timeout;

use crate::{
    Api,
    control::{ProjectionState, ProjectionStatus},
};

/// How long the state of projections and reactions may take; without it the rest is told.
const PATIENCE: Duration = Duration::from_secs(2);

/// Counters, gauges and histograms, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "system",
    responses((status = 200, description = "Prometheus text format", body = String, content_type = "text/plain")))]
pub async fn metrics(State(api): State<Api>) -> ([(HeaderName, &'static str); 1], String) {
    if timeout(PATIENCE, measure(&api)).await.is_err() {
        tracing::warn!("the state of the projections could not be measured in time");
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], api.metrics.render())
}

/// Sets the gauges of the read models.
#[expect(clippy::cast_precision_loss, reason = "positions stay far below 2^52, and a gauge is a float")]
pub fn measure_projections(statuses: &[ProjectionStatus]) {
    for status in statuses {
        let gauge = |name: &'static str| metrics::gauge!(name, "projection" => status.name.clone());
        gauge("souk_projection_position").set(status.position as f64);
        gauge("souk_projection_lag").set(status.lag as f64);
        metrics::gauge!("souk_log_head").set(status.head as f64);
        for state in
            [ProjectionState::Live, ProjectionState::Rebuilding, ProjectionState::Stopped, ProjectionState::Outdated]
        {
            let labels = [("projection", status.name.clone()), ("state", state.as_str().to_owned())];
            metrics::gauge!("souk_projection_state", &labels).set(if state == status.state { 1.0 } else { 0.0 });
        }
    }
}

/// Sets the gauges of the ledger, in a log that ends at `head`.
#[expect(clippy::cast_precision_loss, reason = "positions stay far below 2^52, and a gauge is a float")]
pub fn measure_ledger(status: &LedgerStatus, head: Position) {
    metrics::gauge!("souk_ledger_size").set(status.size as f64);
    metrics::gauge!("souk_ledger_signed_size").set(status.signed_size as f64);
    metrics::gauge!("souk_ledger_lag").set(head.saturating_sub(status.position) as f64);
    metrics::gauge!("souk_ledger_trouble").set(if status.trouble.is_some() { 1.0 } else { 0.0 });
}

#[expect(clippy::cast_precision_loss, reason = "plugins and bytes stay far below 2^52, and a gauge is a float")]
fn measure_showcase(status: &ShowcaseStatus) {
    let ShowcaseStatus { plugins, position, hits, misses, page_bytes, asked_again, asked_anew } = *status;
    metrics::gauge!("souk_search_plugins").set(plugins as f64);
    metrics::gauge!("souk_search_position").set(position as f64);
    metrics::gauge!("souk_pages_bytes").set(page_bytes as f64);
    metrics::counter!("souk_pages_total", "memory" => "hit").absolute(hits);
    metrics::counter!("souk_pages_total", "memory" => "miss").absolute(misses);
    metrics::counter!("souk_search_matches_total", "memory" => "hit").absolute(asked_again);
    metrics::counter!("souk_search_matches_total", "memory" => "miss").absolute(asked_anew);
}

async fn measure(api: &Api) {
    measure_showcase(&api.reads.showcase().unwrap_or_default());
    measure_projections(&api.projections.status().await.unwrap_or_default());
    let ports = api.app.ports();
    if let (Ok(status), Ok(head)) = tokio::join!(ports.ledger.status(), ports.log.head()) {
        measure_ledger(&status, head);
    }
    // A reaction whose last parked event was dealt with shows 0, not what it was.
    let mut parked: BTreeMap<String, f64> =
        souk_app::reactions::names().into_iter().map(|name| (name.to_owned(), 0.0)).collect();
    for event in api.reactions.parked(None).await.unwrap_or_default() {
        *parked.entry(event.reaction).or_default() += 1.0;
    }
    for (reaction, count) in parked {
        metrics::gauge!("souk_reaction_parked", "reaction" => reaction).set(count);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn requests_projections_and_reactions_are_measured() {
        let world = World::new();
        world.park("licensing", 4).await;
        world.nobody().get("/plugins/unknown").await;
        let answer = world.nobody().get("!/metrics").await;
        assert_eq!(answer.status, 200);
        assert!(answer.header("content-type").starts_with("text/plain"));
        for line in [
            "souk_http_requests_total{method=\"GET\",route=\"/api/v1/plugins/{plugin}\",status=\"404\"}",
            "souk_http_request_duration_seconds_bucket",
            "souk_projection_lag{projection=\"catalogue\"}",
            "souk_projection_state{projection=\"catalogue\",state=\"live\"} 1",
            "souk_pages_total{memory=\"hit\"}",
            "souk_ledger_size",
            "souk_ledger_lag 0",
            "souk_reaction_parked{reaction=\"licensing\"}",
        ] {
            assert!(answer.text.contains(line), "{line} is missing in {}", answer.text);
        }
    }
}
