//! What is read of the read models.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use souk_domain::{id::UserId, money::Currency};
use souk_ports::{Position, Vault};
use souk_projections::{
    QueryError,
    catalogue::{self, Catalogue, NotShown, Page, SearchParams, Shelf, Showcase, ShowcaseOptions, ShowcaseStatus},
    earnings::{self, Earnings, Span},
    library::{self, Library},
    moderation::{self, Moderation},
    reliability::{self, Reliability},
    reviews::{self, Reviews},
    vendor_analytics::{self, AnalyticsParams, VendorAnalytics},
    webhooks::{self, Webhooks},
};
use souk_projector::{Projection, ReadError, ReadGuard, Reader};
use uuid::Uuid;

use crate::{
    error::ApiError,
    wire::{
        self, List, analytics, catalogue as shop, earnings as money, library as own,
        moderation::{ModerationCase, ModerationItem, ModerationState, ModerationType},
        pages, reliability as trust, statement,
        subscription::Subscription,
        webhook::{Webhook, WebhookState},
    },
};

/// The position that an answer must have reached, and how long to wait for it.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// 0: any.
    pub position: Position,
    /// How long.
    pub patience: Duration,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Window {
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// 1 to 100.
    pub limit: u32,
}

/// What is read of the read models. Plugins are named by id or name, vendors by id or slug. What is none does not exist there, or
/// does not exist there yet.
///
/// Every method fails with 503 `projection_behind` when the position is not reached in time, 503 `unavailable` when the
/// database does not answer, and 422 for a cursor of another list.
#[async_trait]
pub trait Reads: Send + Sync {
    /// Whether everything that reads need is there; if not, what is being waited for.
    fn missing(&self) -> Option<&'static str> {
        None
    }
    /// How the search index and the pages in memory do, where there are any.
    fn showcase(&self) -> Option<ShowcaseStatus> {
        None
    }
    /// The id of the plugin that has this name, where that is in memory; it may be behind.
    fn likely(&self, _name: &str) -> Option<Uuid> {
        None
    }
    /// The page of one plugin: a [`shop::Plugin`], as JSON.
    async fn page(&self, at: At, plugin: &str) -> Result<Option<Page>, ApiError>;
    /// One plugin.
    async fn plugin(&self, at: At, plugin: &str) -> Result<Option<shop::Plugin>, ApiError>;
    /// Plugins that match: a [`shop::SearchResult`], as JSON.
    async fn search(&self, at: At, params: &SearchParams) -> Result<Bytes, ApiError>;
    /// All versions of a plugin, the highest first.
    async fn versions(&self, at: At, plugin: &str) -> Result<Option<Vec<shop::Version>>, ApiError>;
    /// One vendor.
    async fn vendor(&self, at: At, vendor: &str) -> Result<Option<shop::Vendor>, ApiError>;
    /// The validations of a plugin, the newest first.
    async fn validations(
        &self,
        at: At,
        plugin: &str,
        page: Window,
    ) -> Result<Option<List<trust::Validation>>, ApiError>;
    /// The reliability of a plugin.
    async fn reliability(&self, at: At, plugin: &str) -> Result<Option<trust::Reliability>, ApiError>;
    /// What waits, or waited, for a moderator.
    async fn moderation_queue(
        &self,
        at: At,
        state: ModerationState,
        subject: Option<ModerationType>,
        page: Window,
    ) -> Result<List<ModerationItem>, ApiError>;
    /// Everything there is to decide by about a validation or a review.
    async fn moderation_case(&self, at: At, id: Uuid) -> Result<Option<ModerationCase>, ApiError>;
    /// What moved the reliability of a plugin, the newest first.
    async fn reliability_history(
        &self,
        at: At,
        plugin: &str,
        page: Window,
    ) -> Result<Option<List<trust::ReliabilityChange>>, ApiError>;
    /// By how many points a failed execution moves the reliability of a plugin that has it already; none while it has no score.
    async fn failure_impact(&self, at: At, plugin: Uuid) -> Result<Option<i64>, ApiError>;
    /// The shown reviews of a plugin.
    async fn reviews(&self, at: At, plugin: &str, page: Window) -> Result<Option<wire::reviews::Reviews>, ApiError>;
    /// One user's review of a plugin.
    async fn review_of(&self, at: At, plugin: Uuid, user: UserId) -> Result<Option<wire::reviews::Review>, ApiError>;
    /// The reviews that a user wrote.
    async fn reviews_by(&self, at: At, user: UserId) -> Result<Vec<wire::reviews::OwnReview>, ApiError>;
    /// What a user has installed.
    async fn installations(&self, at: At, user: UserId, page: Window) -> Result<List<own::Installation>, ApiError>;
    /// The licenses of a user, without their keys.
    async fn licenses(&self, at: At, user: UserId, page: Window) -> Result<List<own::License>, ApiError>;
    /// One license, without its key.
    async fn license(&self, at: At, license: Uuid) -> Result<Option<own::License>, ApiError>;
    /// The orders of a user.
    async fn orders(&self, at: At, user: UserId, page: Window) -> Result<List<own::Order>, ApiError>;
    /// The subscriptions of a user.
    async fn subscriptions(&self, at: At, user: UserId, page: Window) -> Result<List<Subscription>, ApiError>;
    /// One subscription.
    async fn subscription(&self, at: At, id: Uuid) -> Result<Option<Subscription>, ApiError>;
    /// What payment gateways told.
    async fn webhooks(
        &self,
        at: At,
        state: Option<WebhookState>,
        outcome: Option<&str>,
        page: Window,
    ) -> Result<List<Webhook>, ApiError>;
    /// Something that a payment gateway told.
    async fn webhook(&self, at: At, id: Uuid) -> Result<Option<Webhook>, ApiError>;
    /// The figures of a vendor.
    async fn analytics(&self, at: At, vendor: Uuid, params: &AnalyticsParams)
    -> Result<analytics::Analytics, ApiError>;
    /// What a vendor has, by currency. Payments after `held_after` are pending.
    async fn balances(&self, at: At, vendor: Uuid, held_after: DateTime<Utc>) -> Result<Vec<money::Balance>, ApiError>;
    /// The transactions of a vendor, the newest first.
    async fn earnings_entries(
        &self,
        at: At,
        vendor: Uuid,
        span: &Span,
        page: Window,
    ) -> Result<List<money::EarningsEntry>, ApiError>;
    /// A vendor's statement in one currency, as CSV; 422 where it is too long.
    async fn statement(&self, at: At, vendor: Uuid, span: &Span, currency: Currency) -> Result<Bytes, ApiError>;
    /// The payouts of a vendor, the newest first.
    async fn payouts(&self, at: At, vendor: Uuid, page: Window) -> Result<List<money::Payout>, ApiError>;
    /// One payout.
    async fn payout(&self, at: At, payout: Uuid) -> Result<Option<money::Payout>, ApiError>;
    /// To whom the payouts of a batch go.
    async fn batch_vendors(&self, at: At, batch: Uuid) -> Result<Vec<Uuid>, ApiError>;
    /// The payouts of a batch, as CSV; none without payouts.
    async fn batch(&self, at: At, batch: Uuid) -> Result<Option<Bytes>, ApiError>;
    /// The vendors that anything is owed to in a currency.
    async fn owed(&self, at: At, currency: Currency) -> Result<Vec<Uuid>, ApiError>;
    /// The invoices and credit notes of a vendor, the newest first.
    async fn vendor_invoices(&self, at: At, vendor: Uuid, page: Window) -> Result<List<money::Invoice>, ApiError>;
    /// The invoices and credit notes of an order, the oldest first.
    async fn order_invoices(&self, at: At, order: Uuid) -> Result<Vec<money::Invoice>, ApiError>;
}

