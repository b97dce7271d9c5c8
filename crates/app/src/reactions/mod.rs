//! Process managers: event in, command out.

use std::sync::Arc;

use souk_ports::{EventFeed, Position, store::ReactionStore};
use tokio_util::sync::CancellationToken;

use crate::{App, AppError};

/// Where a reaction stands in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The reaction.
    pub name: &'static str,
    /// Whether this process runs it (and no other).
    pub leading: bool,
    /// The last position it is done with, as far as this process knows.
    pub position: Position,
    /// How many events this process parked.
    pub parked: u64,
    /// What it waits for, while it does.
    pub waiting: Option<String>,
}

/// The running reactions of this process.
#[derive(Debug)]
pub struct ReactionRunner {}

impl ReactionRunner {
    /// Starts every reaction in a task of its own. Any number of processes may: a lease elects one runner a reaction.
    #[must_use]
    pub fn spawn(
        _app: Arc<App>,
        _feed: Arc<dyn EventFeed>,
        _store: Arc<dyn ReactionStore>,
        _cancel: CancellationToken,
    ) -> Self {
        unimplemented!()
    }

    /// Where each reaction stands.
    #[must_use]
    pub fn status(&self) -> Vec<Status> {
        unimplemented!()
    }

    /// Waits until all have ended, after `cancel`.
    pub async fn join(self) {
        unimplemented!()
    }
}

/// Tries a parked event again; forgets it when that works.
///
/// # Errors
/// `NotFound`, or what the reaction failed with.
pub async fn retry_parked(
    _app: &App,
    _store: &dyn ReactionStore,
    _reaction: &str,
    _position: Position,
) -> Result<(), AppError> {
    unimplemented!()
}
