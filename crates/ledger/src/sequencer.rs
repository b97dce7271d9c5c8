//! The one that lets the tree grow and signs it.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::StreamExt;
use souk_ports::{EventLog, Filter, LedgerError, LogError, RecordedEvent, ledger::SignedCheckpoint};
use sqlx::{Connection, PgConnection, PgPool};
use tlog_tiles::{Hash, record_hash};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    leaf::{Leaf, Salts},
    note::{NoteError, SigningKey},
    outside::{Locked, Outside},
    store::{self, Head, NewLeaf},
    tree::{Edge, continues, tiles_of_consistency, unfinished},
};

/// Nobody else lets the tree grow while one has this.
const LOCK: &str = "SELECT pg_try_advisory_lock(hashtext('souk ledger sequencer'))";
/// How often one that stands by looks whether it may lead.
const STAND_BY: Duration = Duration::from_secs(1);
/// How long to wait after something went wrong.
const RETRY: Duration = Duration::from_secs(2);
/// The same after a refusal, which only an operator ends.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// A batch of so many may have more behind it.
const MANY: usize = 50;
/// Events read at once where no subscription bounds them.
const PAGE: usize = 500;
/// A leaf is shorter, for C2SP gives its length two bytes.
const MAX_LEAF: usize = u16::MAX as usize;

/// Why nothing is signed, and will not be until somebody has looked.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The database has less of the log than was signed.
    #[error(
        "tree_is_smaller: the log has {found} events, but a tree of {signed} was signed ({file}): an older backup was restored. \
         Restore one that is not older than that file"
    )]
    Smaller {
        /// Events of the log.
        found: u64,
        /// Leaves of the tree that was signed.
        signed: u64,
        /// Where that is kept.
        file: String,
    },
    /// The database has something else than was signed.
    #[error(
        "tree_is_forked: the first {signed} leaves are not those of the tree that was signed ({file}): the database was set back and \
         written again, or changed. Restore the one that goes with that file"
    )]
    Forked {
        /// Leaves of the tree that was signed.
        signed: u64,
        /// Where that is kept.
        file: String,
    },
    /// Tiles and head contradict each other.
    #[error(
        "tiles_do_not_fit: souk_ledger.tile does not give the root in souk_ledger.head ({size} leaves): somebody changed one of them"
    )]
    Tiles {
        /// Leaves of the tree.
        size: u64,
    },
    /// The log does not have the event that the last leaf is of.
    #[error(
        "log_differs: the event at {position} of the log is not {event}, which the ledger's last leaf is of: another log was restored"
    )]
    Log {
        /// Where it should be.
        position: u64,
        /// Its id.
        event: uuid::Uuid,
    },
    /// Another key signed so far.
    #[error(
        "key_differs: the ledger was signed with {known}, but the key that is configured is {configured}: bring back the right one"
    )]
    Key {
        /// Who signed.
        known: String,
        /// Who would.
        configured: String,
    },
    /// What is kept outside of the database cannot be trusted.
    #[error("outside_checkpoint_unreadable: {file}: {problem}")]
    Outside {
        /// Where it is.
        file: String,
        /// What is wrong.
        problem: String,
    },
}

/// Why the ledger does not go on.
#[derive(Debug, thiserror::Error)]
pub enum SequencerError {
    /// Somebody has to look.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database does not answer, or holds something impossible.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The log does not answer.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Nothing could be signed.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Another one leads meanwhile.
    #[error("another process has moved the ledger on")]
    Overtaken,
    /// The file outside of the database cannot be used now.
    #[error("the checkpoint outside of the database: {0}")]
    Outside(#[from] io::Error),
    /// The math of the tree does not come out.
    #[error("the tree: {0}")]
    Tree(String),
    /// The event's leaf is too long.
    #[error("the event at {0} makes a leaf that is too long")]
    TooLong(u64),
}

#[allow(clippy::needless_pass_by_value, reason = "it is what `map_err` calls")]
fn math(error: tlog_tiles::Error) -> SequencerError {
    SequencerError::Tree(error.to_string())
}

/// How it goes about it.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long events gather before they are put into the tree and it is signed.
    pub interval: Duration,
}

/// Lets the tree grow and signs it. Of several one works, the others stand by.
#[derive(Clone)]
pub struct Sequencer {
    pool: PgPool,
    log: Arc<dyn EventLog>,
    salts: Salts,
    key: SigningKey,
    outside: Outside,
    options: Options,
}

/// Where a sequencer is.
struct State {
    head: Head,
    edge: Edge,
}

impl Sequencer {
    /// One that works on the database of `pool`.
    #[must_use]
    pub fn new(
        pool: PgPool,
        log: Arc<dyn EventLog>,
        salts: Salts,
        key: SigningKey,
        outside: Outside,
        options: Options,
    ) -> Self {
        Self { pool, log, salts, key, outside, options }
    }

    /// Follows the log until `cancel`.
    pub async fn run(self, cancel: CancellationToken) {
        cancel.run_until_cancelled(self.stand_by()).await;
    }

