//! Souk as its four kinds of processes over real Kafka and PostgreSQL, while one part after the other fails under load. After
//! each: no acknowledged event is lost, none is there twice, and every read model equals a rebuild from nothing.

mod broker;
mod check;
mod input;
mod load;
mod members;
mod relay;
mod stores;
mod topic;

use tokio::sync::{Mutex, MutexGuard};

use crate::{cluster::Plan, support::unique};

/// Until it is dropped, no other test of these runs: eight processes, a broker and a PostgreSQL are enough for one machine.
async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}

/// Two of each over the broker that the tests share, on a topic of their own.
fn over_kafka(name: &str) -> Plan {
    let broker = tokio::task::block_in_place(souk_test_kafka::shared).expect("Kafka starts");
    Plan::direct().kafka(broker.brokers()).env("SOUK_KAFKA__TOPIC", &unique(name))
}
