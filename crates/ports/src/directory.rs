//! What read models suggest to use cases: ids and positions, never facts. What is suggested is checked against the log.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use souk_domain::{
    id::{LicenseId, OrderId, PluginId, SubscriptionId, UserId, VendorId, WebhookId},
    money::Currency,
};

use crate::log::Position;

/// Why a read model suggests nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DirectoryError {
    /// It did not reach the wanted position in time.
    #[error("the read model is behind: {wanted} was wanted")]
    Behind {
        /// The position that was asked for.
        wanted: Position,
    },
    /// It cannot be reached.
    #[error("the read models cannot be reached: {0}")]
    Unavailable(String),
}

/// What has its time, the longest due first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Licenses whose time is over, which was not recorded yet.
    pub licenses: Vec<LicenseId>,
    /// Subscriptions that no gateway runs, and whose interval is over or soon will be.
    pub subscriptions: Vec<SubscriptionId>,
}

/// Finds ids by what the log does not index.
#[async_trait]
pub trait Directory: Send + Sync {
    /// The vendors that `owner` owns, oldest first. Waits until the read model has reached `at_least` (0: does not wait).
    ///
    /// # Errors
    /// See [`DirectoryError`].
    async fn vendors_of(&self, owner: UserId, at_least: Position) -> Result<Vec<VendorId>, DirectoryError>;

    /// The licenses of `holder` for `plugin`, newest first. Waits until the read model has reached `at_least` (0: does not wait).
    ///
    /// # Errors
    /// See [`DirectoryError`].
    async fn licenses_of(
        &self,
        holder: UserId,
        plugin: PluginId,
        at_least: Position,
    ) -> Result<Vec<LicenseId>, DirectoryError>;

    /// The subscriptions of `buyer` that are not over, newest first. Waits until the read model has reached `at_least` (0: does not wait).
    ///
    /// # Errors
    /// See [`DirectoryError`].
    async fn subscriptions_of(&self, buyer: UserId, at_least: Position) -> Result<Vec<SubscriptionId>, DirectoryError>;

    /// The webhooks that wait for one of a gateway's `names`, or for `order`, oldest first. Waits until the read model has reached
    /// `at_least` (0: does not wait).
    ///
    /// # Errors
    /// See [`DirectoryError`].
    async fn waiting_webhooks(
        &self,
        names: &[String],
        order: Option<OrderId>,
        at_least: Position,
    ) -> Result<Vec<WebhookId>, DirectoryError>;

    /// Licenses whose time is over by `now`, and subscriptions without a gateway whose interval is over by `soon`; at most `limit`
    /// of each. Waits until the read model has reached `at_least` (0: does not wait).
    ///
    /// # Errors
    /// See [`DirectoryError`].
    async fn due(
        &self,
        now: DateTime<Utc>,
        soon: DateTime<Utc>,
        limit: u32,
        at_least: Position,
    ) -> Result<Due, DirectoryError>;

    /// All that `vendor` ever earned in `currency` and may have, minor units: its share of what was paid before `before`,
    /// less all that went back. Waits until the read model has reached `at_least` (0: does not wait).
    ///
    /// # Errors
    /// See [`DirectoryError`].
    async fn earned(
        &self,
        vendor: VendorId,
        currency: Currency,
        before: DateTime<Utc>,
        at_least: Position,
    ) -> Result<i64, DirectoryError>;

    /// Who has `plugin` installed, in the order of their ids, behind `after`, at most `limit`. Waits until the read model has
    /// reached `at_least` (0: does not wait).
    ///
    /// # Errors
    /// See [`DirectoryError`].
    async fn installers_of(
        &self,
        plugin: PluginId,
        after: Option<UserId>,
        limit: u32,
        at_least: Position,
    ) -> Result<Vec<UserId>, DirectoryError>;
}

/// Where the history of a plugin is in the log.
#[async_trait]
pub trait Timeline: Send + Sync {
    /// Positions of the events that concern `plugin`, behind `after`, in order, at most `limit`; empty at the end. Waits until
    /// the read model has reached `at_least` (0: does not wait).
    ///
    /// # Errors
    /// See [`DirectoryError`].
    async fn page(
        &self,
        plugin: PluginId,
        after: Position,
        limit: usize,
        at_least: Position,
    ) -> Result<Vec<Position>, DirectoryError>;
}
