//! Following the rows.

use std::sync::{Arc, atomic::Ordering};

use souk_ports::Position;
use souk_projector::{Foresight, Projection, ReadGuard, Sight};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Duration, Instant, sleep},
};

use super::{Catalogue, LOOK, Shelf, ShowcaseOptions, View, WATCHFUL, Waiting};
use crate::QueryError;

/// How often it is looked whether a rebuild is about to end.
const AHEAD: Duration = Duration::from_millis(250);

/// The one task that fills shelves and changes them.
pub struct Follower {
    pub sight: Sight,
    /// Changes whenever the runner of this process moved the checkpoint.
    pub woken: Option<watch::Receiver<u64>>,
    pub options: ShowcaseOptions,
    pub sender: watch::Sender<Option<View>>,
    pub waiting: Arc<Waiting>,
    /// What a rebuild will swap in.
    pub foresight: Foresight,
    pub ahead: Option<Ahead>,
}

/// A shelf of a generation that is not live yet, so that it is there at the moment of the swap.
pub struct Ahead {
    schema: String,
    filling: JoinHandle<Result<(Shelf, Position), QueryError>>,
}

impl Follower {
    pub async fn run(mut self) {
        let mut looked_ahead = Instant::now();
        loop {
            if looked_ahead.elapsed() > AHEAD {
                self.look_ahead().await;
                looked_ahead = Instant::now();
            }
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

    /// Begins to fill a shelf of the generation that will be live, if there is one.
    async fn look_ahead(&mut self) {
        // What cannot be seen now is filled after the swap.
        let Ok(next) = self.foresight.next(Catalogue.name()).await else { return };
        let schema = next.as_ref().and_then(|next| next.schema(Catalogue.name()));
        if schema == self.ahead.as_ref().map(|ahead| ahead.schema.as_str()) {
            return;
        }
        let live = self.sight.guard();
        if let Some(ahead) = self.ahead.take_if(|ahead| Some(ahead.schema.as_str()) != live.schema(Catalogue.name())) {
            ahead.filling.abort();
        }
        if let (None, Some(next), Some(schema)) = (&self.ahead, next.clone(), schema) {
            let filling = tokio::spawn(Shelf::fill(next, self.options));
            self.ahead = Some(Ahead { schema: schema.to_owned(), filling });
        }
    }

    /// Another shelf for what is live.
    async fn other(&mut self, guard: ReadGuard) -> Result<(Shelf, Position), QueryError> {
        let live = guard.schema(Catalogue.name());
        if let Some(ahead) = self.ahead.take_if(|ahead| Some(ahead.schema.as_str()) == live)
            && let Ok(Ok(filled)) = ahead.filling.await
        {
            return Ok(filled);
        }
        Shelf::fill(guard, self.options).await
    }

    /// Takes in what changed, or fills a new shelf where the old one is of another generation, or worn.
    async fn step(&mut self, guard: ReadGuard) -> Result<(), QueryError> {
        let schema = guard.schema(Catalogue.name()).unwrap_or_default();
        let current = self.sender.borrow().clone();
        let (shelf, since) = match current {
            Some(View { shelf, position }) if shelf.schema() == schema && !shelf.is_worn() => {
                shelf.reconnect(guard);
                (shelf, position)
            }
            _ => {
                let (shelf, position) = self.other(guard).await?;
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
