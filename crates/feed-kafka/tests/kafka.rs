//! The relay and the feed over a real broker.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::{sync::Arc, time::Duration};

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
    consumer::{Consumer, StreamConsumer},
    message::{Header, Headers, Message, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
};
use souk_feed_kafka::{KafkaFeed, KafkaFeedError, PublicRecord, PublicTopic, Publish, Settings, survey};
use souk_ports::{EventFeed, EventLog, partition_key};
use souk_testkit::{
    MemoryLog,
    contract::{self, event_feed::read_partitions},
};

use support::{World, append, assert_once, patiently};

mod support;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_the_contract() {
    let world = World::new();
    let relay = world.relay();
    let (log, feed) = (world.log(), Arc::new(world.feed(Some("contract")).await) as Arc<dyn EventFeed>);
    contract::event_feed::all(async || (Arc::clone(&log), Arc::clone(&feed))).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_come_back_byte_for_byte_whatever_is_in_them() {
    let world = World::new();
    let relay = world.relay();
    for (data, schema_version) in [
        (&b"{}"[..], 1),
        (b"{\"a\": \"\xc3\xa9\\u0000\"}", 7),
        (b"not JSON \xff\x00", 1),
        (b"", u16::MAX),
        (&[b' '; 200_000], 2),
    ] {
        append(&world.log, 1, data, schema_version).await;
    }
    let head = world.append(50, 7).await;
    let feed = world.feed(None).await;
    assert!(read_partitions(&feed, 0, head).await == world.logged(0).await);
    // From any position, also through the ring that others fill.
    for after in [1, 4, 20, head - 1] {
        assert!(read_partitions(&feed, after, head).await == world.logged(after).await, "behind {after}");
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_killed_before_it_commits_loses_nothing_and_repeats_nothing() {
    let mut world = World::new();
    world.settings.max_batch = 10;
    let mut settings = world.settings.clone();
    // Each term dies at its third transaction.
    settings.before_commit = Some(Arc::new(|transaction| transaction < 3));
    let relay = world.relay_with(settings, world.log());
    patiently("three terms", async {
        while relay.status.borrow().terms < 3 {
            world.append(7, 5).await;
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    })
    .await;
    relay.stop().await;
    let mut relay = world.relay();
    let head = world.append(3, 3).await;
    relay.until("the head", |status| status.position == head).await;
    assert_once(&world).await;
    let feed = world.feed(None).await;
    assert!(read_partitions(&feed, 0, head).await == world.logged(0).await);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_are_told_in_the_same_transactions_and_once_whatever_dies() {
    let mut world = World::new();
    world.settings.max_batch = 10;
    let topic = format!("{}.public", world.settings.topic);
    // Every second event is told.
    let publish: Publish = Arc::new(|event| {
        let record = || PublicRecord {
            key: partition_key(event).hyphenated().to_string(),
            headers: vec![
                ("ce_id".to_owned(), event.id.to_string()),
                ("ce_sequence".to_owned(), event.position.to_string()),
                ("content-type".to_owned(), "application/json".to_owned()),
            ],
            value: event.data.clone(),
        };
        Ok((event.position % 2 == 0).then(record))
    });
    world.settings.public = Some(PublicTopic { topic: topic.clone(), publish });
    let mut settings = world.settings.clone();
    settings.before_commit = Some(Arc::new(|transaction| transaction < 3));
    let relay = world.relay_with(settings, world.log());
    patiently("three terms", async {
        while relay.status.borrow().terms < 3 {
            world.append(7, 5).await;
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    })
    .await;
    relay.stop().await;
    let mut relay = world.relay();
    let head = world.append(4, 3).await;
    relay.until("the head", |status| status.position == head).await;
    let told = told(&world.settings.brokers, &topic, 3, (head / 2) as usize).await;
    let expected: Vec<u64> = (1..=head).filter(|position| position % 2 == 0).collect();
    let mut positions: Vec<u64> = told.iter().map(|(_, position)| *position).collect();
    for partition in 0..3 {
        let own: Vec<_> = told.iter().filter(|(from, _)| *from == partition).map(|(_, position)| *position).collect();
        assert!(own.is_sorted(), "partition {partition} is out of order: {own:?}");
    }
    positions.sort_unstable();
    assert_eq!(positions, expected, "lost or repeated");

    // What only a newer Souk can tell is waited for, and nothing is left out.
    relay.stop().await;
    let mut settings = world.settings.clone();
    let publish: Publish = Arc::new(|_| Err("position 9: schema version 9".to_owned()));
    settings.public = Some(PublicTopic { topic, publish });
    world.append(1, 1).await;
    let mut relay = world.relay_with(settings, world.log());
    let status = relay.until("the refusal", |status| status.trouble.is_some()).await;
    assert!(status.trouble.unwrap().starts_with("newer_event: position 9"));
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_seen_from_outside_how_far_the_relay_is_and_who_leads() {
    let world = World::new();
    let log = world.log();
    let seen = async || survey(&world.settings, log.as_ref()).await.unwrap();
    let waiting = world.append(2, 2).await;
    let nobody = seen().await;
    assert_eq!((nobody.position, nobody.head, nobody.relays), (0, waiting, 0));
    assert!(nobody.moved_at.is_none() && nobody.waiting_since.is_some() && nobody.leader.is_none(), "{nobody:?}");

    let mut relay = world.relay();
    relay.until("the head", |status| status.position == waiting).await;
    let relays = seen().await;
    assert_eq!((relays.position, relays.head, relays.relays), (waiting, waiting, 1));
    assert!(relays.moved_at.is_some() && relays.waiting_since.is_none(), "{relays:?}");
    assert_eq!(relays.leader.as_deref(), Some("127.0.0.1"));

    relay.stop().await;
    let head = world.append(3, 2).await;
    patiently("the relay's leave", async { while seen().await.relays > 0 {} }).await;
    let gone = seen().await;
    assert_eq!((gone.position, gone.head, gone.moved_at), (waiting, head, relays.moved_at));
    assert!(gone.waiting_since.is_some() && gone.leader.is_none(), "{gone:?}");

    let other = MemoryLog::default();
    let refused = survey(&world.settings, &other).await;
    assert!(
        matches!(refused, Err(KafkaFeedError::Ahead { position, head: 0, .. }) if position == waiting),
        "{refused:?}"
    );
}

/// Partition and position of the first `count` committed records of a topic.
async fn told(brokers: &str, topic: &str, partitions: i32, count: usize) -> Vec<(i32, u64)> {
    let consumer: StreamConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", topic)
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    let mut all = TopicPartitionList::new();
    for partition in 0..partitions {
        all.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&all).unwrap();
    let mut found = Vec::new();
    let mut patience = Duration::from_secs(60);
    // After the last one a little longer, in case there are more than there should be.
    while let Ok(record) = tokio::time::timeout(patience, consumer.recv()).await {
        let record = record.unwrap();
        let headers = record.headers().unwrap();
        let sequence = headers.iter().find(|header| header.key == "ce_sequence").unwrap().value.unwrap();
        found.push((record.partition(), std::str::from_utf8(sequence).unwrap().parse().unwrap()));
        if found.len() >= count {
            patience = Duration::from_secs(1);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_relays_that_start_at_once_one_leads_and_the_other_takes_over() {
    let world = World::new();
    let (mut one, mut two) = (world.relay(), world.relay());
    let head = world.append(40, 5).await;
    let feed = world.feed(None).await;
    assert!(read_partitions(&feed, 0, head).await == world.logged(0).await);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (first, second) = (one.status.borrow_and_update().clone(), two.status.borrow_and_update().clone());
    assert!(first.leading != second.leading, "{first:?} {second:?}");
    assert_eq!(first.terms + second.terms, 1, "they took turns: {first:?} {second:?}");
    let (leader, mut other) = if first.leading { (one, two) } else { (two, one) };
    leader.stop().await;
    let head = world.append(40, 5).await;
    other.until("the other to take over", |status| status.position == head).await;
    assert!(read_partitions(&feed, 0, head).await == world.logged(0).await);
    assert_once(&world).await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_stops_and_starts_during_load_loses_nothing_and_repeats_nothing() {
    let mut broker = souk_test_kafka::Broker::start().unwrap();
    let world = World::on(broker.brokers());
    let relay = world.relay();
    let feed = world.feed(None).await;
    let log = world.log.clone();
    let load = tokio::spawn(async move {
        let mut head = 0;
        for n in 0..600 {
            head = append(&log, n % 9, b"{}", 1).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        head
    });
    let reading = read_partitions(&feed, 0, 600);
    let breaking = tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_millis(1_000));
        broker.stop();
        std::thread::sleep(Duration::from_millis(500));
        broker.restart().unwrap();
        std::thread::sleep(Duration::from_millis(500));
        broker.kill();
        broker.restart().unwrap();
        broker
    });
    let (read, broker) = tokio::join!(reading, breaking);
    assert_eq!(load.await.unwrap(), 600);
    assert!(read == world.logged(0).await);
    assert_once(&world).await;
    relay.stop().await;
    drop(broker);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_with_another_number_of_partitions_is_refused_by_name() {
    let world = World::new();
    let mut relay = world.relay();
    let head = world.append(1, 1).await;
    relay.until("the first event", |status| status.position == head).await;
    relay.stop().await;
    let settings = Settings { partitions: 4, ..world.settings.clone() };
    let refused = KafkaFeed::start(settings.clone(), world.log(), None).await.err().unwrap();
    assert!(matches!(refused, KafkaFeedError::WrongPartitions { found: 3, wanted: 4, .. }), "{refused}");
    let mut relay = world.relay_with(settings, world.log());
    let status = relay.until("the refusal", |status| status.trouble.is_some()).await;
    let trouble = status.trouble.unwrap();
    assert!(trouble.starts_with("wrong_partition_count: topic `events-"), "{trouble}");
    assert!(trouble.contains(world.settings.brokers.as_str()), "{trouble}");
    relay.stop().await;
    assert_once(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_of_others_are_passed_over_and_counted() {
    let world = World::new();
    let mut relay = world.relay();
    let feed = world.feed(None).await;
    world.append(10, 5).await;
    let producer: FutureProducer =
        ClientConfig::new().set("bootstrap.servers", &world.settings.brokers).create().unwrap();
    let header = |key, value: &'static str| Header { key, value: Some(value) };
    let strange = [
        OwnedHeaders::new(),
        OwnedHeaders::new().insert(header("ce_source", "/elsewhere")).insert(header("ce_type", "a.thing")),
        OwnedHeaders::new().insert(header("ce_source", "/souk")).insert(header("ce_sequence", "many")),
    ];
    for (n, headers) in strange.into_iter().enumerate() {
        let record = FutureRecord::<str, str>::to(&world.settings.topic).payload("{").headers(headers);
        let partition = i32::try_from(n).unwrap();
        producer.send(record.partition(partition), Duration::from_secs(30)).await.unwrap();
    }
    tokio::task::spawn_blocking(move || drop(producer)).await.unwrap();
    let head = world.append(10, 5).await;
    relay.until("the head", |status| status.position == head).await;
    assert!(read_partitions(&feed, 0, head).await == world.logged(0).await);
    assert_eq!(feed.foreign_records(), 3);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_topic_no_longer_has_is_read_from_the_log() {
    let world = World::new();
    let mut relay = world.relay();
    let head = world.append(60, 5).await;
    relay.until("the head", |status| status.position == head).await;
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", &world.settings.brokers).create().unwrap();
    let mut all = TopicPartitionList::new();
    for partition in 0..3 {
        all.add_partition_offset(&world.settings.topic, partition, Offset::End).unwrap();
    }
    admin.delete_records(&all, &AdminOptions::new()).await.unwrap();
    tokio::task::spawn_blocking(move || drop(admin)).await.unwrap();
    let head = world.append(5, 5).await;
    let feed = world.feed(None).await;
    for after in [0, 30, 61] {
        assert!(read_partitions(&feed, after, head).await == world.logged(after).await, "behind {after}");
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_log_stops_the_relay_by_name_and_nothing_is_written() {
    let world = World::new();
    let mut relay = world.relay();
    let head = world.append(20, 5).await;
    relay.until("the head", |status| status.position == head).await;
    relay.stop().await;
    let restored = MemoryLog::default();
    for (events, name) in [(10, "relay_ahead: position 20 was relayed"), (20, "other_log: event ")] {
        for _ in 0..events {
            append(&restored, 1, b"{}", 1).await;
        }
        let log: Arc<dyn EventLog> = Arc::new(restored.clone());
        let mut relay = world.relay_with(world.settings.clone(), log);
        let status = relay.until("the refusal", |status| status.trouble.is_some()).await;
        assert!(status.trouble.as_ref().unwrap().starts_with(name), "{status:?}");
        assert!(!status.leading);
        relay.stop().await;
    }
    assert_once(&world).await;
    // With the right log it goes on.
    let mut relay = world.relay();
    let head = world.append(1, 1).await;
    relay.until("the head", |status| status.position == head).await;
    relay.stop().await;
    assert_once(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_partitions_are_shared_among_the_members_of_a_group() {
    let world = World::new();
    let relay = world.relay();
    let one = world.feed(Some("shared")).await;
    let mut of_one = one.assigned();
    patiently("all partitions", of_one.wait_for(|assigned| assigned.len() == 3)).await.unwrap();
    let two = world.feed(Some("shared")).await;
    let mut of_two = two.assigned();
    patiently("some partitions", of_two.wait_for(|assigned| !assigned.is_empty())).await.unwrap();
    patiently("fewer partitions", of_one.wait_for(|assigned| assigned.len() < 3)).await.unwrap();
    assert!(of_one.borrow().is_disjoint(&of_two.borrow()));
    drop(one);
    patiently("all partitions", of_two.wait_for(|assigned| assigned.len() == 3)).await.unwrap();
    relay.stop().await;
}

#[test]
fn tls_that_is_not_built_in_is_refused_by_name() {
    let mut settings = Settings::new("localhost:1");
    settings.properties.insert("security.protocol".to_owned(), "SASL_SSL".to_owned());
    settings.properties.insert("sasl.password".to_owned(), "hunter2".to_owned());
    assert!(!format!("{settings:?}").contains("hunter2"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let refused = runtime.block_on(KafkaFeed::start(settings, Arc::new(MemoryLog::default()), None)).err().unwrap();
    assert!(
        cfg!(feature = "tls") || refused.to_string().starts_with("no_tls: `security.protocol` is SASL_SSL"),
        "{refused}"
    );
}
