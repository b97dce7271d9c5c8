//! Pages as they go over the wire, kept until they change, and read together when they are not there.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache};
use sqlx::AssertSqlSafe;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::{ShowcaseOptions, shelf::Connections};
use crate::{
    QueryError,
    catalogue::query::{PLUGIN_COLUMNS, Plugin},
};

/// Pages that are read by one statement at most.
const TOGETHER: usize = 256;
/// What a page costs besides its bytes: its key, and what the cache knows of it.
const OVERHEAD: u64 = 100;

/// A page, and when its plugin was touched last before the page was read. Only while that is still so, the page is right.
#[derive(Clone)]
struct Page {
    body: Bytes,
    touched: u64,
}

/// A page that somebody waits for.
struct Miss {
    id: Uuid,
    touched: u64,
    answer: oneshot::Sender<Result<Option<Bytes>, Arc<sqlx::Error>>>,
}

/// Pages are as heavy as they are long.
#[derive(Clone)]
struct Length;

impl Weighter<Uuid, Page> for Length {
    fn weight(&self, _: &Uuid, page: &Page) -> u64 {
        page.body.len() as u64 + OVERHEAD
    }
}

/// How long a page is commonly, bytes; to know how many there will be.
const COMMON: u64 = 2_000;

/// The pages of one generation.
pub struct Pages {
    cache: Arc<Cache<Uuid, Page, Length>>,
    misses: mpsc::Sender<Miss>,
    hit: AtomicU64,
    missed: AtomicU64,
}

impl Pages {
    pub fn new(connections: Arc<Connections>, options: ShowcaseOptions) -> Self {
        let expected = usize::try_from(options.page_bytes / COMMON).unwrap_or(usize::MAX);
        let cache = Arc::new(Cache::with_weighter(expected, options.page_bytes, Length));
        let (misses, asked) = mpsc::channel(TOGETHER);
        // Ends when these pages, and with them the only sender, are gone.
        tokio::spawn(read(connections, options, Arc::clone(&cache), asked));
        Self { cache, misses, hit: AtomicU64::new(0), missed: AtomicU64::new(0) }
    }

    /// The page of `id`, which was touched last at `touched`; none when it is not there any more.
    pub async fn get(&self, id: Uuid, touched: u64) -> Result<Option<Bytes>, QueryError> {
        match self.kept(id, touched) {
            Some(body) => Ok(Some(body)),
            None => self.ask(id, touched).await,
        }
    }

    /// The pages of `all`, in order; without those that are not there any more.
    pub async fn get_all(&self, all: &[(Uuid, u64)]) -> Result<Vec<Bytes>, QueryError> {
        let kept: Vec<Option<Bytes>> = all.iter().map(|(id, touched)| self.kept(*id, *touched)).collect();
        if kept.iter().all(Option::is_some) {
            return Ok(kept.into_iter().flatten().collect());
        }
        let pages = kept.into_iter().zip(all).map(async |(kept, (id, touched))| match kept {
            Some(body) => Ok(Some(body)),
            None => self.ask(*id, *touched).await,
        });
        Ok(futures::future::try_join_all(pages).await?.into_iter().flatten().collect())
    }

    fn kept(&self, id: Uuid, touched: u64) -> Option<Bytes> {
        let page = self.cache.get(&id).filter(|page| page.touched == touched);
        let counter = if page.is_some() { &self.hit } else { &self.missed };
        counter.fetch_add(1, Ordering::Relaxed);
        page.map(|page| page.body)
    }

    async fn ask(&self, id: Uuid, touched: u64) -> Result<Option<Bytes>, QueryError> {
        let (answer, answered) = oneshot::channel();
        let gone = |_| QueryError::Unavailable("pages are not read any more".to_owned());
        self.misses.send(Miss { id, touched, answer }).await.map_err(|_| gone(()))?;
        let page = answered.await.map_err(|_| gone(()))?;
        page.map_err(|error| QueryError::Unavailable(error.to_string()))
    }

    /// Hits, misses and bytes.
    pub fn counts(&self) -> (u64, u64, u64) {
        (self.hit.load(Ordering::Relaxed), self.missed.load(Ordering::Relaxed), self.cache.weight())
    }
}

/// Reads pages for all who wait: those who come while a statement runs go into the next one together.
async fn read(
    connections: Arc<Connections>,
    options: ShowcaseOptions,
    cache: Arc<Cache<Uuid, Page, Length>>,
    mut asked: mpsc::Receiver<Miss>,
) {
    let sql = format!("SELECT {PLUGIN_COLUMNS} WHERE p.plugin_id = ANY($1)");
    let (mut came, mut misses) = (Vec::with_capacity(TOGETHER), Vec::with_capacity(TOGETHER));
    while asked.recv_many(&mut came, TOGETHER).await > 0 {
        // Many ask for one page while it is read, where everybody looks.
        for miss in came.drain(..) {
            match cache.get(&miss.id).filter(|page| page.touched >= miss.touched) {
                // Nobody may wait any more.
                Some(page) => drop(miss.answer.send(Ok(Some(page.body)))),
                None => misses.push(miss),
            }
        }
        if misses.is_empty() {
            continue;
        }
        // Every one of these times is from before the statement; so the latest is good for the page.
        let mut wanted: HashMap<Uuid, u64> = HashMap::with_capacity(misses.len());
        for Miss { id, touched, .. } in &misses {
            match wanted.entry(*id) {
                Entry::Occupied(mut known) => *known.get_mut() = (*known.get()).max(*touched),
                Entry::Vacant(new) => drop(new.insert(*touched)),
            }
        }
        let ids: Vec<Uuid> = wanted.keys().copied().collect();
        let rows: Result<Vec<Plugin>, _> =
            sqlx::query_as(AssertSqlSafe(sql.clone())).bind(&ids).fetch_all(&connections.pool()).await;
        match rows {
            Ok(rows) => {
                let mut pages: HashMap<Uuid, Bytes> = HashMap::with_capacity(rows.len());
                for plugin in rows {
                    let id = plugin.id;
                    let body = Bytes::from((options.render)(plugin));
                    let touched = wanted.get(&id).copied().unwrap_or_default();
                    cache.insert(id, Page { body: body.clone(), touched });
                    pages.insert(id, body);
                }
                misses.drain(..).for_each(|miss| drop(miss.answer.send(Ok(pages.get(&miss.id).cloned()))));
            }
            Err(error) => {
                let error = Arc::new(error);
                misses.drain(..).for_each(|miss| drop(miss.answer.send(Err(Arc::clone(&error)))));
            }
        }
    }
}
