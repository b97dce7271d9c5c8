//! Stand-ins for what the binary wires.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use souk_app::{
    App, AppError,
    plugins::{self, PluginRef, PluginVersion},
    vendors,
};
use souk_domain::{id::UserId, money::Currency};
use souk_ports::{EventLog, Passwords, Position, RecordedEvent, store::StoreError};
use souk_projections::{
    catalogue::{Page, SearchParams},
    earnings::{Span, Statement},
    vendor_analytics::AnalyticsParams,
};
use souk_testkit::MemoryLog;
use uuid::Uuid;

use crate::{
    control::{ControlError, ProjectionControl, ProjectionState, ProjectionStatus, StoppingEvent},
    error::ApiError,
    reads::{At, Reads, Window},
    wire::{
        List, analytics, catalogue, earnings, library,
        moderation::{ModerationCase, ModerationItem, ModerationState, ModerationType},
        reliability, reviews, statement,
        subscription::Subscription,
        webhook::{Webhook, WebhookState},
    },
};

/// Password hashing that costs nothing.
pub struct WeakPasswords;

#[async_trait]
impl Passwords for WeakPasswords {
    async fn hash(&self, password: &str) -> Result<String, StoreError> {
        Ok(password.chars().rev().collect())
    }

    async fn verify(&self, password: &str, hash: &str) -> bool {
        password.chars().rev().eq(hash.chars())
    }
}

/// Read models that are always up to date, and know no more than one stream tells.
pub struct StreamReads {
    pub app: App,
    pub log: MemoryLog,
}

impl StreamReads {
    async fn reach(&self, at: At) -> Result<(), ApiError> {
        if at.position > self.log.head().await.unwrap() { Err(ApiError::behind()) } else { Ok(()) }
    }

    async fn known(&self, at: At, plugin: &str) -> Result<Option<souk_domain::plugin::Plugin>, ApiError> {
        self.reach(at).await?;
        found(plugins::get(&self.app, &PluginRef::from(plugin)).await.map(|read| read.value))
    }
}

