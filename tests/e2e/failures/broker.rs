//! The broker goes away and comes back.

use souk_test_kafka::Broker;
use tokio::task::block_in_place;

use super::{alone, check::nothing_lost_and_nothing_doubled, load::Load};
use crate::cluster::{Cluster, Plan};

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_stops_or_is_killed_under_load_holds_up_no_write_and_loses_none() {
    let _alone = alone().await;
    let mut broker = block_in_place(Broker::start).expect("Kafka starts");
    let cluster = Cluster::start(&Plan::direct().kafka(broker.brokers())).await;
    let load = Load::start(&cluster).await;
    for orderly in [true, false, true, false] {
        load.progress(60).await;
        block_in_place(|| if orderly { broker.stop() } else { broker.kill() });
        // The log is what writes wait for, and not Kafka.
        load.progress(60).await;
        block_in_place(|| broker.restart()).expect("Kafka starts again");
    }
    load.progress(60).await;
    let told = load.finish().await;
    nothing_lost_and_nothing_doubled(&cluster, &told).await;
}
