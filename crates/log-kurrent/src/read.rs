//! Reading.

use futures::{StreamExt, TryStreamExt, stream};
use kurrentdb::{
    Client, Position as Place, ReadAllOptions, ReadStream, ReadStreamOptions, StreamPosition, SubscriptionFilter,
};
use souk_domain::stream::{Category, StreamId};
use souk_ports::{Filter, LogError, Position, RecordedEvent};
use uuid::Uuid;

use crate::{
    client::{Supervisor, in_time},
    error::Trouble,
    event::recorded,
};

/// Records that the server looks at for one page of a filtered read.
const WINDOW: u32 = 2_000;
/// Events that are asked for when the last one of Souk is looked for.
const LAST: usize = 8;
/// Single events that are read at a time.
const AT_ONCE: usize = 16;
/// A page of the whole log is over once it has so many bytes, whatever its limit: rebuilds hold several pages in memory.
const PAGE_BYTES: usize = 32 << 20;

/// What a read told.
#[derive(Default)]
pub struct Page {
    /// The events that are Souk's, and that were wanted.
    pub events: Vec<RecordedEvent>,
    /// The position of the last record that came, Souk's or not.
    pub last: Option<Position>,
    /// Whether there may be more.
    pub more: bool,
    /// Records that came.
    records: usize,
}

/// What can go wrong with a page: the call, and what is in the answer.
type Paged = Result<Result<Page, LogError>, Trouble>;

/// Only streams of these categories; of all of them when none is named. It keeps out the server's own streams, whose names
/// start with `$`, and those of other programs.
pub fn streams_of(categories: &[Category]) -> SubscriptionFilter {
    let categories = if categories.is_empty() { &Category::ALL } else { categories };
    let filter = SubscriptionFilter::on_stream_name().max(WINDOW);
    categories.iter().fold(filter, |filter, category| filter.add_prefix(format!("{}-", category.as_str())))
}

/// The place of a position, if a server can have it.
fn place(position: Position) -> Option<Place> {
    i64::try_from(position).ok().map(|_| Place { commit: position, prepare: position })
}

/// Where a read behind `after` starts: at the event at `after` itself, since servers include it.
fn from(after: Position) -> Option<StreamPosition<Place>> {
    if after == 0 { Some(StreamPosition::Start) } else { place(after).map(StreamPosition::Position) }
}

impl Supervisor {
    fn of_all(&self) -> ReadAllOptions {
        let options = ReadAllOptions::default().requires_leader(true);
        match &self.settings.authentication {
            Some(authentication) => options.authenticated(authentication.clone()),
            None => options,
        }
    }

    fn of_stream(&self) -> ReadStreamOptions {
        let options = ReadStreamOptions::default().requires_leader(true);
        match &self.settings.authentication {
            Some(authentication) => options.authenticated(authentication.clone()),
            None => options,
        }
    }

