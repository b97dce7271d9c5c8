//! The relay dies at the worst moments, and two of them start at once.

use std::time::Duration;

use serde_json::Value;
use souk_tests::{client::Client, process::Kind};
use tokio::time::sleep;

use super::{
    alone,
    check::{LOOK, LOOKS, nothing_lost_and_nothing_doubled},
    load::Load,
    over_kafka, topic,
};
use crate::cluster::Cluster;

/// Whether this relay leads, as it says where it is measured.
async fn leads(cluster: &Cluster, number: usize) -> bool {
    let probe = Client::new(cluster.member((Kind::Relay, number)).base());
    let metrics = probe.get("!/metrics").await.expect("answers").text;
    metrics.lines().any(|line| line.starts_with("souk_relay_leading") && line.ends_with(" 1"))
}

/// The relay that leads, once there is one.
async fn leader(cluster: &Cluster) -> usize {
    for _ in 0..LOOKS {
        for number in 0..2 {
            if leads(cluster, number).await {
                return number;
            }
        }
        sleep(LOOK).await;
    }
    panic!("no relay ever led");
}

/// How often a relay began to lead, by its own log, over all its lives.
fn terms(cluster: &Cluster, number: usize) -> usize {
    let log = cluster.member((Kind::Relay, number)).log();
    let text = std::fs::read_to_string(log).expect("a log");
    text.matches("this process relays the log to Kafka").count()
}

/// Halts the leader again and again, until it stands between writing a transaction's records and committing them.
async fn halted_in_a_transaction(cluster: &Cluster) -> usize {
    let of = |key: &str| cluster.variable(key).expect("is set").to_owned();
    for _ in 0..LOOKS {
        let number = leader(cluster).await;
        let relay = cluster.member((Kind::Relay, number));
        relay.signal("STOP");
        // A commit that is on its way arrives meanwhile.
        sleep(Duration::from_millis(150)).await;
        let (brokers, name) = (of("SOUK_KAFKA__BROKERS"), of("SOUK_KAFKA__TOPIC"));
        let open = tokio::task::spawn_blocking(move || topic::has_open_transaction(&brokers, &name));
        if open.await.expect("is known") {
            return number;
        }
        relay.signal("CONT");
        sleep(Duration::from_millis(7)).await;
    }
    panic!("the relay never stood in a transaction");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_killed_between_producing_and_committing_or_anywhere_repeats_nothing() {
    let _alone = alone().await;
    let mut cluster = Cluster::start(&over_kafka("relay")).await;
    let load = Load::start(&cluster).await;
    for _ in 0..3 {
        let number = halted_in_a_transaction(&cluster).await;
        cluster.kill((Kind::Relay, number));
        load.progress(20).await;
        cluster.run(&[(Kind::Relay, number)]);
    }
    for kill in 0..8u64 {
        load.progress(10 + 7 * kill % 13).await;
        // Either: also one that stands by, or has only just begun.
        let number = usize::from(kill % 3 == 0);
        cluster.kill((Kind::Relay, number));
        cluster.run(&[(Kind::Relay, number)]);
    }
    let told = load.finish().await;
    nothing_lost_and_nothing_doubled(&cluster, &told).await;
}

/// What the doctor tells of the relay, once `holds` is true of it and of the problems.
async fn examined(cluster: &Cluster, what: &str, holds: impl Fn(&Value, &str) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..LOOKS {
        let output = cluster.command(&["doctor", "--json"]);
        last = serde_json::from_slice(&output.stdout).expect("JSON");
        if holds(&last["relay"], &last["problems"].to_string()) {
            return last["relay"].clone();
        }
        sleep(LOOK).await;
    }
    panic!("waited in vain for {what}: {last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_how_far_the_relay_is_and_when_none_runs() {
    let _alone = alone().await;
    let mut cluster = Cluster::start(&over_kafka("examined")).await;
    cluster.admin().await;
    let up = |relay: &Value, problems: &str| relay["lag"] == 0 && relay["running"] == 2 && problems == "[]";
    let before = examined(&cluster, "two relays", up).await;
    assert!(
        before["leader"].is_string() && before["movedAt"].is_string() && before["waitingSince"].is_null(),
        "{before}"
    );
    cluster.kill((Kind::Relay, 0));
    cluster.kill((Kind::Relay, 1));
    // Writes go on, and nobody copies them.
    cluster.admin().await;
    let none = |relay: &Value, problems: &str| {
        relay["running"] == 0 && problems.contains("no souk relay runs: Kafka has the log up to")
    };
    let gone = examined(&cluster, "no relay", none).await;
    assert!(gone["lag"].as_u64() > Some(0) && gone["leader"].is_null() && gone["waitingSince"].is_string(), "{gone}");
    assert!(gone["position"].as_u64() >= before["position"].as_u64() && gone["movedAt"].is_string(), "{gone}");
    cluster.run(&[(Kind::Relay, 0), (Kind::Relay, 1)]);
    let back = examined(&cluster, "both again", up).await;
    assert!(back["position"].as_u64() > gone["position"].as_u64(), "{back}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_relays_that_start_at_once_one_leads_until_it_dies() {
    let _alone = alone().await;
    let mut cluster = Cluster::start(&over_kafka("two")).await;
    let load = Load::start(&cluster).await;
    let first = leader(&cluster).await;
    load.progress(300).await;
    assert!(leads(&cluster, first).await && !leads(&cluster, 1 - first).await, "they took turns");
    assert_eq!(terms(&cluster, first) + terms(&cluster, 1 - first), 1, "they took turns");
    cluster.kill((Kind::Relay, first));
    for look in 0.. {
        if leads(&cluster, 1 - first).await {
            break;
        }
        assert!(look < LOOKS, "the other relay never took over");
        sleep(LOOK).await;
    }
    cluster.run(&[(Kind::Relay, first)]);
    load.progress(200).await;
    assert!(leads(&cluster, 1 - first).await && !leads(&cluster, first).await, "whoever comes back stands by");
    assert_eq!(terms(&cluster, first) + terms(&cluster, 1 - first), 2, "they took turns");
    let told = load.finish().await;
    nothing_lost_and_nothing_doubled(&cluster, &told).await;
}
