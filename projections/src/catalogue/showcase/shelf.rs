//! One generation's index and pages.

use std::sync::{
    Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache};
use souk_domain::name::PluginName;
use souk_ports::Position;
use souk_projector::{Projection, ReadGuard};
use souk_search::{Figures, Hit, Index, Known, Listing, Matches, Query};
use sqlx::{AssertSqlSafe, FromRow, PgPool, Row, postgres::PgRow};
use uuid::Uuid;

use super::{Catalogue, ShowcaseOptions, ShowcaseStatus, pages::Pages};
use crate::QueryError;

/// Rows that are read at once while filling. No statement runs into its time limit, however many plugins there are.
const CHUNK: i64 = 5_000;

const CHECKPOINT: &str = include_str!("checkpoint.sql");
const FIGURES: &str = include_str!("figures.sql");
const TEXTS: &str = include_str!("texts.sql");

/// The connections over which a generation is read at present.
pub struct Connections(RwLock<ReadGuard>);

impl Connections {
    pub fn pool(&self) -> PgPool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).pool().clone()
    }
}

/// The index and the pages of one generation of the catalogue.
pub struct Shelf {
    /// The schema that it is of.
    schema: String,
    connections: Arc<Connections>,
    index: RwLock<Index>,
    pages: Pages,
    /// What was asked, and what it matches; only while that is fresh.
    asked: Cache<Query, Arc<Matches>, Size>,
    asked_again: AtomicU64,
    asked_anew: AtomicU64,
    /// Counts looks, to tell what was touched when.
    looks: AtomicU64,
}

/// Bytes of matches that are kept.
const ASKED_BYTES: u64 = 32 << 20;
/// How many bytes the matches of a question take commonly; to know how many there will be.
const ASKED_COMMON: u64 = 5_000;

/// Matches are as heavy as they are large.
#[derive(Clone)]
struct Size;

impl Weighter<Query, Arc<Matches>> for Size {
    fn weight(&self, _: &Query, matches: &Arc<Matches>) -> u64 {
        matches.size() as u64
    }
}

/// The page of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Of which.
    pub plugin: Uuid,
    /// Whose.
    pub vendor: Uuid,
    /// As whoever shows it renders it.
    pub bytes: Bytes,
}

/// What the index is told of a plugin.
struct Told {
    id: Uuid,
    described: i64,
    figures: Figures,
}

impl FromRow<'_, PgRow> for Told {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("plugin_id")?,
            described: row.try_get("described")?,
            figures: Figures {
                listed: row.try_get("listed")?,
                vendor: row.try_get("vendor_id")?,
                pricing: row.try_get("pricing")?,
                installs: row.try_get("installs")?,
                rating: row.try_get("rating")?,
                reliability: row.try_get("reliability")?,
            },
        })
    }
}

/// What the index is told of a plugin, with its words.
struct Described(Told, Listing);

impl FromRow<'_, PgRow> for Described {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let listing = Listing {
            name: row.try_get("name")?,
            name_key: row.try_get("name_key")?,
            display_name: row.try_get("display_name")?,
            summary: row.try_get("summary")?,
            description: row.try_get("description")?,
            category: row.try_get("category")?,
            tags: row.try_get("tags")?,
            kind: row.try_get("kind")?,
            license: row.try_get("license")?,
            born: row.try_get("born")?,
        };
        Ok(Self(Told::from_row(row)?, listing))
    }
}

impl Shelf {
    /// A shelf with everything that `guard` sees; the position up to which it surely is.
    pub async fn fill(guard: ReadGuard, options: ShowcaseOptions) -> Result<(Self, Position), QueryError> {
        let started = std::time::Instant::now();
        let schema = guard.schema(Catalogue.name()).unwrap_or_default().to_owned();
        // Before the rows: what is written while they are read is found by the first look.
        let position: Option<i64> = sqlx::query_scalar(CHECKPOINT).bind(&schema).fetch_one(guard.pool()).await?;
        let mut index = Index::new();
        let mut rows = chunk(&guard, Uuid::nil()).await?;
        while let Some(Described(last, _)) = rows.last() {
            let next = chunk(&guard, last.id);
            // Words are work for a core, and the database works on the next rows meanwhile.
            let filling = tokio::task::spawn_blocking(move || {
                for Described(Told { id, described, figures }, listing) in &rows {
                    index.put(*id, listing, *described, figures, 0);
                }
                index
            });
            let (filled, next) = tokio::join!(filling, next);
            index = filled.map_err(|error| QueryError::Unavailable(error.to_string()))?;
            rows = next?;
        }
        tracing::info!(
            schema,
            plugins = index.len(),
            seconds = started.elapsed().as_secs_f64(),
            "filled the search index"
        );
        let connections = Arc::new(Connections(RwLock::new(guard)));
        let pages = Pages::new(Arc::clone(&connections), options);
        let questions = usize::try_from(ASKED_BYTES / ASKED_COMMON).unwrap_or(usize::MAX);
        let shelf = Self {
            schema,
            connections,
            index: RwLock::new(index),
            pages,
            asked: Cache::with_weighter(questions, ASKED_BYTES, Size),
            asked_again: AtomicU64::new(0),
            asked_anew: AtomicU64::new(0),
            looks: AtomicU64::new(0),
        };
        Ok((shelf, position.unwrap_or(0).unsigned_abs()))
    }

