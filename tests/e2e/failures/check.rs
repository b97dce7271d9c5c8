//! What must hold after every failure: what was acknowledged is in the log once, in the topic once, and has had its
//! consequences once; and every read model follows, and equals a rebuild from nothing.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use serde_json::Value;
use souk_log_kurrent::KurrentLog;
use souk_log_postgres::PostgresLog;
use souk_ports::{EventLog, Filter, Metadata, RecordedEvent};
use souk_testkit::SeededRandom;
use tokio::time::sleep;

use super::{
    load::{Told, What},
    topic,
};
use crate::cluster::Cluster;

/// How often something that must come is looked for, and the pause between.
pub const LOOKS: u32 = 1_200;
pub const LOOK: Duration = Duration::from_millis(100);

/// The log of `cluster`, beside its processes.
pub async fn log_of(cluster: &Cluster) -> Arc<dyn EventLog> {
    if let Some(url) = cluster.variable("SOUK_KURRENTDB__URL") {
        let options = souk_log_kurrent::Options::new(Arc::new(SeededRandom::new(7)));
        return Arc::new(KurrentLog::connect(url, options).await.expect("KurrentDB is reached"));
    }
    let pool = sqlx::PgPool::connect(cluster.variable("DATABASE_URL").expect("an address")).await.expect("connects");
    Arc::new(PostgresLog::connect(pool).await.expect("the log is reached"))
}

/// All that is in `log`.
pub async fn all(log: &dyn EventLog) -> Vec<RecordedEvent> {
    let mut events: Vec<RecordedEvent> = Vec::new();
    loop {
        let after = events.last().map_or(0, |event| event.position);
        let page = log.read_all(after, &Filter::default(), 1_000).await.expect("the log is read");
        if page.is_empty() {
            return events;
        }
        events.extend(page);
    }
}

/// Checks everything. Nobody writes any more, but reactions may have to catch up.
pub async fn nothing_lost_and_nothing_doubled(cluster: &Cluster, told: &[Told]) {
    let log = log_of(cluster).await;
    let events = after_reactions(log.as_ref()).await;
    check_versions(&events);
    check_commands(&events);
    for one in told {
        check_acknowledged(&events, one);
    }
    check_payments(&events, told);
    if let Some(brokers) = cluster.variable("SOUK_KAFKA__BROKERS") {
        let topic = cluster.variable("SOUK_KAFKA__TOPIC").unwrap_or("souk.events");
        topic::check(brokers, topic, log.as_ref()).await;
    }
    until_current(cluster).await;
    let verified = tokio::task::block_in_place(|| cluster.command(&["rebuild", "--all", "--verify"]));
    let said = String::from_utf8_lossy(&verified.stdout).into_owned() + &String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success(), "a read model differs from its rebuild: {said}");
    let doctor = cluster.command(&["doctor"]);
    assert!(doctor.status.success(), "{}", String::from_utf8_lossy(&doctor.stdout));
}

fn of_type<'a>(events: &'a [RecordedEvent], event_type: &'a str) -> impl Iterator<Item = &'a RecordedEvent> {
    events.iter().filter(move |event| event.event_type == event_type)
}

/// What every payment is answered with.
const ANSWERS: [&str; 2] = ["license.issued", "invoice.issued"];

/// The log once every payment has had its answers.
async fn after_reactions(log: &dyn EventLog) -> Vec<RecordedEvent> {
    let mut missing = Vec::new();
    for _ in 0..LOOKS {
        let events = all(log).await;
        let payments = of_type(&events, "payment.completed").count();
        missing = ANSWERS
            .map(|answer| (answer, payments.saturating_sub(of_type(&events, answer).count())))
            .into_iter()
            .filter(|(_, missing)| *missing > 0)
            .collect();
        if missing.is_empty() {
            return events;
        }
        sleep(LOOK).await;
    }
    panic!("payments never had their answers: {missing:?}");
}

/// Positions grow, ids are there once, and each stream's versions follow each other from 0.
fn check_versions(events: &[RecordedEvent]) {
    assert!(events.windows(2).all(|pair| pair[0].position < pair[1].position), "positions do not grow");
    let ids: BTreeSet<_> = events.iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), events.len(), "an event is in the log twice");
    let mut next: HashMap<String, u64> = HashMap::new();
    for event in events {
        let version = next.entry(event.stream.to_string()).or_default();
        assert_eq!(event.version, *version, "{} at {}", event.stream, event.position);
        *version += 1;
    }
}

