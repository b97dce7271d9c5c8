//! What the tests of the log on KurrentDB share.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use souk_domain::stream::{Category, StreamId};
use souk_kurrent_standin::Standin;
use souk_log_kurrent::{KurrentLog, Options};
use souk_ports::{Appended, EventLog, Expected, NewEvent, Position};
use souk_testkit::SeededRandom;
use uuid::Uuid;

/// Options of a test that breaks things.
pub fn options() -> Options {
    Options {
        deadline: Duration::from_secs(2),
        patience: Duration::from_secs(20),
        ..Options::new(Arc::new(SeededRandom::default()))
    }
}

pub async fn standin() -> Standin {
    Standin::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap()
}

pub async fn log_on(standin: &Standin) -> KurrentLog {
    KurrentLog::connect(&standin.url(), options()).await.unwrap()
}

#[allow(clippy::disallowed_methods, reason = "nothing is derived from it")]
pub fn unique() -> Uuid {
    Uuid::new_v4()
}

pub fn fresh() -> StreamId {
    StreamId::new(Category::Plugin, unique())
}

pub fn event() -> NewEvent {
    NewEvent {
        id: unique(),
        event_type: "plugin.described".to_owned(),
        schema_version: 1,
        data: Bytes::from_static(b"{\"a\":1}"),
        metadata: Bytes::from_static(b"{\"$correlationId\":\"c\"}"),
    }
}

/// Appends where nothing may go wrong; the position of the last event.
pub async fn put(log: &dyn EventLog, stream: StreamId, expected: Expected, events: Vec<NewEvent>) -> Position {
    match log.append(stream, expected, events).await.unwrap() {
        Appended::Ok { position, .. } => position,
        conflict @ Appended::Conflict { .. } => panic!("{expected:?} of {stream}: {conflict:?}"),
    }
}
