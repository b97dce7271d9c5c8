//! Requests at a fixed rate, however long the answers take.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    http::{self, Connection, Load},
    measure::{micros, rate},
};
use crate::failure::Failure;

/// Connections that send by turns. Each waits for its answers, so that the rate holds as long as an answer takes no longer than
/// the turns of all.
pub struct Paced {
    tasks: JoinSet<Result<Vec<u32>, Failure>>,
    stop: CancellationToken,
    started: Instant,
}

/// The turns of one connection.
struct Turns {
    first: tokio::time::Instant,
    every: Duration,
}

impl Paced {
    /// Sends what each of `clients` gives, over a connection each, together `per_second`, until there is no more or it is stopped;
    /// every answer must have the status `expected`.
    pub fn start<F>(address: SocketAddr, clients: Vec<F>, per_second: u32, expected: u16) -> Self
    where
        F: FnMut() -> Option<Vec<u8>> + Send + 'static,
    {
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        let (turn, turns) =
            (Duration::from_secs(1) / per_second.max(1), u32::try_from(clients.len()).unwrap_or(u32::MAX));
        let mut first = tokio::time::Instant::now();
        for client in clients {
            first += turn;
            tasks.spawn(send(address, client, Turns { first, every: turn * turns }, expected, stop.clone()));
        }
        Self { tasks, stop, started: Instant::now() }
    }

    /// Ends it. Times count from when a request was due, not from when the connection came to send it.
    ///
    /// # Errors
    /// An answer had another status, or a connection broke.
    pub async fn stop(mut self) -> Result<Load, Failure> {
        self.stop.cancel();
        let elapsed = self.started.elapsed();
        let mut times = Vec::new();
        while let Some(ended) = self.tasks.join_next().await {
            times.append(&mut ended.map_err(Failure::new)??);
        }
        Ok(Load { rate: rate(times.len(), elapsed), times })
    }
}

async fn send<F>(
    address: SocketAddr,
    mut next: F,
    turns: Turns,
    expected: u16,
    stop: CancellationToken,
) -> Result<Vec<u32>, Failure>
where
    F: FnMut() -> Option<Vec<u8>> + Send + 'static,
{
    let mut connection = Connection::open(address).await?;
    let mut ticks = interval_at(turns.first, turns.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut times = Vec::new();
    while let Some(request) = next() {
        let due = tokio::select! {
            due = ticks.tick() => due,
            () = stop.cancelled() => break,
        };
        let answer = connection.send(&request).await?;
        http::expect(&answer, expected, &request)?;
        times.push(micros(due.elapsed()));
    }
    Ok(times)
}
