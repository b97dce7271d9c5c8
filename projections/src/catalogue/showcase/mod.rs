//! What everybody looks at, kept in memory: the search index and the pages of one generation of the catalogue.
//!
//! It is derived from the catalogue's rows and follows them: rows carry the position of the event that changed them last, and one
//! task looks, whenever the checkpoint moves, for what changed. Another generation gets another [`Shelf`], which is filled beside
//! the one that serves and takes its place as a whole. Reasons: `docs/adr/0019-search-in-memory.md`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use souk_ports::Position;
use souk_projector::{Behind, Projection, Reader};
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::{Catalogue, Plugin};

mod follow;
mod pages;
mod shelf;

pub use shelf::{Page, Shelf};

/// How often changes are looked for while somebody waits for one.
const WATCHFUL: Duration = Duration::from_millis(5);
/// How often they are looked for otherwise. The runner of this process tells of them, but another process may write them.
const LOOK: Duration = Duration::from_millis(50);

/// What a plugin's page looks like on the wire.
pub type Render = fn(Plugin) -> Vec<u8>;

/// How a showcase works.
#[derive(Clone, Copy, Debug)]
pub struct ShowcaseOptions {
    /// How pages are written.
    pub render: Render,
    /// How many bytes of pages are kept.
    pub page_bytes: u64,
}

/// Why nothing can be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotShown {
    /// The index is being filled.
    #[error("the search index is being filled")]
    Filling,
    /// The wanted position was not reached in time.
    #[error(transparent)]
    Behind(#[from] Behind),
}

/// How a showcase does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShowcaseStatus {
    /// Plugins in the index.
    pub plugins: usize,
    /// The position up to which it shows everything.
    pub position: Position,
    /// Pages that were there when they were asked for.
    pub hits: u64,
    /// Pages that had to be read.
    pub misses: u64,
    /// Bytes of pages that are kept.
    pub page_bytes: u64,
    /// Questions whose matches were known.
    pub asked_again: u64,
    /// Questions whose matches had to be looked for.
    pub asked_anew: u64,
}

/// The search index and the pages, for all requests of a process.
pub struct Showcase {
    view: watch::Receiver<Option<View>>,
    waiting: Arc<Waiting>,
    _stop: DropGuard,
}

/// A shelf, and the position up to which it shows everything.
#[derive(Clone)]
struct View {
    shelf: Arc<Shelf>,
    position: Position,
}

#[derive(Default)]
struct Waiting {
    count: AtomicUsize,
    came: Notify,
}

impl Showcase {
    /// Begins to fill a showcase through `reader`, and to follow what it reads.
    #[must_use]
    pub fn start(reader: &Reader, options: ShowcaseOptions) -> Self {
        let (sender, view) = watch::channel(None);
        let stop = CancellationToken::new();
        let waiting = Arc::new(Waiting::default());
        let woken = reader.wake().map(|wake| wake.on(Catalogue.name()));
        let follower = follow::Follower {
            sight: reader.sight(),
            woken,
            options,
            sender,
            waiting: Arc::clone(&waiting),
            foresight: reader.foresight(),
            ahead: None,
        };
        tokio::spawn(stop.clone().run_until_cancelled_owned(follower.run()));
        Self { view, waiting, _stop: stop.drop_guard() }
    }

    /// What to show once everything up to `min_position` is in it; waits at most `patience`.
    ///
    /// # Errors
    /// See [`NotShown`].
    pub async fn at(&self, min_position: Position, patience: Duration) -> Result<Arc<Shelf>, NotShown> {
        if let Ok(shelf) = self.now(min_position) {
            return Ok(shelf);
        }
        let _waiting = self.waiting.enter();
        let mut view = self.view.clone();
        let reached = view.wait_for(|view| view.as_ref().is_some_and(|view| view.position >= min_position));
        // In time or not, what counts is what is there.
        let _ = timeout(patience, reached).await;
        self.now(min_position)
    }

    fn now(&self, min_position: Position) -> Result<Arc<Shelf>, NotShown> {
        match self.view.borrow().as_ref() {
            Some(view) if view.position >= min_position => Ok(Arc::clone(&view.shelf)),
            Some(View { position, .. }) => {
                let projection = Catalogue.name().to_owned();
                Err(Behind { projection, reached: *position, wanted: min_position }.into())
            }
            None => Err(NotShown::Filling),
        }
    }

    /// The id of the plugin that has this name, as far as it is shown.
    #[must_use]
    pub fn likely(&self, name: &str) -> Option<Uuid> {
        self.view.borrow().as_ref().and_then(|view| view.shelf.known(name)).map(|known| known.id)
    }

    /// How it does; none while it is being filled.
    #[must_use]
    pub fn status(&self) -> Option<ShowcaseStatus> {
        self.view.borrow().as_ref().map(|view| view.shelf.status(view.position))
    }
}

impl Waiting {
    fn enter(self: &Arc<Self>) -> WaitingGuard {
        if self.count.fetch_add(1, Ordering::SeqCst) == 0 {
            self.came.notify_one();
        }
        WaitingGuard(Arc::clone(self))
    }
}

struct WaitingGuard(Arc<Waiting>);

impl Drop for WaitingGuard {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::SeqCst);
    }
}