/// [`Reads`] from the projections.
pub struct ReadModels {
    reader: Arc<Reader>,
    /// Opens personal texts, which no read model keeps readable.
    vault: Arc<dyn Vault>,
    showcase: Showcase,
}

/// How long a read that asks for no position waits while the search index is being filled.
const FILLING: Duration = Duration::from_secs(2);

impl ReadModels {
    /// Reads through `reader`, pages and searches from a showcase that keeps up to `page_bytes` of pages in memory.
    #[must_use]
    pub fn new(reader: Arc<Reader>, vault: Arc<dyn Vault>, page_bytes: u64) -> Self {
        let showcase = Showcase::start(&reader, ShowcaseOptions { render: pages::page, page_bytes });
        Self { reader, vault, showcase }
    }

    async fn shelf(&self, at: At) -> Result<Arc<Shelf>, ApiError> {
        let patience = if at.position == 0 { FILLING } else { at.patience };
        self.showcase.at(at.position, patience).await.map_err(|error| match error {
            NotShown::Behind(_) => ApiError::behind(),
            NotShown::Filling => ApiError::unavailable(&error.to_string()),
        })
    }

    /// Connections that see `projections` at a position. What waits for one of the catalogue waits until pages and searches show it
    /// too: whoever sees it here must not miss it there a moment later.
    async fn at(&self, at: At, projections: &[&dyn Projection]) -> Result<ReadGuard, ApiError> {
        if at.position > 0 && projections.iter().any(|projection| projection.name() == Catalogue.name()) {
            self.shelf(at).await?;
        }
        let names: Vec<&str> = projections.iter().map(|projection| projection.name()).collect();
        let wanted = (at.position > 0).then_some(at.position);
        self.reader.at(&names, wanted, at.patience).await.map_err(|error| match error {
            ReadError::Behind(_) => ApiError::behind(),
            ReadError::Unknown(_) => ApiError::internal(&error.to_string()),
            ReadError::Closed => ApiError::unavailable(&error.to_string()),
        })
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::InvalidCursor => Self::invalid_field("cursor", error.to_string()),
            QueryError::Database(_) | QueryError::Unavailable(_) => Self::unavailable(&error.to_string()),
            QueryError::Corrupt(_) => Self::internal(&error.to_string()),
        }
    }
}

