//! Reading.

use futures::{StreamExt, TryStreamExt, stream};
use kurrentdb::{
    Client, Position as Place, ReadAllOptions, ReadStream, ReadStreamOptions, StreamPosition, SubscriptionFilter,
};
use souk_domain::stream::{Category, StreamId};
use souk_ports::{Filter, LogError, Position, RecordedEvent};

use crate::{
    client::{Supervisor, in_time},
    error::Trouble,
    event::recorded,
};

/// Records that the server looks at for one page of a filtered read, and between two checkpoints of a subscription.
const WINDOW: u32 = 2_000;
/// Events that are asked for when the last one of Souk is looked for.
const LAST: usize = 8;
/// Single events that are read at a time.
const AT_ONCE: usize = 16;
/// A page of the whole log is over once it has so many bytes, whatever its limit: rebuilds hold several pages in memory.
const PAGE_BYTES: usize = 32 << 20;

/// What went wrong with a page, when what came of it was well-formed.
type Page = Result<Result<Vec<RecordedEvent>, LogError>, Trouble>;

/// Only streams of these categories; of all of them when none is named. It keeps out the server's own streams, whose names
/// start with `$`, and those of other programs.
pub fn streams_of(categories: &[Category]) -> SubscriptionFilter {
    let categories = if categories.is_empty() { &Category::ALL } else { categories };
    let filter = SubscriptionFilter::on_stream_name().max(WINDOW);
    categories.iter().fold(filter, |filter, category| filter.add_prefix(format!("{}-", category.as_str())))
}

/// The place of a position, if a server can have it.
pub fn place(position: Position) -> Option<Place> {
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
    async fn page(&self, answer: &mut ReadStream, limit: usize, wanted: impl Fn(&RecordedEvent) -> bool) -> Page {
        let (mut page, mut bytes) = (Vec::new(), 0);
        while page.len() < limit && bytes < PAGE_BYTES {
            let Some(event) = in_time(self.options.deadline, answer.next()).await? else { break };
            let Some(event) = event.event else { continue };
            match recorded(event) {
                Ok(Some(event)) if wanted(&event) => {
                    bytes += event.data.len() + event.metadata.len();
                    page.push(event);
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

    pub async fn behind(&self, after: Position, filter: &Filter, limit: usize) -> Result<Vec<RecordedEvent>, LogError> {
        let Some(start) = from(after).filter(|_| limit > 0) else { return Ok(Vec::new()) };
        let count = limit.saturating_add(1).min(i32::MAX as usize);
        let options = &self.of_all().position(start).forwards().filter(streams_of(&filter.categories)).max_count(count);
        let read = self.call("reading all events", |client| async move {
            let mut answer = self.all(&client, options).await?;
            self.page(&mut answer, limit, |event| event.position > after).await
        });
        read.await.map_err(|trouble| nowhere(after, trouble))?
    }

    pub async fn stream(&self, stream: StreamId, from: u64, limit: usize) -> Result<Vec<RecordedEvent>, LogError> {
        if limit == 0 || i64::try_from(from).is_err() {
            return Ok(Vec::new());
        }
        let options = self.of_stream().position(StreamPosition::Position(from)).forwards();
        let options = options.max_count(limit.min(i32::MAX as usize));
        match self.stream_page(stream, &options, limit).await {
            Err(Trouble::NoStream) => Ok(Vec::new()),
            outcome => outcome?,
        }
    }

    /// The version of the last event of `stream`; none when it has none.
    pub async fn last_version(&self, stream: StreamId) -> Result<Option<u64>, LogError> {
        let options = self.of_stream().position(StreamPosition::End).max_count(1);
        match self.stream_page(stream, &options, 1).await {
            Err(Trouble::NoStream) => Ok(None),
            outcome => Ok(outcome??.first().map(|last| last.version)),
        }
    }

    async fn stream_page(&self, stream: StreamId, options: &ReadStreamOptions, limit: usize) -> Page {
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
            outcome => Ok(outcome??.pop()),
        }
    }

    /// The position of the last event of Souk: backwards from the end, past what the filter lets through by its name alone.
    pub async fn last(&self) -> Result<Position, LogError> {
        let mut start = StreamPosition::End;
        loop {
            let options = &self.of_all().position(start).backwards().filter(streams_of(&[])).max_count(LAST);
            let (last, lowest) =
                self.call("reading the head", |client| async move { self.lowest(&client, options).await }).await??;
            match (last, lowest) {
                (Some(position), _) => return Ok(position),
                (None, Some(lowest)) => start = StreamPosition::Position(lowest),
                (None, None) => return Ok(0),
            }
        }
    }

    /// Position of the first event of Souk that a backward read meets, and how far it came.
    async fn lowest(
        &self,
        client: &Client,
        options: &ReadAllOptions,
    ) -> Result<Result<(Option<Position>, Option<Place>), LogError>, Trouble> {
        let mut answer = self.all(client, options).await?;
        let mut lowest = None;
        while let Some(event) = in_time(self.options.deadline, answer.next()).await? {
            let Some(event) = event.event else { continue };
            lowest = Some(event.position);
            match recorded(event) {
                Ok(Some(event)) => return Ok(Ok((Some(event.position), lowest))),
                Ok(None) => {}
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok((None, lowest)))
    }
}

/// A position inside the log at which no event starts was never given out by it.
pub fn nowhere(after: Position, trouble: Trouble) -> LogError {
    match trouble {
        Trouble::Invalid(why) => LogError::Refused(format!(
            "position {after} is none of this log ({why}); was the log, or what remembers the position, restored from a backup?"
        )),
        other => other.into(),
    }
}
