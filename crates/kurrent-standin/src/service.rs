//! The services that clients call.

use std::sync::Arc;

use futures::stream::{BoxStream, StreamExt};
use tonic::{Request, Response, Status, Streaming, metadata::MetadataMap};
use uuid::Uuid;

use crate::{
    Fault, Shared,
    proto::{self, gossip, server_features, streams},
    read,
    store::{Expected, MAX_APPEND_BYTES, Outcome, Proposed, random_id},
    wire::Peer,
};

use streams::{
    AppendReq, AppendResp,
    append_req::{Content, options::ExpectedStreamRevision},
    append_resp::{self, Success, WrongExpectedVersion, success, wrong_expected_version as wrong},
};

/// The service of events.
pub struct Log {
    shared: Arc<Shared>,
}

impl Log {
    pub const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    fn apply(&self, stream: &str, expected: Expected, events: Vec<Proposed>) -> Outcome {
        let mut store = self.shared.store();
        match store.append(stream, expected, events) {
            // Only what was there before has no position.
            Outcome::Written { position: None, .. } if self.shared.faults.is_forgetful() => {
                Outcome::Wrong { current: store.last(stream) }
            }
            outcome => outcome,
        }
    }

    /// What every call of a server in trouble meets.
    async fn admit(&self) -> Result<(), Status> {
        if self.shared.faults.is_silent() {
            return std::future::pending().await;
        }
        if self.shared.faults.is_unavailable() {
            Err(Status::unavailable("the server is shutting down"))
        } else {
            Ok(())
        }
    }
}

