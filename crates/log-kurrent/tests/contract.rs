//! The contract of the event log, on the stand-in always, and on a real server when `SOUK_TEST_KURRENTDB_URL` names one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use souk_kurrent_standin::Fault;
use souk_log_kurrent::{KurrentLog, Options};
use souk_ports::EventLog;
use souk_testkit::{SeededRandom, contract};
use support::{log_on, standin};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_the_contract() {
    let standin = standin().await;
    let log: Arc<dyn EventLog> = Arc::new(log_on(&standin).await);
    contract::event_log::all(async || Arc::clone(&log)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_the_contract_while_every_tenth_append_is_applied_and_its_answer_lost() {
    let standin = standin().await;
    let log: Arc<dyn EventLog> = Arc::new(log_on(&standin).await);
    standin.faults().every(Some((10, Fault::FailedAfter)));
    contract::event_log::all(async || Arc::clone(&log)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_the_contract_on_a_real_server() {
    let Ok(url) = std::env::var("SOUK_TEST_KURRENTDB_URL") else {
        eprintln!("NOT RUN: SOUK_TEST_KURRENTDB_URL names no server; only the stand-in was tested");
        return;
    };
    let log = KurrentLog::connect(&url, Options::new(Arc::new(SeededRandom::default()))).await.unwrap();
    let log: Arc<dyn EventLog> = Arc::new(log);
    contract::event_log::all(async || Arc::clone(&log)).await;
}