    async fn stand_by(&self) {
        let mut said = String::new();
        loop {
            match self.lock().await {
                Ok(Some(mut lock)) => {
                    let Err(error) = self.lead(&mut lock).await;
                    self.tell(&error, &mut said).await;
                    let _ = lock.close().await;
                    sleep(if matches!(error, SequencerError::Refused(_)) { LOOK_AGAIN } else { RETRY }).await;
                }
                Ok(None) => sleep(STAND_BY).await,
                Err(error) => {
                    tracing::debug!(%error, "the ledger's lock cannot be had");
                    sleep(RETRY).await;
                }
            }
        }
    }

    /// A refusal is told where an operator looks, and once in the log; what passes by itself only in the log.
    async fn tell(&self, error: &SequencerError, said: &mut String) {
        let words = error.to_string();
        match error {
            SequencerError::Refused(_) => {
                if *said != words {
                    tracing::error!(why = words, "the ledger is not signed any more");
                }
                if let Err(error) = store::trouble(&self.pool, Some(&words)).await {
                    tracing::warn!(%error, "why the ledger is not signed could not be noted");
                }
            }
            _ => tracing::warn!(why = words, "the ledger does not go on; trying again"),
        }
        *said = words;
    }

    async fn lock(&self) -> Result<Option<PgConnection>, sqlx::Error> {
        let mut connection = self.pool.acquire().await?.detach();
        if sqlx::query_scalar(LOCK).fetch_one(&mut connection).await? {
            return Ok(Some(connection));
        }
        connection.close().await?;
        Ok(None)
    }

    async fn lead(&self, lock: &mut PgConnection) -> Result<std::convert::Infallible, SequencerError> {
        let mut state = self.begin().await?;
        let mut signed = Instant::now();
        self.sign(&state).await?;
        let mut events = self.log.subscribe(state.head.last.map_or(0, |(position, _)| position)).await?;
        while let Some(batch) = events.next().await {
            let batch = batch?;
            let many = batch.len() >= MANY;
            self.take(&mut state, batch).await?;
            let position = state.head.last.map_or(0, |(position, _)| position);
            // Events that come one by one are gathered; those that are there already are not waited for.
            let behind = many && position < self.log.head().await?;
            if behind && signed.elapsed() < self.options.interval {
                continue;
            }
            lock.ping().await.map_err(store::failed)?;
            self.sign(&state).await?;
            signed = Instant::now();
            if !behind {
                sleep(self.options.interval).await;
            }
        }
        Err(LogError::Unavailable("the subscription ended".to_owned()).into())
    }

    /// Puts all that is in the log now into the tree, and signs it.
    ///
    /// # Errors
    /// See [`SequencerError`].
    pub async fn once(&self) -> Result<Option<SignedCheckpoint>, SequencerError> {
        let state = self.catch_up().await?;
        self.sign(&state).await
    }

    /// Puts all that is in the log now into the tree without signing it, as one does that is stopped in between.
    ///
    /// # Errors
    /// See [`SequencerError`].
    pub async fn grow(&self) -> Result<u64, SequencerError> {
        self.catch_up().await.map(|state| state.head.size)
    }

    async fn catch_up(&self) -> Result<State, SequencerError> {
        let mut state = self.begin().await?;
        loop {
            let after = state.head.last.map_or(0, |(position, _)| position);
            let events = self.log.read_all(after, &Filter::default(), PAGE).await?;
            if events.is_empty() {
                return Ok(state);
            }
            self.take(&mut state, events).await?;
        }
    }

    /// Where to go on, after everything was held against everything else.
    async fn begin(&self) -> Result<State, SequencerError> {
        let row = store::head(&self.pool).await?;
        self.check_key(row.verifier_key.as_deref())?;
        let state = self.restore(row.head).await?;
        self.check_log(&state.head).await?;
        let locked = self.outside.lock()?;
        match self.anchor(&locked)? {
            Some(anchor) => self.check_anchor(&state, &anchor).await?,
            // A machine that has no file yet begins with what the database says.
            None => {
                if let Some((size, note)) = &row.signed {
                    let anchor = self.key.verifier().open(note)?;
                    self.check_anchor(&state, &anchor).await?;
                    tracing::warn!(
                        size,
                        file = %self.outside.path().display(),
                        "there is no checkpoint outside of the database: the one in it is taken"
                    );
                    locked.replace(note)?;
                }
            }
        }
        store::trouble(&self.pool, None).await?;
        Ok(state)
    }

    fn check_key(&self, known: Option<&str>) -> Result<(), Refusal> {
        let configured = self.key.verifier().to_string();
        match known {
            Some(known) if known != configured => Err(Refusal::Key { known: known.to_owned(), configured }),
            _ => Ok(()),
        }
    }

    async fn restore(&self, head: Head) -> Result<State, SequencerError> {
        let tiles = store::tiles(&self.pool, unfinished(head.size).into_iter().map(|(key, _)| key)).await?;
        let tiles = tiles.0.into_iter().map(|(key, tile)| (key, tile.to_vec())).collect();
        let edge = Edge::restore(head.size, &tiles).ok_or(Refusal::Tiles { size: head.size })?;
        if edge.root().map_err(math)? != head.root {
            return Err(Refusal::Tiles { size: head.size }.into());
        }
        Ok(State { head, edge })
    }

