//! Structured logs on stderr.

use std::io::{self, IsTerminal};

use tracing::{Level, Metadata};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{EnvFilter, Layer, filter::filter_fn, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{Log, LogFormat};

/// What libraries say below this level is never logged, whatever the filter: sqlx logs statements with their arguments,
/// which may hold passwords and personal data.
const NEVER: [(&str, Level); 2] = [("sqlx", Level::WARN), ("hyper", Level::INFO)];

fn harmless(metadata: &Metadata<'_>) -> bool {
    NEVER.iter().all(|(library, level)| !metadata.target().starts_with(library) || metadata.level() <= level)
}

/// Starts logging. Lines are written by a thread of their own, many at once where there are many, so that no request waits for
/// the disk or the terminal; what has not been written is when the guard is dropped.
pub fn start(log: &Log) -> WorkerGuard {
    let filter = EnvFilter::try_new(&log.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // A log that cannot keep up slows requests down rather than that lines are missing.
    let (lines, guard) = NonBlockingBuilder::default().lossy(false).finish(io::BufWriter::new(io::stderr()));
    let layer = fmt::layer().with_writer(lines);
    let layer = match log.format {
        LogFormat::Text => layer.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(filter).with(layer.with_filter(filter_fn(harmless))).init();
    guard
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
        let layer = fmt::layer().with_writer(move || writer.clone()).with_filter(filter_fn(harmless));
        let logs = tracing_subscriber::registry().with(EnvFilter::new("trace,sqlx::query=trace")).with(layer);
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