/// A status with what clients read from its metadata.
fn refused(status: Status, details: &[(&'static str, String)]) -> Status {
    let mut metadata = MetadataMap::new();
    for (key, value) in details {
        if let Ok(value) = value.parse() {
            metadata.insert(*key, value);
        }
    }
    Status::with_metadata(status.code(), status.message(), metadata)
}

fn too_large() -> Status {
    let status = Status::invalid_argument(format!("Maximum Append Size of {MAX_APPEND_BYTES} Exceeded."));
    let limit = MAX_APPEND_BYTES.to_string();
    refused(status, &[("exception", "maximum-append-size-exceeded".to_owned()), ("maximum-append-size", limit)])
}

fn not_leader(port: u16) -> Status {
    let details = [
        ("exception", "not-leader".to_owned()),
        ("leader-endpoint-host", "127.0.0.1".to_owned()),
        ("leader-endpoint-port", port.to_string()),
    ];
    refused(Status::not_found("Leader info available"), &details)
}

fn id(id: Option<proto::Uuid>) -> Result<Uuid, Status> {
    use proto::uuid::Value;
    match id.and_then(|id| id.value) {
        Some(Value::Structured(bits)) => Ok(Uuid::from_u64_pair(
            bits.most_significant_bits.cast_unsigned(),
            bits.least_significant_bits.cast_unsigned(),
        )),
        Some(Value::String(text)) => text.parse().map_err(|_| Status::invalid_argument("not an event id")),
        None => Err(Status::invalid_argument("no event id")),
    }
}

fn expected(expected: Option<ExpectedStreamRevision>) -> Result<Expected, Status> {
    match expected {
        // A server counts in signed numbers, where -1 is no stream.
        Some(ExpectedStreamRevision::Revision(u64::MAX)) | Some(ExpectedStreamRevision::NoStream(_)) => {
            Ok(Expected::NoStream)
        }
        Some(ExpectedStreamRevision::Revision(revision)) if i64::try_from(revision).is_ok() => {
            Ok(Expected::Revision(revision))
        }
        Some(ExpectedStreamRevision::Revision(_)) => Err(Status::unknown("Exception was thrown by handler.")),
        Some(ExpectedStreamRevision::Any(_)) => Ok(Expected::Any),
        Some(ExpectedStreamRevision::StreamExists(_)) => Ok(Expected::StreamExists),
        None => Err(Status::invalid_argument("no expected revision")),
    }
}

fn proposed(message: streams::append_req::ProposedMessage) -> Result<Proposed, Status> {
    let property = |name: &str| {
        let missing = || Status::invalid_argument(format!("Required Metadata Property '{name}' is missing"));
        message.metadata.get(name).cloned().ok_or_else(missing)
    };
    Ok(Proposed {
        event_type: property("type")?,
        content_type: property("content-type")?,
        id: id(message.id)?,
        metadata: message.custom_metadata,
        data: message.data,
    })
}

fn name(stream: Option<proto::StreamIdentifier>) -> Result<String, Status> {
    let name = stream.map(|stream| stream.stream_name).unwrap_or_default();
    String::from_utf8(name.to_vec()).map_err(|_| Status::invalid_argument("not a stream name"))
}

fn answer(outcome: Outcome, expected: Expected) -> AppendResp {
    let result = match outcome {
        Outcome::Written { revision, position } => append_resp::Result::Success(Success {
            current_revision_option: Some(success::CurrentRevisionOption::CurrentRevision(revision)),
            position_option: Some(position.map_or(success::PositionOption::NoPosition(proto::Empty {}), |position| {
                success::PositionOption::Position(streams::Position {
                    commit_position: position,
                    prepare_position: position,
                })
            })),
        }),
        Outcome::Wrong { current } => append_resp::Result::WrongExpectedVersion(WrongExpectedVersion {
            current_revision_option: Some(current.map_or(
                wrong::CurrentRevisionOption::CurrentNoStream(proto::Empty {}),
                wrong::CurrentRevisionOption::CurrentRevision,
            )),
            expected_revision_option: Some(match expected {
                Expected::Any => wrong::ExpectedRevisionOption::ExpectedAny(proto::Empty {}),
                Expected::NoStream => wrong::ExpectedRevisionOption::ExpectedNoStream(proto::Empty {}),
                Expected::StreamExists => wrong::ExpectedRevisionOption::ExpectedStreamExists(proto::Empty {}),
                Expected::Revision(revision) => wrong::ExpectedRevisionOption::ExpectedRevision(revision),
            }),
        }),
    };
    AppendResp { result: Some(result) }
}

#[tonic::async_trait]
impl streams::streams_server::Streams for Log {
    async fn append(&self, request: Request<Streaming<AppendReq>>) -> Result<Response<AppendResp>, Status> {
        self.admit().await?;
        let peer = request.extensions().get::<Peer>().cloned();
        let lost = async || {
            if let Some(peer) = &peer {
                peer.breaker.tear();
            }
            std::future::pending::<()>().await;
        };
        let mut messages = request.into_inner();
        let Some(Content::Options(options)) = messages.message().await?.and_then(|message| message.content) else {
            return Err(Status::invalid_argument("an append starts with its options"));
        };
        let (stream, expected) = (name(options.stream_identifier)?, expected(options.expected_stream_revision)?);
        let (mut events, mut size) = (Vec::new(), 0);
        while let Some(message) = messages.message().await? {
            let Some(Content::ProposedMessage(message)) = message.content else {
                return Err(Status::invalid_argument("options come once"));
            };
            let event = proposed(message)?;
            size += event.size();
            if size > MAX_APPEND_BYTES {
                return Err(too_large());
            }
            events.push(event);
        }
        let fault = self.shared.faults.of_append();
        match fault {
            Fault::LostBefore => lost().await,
            Fault::SlowBefore(time) => tokio::time::sleep(time).await,
            Fault::Unavailable => return Err(Status::unavailable("the server is shutting down")),
            Fault::NotLeader(port) => return Err(not_leader(port)),
            Fault::Pass | Fault::LostAfter | Fault::FailedAfter | Fault::SlowAfter(_) => {}
        }
        let outcome = self.apply(&stream, expected, events);
        match fault {
            Fault::LostAfter => lost().await,
            Fault::FailedAfter => return Err(Status::unavailable("the answer was lost")),
            Fault::SlowAfter(time) => tokio::time::sleep(time).await,
            _ => {}
        }
        Ok(Response::new(answer(outcome, expected)))
    }

    type ReadStream = BoxStream<'static, Result<streams::ReadResp, Status>>;

    async fn read(&self, request: Request<streams::ReadReq>) -> Result<Response<Self::ReadStream>, Status> {
        self.admit().await?;
        let options = request.into_inner().options.ok_or_else(|| Status::invalid_argument("no options"))?;
        let answer = read::answer(&self.shared, options)?;
        Ok(Response::new(match self.shared.faults.cut() {
            Some(parts) => answer.take(parts).boxed(),
            None => answer,
        }))
    }
}

/// A cluster of this one node.
pub struct Cluster;

#[tonic::async_trait]
impl gossip::gossip_server::Gossip for Cluster {
    async fn read(&self, request: Request<proto::Empty>) -> Result<Response<gossip::ClusterInfo>, Status> {
        let local = request.extensions().get::<Peer>().and_then(|peer| peer.local);
        let local = local.ok_or_else(|| Status::internal("a connection without address"))?;
        let leader = gossip::MemberInfo {
            instance_id: Some(proto::Uuid { value: Some(proto::uuid::Value::String(random_id().to_string())) }),
            time_stamp: 0,
            state: 8,
            is_alive: true,
            http_end_point: Some(gossip::EndPoint { address: local.ip().to_string(), port: local.port().into() }),
        };
        Ok(Response::new(gossip::ClusterInfo { members: vec![leader] }))
    }
}

/// What a server says of itself.
pub struct Features;

#[tonic::async_trait]
impl server_features::server_features_server::ServerFeatures for Features {
    async fn get_supported_methods(
        &self,
        _: Request<proto::Empty>,
    ) -> Result<Response<server_features::SupportedMethods>, Status> {
        let method = |name: &str| server_features::SupportedMethod {
            method_name: name.to_owned(),
            service_name: "event_store.client.streams.streams".to_owned(),
            features: Vec::new(),
        };
        Ok(Response::new(server_features::SupportedMethods {
            methods: vec![method("append"), method("read")],
            event_store_server_version: "25.0.0".to_owned(),
        }))
    }
}
