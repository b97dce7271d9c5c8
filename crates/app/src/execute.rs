//! The one command loop: load, decide, append, and again on conflict.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use souk_domain::{
    event::DomainEvent,
    id::{CommandId, derive},
    personal::{CLEAR_MARKER, SEALED_MARKER},
    reservation,
    stream::StreamId,
};
use souk_ports::{Appended, Expected, LogError, Metadata, NewEvent, Position, RecordedEvent};
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    App, AppError, Context, Done,
    memory::{About, Known, Remembered, Trace},
};

/// Appends that one command tries before it gives up on a stream that others keep changing.
const MAX_APPENDS: u32 = 20;
/// Events in one read of a stream.
const PAGE: usize = 500;
/// How long a command looks for its outcome after the log did not answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long it waits between two looks.
const RETRY: Duration = Duration::from_millis(50);

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Failure<E> {
    /// The decider refused it.
    Refused(E),
    /// Everything else.
    Other(AppError),
}

impl<E> From<AppError> for Failure<E> {
    fn from(error: AppError) -> Self {
        Self::Other(error)
    }
}

impl<E: Into<AppError>> Failure<E> {
    pub(crate) fn into_error(self) -> AppError {
        match self {
            Self::Refused(error) => error.into(),
            Self::Other(error) => error,
        }
    }
}

type Outcome<D> = Result<
    Done<Arc<<D as souk_domain::decider::Decider>::State>>,
    Failure<<D as souk_domain::decider::Decider>::Error>,
>;

/// What a stream says, read for a command on another stream.
#[derive(Clone, Debug)]
pub(crate) struct Fact<S> {
    pub state: Arc<S>,
    /// Of the last event; none when the stream has none.
    pub version: Option<u64>,
    /// Of the last event; 0 when there is none.
    pub position: Position,
    /// What the first event concerns.
    pub about: About,
}

/// One command on one stream.
pub(crate) struct Call<'a> {
    pub context: &'a Context,
    /// The stream's own id.
    pub id: Uuid,
    pub about: About,
    /// Whether the stream probably has no event yet: then the first try does not read it.
    pub new: bool,
}

impl<'a> Call<'a> {
    pub(crate) const fn on(context: &'a Context, id: Uuid, about: About) -> Self {
        Self { context, id, about, new: false }
    }

    pub(crate) const fn new(context: &'a Context, id: Uuid, about: About) -> Self {
        Self { context, id, about, new: true }
    }
}

impl App {
    /// Gives `command`; refusals become [`AppError`]s.
    pub(crate) async fn execute<D: Remembered>(
        &self,
        call: Call<'_>,
        command: D::Command,
    ) -> Result<Done<Arc<D::State>>, AppError>
    where
        D::Error: Into<AppError>,
    {
        self.decide::<D>(call, |_| Ok(command.clone())).await.map_err(Failure::into_error)
    }

    /// Gives the command that `make` makes of the stream's state; it is made again when the state turns out to be another.
    #[tracing::instrument(level = "debug", skip_all, fields(category = D::CATEGORY.as_str(), id = %call.id))]
    pub(crate) async fn decide<D: Remembered>(
        &self,
        call: Call<'_>,
        make: impl Fn(&D::State) -> Result<D::Command, AppError> + Send + Sync,
    ) -> Outcome<D> {
        let stream = StreamId::new(D::CATEGORY, call.id);
        let slot = D::memory(&self.memories).slot(call.id);
        let mut slot = slot.lock().await;
        let mut give_up = None;
        // Whether this command itself has read the stream: only then a refusal is final, since other processes write too.
        let mut read = false;
        if slot.is_none() && !(call.new && call.context.first_try) {
            self.refresh::<D>(stream, &mut slot).await?;
            read = true;
        }
        for tried in 0..MAX_APPENDS {
            let known = slot.get_or_insert_with(Known::nothing);
            if let Some(done) = known.trace_of(call.context.command) {
                return Ok(done);
            }
            let decided = match make(&known.state) {
                Ok(command) => D::decide(&known.state, command).map_err(Failure::Refused),
                Err(refusal) => Err(Failure::Other(refusal)),
            };
            let events = match decided {
                Ok(events) if !events.is_empty() => events,
                Ok(_) if read => return Ok(known.unchanged()),
                Err(refusal) if read => return Err(refusal),
                Ok(_) | Err(_) => {
                    self.refresh::<D>(stream, &mut slot).await?;
                    read = true;
                    continue;
                }
            };
            let events: Vec<DomainEvent> = events.into_iter().map(Into::into).collect();
            let sealed = self.seal(&call, stream, &events).await?;
            let expected = known.version.map_or(Expected::NoStream, Expected::Version);
            match self.ports.log.append(stream, expected, sealed).await {
                Ok(Appended::Ok { version, position }) => {
                    let known = slot.take().unwrap_or_else(Known::nothing);
                    let known = known.appended::<D>(call.context.command, call.about, events, version, position);
                    let done = known.trace_of(call.context.command).unwrap_or_else(|| known.unchanged());
                    *slot = Some(known);
                    return Ok(done);
                }
                Ok(Appended::Conflict { .. }) => {
                    tracing::debug!(tried, "the stream changed; deciding again");
                    self.pause(tried).await;
                    self.refresh::<D>(stream, &mut slot).await?;
                }
                Err(LogError::Unavailable(why)) => {
                    let until = *give_up.get_or_insert_with(|| Instant::now() + PATIENCE);
                    self.look_again::<D>(stream, &mut slot, until, why).await?;
                }
                Err(error) => {
                    *slot = None;
                    return Err(AppError::from(error).into());
                }
            }
            read = true;
        }
        Err(AppError::Unavailable(format!("too many writers on stream {stream}")).into())
    }