fn found<T>(read: Result<T, AppError>) -> Result<Option<T>, ApiError> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(AppError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn figures() -> analytics::Figures {
    analytics::Figures {
        page_views: 0,
        installs: 0,
        uninstalls: 0,
        active_installs: 0,
        downloads: 0,
        orders: 0,
        reviews: 0,
        average_rating: None,
        gross_revenue: 0,
        refunds: 0,
        commission: 0,
        net_revenue: 0,
        currency: "USD".to_owned(),
    }
}

#[async_trait]
impl Reads for StreamReads {
    async fn page(&self, at: At, plugin: &str) -> Result<Option<Page>, ApiError> {
        Ok(self.plugin(at, plugin).await?.map(|shown| {
            let bytes = serde_json::to_vec(&shown).unwrap().into();
            Page { plugin: shown.id, vendor: shown.vendor.id, bytes }
        }))
    }

    async fn plugin(&self, at: At, plugin: &str) -> Result<Option<catalogue::Plugin>, ApiError> {
        let Some(plugin) = self.known(at, plugin).await? else { return Ok(None) };
        let vendor = vendors::get(&self.app, plugin.vendor).await?.value;
        let now = self.app.ports().clock.now();
        Ok(Some(catalogue::Plugin::of_stream(plugin, &vendor, None, now)))
    }

    async fn search(&self, at: At, params: &SearchParams) -> Result<Bytes, ApiError> {
        self.reach(at).await?;
        assert_ne!(params.q.as_deref(), Some("panic"), "a handler that panics");
        let (items, facets) = (Vec::new(), catalogue::Facets::default());
        let none = catalogue::SearchResult { items, total: 0, facets, next_cursor: None, corrected_query: None };
        Ok(serde_json::to_vec(&none).unwrap().into())
    }

    async fn versions(&self, at: At, plugin: &str) -> Result<Option<Vec<catalogue::Version>>, ApiError> {
        let Some(plugin) = self.known(at, plugin).await? else { return Ok(None) };
        let now = self.app.ports().clock.now();
        let version = |(version, release)| {
            let version = PluginVersion { plugin: plugin.id, version, release };
            catalogue::Version::of_stream(version, None, now)
        };
        Ok(Some(plugin.versions.into_iter().rev().map(version).collect()))
    }

    async fn vendor(&self, at: At, vendor: &str) -> Result<Option<catalogue::Vendor>, ApiError> {
        self.reach(at).await?;
        let id = match vendor.parse() {
            Ok(id) => Some(id),
            Err(_) => found(vendors::by_slug(&self.app, vendor).await)?,
        };
        let Some(id) = id else { return Ok(None) };
        let vendor = found(vendors::get(&self.app, id).await)?;
        let now = self.app.ports().clock.now();
        Ok(vendor.map(|vendor| catalogue::Vendor::of_stream(vendor.value, None, now)))
    }

    async fn validations(
        &self,
        at: At,
        plugin: &str,
        _: Window,
    ) -> Result<Option<List<reliability::Validation>>, ApiError> {
        Ok(self.known(at, plugin).await?.map(|_| List::whole(Vec::new())))
    }

    async fn reliability(&self, at: At, plugin: &str) -> Result<Option<reliability::Reliability>, ApiError> {
        let parts = reliability::ReliabilityParts {
            validation: None,
            version: None,
            reviews: 0,
            executions: 0,
            succeeded: 0,
            failed: 0,
            cross_checks: 0,
        };
        let metrics = reliability::ReliabilityMetrics::default();
        let none = reliability::Reliability { score: None, parts, history: Vec::new(), metrics };
        Ok(self.known(at, plugin).await?.map(|_| none))
    }

    async fn moderation_queue(
        &self,
        at: At,
        _: ModerationState,
        _: Option<ModerationType>,
        _: Window,
    ) -> Result<List<ModerationItem>, ApiError> {
        self.reach(at).await?;
        Ok(List::whole(Vec::new()))
    }

    async fn moderation_case(&self, at: At, _: Uuid) -> Result<Option<ModerationCase>, ApiError> {
        self.reach(at).await?;
        Ok(None)
    }

    async fn reliability_history(
        &self,
        at: At,
        plugin: &str,
        _: Window,
    ) -> Result<Option<List<reliability::ReliabilityChange>>, ApiError> {
        Ok(self.known(at, plugin).await?.map(|_| List::whole(Vec::new())))
    }

    async fn failure_impact(&self, at: At, _: Uuid) -> Result<Option<i64>, ApiError> {
        self.reach(at).await?;
        Ok(Some(-2))
    }

    async fn reviews(&self, at: At, plugin: &str, _: Window) -> Result<Option<reviews::Reviews>, ApiError> {
        let summary = reviews::Summary { mean: None, count: 0, histogram: vec![0; 5] };
        let none = reviews::Reviews { items: Vec::new(), next_cursor: None, summary };
        Ok(self.known(at, plugin).await?.map(|_| none))
    }

    async fn review_of(&self, at: At, _: Uuid, _: UserId) -> Result<Option<reviews::Review>, ApiError> {
        self.reach(at).await?;
        Ok(None)
    }

    async fn reviews_by(&self, at: At, _: UserId) -> Result<Vec<reviews::OwnReview>, ApiError> {
        self.reach(at).await?;
        Ok(Vec::new())
    }

    async fn installations(&self, at: At, _: UserId, _: Window) -> Result<List<library::Installation>, ApiError> {
        self.reach(at).await?;
        Ok(List::whole(Vec::new()))
    }

    async fn licenses(&self, at: At, _: UserId, _: Window) -> Result<List<library::License>, ApiError> {
        self.reach(at).await?;
        Ok(List::whole(Vec::new()))
    }

    async fn license(&self, at: At, _: Uuid) -> Result<Option<library::License>, ApiError> {
        self.reach(at).await?;
        Ok(None)
    }

    async fn orders(&self, at: At, _: UserId, _: Window) -> Result<List<library::Order>, ApiError> {
        self.reach(at).await?;
        Ok(List::whole(Vec::new()))
    }

    async fn subscriptions(&self, at: At, _: UserId, _: Window) -> Result<List<Subscription>, ApiError> {
        self.reach(at).await?;
        Ok(List::whole(Vec::new()))
    }

    async fn subscription(&self, at: At, _: Uuid) -> Result<Option<Subscription>, ApiError> {
        self.reach(at).await?;
        Ok(None)
    }

    async fn webhooks(
        &self,
        at: At,
        _: Option<WebhookState>,
        _: Option<&str>,
        _: Window,
    ) -> Result<List<Webhook>, ApiError> {
        self.reach(at).await?;
        Ok(List::whole(Vec::new()))
    }

    async fn webhook(&self, at: At, _: Uuid) -> Result<Option<Webhook>, ApiError> {
        self.reach(at).await?;
        Ok(None)
    }

    async fn analytics(&self, at: At, _: Uuid, _: &AnalyticsParams) -> Result<analytics::Analytics, ApiError> {
        self.reach(at).await?;
        let (by_currency, series, plugins) = (std::collections::BTreeMap::new(), Vec::new(), Vec::new());
        let (countries, conversion, subscriptions) = Default::default();
        let totals = figures();
        Ok(analytics::Analytics { totals, by_currency, series, plugins, countries, conversion, subscriptions })
    }

    async fn balances(&self, at: At, _: Uuid, _: DateTime<Utc>) -> Result<Vec<earnings::Balance>, ApiError> {
        self.reach(at).await?;
        Ok(Vec::new())
    }

    async fn earnings_entries(
        &self,
        at: At,
        _: Uuid,
        _: &Span,
        _: Window,
    ) -> Result<List<earnings::EarningsEntry>, ApiError> {
        self.reach(at).await?;
        Ok(List::whole(Vec::new()))
    }

    async fn statement(&self, at: At, _: Uuid, span: &Span, currency: Currency) -> Result<Bytes, ApiError> {
        self.reach(at).await?;
        let none = Statement { currency: currency.code().to_owned(), opening: 0, closing: 0, lines: Vec::new() };
        Ok(statement::statement(&none, currency, (span.from, span.to)))
    }

    async fn payouts(&self, at: At, vendor: Uuid, _: Window) -> Result<List<earnings::Payout>, ApiError> {
        self.reach(at).await?;
        let vendor = vendors::get(&self.app, vendor.into()).await?.value;
        let payouts = vendor.payouts.iter();
        let told = payouts.map(|(id, payout)| earnings::Payout::of_stream(vendor.id, *id, payout, None));
        Ok(List::whole(told.collect()))
    }

    async fn payout(&self, at: At, _: Uuid) -> Result<Option<earnings::Payout>, ApiError> {
        self.reach(at).await?;
        Ok(None)
    }

    async fn batch_vendors(&self, at: At, _: Uuid) -> Result<Vec<Uuid>, ApiError> {
        self.reach(at).await?;
        Ok(Vec::new())
    }

    async fn batch(&self, at: At, _: Uuid) -> Result<Option<Bytes>, ApiError> {
        self.reach(at).await?;
        Ok(None)
    }

    /// Everybody: who gets nothing is skipped.
    async fn owed(&self, at: At, _: Currency) -> Result<Vec<Uuid>, ApiError> {
        self.reach(at).await?;
        let registered = |event: &RecordedEvent| event.event_type == "vendor.registered";
        let events = self.log.events();
        Ok(events.iter().filter(|event| registered(event)).map(|event| event.stream.uuid).collect())
    }

    async fn vendor_invoices(&self, at: At, _: Uuid, _: Window) -> Result<List<earnings::Invoice>, ApiError> {
        self.reach(at).await?;
        Ok(List::whole(Vec::new()))
    }

    async fn order_invoices(&self, at: At, _: Uuid) -> Result<Vec<earnings::Invoice>, ApiError> {
        self.reach(at).await?;
        Ok(Vec::new())
    }
}

/// Projections that stand where a test puts them.
pub struct FakeProjections {
    log: MemoryLog,
    all: Mutex<Vec<ProjectionStatus>>,
}

impl FakeProjections {
    pub fn new(log: MemoryLog) -> Self {
        let live = |name: &str| ProjectionStatus {
            name: name.to_owned(),
            generation: 1,
            position: 0,
            head: 0,
            lag: 0,
            state: ProjectionState::Live,
            progress: None,
            stopped_by: None,
            trouble: None,
        };
        Self { log, all: Mutex::new(vec![live("catalogue"), live("panicking")]) }
    }

    fn all(&self) -> MutexGuard<'_, Vec<ProjectionStatus>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_position(&self, position: Position) {
        self.all().iter_mut().for_each(|status| status.position = position);
    }

    pub fn stop(&self, name: &str, position: Position) {
        for status in self.all().iter_mut().filter(|status| status.name == name) {
            status.state = ProjectionState::Stopped;
            let (event_type, error) = ("plugin.created".to_owned(), "a test".to_owned());
            status.stopped_by = Some(StoppingEvent { position, event_id: Uuid::nil(), event_type, error });
        }
    }

    fn change(
        &self,
        name: &str,
        change: impl FnOnce(&mut ProjectionStatus) -> Result<(), ControlError>,
    ) -> Result<(), ControlError> {
        change(self.all().iter_mut().find(|status| status.name == name).ok_or(ControlError::UnknownProjection)?)
    }

    fn go_on(&self, name: &str, position: Option<Position>) -> Result<(), ControlError> {
        self.change(name, |status| {
            let stopped = status.stopped_by.as_ref().map(|event| event.position);
            if stopped.is_none() || position.is_some_and(|position| Some(position) != stopped) {
                let message = "no such event stops it".to_owned();
                return Err(ControlError::Conflict { reason: "not_stopped", message });
            }
            (status.state, status.stopped_by) = (ProjectionState::Live, None);
            Ok(())
        })
    }
}

