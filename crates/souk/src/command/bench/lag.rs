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
    catalogue::{Listed, Writer},
    http::{self, Connection},
    measure::{Budget, Row, micros, percentile, rate},
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

/// Appends through the port from this process, and asks the Souk that serves for a page at the event's position.
///
/// # Errors
/// The log failed, or Souk gave a wrong answer.
pub async fn measure(session: &Session, service: &Service, plugins: &Arc<Vec<Listed>>) -> Result<Vec<Row>, Failure> {
    let popular = Zipf::new(plugins.len());
    let (mut middle, mut slowest, mut rates) = (Vec::new(), Vec::new(), f64::INFINITY);
    for repetition in 1..=session.options.repetitions {
        note(format!("measuring: lag, {repetition} of {}", session.options.repetitions));
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
        rates = rates.min(rate(appended, started.elapsed()));
        middle.push(percentile(&mut times, 50));
        slowest.push(percentile(&mut times, 99));
        service.settle().await?;
    }
    let note = format!(
        "from before the append until the answer to `GET /plugins/{{plugin}}` with `Souk-Min-Position`, one in {ASKED} events, \
         written by another process than the one that serves; {rates:.0} events/s were appended"
    );
    let rows = [
        Row::plain("append to queryable, 1,000 events/s, p50", "ms", &middle, Budget::Under(10.0))
            .map(|row| row.with_note(note)),
        Row::plain("the same, p99", "ms", &slowest, Budget::Under(50.0)),
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