    /// Takes the key of `call` for `holder`; false when another has it.
    pub(crate) async fn reserve<D>(
        &self,
        call: Call<'_>,
        kind: reservation::Kind,
        holder: Uuid,
    ) -> Result<bool, AppError>
    where
        D: Remembered<Command = reservation::Command, Error = reservation::Error>,
    {
        match self.decide::<D>(call, |_| Ok(reservation::Command::Reserve { kind, holder })).await {
            Ok(_) => Ok(true),
            Err(Failure::Refused(reservation::Error::Taken { .. })) => Ok(false),
            Err(Failure::Other(error)) => Err(error),
        }
    }

    /// What the stream says, at most `age` old.
    pub(crate) async fn fact<D: Remembered>(&self, id: Uuid, age: Duration) -> Result<Fact<D::State>, AppError> {
        let shared = D::memory(&self.memories).slot(id);
        let mut slot = shared.lock().await;
        if slot.as_ref().is_none_or(|known| known.position < shared.heard() || !self.holds(known, age)) {
            self.refresh::<D>(StreamId::new(D::CATEGORY, id), &mut slot).await?;
        }
        let known = slot.get_or_insert_with(Known::nothing);
        Ok(Fact {
            state: Arc::clone(&known.state),
            version: known.version,
            position: known.position,
            about: known.about,
        })
    }

    /// Whether what is known was still so at most `age` ago, as long as nothing newer was heard of.
    fn holds<S>(&self, known: &Known<S>, age: Duration) -> bool {
        !age.is_zero() && (known.confirmed.elapsed() <= age || self.following.vouches(known.confirmed, age))
    }

    /// Reads what the log has behind what is remembered.
    async fn refresh<D: Remembered>(
        &self,
        stream: StreamId,
        slot: &mut Option<Known<D::State>>,
    ) -> Result<(), AppError> {
        let confirmed = Instant::now();
        let mut known = slot.take().unwrap_or_else(Known::nothing);
        loop {
            let from = known.version.map_or(0, |version| version + 1);
            let page = self.ports.log.read_stream(stream, from, PAGE).await?;
            for recorded in &page {
                let event = self.open(recorded).await?;
                known = known.recorded::<D>(recorded, event)?;
            }
            if page.len() < PAGE {
                break;
            }
        }
        known.confirmed = confirmed;
        *slot = Some(known);
        Ok(())
    }

    /// After an append with an unknown outcome: reads the stream from its beginning, as soon as the log answers again.
    async fn look_again<D: Remembered>(
        &self,
        stream: StreamId,
        slot: &mut Option<Known<D::State>>,
        until: Instant,
        why: String,
    ) -> Result<(), AppError> {
        tracing::warn!(%stream, why, "the outcome of an append is unknown");
        loop {
            *slot = None;
            if Instant::now() >= until {
                return Err(AppError::Unavailable(why));
            }
            tokio::time::sleep(RETRY).await;
            match self.refresh::<D>(stream, slot).await {
                Err(AppError::Unavailable(_)) => {}
                read => return read,
            }
        }
    }

    /// Lets the others go first, longer with every conflict, and not all of them at once.
    async fn pause(&self, tried: u32) {
        let mut random = [0; 1];
        self.ports.random.fill(&mut random);
        let most = 1_u64 << tried.min(6);
        tokio::time::sleep(Duration::from_millis(most * u64::from(random[0]) / 255)).await;
    }

    /// An event as it was before it was sealed.
    pub(crate) async fn open(&self, recorded: &RecordedEvent) -> Result<DomainEvent, AppError> {
        let unreadable = |problem: &dyn std::fmt::Display| {
            AppError::Internal(format!(
                "event {} at position {} of stream {}: {problem}",
                recorded.id, recorded.position, recorded.stream
            ))
        };
        if !has_mark(&recorded.data, SEALED_MARKER) {
            return DomainEvent::decode_bytes(&recorded.event_type, recorded.schema_version, &recorded.data)
                .map_err(|error| unreadable(&error));
        }
        let data = serde_json::from_slice(&recorded.data).map_err(|error| unreadable(&error))?;
        let data = self.ports.vault.open(recorded.id, recorded.stream, data).await?;
        DomainEvent::decode(&recorded.event_type, recorded.schema_version, data).map_err(|error| unreadable(&error))
    }

