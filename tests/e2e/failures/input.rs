//! Input that nobody expects, over the real parts: each is named, stops no more than it must, and loses nothing.

use std::{collections::BTreeSet, process::Output, time::Duration};

use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    message::{Header, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
};
use serde_json::{Value, json};
use souk_domain::{
    id::CommandId,
    stream::{Category, StreamId},
};
use souk_ports::{Actor, Appended, EventLog, Expected, Metadata, NewEvent};
use souk_tests::{client::Client, process::Kind};
use tokio::time::sleep;
use uuid::Uuid;

use super::{
    alone,
    check::{LOOK, LOOKS, log_of, nothing_lost_and_nothing_doubled, until_current},
    load::Load,
    over_kafka,
    topic::{PARTITIONS, SOURCE},
};
use crate::{
    cluster::{Cluster, Plan},
    support::unique,
};

/// The doctor finds something, and says these words.
fn doctor_says(cluster: &Cluster, words: &[&str]) {
    let Output { status, stdout, stderr } = cluster.command(&["doctor"]);
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert_eq!(status.code(), Some(1), "{said}");
    for word in words {
        assert!(said.contains(word), "the doctor does not say {word:?}: {said}");
    }
}

/// What `/admin/projections` tells, once `holds` is true of it.
async fn projections(admin: &Client, what: &str, holds: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let mut last = Vec::new();
    for _ in 0..LOOKS {
        let answer = admin.get("/admin/projections").await.expect("answers").expect(200).expect("is read");
        last = answer.body["items"].as_array().expect("items").clone();
        if holds(&last) {
            return last;
        }
        sleep(LOOK).await;
    }
    panic!("waited in vain for {what}: {last:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_others_are_named_and_passed_over() {
    let _alone = alone().await;
    let cluster = Cluster::start(&over_kafka("foreign")).await;
    let load = Load::start(&cluster).await;
    let (brokers, topic) =
        ["SOUK_KAFKA__BROKERS", "SOUK_KAFKA__TOPIC"].map(|key| cluster.variable(key).expect("is set")).into();
    let producer: FutureProducer = ClientConfig::new().set("bootstrap.servers", brokers).create().expect("a producer");
    let header = |key, value: &'static str| Header { key, value: Some(value) };
    for round in 0..3 {
        load.progress(40).await;
        for partition in 0..i32::try_from(PARTITIONS).expect("few") {
            let headers = match round {
                0 => OwnedHeaders::new(),
                1 => OwnedHeaders::new().insert(header("ce_source", "/elsewhere")).insert(header("ce_type", "a.thing")),
                _ => OwnedHeaders::new().insert(header("ce_source", SOURCE)).insert(header("ce_sequence", "many")),
            };
            let record = FutureRecord::<str, str>::to(topic).partition(partition).payload("{").headers(headers);
            producer.send(record, Duration::from_secs(60)).await.expect("is sent");
        }
    }
    tokio::task::spawn_blocking(move || drop(producer)).await.expect("is dropped");
    load.progress(40).await;
    let told = load.finish().await;
    nothing_lost_and_nothing_doubled(&cluster, &told).await;
    let named = (0..2).any(|number| {
        let log = std::fs::read_to_string(cluster.member((Kind::Project, number)).log()).expect("a log");
        log.contains("foreign_record")
    });
    assert!(named, "no projector named the records of others");
}

/// Appends an event that no version of Souk wrote.
async fn append(log: &dyn EventLog, plugin: Uuid, schema_version: u16, data: &'static [u8]) -> u64 {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, unique("event").as_bytes());
    let metadata = Metadata {
        actor: Actor::SYSTEM,
        command_id: CommandId::new(id),
        correlation_id: id,
        causation_id: id,
        traceparent: None,
        plugin_id: Some(souk_domain::id::PluginId::new(plugin)),
        vendor_id: None,
    };
    let event = NewEvent {
        id,
        event_type: "review.submitted".to_owned(),
        schema_version,
        data: data.into(),
        metadata: serde_json::to_vec(&metadata).expect("JSON").into(),
    };
    match log.append(StreamId::new(Category::Review, id), Expected::NoStream, vec![event]).await.expect("is appended") {
        Appended::Ok { position, .. } => position,
        Appended::Conflict { actual } => panic!("conflict at {actual:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn poisonous_events_and_those_of_a_future_stop_only_who_must_read_them_until_they_are_skipped() {
    let _alone = alone().await;
    let cluster = Cluster::start(&over_kafka("poison")).await;
    let load = Load::start(&cluster).await;
    let admin = cluster.admin().await;
    load.progress(40).await;
    let log = log_of(&cluster).await;
    // Of a plugin that nobody knows, so that its partition is one of several.
    let plugin = Uuid::from_u128(0x5015);
    let poison = append(log.as_ref(), plugin, 1, b"{\"rating\": \"many\"}").await;
    let future = append(log.as_ref(), plugin, 99, b"{}").await;
    let stopped = projections(&admin, "a projection to stop", |items| {
        items.iter().any(|item| item["stoppedBy"]["position"] == poison)
    })
    .await;
    assert!(stopped.iter().any(|item| item["state"] == "live"), "all have stopped: {stopped:?}");
    doctor_says(&cluster, &["is stopped by an event"]);
    // Commands and reactions do not depend on it.
    load.progress(100).await;
    // An operator lets all that have stopped go on, first without the one, then without the other.
    let mut skipped = [0, 0];
    for _ in 0..LOOKS {
        let items =
            admin.get("/admin/projections").await.expect("answers").body["items"].as_array().expect("items").clone();
        for item in items.iter().filter(|item| item["stoppedBy"].is_object()) {
            let (name, position) = (item["name"].as_str().expect("a name"), &item["stoppedBy"]["position"]);
            let which = usize::from(*position == future);
            assert!(*position == poison || *position == future, "{item}");
            let error = item["stoppedBy"]["error"].as_str().expect("a reason");
            assert!(which == 0 || error.contains("99"), "the version is not named: {error}");
            let path = format!("/admin/projections/{name}/skip");
            admin.post(&path, json!({"position": position})).await.expect("answers").expect(200).expect("is skipped");
            skipped[which] += 1;
        }
        if skipped[0] > 0 && skipped[0] == skipped[1] && items.iter().all(|item| item["state"] == "live") {
            break;
        }
        sleep(LOOK).await;
    }
    assert!(skipped[0] > 0 && skipped[0] == skipped[1], "skipped {skipped:?}");
    let told = load.finish().await;
    // What a reaction cannot read is parked after it was tried a while, and dropped by an operator. Somebody is to be told of reviews.
    let mut dropped = BTreeSet::new();
    for _ in 0..LOOKS {
        let parked = admin.get("/admin/reactions/parked").await.expect("answers").expect(200).expect("is read");
        for one in parked.body["items"].as_array().expect("items") {
            assert!(one["position"] == poison || one["position"] == future, "{one}");
            let (reaction, position) = (one["reaction"].as_str().expect("a name"), &one["position"]);
            let path =
                format!("/admin/reactions/{reaction}/{position}/drop").replace(reaction, &reaction.replace('/', "%2F"));
            admin.post(&path, json!({})).await.expect("answers").expect(204).expect("is dropped");
            dropped.insert(position.as_u64());
        }
        if dropped.len() == 2 {
            break;
        }
        sleep(LOOK).await;
    }
    assert_eq!(dropped.len(), 2, "both are parked");
    nothing_lost_and_nothing_doubled(&cluster, &told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_with_another_number_of_partitions_is_named_and_nothing_is_written_to_it() {
    let _alone = alone().await;
    let plan = over_kafka("partitions");
    let mut cluster = Cluster::start(&Plan { relay: 0, project: 0, react: 0, ..plan }).await;
    let (brokers, topic) =
        ["SOUK_KAFKA__BROKERS", "SOUK_KAFKA__TOPIC"].map(|key| cluster.variable(key).expect("is set")).into();
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", brokers).create().expect("an admin");
    let three = NewTopic::new(topic, 3, TopicReplication::Fixed(1));
    admin.create_topics([&three], &AdminOptions::new()).await.expect("is asked").remove(0).expect("is made");
    tokio::task::spawn_blocking(move || drop(admin)).await.expect("is dropped");
    let words = format!("wrong_partition_count: topic `{topic}`");
    for kind in ["relay", "project", "react"] {
        cluster.complains(&[kind], &words).await;
    }
    doctor_says(&cluster, &[&words]);
    // On a topic of its own it begins with all that was written meanwhile.
    cluster.admin().await;
    cluster.set_variable("SOUK_KAFKA__TOPIC", &unique("partitions"));
    cluster.kill((Kind::Api, 0));
    cluster.kill((Kind::Api, 1));
    cluster.run(&[(Kind::Relay, 0), (Kind::Api, 0), (Kind::Api, 1), (Kind::Project, 0), (Kind::React, 0)]);
    let load = Load::start(&cluster).await;
    load.progress(40).await;
    let told = load.finish().await;
    nothing_lost_and_nothing_doubled(&cluster, &told).await;
}

/// An older backup of the log is restored, then the right one.
#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_ahead_of_a_restored_log_are_named_and_wait_for_the_right_one() {
    let _alone = alone().await;
    let mut cluster = Cluster::start(&over_kafka("restored")).await;
    let load = Load::start(&cluster).await;
    load.progress(100).await;
    let told = load.finish().await;
    nothing_lost_and_nothing_doubled(&cluster, &told).await;
    cluster.stop_all();
    let pool = sqlx::PgPool::connect(cluster.variable("DATABASE_URL").expect("an address")).await.expect("connects");
    let run = async |statement: &'static str| {
        sqlx::query(statement).execute(&pool).await.expect("is done");
    };
    run("CREATE TABLE backup AS SELECT * FROM souk_log.event ORDER BY position DESC LIMIT 20").await;
    run("DELETE FROM souk_log.event WHERE position IN (SELECT position FROM backup)").await;
    let (project, react, api) = ((Kind::Project, 0), (Kind::React, 0), (Kind::Api, 0));
    cluster.run(&[project, react, api]);
    cluster.complains(&["relay"], "relay_ahead: position").await;
    for _ in 0..LOOKS {
        if std::fs::read_to_string(cluster.member(react).log()).expect("a log").contains("checkpoint_ahead: ") {
            break;
        }
        sleep(LOOK).await;
    }
    doctor_says(&cluster, &["checkpoint_ahead", "the log ends at"]);
    for member in [api, react, project] {
        cluster.kill(member);
    }
    run("INSERT INTO souk_log.event SELECT * FROM backup").await;
    run("DROP TABLE backup").await;
    pool.close().await;
    cluster.run(&[(Kind::Relay, 0), project, react, api]);
    until_current(&cluster).await;
    nothing_lost_and_nothing_doubled(&cluster, &told).await;
}
