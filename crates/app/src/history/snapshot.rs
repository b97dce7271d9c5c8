//! A plugin as it stood at some moment.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, Utc};
use semver::Version;
use souk_domain::{
    decider::Decider,
    download,
    event::DomainEvent,
    execution::{self, Fault},
    id::{PluginId, UserId, VendorId},
    installation,
    plugin::{self, Plugin, Plugins},
    review::{self, Rating},
    stream::{Category, StreamId},
    validation,
    vendor::{self, Vendor, Vendors},
};
use souk_ports::Position;

use crate::{
    App, AppError,
    plugins::{self as listings, PluginRef},
};

/// Events in one read.
const PAGE: usize = 500;

/// A plugin and what was counted of it at some moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Its listing and versions; [`Plugin::latest`] is what new installations got.
    pub plugin: Plugin,
    /// Its vendor then.
    pub vendor: Vendor,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it, or a version of it, last changed.
    pub updated_at: DateTime<Utc>,
    /// Of the validation that was concluded last, 0 to 100.
    pub confidence: Option<u8>,
    /// How many shown reviews gave 1, 2, 3, 4 and 5 stars.
    pub stars: [u64; 5],
    /// How executions had gone.
    pub executions: Executions,
    /// The sum of what cross-checks moved the reliability by.
    pub cross_checks: i64,
    /// How many users had ever installed it.
    pub installs: u64,
    /// How often it had been downloaded, each user, version and UTC day once.
    pub downloads: u64,
}

/// Executions that say something about a plugin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Executions {
    /// Answered.
    pub succeeded: i64,
    /// Did not answer, by the plugin's own fault.
    pub failed: i64,
}

impl Executions {
    const fn add(&mut self, event: &execution::Event) {
        match event {
            execution::Event::Succeeded { .. } => self.succeeded += 1,
            execution::Event::Failed { failure, .. } if matches!(failure.fault, Fault::Plugin) => self.failed += 1,
            execution::Event::Started { .. } | execution::Event::Failed { .. } => {}
        }
    }

    /// Points of the reliability.
    const fn points(self) -> i64 {
        (10 * self.succeeded - 40 * self.failed) / (20 + self.succeeded + self.failed)
    }
}

impl Snapshot {
    /// What the reliability was, 0 to 100: the confidence, moved by verified reviews, executions and cross-checks as the read models
    /// move it. None before the first concluded validation.
    #[must_use]
    pub fn reliability(&self) -> Option<u8> {
        let count = |stars: u64| i64::try_from(stars).unwrap_or(i64::MAX);
        let [one, two, _, _, five] = self.stars.map(count);
        let points = five.saturating_sub(one.saturating_add(two)).clamp(-30, 10);
        let moved = points + self.executions.points() + self.cross_checks;
        let score = (i64::from(self.confidence?) + moved).clamp(0, 100);
        u8::try_from(score).ok()
    }
}

#[derive(Default)]
struct Fold {
    plugin: plugin::State,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
    confidence: Option<u8>,
    stars: [u64; 5],
    executions: Executions,
    cross_checks: i64,
    installs: u64,
    downloads: HashSet<(UserId, Version, NaiveDate)>,
}

impl Fold {
    fn add(&mut self, event: DomainEvent, at: DateTime<Utc>) {
        match event {
            DomainEvent::Plugin(event) => {
                self.plugin = Plugins::evolve(std::mem::take(&mut self.plugin), &event);
                self.created_at.get_or_insert(at);
                self.updated_at = Some(at);
            }
            DomainEvent::Validation(validation::Event::Concluded { confidence, .. }) => {
                self.confidence = Some(confidence);
            }
            DomainEvent::Validation(validation::Event::CrossChecked { check, .. }) => {
                self.cross_checks += check.points();
            }
            DomainEvent::Execution(event) => self.executions.add(&event),
            DomainEvent::Installation(installation::Event::Installed { first: true, .. }) => self.installs += 1,
            DomainEvent::Download(download::Event::Initiated { user_id, version, .. }) => {
                self.downloads.insert((user_id, version, at.date_naive()));
            }
            DomainEvent::Review(event) => self.review(&event),
            _ => {}
        }
    }

