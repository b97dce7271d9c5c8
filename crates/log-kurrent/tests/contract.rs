//! The contract of the event log: on the server that `SOUK_TEST_KURRENTDB_URL` names, else on the stand-in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use souk_kurrent_standin::Fault;
use souk_log_kurrent::KurrentLog;
use souk_ports::EventLog;
use souk_testkit::contract;
use support::{log_on, options, standin};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_the_contract() {
    let standin = standin().await;
    let url = std::env::var("SOUK_TEST_KURRENTDB_URL").unwrap_or_else(|_| standin.url());
    let log: Arc<dyn EventLog> = Arc::new(KurrentLog::connect(&url, options()).await.unwrap());
    contract::event_log::all(async || Arc::clone(&log)).await;
}

/// Always on the stand-in, which alone fails on demand.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_the_contract_while_appends_are_applied_and_their_answers_lost() {
    let standin = standin().await;
    let log: Arc<dyn EventLog> = Arc::new(log_on(&standin).await);
    standin.faults().every(Some((97, Fault::FailedAfter)));
    contract::event_log::all(async || Arc::clone(&log)).await;
}
