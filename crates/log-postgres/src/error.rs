//! What a database error means to a caller of the log.

use souk_ports::LogError;
use sqlx::Error;

/// Says what went wrong in the terms of the port.
pub fn meaning(error: &Error) -> LogError {
    match error {
        Error::Database(refusal) if is_passing(refusal.code().as_deref()) => LogError::Unavailable(error.to_string()),
        Error::Database(refusal) if refusal.constraint() == Some("event_id") => {
            LogError::Refused("an event id is taken".to_owned())
        }
        Error::Database(_) => LogError::Refused(error.to_string()),
        Error::ColumnDecode { .. } | Error::Decode(_) | Error::ColumnNotFound(_) | Error::RowNotFound => {
            LogError::Corrupt(format!("souk_log.event: {error}"))
        }
        _ => LogError::Unavailable(error.to_string()),
    }
}

/// Whether an event is where another one is already, or has its id.
pub fn out_of_place(error: &Error) -> bool {
    let violated = error.as_database_error().and_then(|refusal| refusal.constraint());
    matches!(violated, Some("event_stream_version" | "event_id"))
}

/// Whether the connection is gone, so that nobody knows what the last statement did.
pub fn lost_connection(error: &Error) -> bool {
    match error {
        Error::Database(refusal) => {
            refusal.code().is_some_and(|code| code.starts_with("57P") || code.starts_with("08"))
        }
        Error::Io(_) | Error::Protocol(_) | Error::Tls(_) => true,
        _ => false,
    }
}

/// Whether the server may well agree later: lost connections (08), conflicts between transactions (40), exhausted resources
/// (53), locks (55), an operator's doing (57), failing disks (58), and a standby that is not the primary yet (25006).
fn is_passing(code: Option<&str>) -> bool {
    code.is_some_and(|code| {
        code == "25006" || ["08", "40", "53", "55", "57", "58"].iter().any(|class| code.starts_with(class))
    })
}
