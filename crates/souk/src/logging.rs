//! Structured logs on stderr.

use std::io::{self, IsTerminal};

use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{Targets, filter_fn},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

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

/// What `directives` let through. Those about spans need to remember every span, which each request pays for; most have none.
fn filter(directives: &str) -> Box<dyn Layer<Registry> + Send + Sync> {
    let about_spans = directives.contains('[');
    let targets = directives.split(',').filter(|directive| !directive.is_empty()).collect::<Vec<_>>().join(",");
    match targets.parse::<Targets>() {
        Ok(targets) if !about_spans => targets.boxed(),
        _ => EnvFilter::try_new(directives).unwrap_or_else(|_| EnvFilter::new("info")).boxed(),
    }
}

/// Starts logging. What has not been written when the guard is dropped is written then.
#[must_use]
pub fn start(log: &Log) -> Writing {
    let writing = Writing::start(io::stderr());
    let lines = writing.lines();
    let layer = fmt::layer().with_writer(move || lines.clone());
    let layer = match log.format {
        LogFormat::Text => layer.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    // A filter for all layers costs less than one of a single layer, and there is only one.
    tracing_subscriber::registry().with(filter(&log.filter)).with(filter_fn(harmless)).with(layer).init();
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

    /// What is logged of `speak`, where `directives` filter.
    fn logged(directives: &str, speak: impl FnOnce()) -> String {
        let sink = Sink::default();
        let writer = sink.clone();
        let layer = fmt::layer().with_writer(move || writer.clone()).with_ansi(false);
        let logs = tracing_subscriber::registry().with(filter(directives)).with(filter_fn(harmless)).with(layer);
        tracing::subscriber::with_default(logs, speak);
        String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn statements_are_never_logged_whatever_the_filter() {
        let text = logged("trace,sqlx::query=trace", || {
            tracing::debug!(target: "sqlx::query", "CREATE ROLE souk PASSWORD 'hunter2'");
            tracing::trace!(target: "hyper::proto", "hunter2");
            tracing::warn!(target: "sqlx::pool", "slow");
            tracing::trace!("said");
        });
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("slow") && text.contains("said"), "{text}");
    }

    #[test]
    fn directives_are_about_targets_and_spans() {
        let speak = || {
            tracing::info!(target: "souk_api", "one");
            tracing::debug!(target: "souk_api", "two");
            tracing::info_span!(target: "souk_api", "request", id = "r")
                .in_scope(|| tracing::debug!(target: "souk_api", "three"));
            tracing::warn!(target: "other", "four");
        };
        let heard = |directives: &str| {
            let text = logged(directives, speak);
            ["one", "two", "three", "four"].map(|word| text.contains(word))
        };
        assert_eq!(heard(""), [false; 4], "errors only");
        assert_eq!(heard("info"), [true, false, false, true]);
        assert_eq!(heard("info,,other=off,"), [true, false, false, false]);
        assert_eq!(heard("souk_api=debug"), [true, true, true, false]);
        assert_eq!(heard("warn,[request{id=r}]=debug"), [false, false, true, true]);
    }
}