    /// The events as the log keeps them. Everything in them follows from the command, so that a retry gives the same bytes.
    async fn seal(&self, call: &Call<'_>, stream: StreamId, events: &[DomainEvent]) -> Result<Vec<NewEvent>, AppError> {
        let metadata = Metadata {
            actor: call.context.actor,
            command_id: call.context.command,
            correlation_id: call.context.correlation,
            causation_id: call.context.causation,
            traceparent: call.context.traceparent.clone(),
            plugin_id: call.about.plugin,
            vendor_id: call.about.vendor,
        };
        let unwritable = |error: serde_json::Error| AppError::Internal(format!("an event cannot be written: {error}"));
        let metadata = Bytes::from(serde_json::to_vec(&metadata).map_err(unwritable)?);
        let mut sealed = Vec::with_capacity(events.len());
        for (index, event) in events.iter().enumerate() {
            let id = event_id(call.context.command, stream, index);
            let mut data = event.encode_bytes();
            if has_mark(&data, CLEAR_MARKER) || has_mark(&data, SEALED_MARKER) {
                let sealed = self.ports.vault.seal(id, stream, event.encode().data).await?;
                data = serde_json::to_vec(&sealed).map_err(unwritable)?;
            }
            sealed.push(NewEvent {
                id,
                event_type: event.event_type().to_owned(),
                schema_version: event.schema_version(),
                data: data.into(),
                metadata: metadata.clone(),
            });
        }
        Ok(sealed)
    }
}

impl<S: Default + Clone> Known<S> {
    fn trace_of(&self, command: CommandId) -> Option<Done<Arc<S>>> {
        self.seen.get(&command).map(|trace| Done {
            value: Arc::clone(&self.state),
            position: trace.position,
            changed: true,
            wrote: Some(trace.wrote.to_string()),
        })
    }

    fn unchanged(&self) -> Done<Arc<S>> {
        Done { value: Arc::clone(&self.state), position: self.position, changed: false, wrote: None }
    }

    fn remember(&mut self, command: CommandId, event_type: &str, position: Position) {
        self.seen
            .entry(command)
            .and_modify(|trace| trace.position = position)
            .or_insert_with(|| Trace { position, wrote: event_type.into() });
    }

    /// With an event that the log had.
    fn recorded<D: Remembered<State = S>>(
        mut self,
        recorded: &RecordedEvent,
        event: DomainEvent,
    ) -> Result<Self, AppError> {
        let corrupt = |problem: String| {
            AppError::Internal(format!("position {} of stream {}: {problem}", recorded.position, recorded.stream))
        };
        let event = D::Event::try_from(event)
            .map_err(|event| corrupt(format!("`{}` does not belong here", event.event_type())))?;
        let metadata: Metadata =
            serde_json::from_slice(&recorded.metadata).map_err(|error| corrupt(format!("metadata: {error}")))?;
        if self.version.is_none() {
            self.about = About { plugin: metadata.plugin_id, vendor: metadata.vendor_id };
        }
        self.remember(metadata.command_id, &recorded.event_type, recorded.position);
        self.state = Arc::new(D::evolve(Arc::unwrap_or_clone(self.state), &event));
        self.version = Some(recorded.version);
        self.position = recorded.position;
        Ok(self)
    }

    /// With the events that a command just appended.
    fn appended<D: Remembered<State = S>>(
        mut self,
        command: CommandId,
        about: About,
        events: Vec<DomainEvent>,
        version: u64,
        position: Position,
    ) -> Self {
        if self.version.is_none() {
            self.about = about;
        }
        let mut state = Arc::unwrap_or_clone(self.state);
        for event in events {
            let wrote = event.event_type();
            self.seen.entry(command).or_insert_with(|| Trace { position, wrote: wrote.into() });
            if let Ok(event) = D::Event::try_from(event) {
                state = D::evolve(state, &event);
            }
        }
        self.state = Arc::new(state);
        self.version = Some(version);
        self.position = position;
        self.confirmed = Instant::now();
        self
    }
}

/// The id of the event with this index among those that `command` writes to `stream`.
fn event_id(command: CommandId, stream: StreamId, index: usize) -> Uuid {
    derive(&["event", &command.to_string(), &stream.to_string(), &index.to_string()])
}

/// Whether a field of the JSON `data` may be called `mark`. A false alarm costs time only.
fn has_mark(data: &[u8], mark: &str) -> bool {
    memchr::memmem::find_iter(data, mark).any(|at| at > 0 && data[at - 1] == b'"')
}
