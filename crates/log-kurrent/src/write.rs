//! Appending.

use kurrentdb::{AppendToStreamOptions, EventData, StreamState, WriteResult};
use souk_domain::stream::StreamId;
use souk_ports::{Appended, Expected, LogError, NewEvent};
use uuid::Uuid;

use crate::{
    client::{Supervisor, in_time},
    error::Trouble,
    event::proposed,
};

/// The version of the first event that an append at `expected` writes; none where no stream is so long.
fn first_version(expected: Expected) -> Option<u64> {
    match expected {
        Expected::NoStream => Some(0),
        // The server counts in signed numbers, and takes the greatest unsigned one for "no stream".
        Expected::Version(version) => i64::try_from(version).ok().map(|_| version + 1),
    }
}

impl Supervisor {
    fn appending(&self, expected: Expected) -> AppendToStreamOptions {
        let state = match expected {
            Expected::NoStream => StreamState::NoStream,
            Expected::Version(version) => StreamState::StreamRevision(version),
        };
        let options = AppendToStreamOptions::default().stream_state(state).requires_leader(true);
        let options = options.deadline(self.options.deadline);
        match &self.settings.authentication {
            Some(authentication) => options.authenticated(authentication.clone()),
            None => options,
        }
    }

    /// Appends, again while the outcome is unknown. That is safe: a try that was applied left the expected version behind
    /// the stream, and then the server compares the ids; one that comes late finds those of the try that overtook it.
    pub async fn append(
        &self,
        stream: StreamId,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, LogError> {
        let Some(first) = first_version(expected) else {
            return Ok(Appended::Conflict { actual: self.last_version(stream).await? });
        };
        let ids: Vec<Uuid> = events.iter().map(|event| event.id).collect();
        let proposed: Vec<EventData> = events.iter().map(proposed).collect();
        let (options, proposed) = (&self.appending(expected), &proposed);
        let written = self.call("appending", |client| async move {
            let append = client.append_to_stream(stream.to_string(), options, proposed.clone());
            in_time(self.options.deadline, append).await
        });
        match written.await {
            // The position of a single new event is its own. That of several is one of theirs, and that of an append that
            // had happened before may be missing.
            Ok(WriteResult { next_expected_version: version, position }) if ids.len() == 1 && position.commit > 0 => {
                Ok(Appended::Ok { version, position: position.commit })
            }
            Ok(WriteResult { next_expected_version: last, .. }) => {
                self.earlier(stream, first, &ids, Some(last)).await?.ok_or_else(|| {
                    LogError::Corrupt(format!(
                        "stream {stream}: the server wrote version {first}, and does not have it"
                    ))
                })
            }
            Err(Trouble::Conflict(actual)) => {
                Ok(self.earlier(stream, first, &ids, actual).await?.unwrap_or(Appended::Conflict { actual }))
            }
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// What an append of these ids led to, if they stand at that place of a stream that ends at `last` or behind it.
    async fn earlier(
        &self,
        stream: StreamId,
        first: u64,
        ids: &[Uuid],
        last: Option<u64>,
    ) -> Result<Option<Appended>, LogError> {
        let stored = self.same(stream, first, ids, last).await?;
        Ok(stored.map(|last| Appended::Ok { version: last.version, position: last.position }))
    }
}
