//! Install commands over HTTP.

use std::sync::Arc;

use super::{
    catalogue::Listed,
    floor::Inserter,
    http::{self, closed_loop},
    measure::{Budget, Pair, Row, percentile},
    random::{Sequence, Zipf},
    session::{Service, Session},
};
use crate::{failure::Failure, output::note};

/// Customers at once.
pub const CONNECTIONS: usize = 64;

/// Customers, one a connection, who install what is popular, nothing twice; and single-row inserts, by turns.
///
/// # Errors
/// Souk gave a wrong answer, or the floor failed.
pub async fn measure(session: &Session, service: &Service, plugins: &Arc<Vec<Listed>>) -> Result<Option<Row>, Failure> {
    let url = session.database("souk_bench_installs").await?;
    let pool = session.pool(&url).await?;
    let inserter = Inserter::find(&pool).await?;
    pool.close().await;
    let seconds = session.options.seconds;
    let (mut pairs, mut slowest, mut behind) = (Vec::new(), 0.0_f64, 0.0_f64);
    for repetition in 0..=session.options.repetitions {
        // The first one is short and only warms up.
        let warm = repetition == 0;
        if !warm {
            note(format!("measuring: installs, {repetition} of {}", session.options.repetitions));
        }
        let tokens = service.accounts(CONNECTIONS, &format!("customer-{repetition}")).await?;
        let clients = clients(tokens, plugins, u64::from(repetition));
        if warm {
            closed_loop(service.souk.address, clients, 1, 201).await?;
            service.settle().await?;
            continue;
        }
        let floor = inserter.rate(&url, seconds).await?;
        let mut load = closed_loop(service.souk.address, clients, seconds, 201).await?;
        slowest = slowest.max(percentile(&mut load.times, 99));
        behind = behind.max(service.settle().await?.as_secs_f64());
        pairs.push(Pair { value: load.rate, floor });
    }
    let row = Row::compared(
        "install commands over HTTP, 64 connections",
        "1/s",
        inserter.name(),
        &pairs,
        Budget::AtLeastTimes(0.4),
    );
    let text = format!(
        "99 of 100 answers came within {slowest:.1} ms; projectors and reactions run in the same process, and the read models \
         had seen everything {behind:.1} s after the last command at the latest"
    );
    Ok(row.map(|row| row.with_note(text)))
}

/// Customers who install what is popular, one a token.
pub fn clients(
    tokens: Vec<String>,
    plugins: &Arc<Vec<Listed>>,
    seed: u64,
) -> Vec<impl FnMut() -> Vec<u8> + Send + 'static> {
    let popular = Zipf::new(plugins.len());
    let client = |(number, token): (usize, String)| {
        let mut random = Sequence::new(seed * 1_000 + number as u64);
        // An order that ends begins again; then Souk answers 200 instead of 201, and the run fails.
        let mut order = popular.order(&mut random).into_iter().cycle();
        let (plugins, headers) = (Arc::clone(plugins), http::bearer(&token));
        move || {
            let index = order.next().unwrap_or_default() as usize;
            http::post(&format!("/api/v1/plugins/{}/install", plugins[index].name), &headers, "{}")
        }
    };
    tokens.into_iter().enumerate().map(client).collect()
}
