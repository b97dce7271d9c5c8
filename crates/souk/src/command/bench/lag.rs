//! How long it takes until what is appended can be queried.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use souk_domain::id::UserId;
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use super::{
    Options,
    catalogue::{Listed, Writer},
    http::{self, Connection},
    measure::{Budget, Row, micros, percentile, rate},
    process,
    random::{Sequence, Zipf},
    session::{Service, Session},
};
use crate::{failure::Failure, output::note};

/// Between two bundles of appends.
const TICK: Duration = Duration::from_millis(5);
/// Appends in a bundle, each by itself: 1,000 events a second.
const A_TICK: u64 = 5;
/// One in so many events is asked for, over HTTP.
const ASKED: u64 = 20;

/// How events come to who projects them.
pub struct Way {
    name: &'static str,
    /// What the slowest are called.
    slowest: &'static str,
    /// Budgets of p50, where there is one, and of p99, milliseconds.
    budgets: (Budget, Budget),
}

/// Straight from the log, within one process.
pub const DIRECT: Way = Way {
    name: "append to queryable, 1,000 events/s, p50",
    slowest: "the same, p99",
    budgets: (Budget::Under(10.0), Budget::Under(50.0)),
};
const THROUGH_KAFKA: Way = Way {
    name: "append to queryable through Kafka, 1,000 events/s, p50",
    slowest: "the same through Kafka, p99",
    budgets: (Budget::None, Budget::Under(150.0)),
};
/// The catalogue that is projected through Kafka is no greater than this: plugins and events.
const KAFKA_SIZE: (u32, u32) = (10_000, 100_000);

/// The same through the Kafka at `brokers`, in a cluster and four processes of their own.
///
/// # Errors
/// A process does not start, the log or the broker failed, or Souk gave a wrong answer.
pub async fn through_kafka(options: &Options, brokers: &str) -> Result<Vec<Row>, Failure> {
    let (plugins, events) = (options.plugins.min(KAFKA_SIZE.0), options.events.min(KAFKA_SIZE.1));
    let session = Session::open_with_kafka(Options { plugins, events, ..options.clone() }, brokers).await?;
    let measured = apart(&session).await;
    if measured.is_err() {
        note(process::last_words(session.directory()));
    }
    session.close().await?;
    measured
}

async fn apart(session: &Session) -> Result<Vec<Row>, Failure> {
    let catalogue = session.load().await?;
    let service = session.serve(&catalogue).await?;
    note("lag through Kafka: waiting until the reactions have nothing left to do");
    service.rest().await?;
    let measured = measure(session, &service, &catalogue.plugins, &THROUGH_KAFKA).await;
    service.stop().await?;
    measured
}

/// Appends through the port from this process, and asks the Souk that serves for a page at the event's position.
///
/// # Errors
/// The log failed, or Souk gave a wrong answer.
pub async fn measure(
    session: &Session,
    service: &Service,
    plugins: &Arc<Vec<Listed>>,
    way: &Way,
) -> Result<Vec<Row>, Failure> {
    let popular = Zipf::new(plugins.len());
    let (mut middle, mut slowest, mut rates) = (Vec::new(), Vec::new(), f64::INFINITY);
    // The first does not count: processes that have just started, and a broker whose code is not compiled yet.
    for repetition in 0..=session.options.repetitions {
        note(match repetition {
            0 => "warming up: lag".to_owned(),
            _ => format!("measuring: lag, {repetition} of {}", session.options.repetitions),
        });
        let asking = Arc::new(Asking { address: service.souk.address, idle: Mutex::default() });
        let mut random = Sequence::new(900 + u64::from(repetition));
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let (started, mut number) = (Instant::now(), 0);
        let mut tasks = JoinSet::new();
        while started.elapsed() < Duration::from_secs(session.options.seconds) {
            ticks.tick().await;
            for _ in 0..A_TICK {
                number += 1;
                let plugin = plugins[popular.draw(&mut random)].clone();
                let asks = (number % ASKED == 0).then(|| Arc::clone(&asking));
                tasks.spawn(append(service.writer.clone(), plugin, Sequence::new(random.next()), asks));
            }
        }
        let mut times = Vec::new();
        let mut appended = 0;
        while let Some(ended) = tasks.join_next().await {
            times.extend(ended.map_err(Failure::new)??);
            appended += 1;
        }
        if repetition == 0 {
            service.settle().await?;
            continue;
        }
        rates = rates.min(rate(appended, started.elapsed()));
        middle.push(percentile(&mut times, 50));
        slowest.push(percentile(&mut times, 99));
        service.settle().await?;
    }
    let text = format!(
        "from before the append until the answer to `GET /plugins/{{plugin}}` with `Souk-Min-Position`, one in {ASKED} events, \
         written by another process than the one that serves; {rates:.0} events/s were appended"
    );
    let rows = [
        Row::plain(way.name, "ms", &middle, way.budgets.0).map(|row| row.with_note(text)),
        Row::plain(way.slowest, "ms", &slowest, way.budgets.1),
    ];
    Ok(rows.into_iter().flatten().collect())
}

/// Connections that are not in use.
struct Asking {
    address: SocketAddr,
    idle: Mutex<Vec<Connection>>,
}

/// Appends an installation; how long it took until it could be queried, microseconds, where that is asked.
async fn append(
    writer: Writer,
    plugin: Listed,
    mut random: Sequence,
    asking: Option<Arc<Asking>>,
) -> Result<Option<u32>, Failure> {
    let started = Instant::now();
    let user = UserId::new(random.uuid());
    let position = writer.install(&mut random, user, &plugin).await?;
    let Some(asking) = asking else { return Ok(None) };
    let idle = asking.idle.lock().ok().and_then(|mut idle| idle.pop());
    let mut connection = match idle {
        Some(connection) => connection,
        None => Connection::open(asking.address).await?,
    };
    let headers = format!("souk-min-position: {position}\r\n");
    let request = http::get(&format!("/api/v1/plugins/{}", plugin.name), &headers);
    let answer = connection.send(&request).await?;
    http::expect(&answer, 200, &request)?;
    let elapsed = micros(started.elapsed());
    if let Ok(mut idle) = asking.idle.lock() {
        idle.push(connection);
    }
    Ok(Some(elapsed))
}