fn metadata(event: &RecordedEvent) -> Metadata {
    serde_json::from_slice(&event.metadata).unwrap_or_else(|error| panic!("at {}: {error}", event.position))
}

/// No command was carried out twice: its events in one stream are one append.
fn check_commands(events: &[RecordedEvent]) {
    let mut versions: BTreeMap<(String, String), Vec<&RecordedEvent>> = BTreeMap::new();
    for event in events {
        let command = metadata(event).command_id.to_string();
        versions.entry((command, event.stream.to_string())).or_default().push(event);
    }
    for ((command, stream), events) in versions {
        let types: BTreeSet<&str> = events.iter().map(|event| event.event_type.as_str()).collect();
        let together = events.windows(2).all(|pair| pair[0].version + 1 == pair[1].version);
        assert!(together && types.len() == events.len(), "command {command} was carried out twice in {stream}");
    }
}

/// Each acknowledged write is where its answer said, and the person has written nothing else.
fn check_acknowledged(events: &[RecordedEvent], told: &Told) {
    let at: HashMap<u64, &RecordedEvent> = events.iter().map(|event| (event.position, event)).collect();
    for write in &told.writes {
        let Some(event) = at.get(&write.position) else {
            panic!("{:?} was acknowledged at {}, where the log has nothing", write.what, write.position)
        };
        assert_eq!(event.event_type, write.what.event(), "at {}", write.position);
        if let What::Ordered(order) | What::Paid(order) = &write.what {
            assert_eq!(event.stream.to_string(), format!("order-{order}"), "at {}", write.position);
        }
    }
    let own = |event: &&RecordedEvent| {
        let kinds = ["installation.", "order."];
        kinds.iter().any(|kind| event.event_type.starts_with(kind))
            && metadata(event).actor.id.is_some_and(|id| id.to_string() == told.user)
    };
    let written: Vec<u64> = events.iter().filter(own).map(|event| event.position).collect();
    let wanted: Vec<u64> =
        told.writes.iter().filter(|write| !matches!(write.what, What::Paid(_))).map(|write| write.position).collect();
    assert_eq!(written, wanted, "what {} has written, and what was acknowledged", told.user);
}

/// Each acknowledged payment is in the log once, and has one license and one invoice.
fn check_payments(events: &[RecordedEvent], told: &[Told]) {
    let mut paid: BTreeMap<String, u32> = BTreeMap::new();
    for write in told.iter().flat_map(|one| &one.writes) {
        if let What::Paid(order) = &write.what {
            paid.insert(order.clone(), 1);
        }
    }
    let mut payments: BTreeMap<String, u32> = BTreeMap::new();
    for event in of_type(events, "payment.completed") {
        *payments.entry(event.stream.uuid.to_string()).or_default() += 1;
    }
    assert!(!paid.is_empty(), "nothing was bought");
    assert_eq!(payments, paid, "payments by order, and those that were acknowledged");
    for answer in ANSWERS {
        let mut answers: BTreeMap<String, u32> = BTreeMap::new();
        for event in of_type(events, answer) {
            let data: Value = serde_json::from_slice(&event.data).expect("JSON");
            *answers.entry(data["orderId"].as_str().expect("an order").to_owned()).or_default() += 1;
        }
        assert_eq!(answers, paid, "{answer} by order, and payments");
    }
}

/// Waits until every read model stands at the log's end.
pub async fn until_current(cluster: &Cluster) {
    let admin = cluster.admin().await;
    let mut last = String::new();
    for _ in 0..LOOKS {
        match admin.get("/admin/projections").await {
            Ok(answer) if answer.status == 200 => {
                let items = answer.body["items"].as_array().expect("items");
                if !items.is_empty() && items.iter().all(|item| item["lag"] == 0 && item["state"] == "live") {
                    return;
                }
                last = answer.text;
            }
            Ok(answer) => last = answer.text,
            Err(error) => last = error,
        }
        sleep(LOOK).await;
    }
    panic!("a read model never came to the end of the log: {last}");
}
