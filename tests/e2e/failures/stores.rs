//! What keeps the events goes away, or does not say what it did.

use std::net::{Ipv4Addr, SocketAddr};

use souk_kurrent_standin::{Fault, Standin};

use super::{alone, check::nothing_lost_and_nothing_doubled, load::Load, over_kafka};
use crate::cluster::{Cluster, Plan};

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_that_restarts_or_is_killed_under_writes_loses_none() {
    let _alone = alone().await;
    let cluster = Cluster::start(&over_kafka("postgresql")).await;
    let load = Load::start(&cluster).await;
    for signal in ["INT", "KILL", "INT", "KILL"] {
        load.progress(80).await;
        cluster.restart_postgres(signal).await;
    }
    load.progress(80).await;
    let told = load.finish().await;
    nothing_lost_and_nothing_doubled(&cluster, &told).await;
}

/// Every tenth append is applied and its answer lost: first with its connection, and with all that runs over it; then alone.
async fn outlives_lost_answers(plan: Plan) {
    let standin = Standin::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.expect("the stand-in starts");
    let cluster = Cluster::start(&plan.kurrentdb(&standin.url())).await;
    let load = Load::start(&cluster).await;
    for fault in [Fault::LostAfter, Fault::FailedAfter, Fault::LostBefore] {
        standin.faults().every(Some((10, fault)));
        load.progress(250).await;
    }
    let told = load.finish().await;
    standin.faults().every(None);
    nothing_lost_and_nothing_doubled(&cluster, &told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tenth_append_of_unknown_outcome_is_there_once() {
    let _alone = alone().await;
    outlives_lost_answers(Plan::direct()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tenth_append_of_unknown_outcome_is_there_once_and_in_kafka_once() {
    let _alone = alone().await;
    outlives_lost_answers(over_kafka("unknown")).await;
}