    async fn check_log(&self, head: &Head) -> Result<(), SequencerError> {
        let Some((position, event)) = head.last else { return Ok(()) };
        match self.log.read_at(&[position]).await?.first() {
            Some(found) if found.id == event => Ok(()),
            _ => Err(Refusal::Log { position, event }.into()),
        }
    }

    /// What was signed last, as the file outside of the database has it.
    fn anchor(&self, locked: &Locked) -> Result<Option<SignedCheckpoint>, SequencerError> {
        let Some(note) = locked.read()? else { return Ok(None) };
        let opened = self.key.verifier().open(&note);
        opened.map(Some).map_err(|error| Refusal::Outside { file: self.file(), problem: error.to_string() }.into())
    }

    fn file(&self) -> String {
        self.outside.path().display().to_string()
    }

    /// Whether the tree continues what was signed, or will when it has taken in what is in the log already.
    async fn check_anchor(&self, state: &State, anchor: &SignedCheckpoint) -> Result<(), SequencerError> {
        let forked = || Refusal::Forked { signed: anchor.size, file: self.file() };
        if anchor.size == 0 {
            return Ok(());
        }
        let (size, root) = (state.head.size, Hash(anchor.root));
        if anchor.size <= size {
            let wanted = tiles_of_consistency(anchor.size, size).map_err(math)?;
            let tiles = store::tiles(&self.pool, wanted).await?;
            return continues(&tiles, (anchor.size, root), (size, state.head.root)).map_err(|_| forked().into());
        }
        // The database may be older than the log. Nothing is written before it has come out that this is all.
        let mut edge = state.edge.clone();
        let mut after = state.head.last.map_or(0, |(position, _)| position);
        while edge.size() < anchor.size {
            let left = usize::try_from(anchor.size - edge.size()).unwrap_or(PAGE).min(PAGE);
            let events = self.log.read_all(after, &Filter::default(), left).await?;
            let Some(last) = events.last() else {
                return Err(Refusal::Smaller { found: edge.size(), signed: anchor.size, file: self.file() }.into());
            };
            after = last.position;
            let leaves = self.leaves(edge.size(), &events)?;
            edge.extend(leaves.iter().map(|leaf| record_hash(&leaf.entry)));
        }
        if edge.root().map_err(math)? == root { Ok(()) } else { Err(forked().into()) }
    }

    fn leaves(&self, first: u64, events: &[RecordedEvent]) -> Result<Vec<NewLeaf>, SequencerError> {
        let leaf = |(index, event): (u64, &RecordedEvent)| {
            let leaf = Leaf::of(index, event, &self.salts.openings(event));
            let entry = leaf.encode().map_err(|error| SequencerError::Tree(error.to_string()))?;
            if entry.len() >= MAX_LEAF {
                return Err(SequencerError::TooLong(event.position));
            }
            Ok(NewLeaf { position: event.position, entry })
        };
        (first..).zip(events).map(leaf).collect()
    }

    async fn take(&self, state: &mut State, events: Vec<RecordedEvent>) -> Result<(), SequencerError> {
        let Some(last) = events.last().map(|event| (event.position, event.id)) else { return Ok(()) };
        let leaves = self.leaves(state.head.size, &events)?;
        let mut edge = state.edge.clone();
        let tiles = edge.extend(leaves.iter().map(|leaf| record_hash(&leaf.entry)));
        let head = Head { size: edge.size(), root: edge.root().map_err(math)?, last: Some(last) };
        if !store::commit(&self.pool, &state.head, &head, leaves, tiles).await? {
            return Err(SequencerError::Overtaken);
        }
        *state = State { head, edge };
        Ok(())
    }

    /// Signs the tree, unless that was done. It is held against the file outside of the database once more, whose lock nobody else
    /// has meanwhile; the file comes first, so that nothing is ever told that it does not know.
    async fn sign(&self, state: &State) -> Result<Option<SignedCheckpoint>, SequencerError> {
        if state.head.size == 0 {
            return Ok(None);
        }
        let locked = self.outside.lock()?;
        if let Some(anchor) = self.anchor(&locked)? {
            // It was held against the log when this one began, and the tree has not come so far again yet.
            if anchor.size > state.head.size {
                return Ok(None);
            }
            self.check_anchor(state, &anchor).await?;
            if anchor.size == state.head.size && anchor.root == state.head.root.0 {
                store::signed(&self.pool, &anchor, &self.key.verifier().to_string()).await?;
                return Ok(Some(anchor));
            }
        }
        let signed = self.key.sign(state.head.size, state.head.root.0)?;
        let note = signed.note.clone();
        let written = tokio::task::spawn_blocking(move || locked.replace(&note).map(|()| locked)).await;
        // The lock is held until the database knows it as well.
        let _locked = written.map_err(io::Error::other)??;
        store::signed(&self.pool, &signed, &self.key.verifier().to_string()).await?;
        Ok(Some(signed))
    }
}
