//! Reads and subscriptions.

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::watch;
use tonic::Status;

use crate::{
    Shared,
    proto::{
        self,
        streams::{
            Position, ReadResp, RecordedEvent,
            read_req::{
                AllOptions, FilterOptions, Options, StreamOptions, all_options::AllOption, filter_options::Filter,
                filter_options::Window, options::CountOption, options::FilterOption, options::StreamOption,
                stream_options::RevisionOption,
            },
            read_resp::{CaughtUp, Content, ReadEvent, StreamNotFound, SubscriptionConfirmation, read_event},
        },
    },
    store::{Record, Store},
};

type Answer = BoxStream<'static, Result<ReadResp, Status>>;

/// Which records pass; none unset lets all pass.
#[derive(Clone)]
struct Passing {
    filter: Option<Filter>,
    /// Records without a match behind which a subscription gets a checkpoint.
    interval: usize,
}

impl Passing {
    fn new(options: Option<FilterOption>) -> Result<Self, Status> {
        let Some(FilterOption::Filter(FilterOptions { filter: Some(filter), window, checkpoint_interval_multiplier })) =
            options
        else {
            return Ok(Self { filter: None, interval: usize::MAX });
        };
        let (Filter::StreamIdentifier(expression) | Filter::EventType(expression)) = &filter;
        if !expression.regex.is_empty() || expression.prefix.is_empty() {
            return Err(Status::unimplemented("this stand-in filters by prefixes"));
        }
        let window = match window {
            Some(Window::Max(max)) if max > 0 => max,
            _ => return Err(Status::invalid_argument("a filter needs a window")),
        };
        Ok(Self { filter: Some(filter), interval: window as usize * checkpoint_interval_multiplier.max(1) as usize })
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
pub fn answer(shared: &Arc<Shared>, options: Options) -> Result<Answer, Status> {
    let backwards = options.read_direction == 1;
    let subscription = matches!(options.count_option, Some(CountOption::Subscription(_)));
    shared.faults.count_read(subscription);
    let count = match options.count_option {
        Some(CountOption::Count(count)) if count > 0 => usize::try_from(count).unwrap_or(usize::MAX),
        Some(CountOption::Subscription(_)) => usize::MAX,
        _ => return Err(Status::invalid_argument("a count is at least 1")),
    };
    let passing = Passing::new(options.filter_option)?;
    match options.stream_option {
        Some(StreamOption::All(all)) if subscription => subscribe(shared, all, passing),
        Some(StreamOption::All(all)) => all_records(&shared.store(), all, &passing, count, backwards),
        Some(StreamOption::Stream(of)) if !subscription => one_stream(&shared.store(), of, count, backwards),
        _ => Err(Status::unimplemented("this stand-in subscribes to $all only")),
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
    store: &Store,
    options: AllOptions,
    passing: &Passing,
    count: usize,
    backwards: bool,
) -> Result<Answer, Status> {
    let start = start(store, options)?;
    let (before, behind) = store.records().split_at(start);
    let passes = |record: &&Record| passing.passes(record);
    Ok(listed(if backwards {
        before.iter().rev().filter(passes).take(count).map(event).collect()
    } else {
        behind.iter().filter(passes).take(count).map(event).collect()
    }))
}

/// Where a subscription is.
struct Follower {
    shared: Arc<Shared>,
    written: watch::Receiver<usize>,
    passing: Passing,
    next: usize,
    unmatched: usize,
    live: bool,
}

impl Follower {
    /// What comes next; waits for it.
    async fn step(&mut self) -> Option<Vec<ReadResp>> {
        let responses = self.scan();
        if !responses.is_empty() {
            return Some(responses);
        }
        if self.next < *self.written.borrow() {
            return Some(Vec::new());
        }
        if !self.live {
            self.live = true;
            return Some(vec![response(Content::CaughtUp(CaughtUp {}))]);
        }
        let next = self.next;
        self.written.wait_for(|written| *written > next).await.ok()?;
        Some(Vec::new())
    }

    /// The next records, a bounded number of them, with checkpoints where long nothing passes.
    fn scan(&mut self) -> Vec<ReadResp> {
        let store = self.shared.store();
        let mut responses = Vec::new();
        for record in store.records().iter().skip(self.next).take(64) {
            self.next += 1;
            if self.passing.passes(record) {
                self.unmatched = 0;
                responses.push(event(record));
                continue;
            }
            self.unmatched += 1;
            if self.unmatched >= self.passing.interval {
                self.unmatched = 0;
                let here = Position { commit_position: record.position, prepare_position: record.position };
                responses.push(response(Content::Checkpoint(here)));
            }
        }
        responses
    }
}

/// Records behind a position, and then those that come.
fn subscribe(shared: &Arc<Shared>, options: AllOptions, passing: Passing) -> Result<Answer, Status> {
    let inside = matches!(options.all_option, Some(AllOption::Position(_)));
    let next = start(&shared.store(), options)? + usize::from(inside);
    let follower = Follower {
        shared: Arc::clone(shared),
        written: shared.written.subscribe(),
        passing,
        next,
        unmatched: 0,
        live: false,
    };
    let confirmation = SubscriptionConfirmation { subscription_id: crate::store::random_id().to_string() };
    let steps = stream::unfold(follower, |mut follower| async move {
        let responses = follower.step().await?;
        Some((stream::iter(responses.into_iter().map(Ok)), follower))
    });
    Ok(stream::iter([Ok(response(Content::Confirmation(confirmation)))]).chain(steps.flatten()).boxed())
}