    /// The schema that it is of.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// Reads over the connections of `guard` from now on, which sees the same generation. Those before are closed some time after
    /// any other read model was swapped.
    pub fn reconnect(&self, guard: ReadGuard) {
        *self.connections.0.write().unwrap_or_else(PoisonError::into_inner) = guard;
    }

    /// Whether filling another is worth it.
    pub fn is_worn(&self) -> bool {
        self.index().is_wasteful()
    }

    /// Takes in what changed behind `since`, the position up to which everything was in it; the position up to which everything is
    /// now. None when the generation is gone.
    ///
    /// Partitions are written each at its own pace. Everything behind the *least* checkpoint of the look before is asked for,
    /// and not behind the greatest position seen: a slower partition may have written below that since.
    pub async fn look(&self, since: Position) -> Result<Option<Position>, QueryError> {
        let since = i64::try_from(since).unwrap_or(i64::MAX);
        let sql = include_str!("changes.sql").replace("/*figures*/", FIGURES);
        let rows =
            sqlx::query(AssertSqlSafe(sql)).bind(self.schema()).bind(since).fetch_all(&self.connections.pool()).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let Some(position) = first.try_get::<Option<i64>, _>("checkpoint")? else { return Ok(None) };
        let vendors: Vec<Uuid> = first.try_get("vendors")?;
        let mut changed = Vec::with_capacity(rows.len());
        for row in &rows {
            if row.try_get::<Option<Uuid>, _>("plugin_id")?.is_some() {
                changed.push(Told::from_row(row)?);
            }
        }
        let described = self.texts_of(&changed).await?;
        let look = self.looks.fetch_add(1, Ordering::Relaxed) + 1;
        // One lock a plugin: nobody waits for more than that.
        for Described(Told { id, described, figures }, listing) in &described {
            self.index_mut().put(*id, listing, *described, figures, look);
        }
        for Told { id, figures, .. } in &changed {
            self.index_mut().set(*id, figures, look);
        }
        for vendor in vendors {
            self.index_mut().touch_vendor(vendor, look);
        }
        Ok(Some(position.unsigned_abs()))
    }

    /// Those of `changed` whose words are not in the index as they are now.
    async fn texts_of(&self, changed: &[Told]) -> Result<Vec<Described>, QueryError> {
        let other: Vec<Uuid> = {
            let index = self.index();
            let is_other = |told: &&Told| index.described(told.id) != Some(told.described);
            changed.iter().filter(is_other).map(|told| told.id).collect()
        };
        if other.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!("SELECT {FIGURES}, {TEXTS} WHERE p.plugin_id = ANY($1)");
        Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(other).fetch_all(&self.connections.pool()).await?)
    }

    /// The plugin that `id_or_name` means.
    pub fn known(&self, id_or_name: &str) -> Option<Known> {
        match id_or_name.parse() {
            Ok(id) => self.index().known(id),
            Err(_) => self.index().named(&PluginName::parse(id_or_name).ok()?.key()),
        }
    }

    /// The page of the plugin that `id_or_name` means; names are compared in lower case with `.`, `_` and `-` equal.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn page(&self, id_or_name: &str) -> Result<Option<Page>, QueryError> {
        let Some(Known { id, vendor, touched }) = self.known(id_or_name) else { return Ok(None) };
        Ok(self.pages.get(id, touched).await?.map(|bytes| Page { plugin: id, vendor, bytes }))
    }

    /// What `query` matches, its hits, and the pages of those but for the last `spare` ones of a whole page.
    pub(in crate::catalogue) async fn find(
        &self,
        query: &Query,
        spare: usize,
    ) -> Result<(Arc<Matches>, Vec<Hit>, Vec<Bytes>), QueryError> {
        let (matches, hits, wanted) = {
            let index = self.index();
            let matches = self.matches(&index, query);
            let hits = index.hits(query, &matches);
            let shown = hits.iter().take(query.limit.saturating_sub(spare));
            let wanted: Vec<(Uuid, u64)> =
                shown.map(|hit| (hit.id, index.touched(hit.id).unwrap_or_default())).collect();
            (matches, hits, wanted)
        };
        let pages = self.pages.get_all(&wanted).await?;
        Ok((matches, hits, pages))
    }

    fn matches(&self, index: &Index, query: &Query) -> Arc<Matches> {
        let question = query.question();
        if let Some(matches) = self.asked.get(&question).filter(|matches| index.is_fresh(query, matches)) {
            self.asked_again.fetch_add(1, Ordering::Relaxed);
            return matches;
        }
        self.asked_anew.fetch_add(1, Ordering::Relaxed);
        let matches = Arc::new(index.matches(query));
        self.asked.insert(question, Arc::clone(&matches));
        matches
    }

    /// How it does.
    pub fn status(&self, position: Position) -> ShowcaseStatus {
        let (hits, misses, page_bytes) = self.pages.counts();
        let asked_again = self.asked_again.load(Ordering::Relaxed);
        let asked_anew = self.asked_anew.load(Ordering::Relaxed);
        ShowcaseStatus { plugins: self.index().len(), position, hits, misses, page_bytes, asked_again, asked_anew }
    }

    // A panic leaves the index whole but for the plugin at hand.
    fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn chunk(guard: &ReadGuard, after: Uuid) -> Result<Vec<Described>, QueryError> {
    let sql = format!("SELECT {FIGURES}, {TEXTS} WHERE p.plugin_id > $1 ORDER BY p.plugin_id LIMIT $2");
    Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(after).bind(CHUNK).fetch_all(guard.pool()).await?)
}
