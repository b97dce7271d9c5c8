//! What the client library's errors mean to a caller of the log.

use kurrentdb::{CurrentRevision, Error};
use souk_ports::LogError;

/// What went wrong with one call.
#[derive(Debug)]
pub enum Trouble {
    /// The server was not reached, or did not answer; what an append did is unknown.
    Lost {
        why: String,
        /// The client will never reach a server again.
        dead: bool,
    },
    /// The stream is not as expected; its last revision.
    Conflict(Option<u64>),
    /// There is no such stream.
    NoStream,
    /// The server does not take the arguments.
    Invalid(String),
    /// The server refuses for a reason that stays.
    Refused(String),
}

/// The codes of gRPC that say that another try may succeed: cancelled, resource exhausted, aborted.
const PASSING: [i32; 3] = [1, 8, 10];
const INVALID_ARGUMENT: i32 = 3;

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::WrongExpectedVersion { current: CurrentRevision::Current(revision), .. } => {
                Self::Conflict(Some(revision))
            }
            Error::WrongExpectedVersion { current: CurrentRevision::NoStream, .. } => Self::Conflict(None),
            Error::ResourceNotFound => Self::NoStream,
            Error::ConnectionClosed | Error::GrpcConnectionError(_) => {
                Self::Lost { why: error.to_string(), dead: true }
            }
            Error::NotLeaderException(_) | Error::DeadlineExceeded | Error::ServerError(_) => {
                Self::Lost { why: error.to_string(), dead: false }
            }
            Error::Grpc { code, message } if PASSING.contains(&(code as i32)) => {
                Self::Lost { why: message, dead: false }
            }
            Error::Grpc { code, message } if code as i32 == INVALID_ARGUMENT => Self::Invalid(message),
            Error::AccessDenied => {
                Self::Refused("access denied: check user and password, and that the user may read $all".to_owned())
            }
            Error::ResourceDeleted => Self::Refused("the stream was deleted".to_owned()),
            other => Self::Refused(other.to_string()),
        }
    }
}

impl From<Trouble> for LogError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Lost { why, .. } => Self::Unavailable(why),
            Trouble::Conflict(actual) => Self::Refused(format!("a conflict with version {actual:?}")),
            Trouble::NoStream => Self::Refused("there is no such stream".to_owned()),
            Trouble::Invalid(why) | Trouble::Refused(why) => Self::Refused(why),
        }
    }
}
