//! Reads.

use futures::stream::{self, BoxStream, StreamExt};
use tonic::Status;

use crate::{
    Shared,
    proto::{
        self,
        streams::{
            ReadResp, RecordedEvent,
            read_req::{
                AllOptions, FilterOptions, Options, StreamOptions, all_options::AllOption, filter_options::Filter,
                filter_options::Window, options::CountOption, options::FilterOption, options::StreamOption,
                stream_options::RevisionOption,
            },
            read_resp::{Content, ReadEvent, StreamNotFound, read_event},
        },
    },
    store::{Record, Store},
};

type Answer = BoxStream<'static, Result<ReadResp, Status>>;

/// Which records pass; none unset lets all pass.
struct Passing {
    filter: Option<Filter>,
}

impl Passing {
    fn new(options: Option<FilterOption>) -> Result<Self, Status> {
        let Some(FilterOption::Filter(FilterOptions { filter: Some(filter), window })) = options else {
            return Ok(Self { filter: None });
        };
        let (Filter::StreamIdentifier(expression) | Filter::EventType(expression)) = &filter;
        if !expression.regex.is_empty() || expression.prefix.is_empty() {
            return Err(Status::unimplemented("this stand-in filters by prefixes"));
        }
        match window {
            Some(Window::Max(max)) if max > 0 => Ok(Self { filter: Some(filter) }),
            _ => Err(Status::invalid_argument("a filter needs a window")),
        }
    }

    fn passes(&self, record: &Record) -> bool {
        let (text, expression) = match &self.filter {
            None => return true,
            Some(Filter::StreamIdentifier(expression)) => (&record.stream, expression),
            Some(Filter::EventType(expression)) => (&record.event_type, expression),
        };
        expression.prefix.iter().any(|prefix| text.starts_with(prefix.as_str()))
    }
}

/// Answers one call of `Read`.
pub fn answer(shared: &Shared, options: Options) -> Result<Answer, Status> {
    let backwards = options.read_direction == 1;
    let count = match options.count_option {
        Some(CountOption::Count(count)) if count > 0 => usize::try_from(count).unwrap_or(usize::MAX),
        Some(CountOption::Subscription(_)) => return Err(Status::unimplemented("this stand-in has no subscriptions")),
        _ => return Err(Status::invalid_argument("a count is at least 1")),
    };
    let passing = Passing::new(options.filter_option)?;
    match options.stream_option {
        Some(StreamOption::All(all)) => all_records(shared, all, &passing, count, backwards),
        Some(StreamOption::Stream(of)) => one_stream(&shared.store(), of, count, backwards),
        None => Err(Status::invalid_argument("neither a stream nor all")),
    }
}

fn response(content: Content) -> ReadResp {
    ReadResp { content: Some(content) }
}

fn event(record: &Record) -> ReadResp {
    let properties = [
        ("type", record.event_type.clone()),
        ("content-type", record.content_type.clone()),
        ("created", record.created.to_string()),
    ];
    let event = RecordedEvent {
        id: Some(proto::Uuid { value: Some(proto::uuid::Value::String(record.id.to_string())) }),
        stream_identifier: Some(proto::StreamIdentifier { stream_name: record.stream.clone().into() }),
        stream_revision: record.revision,
        prepare_position: record.position,
        commit_position: record.position,
        metadata: properties.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        custom_metadata: record.metadata.clone(),
        data: record.data.clone(),
    };
    let position = Some(read_event::Position::CommitPosition(record.position));
    response(Content::Event(ReadEvent { event: Some(event), position }))
}

fn listed(responses: Vec<ReadResp>) -> Answer {
    stream::iter(responses.into_iter().map(Ok)).boxed()
}

fn one_stream(store: &Store, options: StreamOptions, count: usize, backwards: bool) -> Result<Answer, Status> {
    let name = options.stream_identifier.map(|stream| stream.stream_name).unwrap_or_default();
    let Some(places) = std::str::from_utf8(&name).ok().and_then(|name| store.stream(name)) else {
        let stream_identifier = Some(proto::StreamIdentifier { stream_name: name });
        return Ok(listed(vec![response(Content::StreamNotFound(StreamNotFound { stream_identifier }))]));
    };
    let revision = match options.revision_option {
        Some(RevisionOption::Revision(revision)) if i64::try_from(revision).is_err() => {
            return Err(Status::unknown("Exception was thrown by handler."));
        }
        Some(RevisionOption::Revision(revision)) => usize::try_from(revision).unwrap_or(usize::MAX),
        Some(RevisionOption::End(_)) => places.len().saturating_sub(1),
        _ => 0,
    };
    let read = |place: &usize| event(&store.records()[*place]);
    Ok(listed(if backwards {
        places.iter().take(revision.saturating_add(1)).rev().take(count).map(read).collect()
    } else {
        places.iter().skip(revision).take(count).map(read).collect()
    }))
}

/// The index that a read of all records starts at: that of the record at the position itself.
fn start(store: &Store, options: AllOptions) -> Result<usize, Status> {
    match options.all_option {
        Some(AllOption::Position(position)) => {
            let place = store.index_of(position.commit_position);
            place.ok_or_else(|| Status::invalid_argument("Trying to read from an invalid position."))
        }
        Some(AllOption::End(_)) => Ok(store.records().len()),
        _ => Ok(0),
    }
}

fn all_records(
    shared: &Shared,
    options: AllOptions,
    passing: &Passing,
    count: usize,
    backwards: bool,
) -> Result<Answer, Status> {
    let store = shared.store();
    let start = start(&store, options)?;
    let (before, behind) = store.records().split_at(start);
    let mut looked = 0;
    let passes = |record: &&Record| {
        looked += 1;
        passing.passes(record)
    };
    let found = if backwards {
        before.iter().rev().filter(passes).take(count).map(event).collect()
    } else {
        behind.iter().filter(passes).take(count).map(event).collect()
    };
    shared.faults.count_read(looked);
    Ok(listed(found))
}
