//! How many durable single-event appends a second many writers reach through the port.
//!
//! `DATABASE_URL=… cargo run --release -p souk-log-postgres --example append_rate -- [writers] [seconds] [processes]`
//!
//! Compare with `pgbench` inserting single rows into a table like `souk_log.event`, on the same server in the same minute.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods, reason = "a tool for measuring")]

use std::{
    env,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::future::join_all;
use souk_domain::stream::{Category, StreamId};
use souk_log_postgres::{PostgresLog, migrate};
use souk_ports::{Appended, EventLog, Expected, NewEvent};
use sqlx::PgPool;
use uuid::Uuid;

/// Events of one stream before a writer begins the next.
const STREAM_LENGTH: u64 = 10;

async fn write(log: Arc<PostgresLog>, until: Instant) -> Vec<Duration> {
    let data = Bytes::from(format!("{{\"text\":\"{}\"}}", "x".repeat(200)));
    let metadata = Bytes::from(format!("{{\"text\":\"{}\"}}", "y".repeat(200)));
    let mut times = Vec::new();
    loop {
        let stream = StreamId::new(Category::Installation, Uuid::new_v4());
        for index in 0..STREAM_LENGTH {
            let started = Instant::now();
            if started >= until {
                return times;
            }
            let event = NewEvent {
                id: Uuid::new_v4(),
                event_type: "installation.installed".to_owned(),
                schema_version: 1,
                data: data.clone(),
                metadata: metadata.clone(),
            };
            let expected = index.checked_sub(1).map_or(Expected::NoStream, Expected::Version);
            let outcome = log.append(stream, expected, vec![event]).await.unwrap();
            assert!(matches!(outcome, Appended::Ok { .. }));
            times.push(started.elapsed());
        }
    }
}

#[tokio::main]
async fn main() {
    let mut arguments = env::args().skip(1).map(|argument| argument.parse::<usize>().unwrap());
    let writers = arguments.next().unwrap_or(256);
    let seconds = arguments.next().unwrap_or(5);
    let processes = arguments.next().unwrap_or(1);
    let url = env::var("DATABASE_URL").unwrap();
    migrate(&PgPool::connect(&url).await.unwrap()).await.unwrap();
    let mut logs = Vec::new();
    for _ in 0..processes {
        logs.push(Arc::new(PostgresLog::connect(PgPool::connect(&url).await.unwrap()).await.unwrap()));
    }
    let until = Instant::now() + Duration::from_secs(seconds as u64);
    let tasks = (0..writers).map(|writer| tokio::spawn(write(Arc::clone(&logs[writer % processes]), until)));
    let mut times: Vec<Duration> = join_all(tasks).await.into_iter().flat_map(Result::unwrap).collect();
    times.sort_unstable();
    let rate = times.len() / seconds.max(1);
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    println!("{rate} appends/s, p50 {:?}, p99 {:?}", at(50), at(99));
}
