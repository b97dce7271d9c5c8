//! Counting how often pages are looked at, and writing it down.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, NaiveDate, Utc};
use souk_domain::{
    id::{CommandId, PluginId, VendorId, derive},
    traffic::{Command, MAX_PAGES, Page, Traffic},
};
use uuid::Uuid;

use crate::{App, AppError, Context, execute::Call, memory::About};

/// Requests for different plugins seldom wait for each other.
const SHARDS: usize = 16;

type Counts = HashMap<(PluginId, VendorId), u64>;

/// What this process has counted and nobody wrote down.
#[derive(Default)]
pub(crate) struct Looks {
    counts: [Mutex<Counts>; SHARDS],
    writing: tokio::sync::Mutex<Writing>,
}

/// What is being written down, part by part. It stays until it is known to be written, and is then written once.
#[derive(Default)]
struct Writing {
    parts: Vec<Part>,
    /// The last moment that a part was counted until: each has one of its own.
    last: Option<DateTime<Utc>>,
}

struct Part {
    command: CommandId,
    until: DateTime<Utc>,
    pages: Vec<Page>,
}

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts that somebody looked at the page of `plugin`, whose vendor is `vendor`. Costs next to nothing.
pub fn looked_at(app: &App, plugin: PluginId, vendor: VendorId) {
    // The last byte of an id is as good as drawn.
    let [.., last] = plugin.uuid().into_bytes();
    if let Some(counts) = app.looks.counts.get(usize::from(last) % SHARDS) {
        *lock(counts).entry((plugin, vendor)).or_default() += 1;
    }
}

/// Writes down what was counted since the last time; how many looks that were. What could not be written is written the next time.
///
/// # Errors
/// `Unavailable`, and others of an append.
pub async fn write_down(app: &App) -> Result<u64, AppError> {
    let mut writing = app.looks.writing.lock().await;
    if writing.parts.is_empty() {
        writing.take(app);
    }
    let mut written = 0;
    while let Some(part) = writing.parts.last() {
        let ctx = Context::system(part.command);
        let stream = stream(app.process, part.until.date_naive());
        let command = Command::Count { pages: part.pages.clone(), until: part.until };
        app.execute::<Traffic>(Call::new(&ctx, stream, About::NOTHING), command).await?;
        written += part.pages.iter().map(|page| page.views).sum::<u64>();
        writing.parts.pop();
    }
    Ok(written)
}

/// A stream a process and UTC day: none grows for ever.
fn stream(process: Uuid, day: NaiveDate) -> Uuid {
    derive(&["traffic", &process.to_string(), &day.to_string()])
}

impl Writing {
    fn take(&mut self, app: &App) {
        let mut all = Counts::new();
        for shard in &app.looks.counts {
            for (page, views) in std::mem::take(&mut *lock(shard)) {
                *all.entry(page).or_default() += views;
            }
        }
        let mut pages: Vec<Page> =
            all.into_iter().map(|((plugin_id, vendor_id), views)| Page { plugin_id, vendor_id, views }).collect();
        pages.sort_unstable_by_key(|page| page.plugin_id);
        // Parts are written from the last to the first, and each has to be counted until later than the one before.
        let parts: Vec<_> = pages.chunks(MAX_PAGES).map(<[Page]>::to_vec).collect();
        let now = app.ports.clock.now();
        let mut until = self.last.map_or(now, |last| last.max(now));
        for pages in parts {
            until += chrono::Duration::microseconds(1);
            let command = CommandId::derived(&["traffic", &app.process.to_string(), &until.to_rfc3339()]);
            self.parts.push(Part { command, until, pages });
        }
        self.parts.reverse();
        self.last = Some(until);
    }
}
