//! What is read of the read models.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use souk_domain::id::UserId;
use souk_ports::Position;
use souk_projections::{
    QueryError,
    catalogue::{self, Catalogue, NotShown, SearchParams, Shelf, Showcase, ShowcaseOptions, ShowcaseStatus},
    library::{self, Library},
    moderation::{self, Moderation},
    reliability::{self, Reliability},
    reviews::{self, Reviews},
    vendor_analytics::{self, AnalyticsParams, VendorAnalytics},
};
use souk_projector::{Projection, ReadError, ReadGuard, Reader};
use uuid::Uuid;

use crate::{
    error::ApiError,
    wire::{
        self, List, analytics, catalogue as shop, library as own,
        moderation::{ModerationCase, ModerationItem, ModerationState, ModerationType},
        pages, reliability as trust,
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
    /// The page of one plugin: a [`shop::Plugin`], as JSON.
    async fn page(&self, at: At, plugin: &str) -> Result<Option<Bytes>, ApiError>;
    /// One plugin.
    async fn plugin(&self, at: At, plugin: &str) -> Result<Option<shop::Plugin>, ApiError>;
    /// Plugins that match: a [`shop::SearchResult`], as JSON.
    async fn search(&self, at: At, params: &SearchParams) -> Result<Bytes, ApiError>;
    /// All versions of a plugin, the highest first.
    async fn versions(&self, at: At, plugin: &str) -> Result<Option<Vec<shop::Version>>, ApiError>;
    /// One vendor.
    async fn vendor(&self, at: At, vendor: &str) -> Result<Option<shop::Vendor>, ApiError>;
    /// The validations of a plugin, the newest first.
    async fn validations(&self, at: At, plugin: &str) -> Result<Option<Vec<trust::Validation>>, ApiError>;
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
    /// What a user has installed.
    async fn installations(&self, at: At, user: UserId, page: Window) -> Result<List<own::Installation>, ApiError>;
    /// The licenses of a user, without their keys.
    async fn licenses(&self, at: At, user: UserId, page: Window) -> Result<List<own::License>, ApiError>;
    /// One license, without its key.
    async fn license(&self, at: At, license: Uuid) -> Result<Option<own::License>, ApiError>;
    /// The orders of a user.
    async fn orders(&self, at: At, user: UserId, page: Window) -> Result<List<own::Order>, ApiError>;
    /// The figures of a vendor.
    async fn analytics(&self, at: At, vendor: Uuid, params: &AnalyticsParams)
    -> Result<analytics::Analytics, ApiError>;
}

/// [`Reads`] from the projections.
pub struct ReadModels {
    reader: Arc<Reader>,
    showcase: Showcase,
}

/// How long a read that asks for no position waits while the search index is being filled.
const FILLING: Duration = Duration::from_secs(2);

impl ReadModels {
    /// Reads through `reader`, pages and searches from a showcase that keeps up to `page_bytes` of pages in memory.
    #[must_use]
    pub fn new(reader: Arc<Reader>, page_bytes: u64) -> Self {
        let showcase = Showcase::start(&reader, ShowcaseOptions { render: pages::page, page_bytes });
        Self { reader, showcase }
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

    async fn page(&self, at: At, plugin: &str) -> Result<Option<Bytes>, ApiError> {
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

    async fn validations(&self, at: At, plugin: &str) -> Result<Option<Vec<trust::Validation>>, ApiError> {
        let guard = self.at(at, &[&Catalogue, &Reliability, &Moderation]).await?;
        let Some(plugin) = plugin_id(&guard, plugin).await? else { return Ok(None) };
        Ok(Some(reliability::validations(&guard, plugin).await?.into_iter().map(Into::into).collect()))
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
        let found = moderation::queue(&guard, state.into(), subject, page.cursor.as_deref(), page.limit).await?;
        Ok(List::of(found.items, found.next_cursor))
    }

    async fn moderation_case(&self, at: At, id: Uuid) -> Result<Option<ModerationCase>, ApiError> {
        let guard = self.at(at, &[&Moderation, &Catalogue, &Reliability, &Reviews]).await?;
        Ok(moderation::case(&guard, id).await?.map(Into::into))
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
        let found = reviews::reviews(&guard, plugin, page.cursor.as_deref(), page.limit).await?;
        Ok(Some(found.into()))
    }

    async fn review_of(&self, at: At, plugin: Uuid, user: UserId) -> Result<Option<wire::reviews::Review>, ApiError> {
        let guard = self.at(at, &[&Reviews]).await?;
        Ok(reviews::review_of(&guard, plugin, user.uuid()).await?.map(Into::into))
    }

    async fn installations(&self, at: At, user: UserId, page: Window) -> Result<List<own::Installation>, ApiError> {
        let guard = self.at(at, &[&Library]).await?;
        let found = library::installations(&guard, user.uuid(), page.cursor.as_deref(), page.limit).await?;
        Ok(List::of(found.items, found.next_cursor))
    }

    async fn licenses(&self, at: At, user: UserId, page: Window) -> Result<List<own::License>, ApiError> {
        let guard = self.at(at, &[&Library]).await?;
        let found = library::licenses(&guard, user.uuid(), page.cursor.as_deref(), page.limit).await?;
        let items = found.items.into_iter().map(|row| own::License::of_row(row, None)).collect();
        Ok(List { items, next_cursor: found.next_cursor })
    }

    async fn license(&self, at: At, license: Uuid) -> Result<Option<own::License>, ApiError> {
        let guard = self.at(at, &[&Library]).await?;
        Ok(library::license(&guard, license).await?.map(|row| own::License::of_row(row, None)))
    }

    async fn orders(&self, at: At, user: UserId, page: Window) -> Result<List<own::Order>, ApiError> {
        let guard = self.at(at, &[&Library]).await?;
        let found = library::orders(&guard, user.uuid(), page.cursor.as_deref(), page.limit).await?;
        Ok(List::of(found.items, found.next_cursor))
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
}
