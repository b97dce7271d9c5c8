//! Counters and histograms, as Prometheus reads them.

use std::{cell::RefCell, collections::HashMap, sync::OnceLock, time::Duration};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Seconds; requests are answered in anything from a fraction of a millisecond to half a minute.
const BUCKETS: [f64; 15] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The counters and histograms of this process.
#[derive(Clone)]
pub struct Metrics(Option<PrometheusHandle>);

impl Metrics {
    /// Begins to collect what this process counts with the `metrics` crate. Everything counted before is lost. A process has one
    /// collector: calling this again gives the same.
    #[must_use]
    pub fn install() -> Self {
        static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
        Self(HANDLE.get_or_init(build).clone())
    }

    /// What was collected, in the Prometheus text format.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.as_ref().map(PrometheusHandle::render).unwrap_or_default()
    }

    /// Sums up histograms every few seconds, for ever: nobody else does while nobody asks for the metrics.
    pub async fn keep_up(self) {
        let Some(handle) = self.0 else { return };
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            handle.run_upkeep();
        }
    }
}

/// A counter and a histogram that were looked up before: looking up takes longer than counting.
#[derive(Clone)]
struct Series {
    requests: metrics::Counter,
    durations: metrics::Histogram,
}

/// The series of one route, by method and status: few, so that looking through them is quicker than hashing.
type OfRoute = Vec<(&'static str, u16, Series)>;

/// Counts a request that was answered with `status` after `seconds`. Routes are those of the route table: few.
pub(crate) fn count(method: &'static str, route: &str, status: u16, seconds: f64) {
    thread_local! {
        static KNOWN: RefCell<HashMap<String, OfRoute>> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| {
        if !known.contains_key(route) {
            known.insert(route.to_owned(), Vec::new());
        }
        let Some(of_route) = known.get_mut(route) else { return };
        let found = of_route.iter().position(|(by, with, _)| (*by, *with) == (method, status));
        let at = found.unwrap_or_else(|| {
            of_route.push((method, status, series(method, route, status)));
            of_route.len() - 1
        });
        let (.., series) = &of_route[at];
        series.requests.increment(1);
        series.durations.record(seconds);
    });
}

fn series(method: &'static str, route: &str, status: u16) -> Series {
    let route = route.to_owned();
    let status = status.to_string();
    Series {
        requests: metrics::counter!("souk_http_requests_total", "method" => method, "route" => route.clone(), "status" => status),
        durations: metrics::histogram!("souk_http_request_duration_seconds", "method" => method, "route" => route),
    }
}

fn build() -> Option<PrometheusHandle> {
    let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS);
    let installed = builder.map_err(|error| error.to_string()).and_then(|builder| {
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|error| error.to_string()).map(|()| handle)
    });
    match installed {
        Ok(handle) => Some(handle),
        Err(error) => {
            tracing::warn!(error, "metrics are not collected: this process has another collector");
            None
        }
    }
}
