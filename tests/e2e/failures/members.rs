//! Processes of Souk die, come and go.

use souk_tests::{
    client::Client,
    journey::{People, walk},
    process::Kind,
};

use super::{alone, check::nothing_lost_and_nothing_doubled, load::Load, over_kafka};
use crate::{cluster::Cluster, support::unique};

#[tokio::test(flavor = "multi_thread")]
async fn two_of_each_kind_outlive_the_death_of_each_in_turn() {
    let _alone = alone().await;
    let mut cluster = Cluster::start(&over_kafka("turn")).await;
    let load = Load::start(&cluster).await;
    for kind in [Kind::Relay, Kind::Project, Kind::React, Kind::Api] {
        for number in 0..2 {
            cluster.kill((kind, number));
            load.moved(&cluster);
            load.progress(60).await;
            cluster.run(&[(kind, number)]);
            load.moved(&cluster);
            load.progress(20).await;
        }
    }
    let told = load.finish().await;
    nothing_lost_and_nothing_doubled(&cluster, &told).await;
    let admin = cluster.admin().await;
    for base in cluster.apis() {
        let people = People { admin: admin.at(&base), tag: unique("j") };
        walk(&Client::new(&base), &people, &mut |_| {}).await.unwrap_or_else(|error| panic!("at {base}: {error}"));
    }
    for (member, status) in cluster.stop_all() {
        assert_eq!(status.code(), Some(0), "{member:?}");
    }
}

/// The group shares out its partitions anew whenever a member comes or goes, in the middle of whatever batch.
#[tokio::test(flavor = "multi_thread")]
async fn projectors_that_come_and_go_fold_every_event_once() {
    let _alone = alone().await;
    let mut cluster = Cluster::start(&over_kafka("rebalance")).await;
    let load = Load::start(&cluster).await;
    for round in 0..6 {
        cluster.run(&[(Kind::Project, 2)]);
        load.progress(40).await;
        // One that leaves in order gives its partitions back; the group has to notice that another one is gone.
        if round % 2 == 0 {
            assert_eq!(cluster.stop((Kind::Project, 2)).code(), Some(0));
        } else {
            cluster.kill((Kind::Project, 2));
        }
        load.progress(40).await;
    }
    let told = load.finish().await;
    nothing_lost_and_nothing_doubled(&cluster, &told).await;
}
