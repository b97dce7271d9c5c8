//! Following the rows.

use std::sync::{Arc, atomic::Ordering};

use souk_projector::{Projection, ReadGuard, Sight};
use tokio::{sync::watch, time::sleep};

use super::{Catalogue, LOOK, Shelf, ShowcaseOptions, View, WATCHFUL, Waiting};
use crate::QueryError;

/// The one task that fills shelves and changes them.
pub struct Follower {
    pub sight: Sight,
    /// Changes whenever the runner of this process moved the checkpoint.
    pub woken: Option<watch::Receiver<u64>>,
    pub options: ShowcaseOptions,
    pub sender: watch::Sender<Option<View>>,
    pub waiting: Arc<Waiting>,
}

impl Follower {
    pub async fn run(mut self) {
        loop {
            let guard = self.sight.guard();
            if let Err(error) = self.step(guard).await {
                tracing::warn!(%error, "changes of the catalogue could not be read");
                sleep(LOOK * 5).await;
            }
            if !self.pause().await {
                return;
            }
        }
    }

    /// Takes in what changed, or fills a new shelf where the old one is of another generation, or worn.
    async fn step(&self, guard: ReadGuard) -> Result<(), QueryError> {
        let schema = guard.schema(Catalogue.name()).unwrap_or_default();
        let current = self.sender.borrow().clone();
        let (shelf, since) = match current {
            Some(View { shelf, position }) if shelf.schema() == schema && !shelf.is_worn() => (shelf, position),
            _ => {
                let (shelf, position) = Shelf::fill(guard, self.options).await?;
                (Arc::new(shelf), position)
            }
        };
        // A generation without checkpoints has been dropped: the next look finds another.
        let Some(position) = shelf.look(since).await? else { return Ok(()) };
        self.show(View { shelf, position });
        Ok(())
    }

    fn show(&self, view: View) {
        self.sender.send_if_modified(|shown| {
            let same = |shown: &View| Arc::ptr_eq(&shown.shelf, &view.shelf) && shown.position == view.position;
            if shown.as_ref().is_some_and(same) {
                return false;
            }
            *shown = Some(view);
            true
        });
    }

    /// Waits until something may have changed. False when nothing ever will.
    async fn pause(&mut self) -> bool {
        let Self { sight, woken, waiting, sender, .. } = self;
        let waited_for = waiting.count.load(Ordering::SeqCst) > 0;
        let idle = if waited_for { WATCHFUL } else { LOOK };
        let moved = async {
            match woken {
                Some(woken) => drop(woken.changed().await),
                None => std::future::pending().await,
            }
        };
        let came = async { if waited_for { std::future::pending().await } else { waiting.came.notified().await } };
        let shown = sender.borrow().as_ref().map(|view| view.shelf.schema().to_owned());
        let mut open = true;
        let swapped = async {
            loop {
                if !sight.changed().await {
                    return false;
                }
                if sight.guard().schema(Catalogue.name()) != shown.as_deref() {
                    return true;
                }
            }
        };
        tokio::select! {
            () = moved => {}
            () = came => {}
            () = sleep(idle) => {}
            still = swapped => open = still,
        }
        open
    }
}
