//! Structured logs on stderr.

use std::io::{self, IsTerminal};

use tracing::{Level, Metadata};
use tracing_subscriber::{EnvFilter, Layer, filter::filter_fn, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    config::{Log, LogFormat},
    lines::Writing,
};

/// What libraries say below this level is never logged, whatever the filter: sqlx logs statements with their arguments,
/// which may hold passwords and personal data.
const NEVER: [(&str, Level); 2] = [("sqlx", Level::WARN), ("hyper", Level::INFO)];

fn harmless(metadata: &Metadata<'_>) -> bool {
    NEVER.iter().all(|(library, level)| !metadata.target().starts_with(library) || metadata.level() <= level)
}

/// Starts logging. What has not been written when the guard is dropped is written then.
#[must_use]
pub fn start(log: &Log) -> Writing {
    let filter = EnvFilter::try_new(&log.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let writing = Writing::start(io::stderr());
    let lines = writing.lines();
    let layer = fmt::layer().with_writer(move || lines.clone());
    let layer = match log.format {
        LogFormat::Text => layer.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    // A filter for all layers costs less than one of a single layer, and there is only one.
    tracing_subscriber::registry().with(filter).with(filter_fn(harmless)).with(layer).init();
    writing
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn statements_are_never_logged_whatever_the_filter() {
        let sink = Sink::default();
        let writer = sink.clone();
        let layer = fmt::layer().with_writer(move || writer.clone());
        let filter = EnvFilter::new("trace,sqlx::query=trace");
        let logs = tracing_subscriber::registry().with(filter).with(filter_fn(harmless)).with(layer);
        tracing::subscriber::with_default(logs, || {
            tracing::debug!(target: "sqlx::query", "CREATE ROLE souk PASSWORD 'hunter2'");
            tracing::trace!(target: "hyper::proto", "hunter2");
            tracing::warn!(target: "sqlx::pool", "slow");
            tracing::trace!("said");
        });
        let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("slow") && text.contains("said"), "{text}");
    }
}