/// The id of the plugin that `plugin` names.
async fn plugin_id(guard: &ReadGuard, plugin: &str) -> Result<Option<Uuid>, ApiError> {
    Ok(catalogue::plugin(guard, plugin).await?.map(|plugin| plugin.id))
}

#[async_trait]
impl Reads for ReadModels {
    fn missing(&self) -> Option<&'static str> {
        self.showcase().is_none().then_some("the search index is being filled")
    }

    fn showcase(&self) -> Option<ShowcaseStatus> {
        self.showcase.status()
    }

    fn likely(&self, name: &str) -> Option<Uuid> {
        self.showcase.likely(name)
    }

    async fn page(&self, at: At, plugin: &str) -> Result<Option<Page>, ApiError> {
        Ok(self.shelf(at).await?.page(plugin).await?)
    }

    async fn plugin(&self, at: At, plugin: &str) -> Result<Option<shop::Plugin>, ApiError> {
        let guard = self.at(at, &[&Catalogue]).await?;
        Ok(catalogue::plugin(&guard, plugin).await?.map(Into::into))
    }

    async fn search(&self, at: At, params: &SearchParams) -> Result<Bytes, ApiError> {
        let found = self.shelf(at).await?.search(params).await?;
        Ok(pages::search_result(&found).into())
    }

    async fn versions(&self, at: At, plugin: &str) -> Result<Option<Vec<shop::Version>>, ApiError> {
        let guard = self.at(at, &[&Catalogue]).await?;
        let Some(plugin) = plugin_id(&guard, plugin).await? else { return Ok(None) };
        Ok(Some(catalogue::versions(&guard, plugin).await?.into_iter().map(Into::into).collect()))
    }

    async fn vendor(&self, at: At, vendor: &str) -> Result<Option<shop::Vendor>, ApiError> {
        let guard = self.at(at, &[&Catalogue]).await?;
        Ok(catalogue::vendor(&guard, vendor).await?.map(Into::into))
    }

    async fn validations(
        &self,
        at: At,
        plugin: &str,
        page: Window,
    ) -> Result<Option<List<trust::Validation>>, ApiError> {
        let guard = self.at(at, &[&Catalogue, &Reliability, &Moderation]).await?;
        let Some(plugin) = plugin_id(&guard, plugin).await? else { return Ok(None) };
        let found = reliability::validations(&guard, plugin, page.cursor.as_deref(), page.limit).await?;
        Ok(Some(List::of(found.items, found.next_cursor)))
    }

    async fn reliability(&self, at: At, plugin: &str) -> Result<Option<trust::Reliability>, ApiError> {
        let guard = self.at(at, &[&Catalogue, &Reliability]).await?;
        let Some(plugin) = plugin_id(&guard, plugin).await? else { return Ok(None) };
        Ok(Some(reliability::reliability(&guard, plugin).await?.into()))
    }

    async fn moderation_queue(
        &self,
        at: At,
        state: ModerationState,
        subject: Option<ModerationType>,
        page: Window,
    ) -> Result<List<ModerationItem>, ApiError> {
        let guard = self.at(at, &[&Moderation, &Catalogue, &Reliability]).await?;
        let subject = subject.map(Into::into);
        let found =
            moderation::queue(&guard, self.vault.as_ref(), state.into(), subject, page.cursor.as_deref(), page.limit)
                .await?;
        Ok(List::of(found.items, found.next_cursor))
    }

    async fn moderation_case(&self, at: At, id: Uuid) -> Result<Option<ModerationCase>, ApiError> {
        let guard = self.at(at, &[&Moderation, &Catalogue, &Reliability, &Reviews]).await?;
        Ok(moderation::case(&guard, self.vault.as_ref(), id).await?.map(Into::into))
    }

    async fn reliability_history(
        &self,
        at: At,
        plugin: &str,
        page: Window,
    ) -> Result<Option<List<trust::ReliabilityChange>>, ApiError> {
        let guard = self.at(at, &[&Catalogue, &Reliability]).await?;
        let Some(plugin) = plugin_id(&guard, plugin).await? else { return Ok(None) };
        let found = reliability::history(&guard, plugin, page.cursor.as_deref(), page.limit).await?;
        Ok(Some(List::of(found.items, found.next_cursor)))
    }

    async fn failure_impact(&self, at: At, plugin: Uuid) -> Result<Option<i64>, ApiError> {
        let guard = self.at(at, &[&Reliability]).await?;
        Ok(reliability::failure_impact(&guard, plugin).await?)
    }

    async fn reviews(&self, at: At, plugin: &str, page: Window) -> Result<Option<wire::reviews::Reviews>, ApiError> {
        let guard = self.at(at, &[&Catalogue, &Reviews]).await?;
        let Some(plugin) = plugin_id(&guard, plugin).await? else { return Ok(None) };
        let found = reviews::reviews(&guard, self.vault.as_ref(), plugin, page.cursor.as_deref(), page.limit).await?;
        Ok(Some(found.into()))
    }

    async fn review_of(&self, at: At, plugin: Uuid, user: UserId) -> Result<Option<wire::reviews::Review>, ApiError> {
        let guard = self.at(at, &[&Reviews]).await?;
        Ok(reviews::review_of(&guard, self.vault.as_ref(), plugin, user.uuid()).await?.map(Into::into))
    }

    async fn reviews_by(&self, at: At, user: UserId) -> Result<Vec<wire::reviews::OwnReview>, ApiError> {
        let guard = self.at(at, &[&Reviews]).await?;
        let written = reviews::written_by(&guard, self.vault.as_ref(), user.uuid()).await?;
        Ok(written.into_iter().map(Into::into).collect())
    }

    async fn installations(&self, at: At, user: UserId, page: Window) -> Result<List<own::Installation>, ApiError> {
        let guard = self.at(at, &[&Library]).await?;
        let found = library::installations(&guard, user.uuid(), page.cursor.as_deref(), page.limit).await?;
        Ok(List::of(found.items, found.next_cursor))
    }

    async fn licenses(&self, at: At, user: UserId, page: Window) -> Result<List<own::License>, ApiError> {
        let guard = self.at(at, &[&Library]).await?;
        let found =
            library::licenses(&guard, self.vault.as_ref(), user.uuid(), page.cursor.as_deref(), page.limit).await?;
        let items = found.items.into_iter().map(|row| own::License::of_row(row, None)).collect();
        Ok(List { items, next_cursor: found.next_cursor })
    }

    async fn license(&self, at: At, license: Uuid) -> Result<Option<own::License>, ApiError> {
        let guard = self.at(at, &[&Library]).await?;
        Ok(library::license(&guard, self.vault.as_ref(), license).await?.map(|row| own::License::of_row(row, None)))
    }

    async fn orders(&self, at: At, user: UserId, page: Window) -> Result<List<own::Order>, ApiError> {
        let guard = self.at(at, &[&Library]).await?;
        let found = library::orders(&guard, user.uuid(), page.cursor.as_deref(), page.limit).await?;
        Ok(List::of(found.items, found.next_cursor))
    }

    async fn subscriptions(&self, at: At, user: UserId, page: Window) -> Result<List<Subscription>, ApiError> {
        let guard = self.at(at, &[&Library]).await?;
        let found = library::subscriptions(&guard, user.uuid(), page.cursor.as_deref(), page.limit).await?;
        Ok(List::of(found.items, found.next_cursor))
    }

    async fn subscription(&self, at: At, id: Uuid) -> Result<Option<Subscription>, ApiError> {
        let guard = self.at(at, &[&Library]).await?;
        Ok(library::subscription(&guard, id).await?.map(Into::into))
    }

    async fn webhooks(
        &self,
        at: At,
        state: Option<WebhookState>,
        outcome: Option<&str>,
        page: Window,
    ) -> Result<List<Webhook>, ApiError> {
        let guard = self.at(at, &[&Webhooks]).await?;
        let state = state.map(Into::into);
        let found = webhooks::webhooks(&guard, state, outcome, page.cursor.as_deref(), page.limit).await?;
        Ok(List::of(found.items, found.next_cursor))
    }

    async fn webhook(&self, at: At, id: Uuid) -> Result<Option<Webhook>, ApiError> {
        let guard = self.at(at, &[&Webhooks]).await?;
        Ok(webhooks::webhook(&guard, id).await?.map(Into::into))
    }

    async fn analytics(
        &self,
        at: At,
        vendor: Uuid,
        params: &AnalyticsParams,
    ) -> Result<analytics::Analytics, ApiError> {
        let guard = self.at(at, &[&VendorAnalytics]).await?;
        Ok(vendor_analytics::analytics(&guard, vendor, params).await?.into())
    }

    async fn balances(&self, at: At, vendor: Uuid, held_after: DateTime<Utc>) -> Result<Vec<money::Balance>, ApiError> {
        let guard = self.at(at, &[&Earnings]).await?;
        Ok(earnings::balances(&guard, vendor, held_after).await?.into_iter().map(Into::into).collect())
    }

    async fn earnings_entries(
        &self,
        at: At,
        vendor: Uuid,
        span: &Span,
        page: Window,
    ) -> Result<List<money::EarningsEntry>, ApiError> {
        let guard = self.at(at, &[&Earnings, &Catalogue]).await?;
        let found = earnings::entries(&guard, vendor, span, page.cursor.as_deref(), page.limit).await?;
        Ok(List::of(found.items, found.next_cursor))
    }

    async fn statement(&self, at: At, vendor: Uuid, span: &Span, currency: Currency) -> Result<Bytes, ApiError> {
        let guard = self.at(at, &[&Earnings, &Catalogue]).await?;
        let found = earnings::statement(&guard, vendor, span, currency.code()).await?;
        let found = found.map_err(|error| ApiError::invalid_field("from", error.to_string()))?;
        Ok(statement::statement(&found, currency, (span.from, span.to)))
    }

    async fn payouts(&self, at: At, vendor: Uuid, page: Window) -> Result<List<money::Payout>, ApiError> {
        let guard = self.at(at, &[&Earnings, &Catalogue]).await?;
        let found = earnings::payouts(&guard, vendor, page.cursor.as_deref(), page.limit).await?;
        Ok(List::of(found.items, found.next_cursor))
    }

    async fn payout(&self, at: At, payout: Uuid) -> Result<Option<money::Payout>, ApiError> {
        let guard = self.at(at, &[&Earnings, &Catalogue]).await?;
        Ok(earnings::payout(&guard, payout).await?.map(Into::into))
    }

    async fn batch_vendors(&self, at: At, batch: Uuid) -> Result<Vec<Uuid>, ApiError> {
        let guard = self.at(at, &[&Earnings, &Catalogue]).await?;
        Ok(earnings::batch(&guard, batch).await?.into_iter().map(|payout| payout.vendor_id).collect())
    }

    async fn batch(&self, at: At, batch: Uuid) -> Result<Option<Bytes>, ApiError> {
        let guard = self.at(at, &[&Earnings, &Catalogue]).await?;
        let found = earnings::batch(&guard, batch).await?;
        Ok((!found.is_empty()).then(|| statement::batch(&found)))
    }

    async fn owed(&self, at: At, currency: Currency) -> Result<Vec<Uuid>, ApiError> {
        let guard = self.at(at, &[&Earnings]).await?;
        Ok(earnings::owed(&guard, currency.code()).await?)
    }

    async fn vendor_invoices(&self, at: At, vendor: Uuid, page: Window) -> Result<List<money::Invoice>, ApiError> {
        let guard = self.at(at, &[&Earnings, &Catalogue]).await?;
        let found = earnings::invoices_of_vendor(&guard, vendor, page.cursor.as_deref(), page.limit).await?;
        Ok(List::of(found.items, found.next_cursor))
    }

    async fn order_invoices(&self, at: At, order: Uuid) -> Result<Vec<money::Invoice>, ApiError> {
        let guard = self.at(at, &[&Earnings, &Catalogue]).await?;
        Ok(earnings::invoices_of_order(&guard, order).await?.into_iter().map(Into::into).collect())
    }
}
