//! The history of a plugin with proofs.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::BASE64;
use souk_domain::{id::PluginId, stream::StreamId};
use souk_ports::{
    Position, RecordedEvent,
    audit::{AuditedEvent, Bundle, FORMAT, OpenedPart, Part, belongs_to_one_plugin},
    ledger::{Inclusion, Proofs, SignedCheckpoint},
};

use crate::{
    App, AppError, Context,
    ledger::{Looks, Opened, open},
    plugins::{self, PluginRef},
    vendors,
};

/// Events read or proven at once.
const PAGE: usize = 500;

/// A history with proofs, and what is not in it yet.
#[derive(Clone, Debug)]
pub struct Audit {
    /// The document.
    pub bundle: Bundle,
    /// Events that concern the plugin and that are in no signed tree yet.
    pub not_yet: usize,
}

/// Every event that concerns `plugin` and is in the tree that was signed last, with its proof, and with its bytes as far as the
/// caller may see them. Waits until the read model has reached `at_least`. `most` bounds how many events it may be.
///
/// # Errors
/// `NotFound`, `Behind`, `NotYetInLedger`, and `Invalid` when there are more than `most`.
pub async fn audit(
    app: &App,
    caller: &Context,
    plugin: &PluginRef,
    at_least: Position,
    most: usize,
) -> Result<Audit, AppError> {
    let (plugin, looks) = if caller.is_admin() {
        // An event that was changed must not keep its history from being looked at.
        (plugins::resolve(app, plugin).await?, Looks::All)
    } else {
        let fact = plugins::fact(app, plugin, app.settings().fact_age).await?;
        let plugin = plugins::created(&fact.state)?;
        let owner = vendors::get(app, plugin.vendor).await?.value.owner;
        (plugin.id, if caller.actor.id == Some(owner) { Looks::Vendor(owner) } else { Looks::None })
    };
    let events = events(app, plugin, at_least, most).await?;
    if events.is_empty() {
        return Err(AppError::NotFound("this plugin"));
    }
    let positions: Vec<Position> = events.keys().copied().collect();
    let (checkpoint, inclusions) = prove(app, &positions).await?;
    let status = app.ports.ledger.status().await?;
    let audited: Vec<AuditedEvent> = inclusions
        .iter()
        .filter_map(|item| Some(audited(item, open(app, events.get(&item.position)?, looks))))
        .collect();
    Ok(Audit {
        not_yet: events.len() - audited.len(),
        bundle: Bundle {
            format: FORMAT.to_owned(),
            plugin: plugin.to_string(),
            verifier_key: status.verifier_key.unwrap_or_default(),
            checkpoint: checkpoint.note,
            events: audited,
        },
    })
}

/// What the read model names, and what its streams hold beside it: nothing is left out because a read model did not know of it.
async fn events(
    app: &App,
    plugin: PluginId,
    at_least: Position,
    most: usize,
) -> Result<BTreeMap<Position, RecordedEvent>, AppError> {
    let too_many =
        || AppError::invalid("proofs", format!("this history has more than {most} events: `souk audit` exports it"));
    let (mut events, mut after) = (BTreeMap::new(), 0);
    loop {
        let positions = app.ports.timeline.page(plugin, after, PAGE, at_least).await?;
        let Some(last) = positions.last() else { break };
        after = *last;
        let read = app.ports.log.read_at(&positions).await?;
        events.extend(read.into_iter().map(|event| (event.position, event)));
        if events.len() > most {
            return Err(too_many());
        }
    }
    let mut streams: BTreeMap<StreamId, BTreeSet<u64>> = BTreeMap::new();
    for event in events.values().filter(|event| belongs_to_one_plugin(event.stream.category)) {
        streams.entry(event.stream).or_default().insert(event.version);
    }
    for (stream, known) in streams {
        // Most often all of it is there, and the stream has nothing behind it.
        let whole = (0..).zip(&known).all(|(expected, version)| expected == *version);
        let mut from = if whole { known.len() as u64 } else { 0 };
        loop {
            let page = app.ports.log.read_stream(stream, from, PAGE).await?;
            let Some(last) = page.last() else { break };
            from = last.version + 1;
            events.extend(page.into_iter().map(|event| (event.position, event)));
            if events.len() > most {
                return Err(too_many());
            }
        }
    }
    Ok(events)
}

/// Proofs for all of them in one tree.
async fn prove(app: &App, positions: &[Position]) -> Result<(SignedCheckpoint, Vec<Inclusion>), AppError> {
    // A tree that is signed in between would part the proofs; then they are all made of the newer one.
    for _ in 0..5 {
        let (mut tree, mut items, mut same) = (None, Vec::with_capacity(positions.len()), true);
        for page in positions.chunks(PAGE) {
            let Proofs { checkpoint, items: found } = app.ports.ledger.prove(page).await?;
            same &= tree.as_ref().is_none_or(|tree: &SignedCheckpoint| *tree == checkpoint);
            tree.get_or_insert(checkpoint);
            items.extend(found);
        }
        if let (Some(tree), true) = (tree, same) {
            return Ok((tree, items));
        }
    }
    Err(AppError::Unavailable("the ledger grows faster than proofs are made; try again".to_owned()))
}

fn audited(item: &Inclusion, opened: Opened) -> AuditedEvent {
    let part = |bytes: &[u8], salt: [u8; 32]| OpenedPart { bytes: BASE64.encode(bytes), salt: BASE64.encode(&salt) };
    let mut parts = BTreeMap::new();
    if let Some((bytes, salt)) = opened.data {
        parts.insert(Part::Data, part(&bytes, salt));
    }
    if let Some((bytes, salt)) = opened.metadata {
        parts.insert(Part::Metadata, part(&bytes, salt));
    }
    if let Some((stream, Some(salt))) = opened.stream {
        parts.insert(Part::Stream, part(stream.to_string().as_bytes(), salt));
    }
    AuditedEvent {
        position: item.position,
        index: item.index,
        leaf: BASE64.encode(&item.leaf),
        inclusion_proof: item.proof.iter().map(|hash| BASE64.encode(hash)).collect(),
        opened: parts,
    }
}