    fn review(&mut self, event: &review::Event) {
        match event {
            review::Event::Submitted { rating, .. } | review::Event::Restored { rating } => self.count(*rating, true),
            review::Event::Edited { rating, previous_rating, hidden: false, .. } => {
                self.count(*previous_rating, false);
                self.count(*rating, true);
            }
            review::Event::Retracted { rating, hidden: false } | review::Event::Hidden { rating, .. } => {
                self.count(*rating, false);
            }
            review::Event::Edited { .. }
            | review::Event::Retracted { .. }
            | review::Event::Flagged { .. }
            | review::Event::Unflagged { .. }
            | review::Event::Replied { .. } => {}
        }
    }

    fn count(&mut self, rating: Rating, shown: bool) {
        if let Some(count) = self.stars.get_mut(usize::from(rating.stars()).saturating_sub(1)) {
            *count = if shown { *count + 1 } else { count.saturating_sub(1) };
        }
    }
}

/// The plugin as it stood at `time`, folded from its history; what happened at `time` itself counts. Waits until the read
/// model has reached `at_least`.
///
/// # Errors
/// `NotFound` (also: it did not exist yet), `Behind`.
pub async fn as_of(
    app: &App,
    plugin: &PluginRef,
    time: DateTime<Utc>,
    at_least: Position,
) -> Result<Snapshot, AppError> {
    let id = listings::resolve(app, plugin).await?;
    let fold = fold(app, id, time, at_least).await?;
    let unknown = AppError::NotFound("this plugin");
    let (plugin::State::Created(plugin), Some(created_at)) = (fold.plugin, fold.created_at) else {
        return Err(unknown);
    };
    let vendor = vendor_at(app, plugin.vendor, time).await?;
    Ok(Snapshot {
        plugin: *plugin,
        vendor,
        created_at,
        updated_at: fold.updated_at.unwrap_or(created_at),
        confidence: fold.confidence,
        stars: fold.stars,
        executions: fold.executions,
        cross_checks: fold.cross_checks,
        installs: fold.installs,
        downloads: fold.downloads.len() as u64,
    })
}

async fn fold(app: &App, plugin: PluginId, time: DateTime<Utc>, at_least: Position) -> Result<Fold, AppError> {
    let (mut fold, mut after) = (Fold::default(), 0);
    loop {
        let positions = app.ports.timeline.page(plugin, after, PAGE, at_least).await?;
        let Some(last) = positions.last() else { return Ok(fold) };
        after = *last;
        for recorded in app.ports.log.read_at(&positions).await? {
            if recorded.recorded_at > time {
                return Ok(fold);
            }
            // Sealed texts stay sealed: nothing that is counted here is personal.
            let event = DomainEvent::decode_bytes(&recorded.event_type, recorded.schema_version, &recorded.data)
                .map_err(|error| AppError::Internal(format!("position {} of the log: {error}", recorded.position)))?;
            fold.add(event, recorded.recorded_at);
        }
    }
}

async fn vendor_at(app: &App, vendor: VendorId, time: DateTime<Utc>) -> Result<Vendor, AppError> {
    let stream = StreamId::of(Category::Vendor, vendor);
    let (mut state, mut from) = (vendor::State::default(), 0);
    'pages: loop {
        let page = app.ports.log.read_stream(stream, from, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for recorded in page {
            if recorded.recorded_at > time {
                break 'pages;
            }
            from = recorded.version + 1;
            if let DomainEvent::Vendor(event) = app.open(&recorded).await? {
                state = Vendors::evolve(state, &event);
            }
        }
    }
    match state {
        vendor::State::Registered(vendor) => Ok(vendor),
        vendor::State::Absent | vendor::State::Abandoned => {
            Err(AppError::Internal(format!("{stream} has a plugin but no vendor")))
        }
    }
}
