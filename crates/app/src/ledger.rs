//! Proofs that an event is in the ledger, and who may check what it holds.

use serde_json::Value;
use souk_domain::{personal::SEALED_MARKER, stream::StreamId};
use souk_ports::{
    LedgerError, Metadata, Position, RecordedEvent,
    ledger::{Inclusion, SignedCheckpoint},
};

use crate::{App, AppError, Context, history, plugins, vendors};

/// That one event is in the ledger.
#[derive(Clone, Debug)]
pub struct EventProof {
    /// The tree.
    pub checkpoint: SignedCheckpoint,
    /// The leaf and its path.
    pub inclusion: Inclusion,
    /// What the caller may see of what the leaf has hashes of.
    pub opened: Opened,
}

/// What a leaf has hashes of, as far as somebody may see it, with the salts that make it checkable.
#[derive(Clone, Debug, Default)]
pub struct Opened {
    /// The stream, and the salt of its pseudonym where it has one.
    pub stream: Option<(StreamId, Option<[u8; 32]>)>,
    /// The exact bytes of the data.
    pub data: Option<(bytes::Bytes, [u8; 32])>,
    /// The exact bytes of the metadata.
    pub metadata: Option<(bytes::Bytes, [u8; 32])>,
}

/// The proof for the event at `position`.
///
/// # Errors
/// `NotFound`, `NotYetInLedger`.
pub async fn proof(app: &App, caller: &Context, position: Position) -> Result<EventProof, AppError> {
    let missing = AppError::NotFound("this event");
    // A log may refuse a position that it never gave.
    if position == 0 || position > app.ports.log.head().await? {
        return Err(missing);
    }
    let found = app.ports.log.read_at(&[position]).await?;
    let event = found.first().ok_or(missing)?;
    let proofs = app.ports.ledger.prove(&[position]).await?;
    let inclusion = proofs.items.into_iter().next().ok_or(AppError::NotYetInLedger)?;
    let opened = open(app, event, viewer(app, caller, event).await?);
    Ok(EventProof { checkpoint: proofs.checkpoint, inclusion, opened })
}

/// Who looks at an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looks {
    /// An admin, or somebody at the server's command line: sees every byte.
    All,
    /// The owner of the vendor of the plugin that it concerns.
    Vendor(souk_domain::id::UserId),
    /// Anyone else.
    None,
}

async fn viewer(app: &App, caller: &Context, event: &RecordedEvent) -> Result<Looks, AppError> {
    if caller.is_admin() {
        return Ok(Looks::All);
    }
    let Some(plugin) = metadata(event).and_then(|metadata| metadata.plugin_id) else { return Ok(Looks::None) };
    let fact = plugins::fact(app, &plugin.into(), app.settings().fact_age).await;
    let Ok(plugin) = fact.as_ref().map_err(Clone::clone).and_then(|fact| plugins::created(&fact.state)) else {
        return Ok(Looks::None);
    };
    let owner = vendors::get(app, plugin.vendor).await?.value.owner;
    Ok(if caller.actor.id == Some(owner) { Looks::Vendor(owner) } else { Looks::None })
}

fn metadata(event: &RecordedEvent) -> Option<Metadata> {
    serde_json::from_slice(&event.metadata).ok()
}

/// What `looks` sees of `event`. Bytes cannot be shown in part: a vendor sees data of which every field is for vendors, none of it
/// sealed (that names whose it is), and metadata that names no other person.
pub(crate) fn open(app: &App, event: &RecordedEvent, looks: Looks) -> Opened {
    let salts = app.ports.ledger.openings(event);
    let (sees_data, sees_metadata, sees_stream) = match looks {
        Looks::All => (true, true, true),
        Looks::None => (false, false, salts.stream.is_none()),
        Looks::Vendor(owner) => {
            let data = serde_json::from_slice(&event.data).is_ok_and(|data: Value| {
                !has_sealed(&data) && history::vendor_sees_all_of(&event.event_type, event.schema_version, &data)
            });
            let actor = metadata(event).map(|metadata| metadata.actor.id);
            let own = actor.is_some_and(|id| id.is_none_or(|id| id == owner));
            (data, own, salts.stream.is_none())
        }
    };
    Opened {
        stream: sees_stream.then_some((event.stream, salts.stream)),
        data: sees_data.then(|| (event.data.clone(), salts.data)),
        metadata: sees_metadata.then(|| (event.metadata.clone(), salts.metadata)),
    }
}

fn has_sealed(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.contains_key(SEALED_MARKER) || fields.values().any(has_sealed),
        Value::Array(items) => items.iter().any(has_sealed),
        _ => false,
    }
}

impl From<LedgerError> for AppError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Unavailable(why) => Self::Unavailable(why),
            LedgerError::Unsigned | LedgerError::BeyondTree { .. } => Self::NotYetInLedger,
            LedgerError::Corrupt(why) => Self::Internal(why),
        }
    }
}
