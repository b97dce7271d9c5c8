//! Process managers: event in, command out.
//!
//! Each has a checkpoint and a lease of its own, so that of any number of processes one runs it. Its commands have ids that are
//! derived from the event, so that an event that is delivered again changes nothing. They read the feed and not the rebuild of
//! any read model, so rebuilds are silent. All of this first release start at the beginning of the log.

mod cancellations;
mod erasure;
mod executions;
mod installations;
mod invoices;
mod keys;
mod licensing;
mod notifying;
mod orphans;
mod refunds;
mod roles;
mod runner;
mod validating;
mod verdicts;
mod webhooks;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use souk_domain::{
    event::DomainEvent,
    id::{CommandId, VendorId},
};
use souk_ports::{Metadata, Position, RecordedEvent, store::ReactionStore};

pub(crate) use self::licensing::start_subscription;
pub use self::runner::{ReactionRunner, Status, contradiction};
use crate::{App, AppError, Context};

/// What a reaction answers.
pub(crate) struct Cause<'a> {
    pub recorded: &'a RecordedEvent,
    pub event: DomainEvent,
    /// The vendor that it concerned when it happened.
    pub vendor: Option<VendorId>,
    /// The command that answers it.
    pub ctx: Context,
}

/// One process manager.
#[async_trait]
pub(crate) trait Reaction: Send + Sync {
    /// Stable: its checkpoint is kept under this name.
    fn name(&self) -> &'static str;

    /// Whether events of this type concern it.
    fn handles(&self, event_type: &str) -> bool;

    /// Whether this event, which is of such a type, may need an answer. It is not opened yet: this is for what happens often and
    /// seldom needs one.
    fn concerns(&self, _recorded: &RecordedEvent) -> bool {
        true
    }

    /// How old an event must be before it is answered.
    fn delay(&self, _app: &App) -> Duration {
        Duration::ZERO
    }

    /// How many events may be answered at once, where their order does not matter.
    fn at_once(&self) -> usize {
        1
    }

    /// Answers one event. May be called again for the same one.
    async fn react(&self, app: &App, cause: &Cause<'_>) -> Result<(), AppError>;
}

/// Every reaction there is.
pub(crate) fn all() -> Vec<Arc<dyn Reaction>> {
    vec![
        Arc::new(licensing::Licensing),
        Arc::new(webhooks::WebhookIntake),
        Arc::new(refunds::Refunding),
        Arc::new(cancellations::Cancellations),
        Arc::new(invoices::Invoicing),
        Arc::new(validating::Validating),
        Arc::new(verdicts::Verdicts),
        Arc::new(installations::InstallationGuard),
        Arc::new(executions::LostExecutions),
        Arc::new(roles::VendorRoles),
        Arc::new(keys::VendorKeys),
        Arc::new(orphans::Orphans),
        Arc::new(notifying::Notifications),
        Arc::new(notifying::Announcements),
        Arc::new(erasure::Erasure),
    ]
}

/// Names of all reactions, for operators.
#[must_use]
pub fn names() -> Vec<&'static str> {
    all().iter().map(|reaction| reaction.name()).collect()
}

/// Answers `recorded` by `reaction`.
pub(crate) async fn answer(app: &App, reaction: &dyn Reaction, recorded: &RecordedEvent) -> Result<(), AppError> {
    let event = app.open(recorded).await?;
    let metadata: Metadata = serde_json::from_slice(&recorded.metadata).map_err(|error| {
        AppError::Internal(format!("metadata at position {} of the log: {error}", recorded.position))
    })?;
    let command = CommandId::derived(&["reaction", reaction.name(), &recorded.id.to_string()]);
    let ctx = Context {
        correlation: metadata.correlation_id,
        causation: recorded.id,
        traceparent: metadata.traceparent,
        ..Context::system(command)
    };
    reaction.react(app, &Cause { recorded, event, vendor: metadata.vendor_id, ctx }).await
}

/// Tries a parked event again; forgets it when that works.
///
/// # Errors
/// `NotFound`, or what the reaction failed with; then it stays parked.
pub async fn retry_parked(
    app: &App,
    store: &dyn ReactionStore,
    reaction: &str,
    position: Position,
) -> Result<(), AppError> {
    let unknown = AppError::NotFound("this parked event");
    let parked = store.parked(Some(reaction)).await?;
    let Some(mut parked) = parked.into_iter().find(|parked| parked.position == position) else { return Err(unknown) };
    let found = all().into_iter().find(|found| reaction.split('/').next() == Some(found.name()));
    let Some(found) = found else { return Err(unknown) };
    let recorded = app.ports.log.read_at(&[position]).await?.pop().ok_or(unknown)?;
    if let Err(error) = answer(app, &*found, &recorded).await {
        parked.reason = error.to_string();
        store.park(parked).await?;
        return Err(error);
    }
    store.unpark(reaction, position).await?;
    Ok(())
}