#[async_trait]
impl ProjectionControl for FakeProjections {
    async fn status(&self) -> Result<Vec<ProjectionStatus>, ControlError> {
        let head = self.log.head().await.map_err(|error| ControlError::Unavailable(error.to_string()))?;
        let mut all = self.all().clone();
        for status in &mut all {
            status.head = head;
            status.lag = head.saturating_sub(status.position);
        }
        Ok(all)
    }

    async fn rebuild(&self, projection: &str, _: bool) -> Result<(), ControlError> {
        assert_ne!(projection, "panicking", "a handler that panics");
        self.change(projection, |status| {
            if status.state == ProjectionState::Rebuilding {
                let message = "it is being rebuilt already".to_owned();
                return Err(ControlError::Conflict { reason: "already_rebuilding", message });
            }
            status.state = ProjectionState::Rebuilding;
            Ok(())
        })
    }

    async fn cancel_rebuild(&self, projection: &str) -> Result<(), ControlError> {
        self.change(projection, |status| {
            if status.state != ProjectionState::Rebuilding {
                let message = "it is not being rebuilt".to_owned();
                return Err(ControlError::Conflict { reason: "not_rebuilding", message });
            }
            status.state = ProjectionState::Live;
            Ok(())
        })
    }

    async fn retry(&self, projection: &str, position: Option<Position>) -> Result<(), ControlError> {
        self.go_on(projection, position)
    }

    async fn skip(&self, projection: &str, position: Option<Position>) -> Result<(), ControlError> {
        self.go_on(projection, position)
    }
}
