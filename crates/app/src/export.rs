//! Everything that Souk has of a person, for that person.

use chrono::{DateTime, Utc};
use serde_json::Value;
use souk_domain::{id::UserId, stream::StreamId};
use souk_ports::{Concerned, Position, RecordedEvent};

use crate::{App, AppError, Context, history::plain};

/// Events in one read.
const PAGE: usize = 500;

/// Something that happened, as the log has it, with personal texts readable.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    /// Where in the log.
    pub position: Position,
    /// When.
    pub recorded_at: DateTime<Utc>,
    /// To what.
    pub stream: StreamId,
    /// The how-manieth event of its stream, from 0.
    pub version: u64,
    /// `category.past_tense`
    pub event_type: String,
    /// What the event says.
    pub data: Value,
}

/// All events of `streams`, which have to be those of whoever asks, in order of position; not why others reported what is theirs, which
/// only moderators are told.
///
/// # Errors
/// `Unauthorized`, `Unavailable`.
pub async fn events_of(app: &App, ctx: &Context, streams: &[StreamId]) -> Result<Vec<Happened>, AppError> {
    let user = ctx.require_user()?;
    let mut all = Vec::new();
    for stream in streams {
        let mut from = 0;
        loop {
            let page = app.ports.log.read_stream(*stream, from, PAGE).await?;
            let Some(last) = page.last() else { break };
            from = last.version + 1;
            let whole = page.len() == PAGE;
            for recorded in page.into_iter().filter(|recorded| !reported_by_another(recorded, user)) {
                let event = app.open(&recorded).await?;
                all.push(Happened {
                    position: recorded.position,
                    recorded_at: recorded.recorded_at,
                    stream: recorded.stream,
                    version: recorded.version,
                    event_type: recorded.event_type,
                    data: plain(event.encode().data),
                });
            }
            if !whole {
                break;
            }
        }
    }
    all.sort_by_key(|happened| happened.position);
    Ok(all)
}

fn reported_by_another(recorded: &RecordedEvent, user: UserId) -> bool {
    let actor = || serde_json::from_slice::<Concerned>(&recorded.metadata).ok()?.actor?.id;
    recorded.event_type == "review.flagged" && actor() != Some(user)
}