    /// The events of `answer` that are Souk's and that `wanted` accepts, until there are `limit` or too many bytes.
    async fn page(&self, answer: &mut ReadStream, limit: usize, wanted: impl Fn(&RecordedEvent) -> bool) -> Paged {
        let (mut page, mut bytes) = (Page { more: true, ..Page::default() }, 0);
        while page.events.len() < limit && bytes < PAGE_BYTES {
            let Some(event) = in_time(self.options.deadline, answer.next()).await? else {
                page.more = false;
                break;
            };
            let Some(event) = event.event else { continue };
            page.records += 1;
            page.last = Some(event.position.commit);
            match recorded(event) {
                Ok(Some(event)) if wanted(&event) => {
                    bytes += event.data.len() + event.metadata.len();
                    page.events.push(event);
                }
                Ok(_) => {}
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(page))
    }

    async fn all(&self, client: &Client, options: &ReadAllOptions) -> Result<ReadStream, Trouble> {
        in_time(self.options.deadline, client.read_all(options)).await
    }

    /// One page of the events behind `after`, at most `limit` of them; the server leaves out what `filter` does not let through.
    pub async fn forwards(
        &self,
        after: Position,
        filter: Option<SubscriptionFilter>,
        limit: usize,
    ) -> Result<Page, LogError> {
        let Some(start) = from(after).filter(|_| limit > 0) else { return Ok(Page::default()) };
        // One more, because the event at `after` comes too.
        let count = limit.saturating_add(1).min(i32::MAX as usize);
        let options = self.of_all().position(start).forwards().max_count(count);
        let options = &match filter {
            Some(filter) => options.filter(filter),
            None => options,
        };
        let read = self.call("reading all events", |client| async move {
            let mut answer = self.all(&client, options).await?;
            self.page(&mut answer, limit, |event| event.position > after).await
        });
        let mut page = read.await.map_err(|trouble| nowhere(after, trouble))??;
        page.more |= page.records >= count;
        Ok(page)
    }

    pub async fn behind(
        &self,
        mut after: Position,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        loop {
            let page = self.forwards(after, Some(streams_of(&filter.categories)), limit).await?;
            match page.last {
                // Streams whose names only begin like ours filled the page.
                Some(last) if page.events.is_empty() && page.more => after = last,
                _ => return Ok(page.events),
            }
        }
    }

    pub async fn stream(&self, stream: StreamId, from: u64, limit: usize) -> Result<Vec<RecordedEvent>, LogError> {
        if limit == 0 || i64::try_from(from).is_err() {
            return Ok(Vec::new());
        }
        let options = self.of_stream().position(StreamPosition::Position(from)).forwards();
        let options = options.max_count(limit.min(i32::MAX as usize));
        match self.stream_page(stream, &options, limit).await {
            Err(Trouble::NoStream) => Ok(Vec::new()),
            outcome => Ok(outcome??.events),
        }
    }

    /// The last of the events with these ids, if they stand in `stream` from version `first` on. The stream is known to go to `last`: an
    /// answer that ends before, and before it tells, was cut off, and is asked for again.
    pub async fn same(
        &self,
        stream: StreamId,
        first: u64,
        ids: &[Uuid],
        last: Option<u64>,
    ) -> Result<Option<RecordedEvent>, LogError> {
        if i64::try_from(first).is_err() {
            return Ok(None);
        }
        let options = &self.of_stream().position(StreamPosition::Position(first)).forwards().max_count(ids.len());
        let read = self.call("comparing with a stream", |client| async move {
            let mut answer = in_time(self.options.deadline, client.read_stream(stream.to_string(), options)).await?;
            let page = match self.page(&mut answer, ids.len(), |_| true).await? {
                Ok(page) => page,
                Err(error) => return Ok(Err(error)),
            };
            let others =
                page.records > page.events.len() || page.events.iter().zip(ids).any(|(event, id)| event.id != *id);
            let end = first + page.records as u64;
            match last {
                _ if others => Ok(Ok(None)),
                _ if page.records == ids.len() => Ok(Ok(page.events.into_iter().next_back())),
                Some(last) if end <= last => Err(Trouble::Lost {
                    why: format!("the answer ended before version {end} of {stream}"),
                    dead: false,
                }),
                _ => Ok(Ok(None)),
            }
        });
        match read.await {
            Err(Trouble::NoStream) => Ok(None),
            outcome => outcome?,
        }
    }

    /// The version of the last event of `stream`; none when it has none.
    pub async fn last_version(&self, stream: StreamId) -> Result<Option<u64>, LogError> {
        let options = self.of_stream().position(StreamPosition::End).max_count(1);
        match self.stream_page(stream, &options, 1).await {
            Err(Trouble::NoStream) => Ok(None),
            outcome => Ok(outcome??.events.first().map(|last| last.version)),
        }
    }

    async fn stream_page(&self, stream: StreamId, options: &ReadStreamOptions, limit: usize) -> Paged {
        self.call("reading a stream", |client| async move {
            let name = stream.to_string();
            let mut answer = in_time(self.options.deadline, client.read_stream(name, options)).await?;
            self.page(&mut answer, limit, |_| true).await
        })
        .await
    }

    pub async fn at(&self, positions: &[Position]) -> Result<Vec<RecordedEvent>, LogError> {
        let mut wanted: Vec<Place> = positions.iter().filter(|&&at| at > 0).filter_map(|&at| place(at)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let read = stream::iter(wanted).map(|place| self.one(place)).buffered(AT_ONCE);
        Ok(read.try_collect::<Vec<_>>().await?.into_iter().flatten().collect())
    }

    /// The event at a place, if one starts there.
    async fn one(&self, place: Place) -> Result<Option<RecordedEvent>, LogError> {
        let options = &self.of_all().position(StreamPosition::Position(place)).forwards().max_count(1);
        let read = self.call("reading an event", |client| async move {
            let mut answer = self.all(&client, options).await?;
            self.page(&mut answer, 1, |event| event.position == place.commit).await
        });
        match read.await {
            Err(Trouble::Invalid(_)) => Ok(None),
            outcome => Ok(outcome??.events.pop()),
        }
    }

    /// The position of the last event of Souk: backwards from the end, past what the filter lets through by its name alone.
    pub async fn last(&self) -> Result<Position, LogError> {
        let mut start = StreamPosition::End;
        loop {
            let options = &self.of_all().position(start).backwards().filter(streams_of(&[])).max_count(LAST);
            let read = self.call("reading the head", |client| async move {
                let mut answer = self.all(&client, options).await?;
                self.page(&mut answer, 1, |_| true).await
            });
            let page = read.await??;
            match (page.events.first(), page.last.and_then(place)) {
                (Some(event), _) => return Ok(event.position),
                (None, Some(lowest)) => start = StreamPosition::Position(lowest),
                (None, None) => return Ok(0),
            }
        }
    }
}

/// A position inside the log at which no event starts was never given out by it.
fn nowhere(after: Position, trouble: Trouble) -> LogError {
    match trouble {
        Trouble::Invalid(why) => LogError::Refused(format!(
            "position {after} is none of this log ({why}); was the log, or what remembers the position, restored from a backup?"
        )),
        other => other.into(),
    }
}
