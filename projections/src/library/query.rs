//! What a user reads of what is theirs.

use chrono::{DateTime, Utc};
use serde::Serialize;
use souk_domain::{
    listing::{Kind, Pricing, Terms},
    stream::{Category, StreamId},
};
use souk_ports::Vault;
use souk_projector::ReadGuard;
use sqlx::{AssertSqlSafe, FromRow};
use uuid::Uuid;

use crate::{
    QueryError,
    cursor::{self, Cursor, Page},
    sealed,
};

/// The plugin of an installation, a license or an order.
#[derive(Clone, Debug, PartialEq, Serialize, FromRow)]
#[serde(rename_all = "camelCase")]
pub struct PluginRef {
    /// Which.
    #[sqlx(rename = "plugin_id")]
    pub id: Uuid,
    /// Its unique name.
    #[sqlx(rename = "plugin_name")]
    pub name: String,
    /// Name to show.
    #[sqlx(rename = "plugin_display_name")]
    pub display_name: String,
    /// What sort of asset.
    #[sqlx(rename = "plugin_kind", json)]
    pub kind: Kind,
}

/// An installation.
#[derive(Clone, Debug, PartialEq, Serialize, FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Installation {
    /// Which.
    pub id: Uuid,
    /// Of what.
    #[sqlx(flatten)]
    pub plugin: PluginRef,
    /// Which version.
    pub version: String,
    /// `installed`, `uninstalled` or `blocked`.
    pub status: String,
    /// By which license; none for a free plugin.
    pub license_id: Option<Uuid>,
    /// Since when it is so.
    pub since: DateTime<Utc>,
    #[serde(skip)]
    position: i64,
}

/// A license.
#[derive(Clone, Debug, PartialEq, Serialize, FromRow)]
#[serde(rename_all = "camelCase")]
pub struct License {
    /// Which.
    pub id: Uuid,
    /// To what.
    #[sqlx(flatten)]
    pub plugin: PluginRef,
    /// `perpetual`, `subscription` or `trial`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `active`, `suspended` or `revoked`.
    pub status: String,
    /// On how many machines at once.
    pub max_devices: i64,
    /// All that it allows.
    #[sqlx(json)]
    pub terms: Terms,
    /// Machines it is bound to, oldest first.
    #[sqlx(json)]
    pub activations: Vec<Activation>,
    /// Until when; for ever when absent.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether it was recorded that its time is over.
    pub expired: bool,
    /// Downloads so far.
    pub downloads: i64,
    /// Uses that were counted so far.
    pub uses: i64,
    /// How often its key was changed.
    pub key_generation: i64,
    /// The subscription that keeps it good.
    pub subscription_id: Option<Uuid>,
    /// Paid by which order.
    pub order_id: Uuid,
    /// Whose right.
    pub user_id: Uuid,
    /// From whom.
    pub vendor_id: Uuid,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    #[serde(skip)]
    position: i64,
}

/// A machine that a license is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Activation {
    /// The machine.
    pub fingerprint: String,
    /// What the holder calls it; none once it was erased.
    pub label: Option<String>,
    /// Since when.
    pub activated_at: DateTime<Utc>,
    /// The event that has the label.
    #[serde(skip_serializing)]
    activated_by: Option<Uuid>,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Serialize, FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Which.
    pub id: Uuid,
    /// Of what.
    #[sqlx(flatten)]
    pub plugin: PluginRef,
    /// Who buys.
    pub user_id: Uuid,
    /// From whom.
    pub vendor_id: Uuid,
    /// `pending`, `paid`, `partially_refunded`, `refunded`, `disputed` or `canceled`.
    pub status: String,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// Through what it is paid.
    pub gateway: String,
    /// The way of charging.
    #[sqlx(json)]
    pub pricing: Pricing,
    /// When it was placed.
    pub placed_at: DateTime<Utc>,
    /// When it was paid.
    pub paid_at: Option<DateTime<Utc>>,
    /// The gateway's name of the payment; for admins' eyes.
    #[serde(skip)]
    pub payment_reference: Option<String>,
    /// Minor units given back so far.
    pub refunded_total: i64,
    /// The subscription of which it pays an interval.
    pub subscription_id: Option<Uuid>,
    /// The gateway's name of its checkout.
    #[serde(skip)]
    pub checkout: Option<String>,
    #[serde(skip)]
    position: i64,
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Serialize, FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Which.
    pub id: Uuid,
    /// Of what.
    #[sqlx(flatten)]
    pub plugin: PluginRef,
    /// The order that began it.
    pub order_id: Uuid,
    /// Who pays.
    pub user_id: Uuid,
    /// To whom.
    pub vendor_id: Uuid,
    /// The license that it keeps good.
    pub license_id: Uuid,
    /// Who runs it.
    pub gateway: String,
    /// How much, how often.
    #[sqlx(json)]
    pub pricing: Pricing,
    /// `trialing`, `active`, `past_due` or `lapsed`.
    pub standing: String,
    /// Until when it is paid, or free.
    pub period_end: DateTime<Utc>,
    /// Whether it ends then.
    pub ends_then: bool,
    /// When it began.
    pub started_at: DateTime<Utc>,
    #[serde(skip)]
    position: i64,
}

const INSTALLATIONS: &str = include_str!("installations.sql");
const LICENSES: &str = include_str!("licenses.sql");
const ORDERS: &str = include_str!("orders.sql");
const SUBSCRIPTIONS: &str = include_str!("subscriptions.sql");

/// A row that has a place in the list of its user.
trait Placed: for<'r> FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin {
    fn place(&self) -> Cursor;
}

impl Placed for Installation {
    fn place(&self) -> Cursor {
        Cursor { key: self.position, id: self.id }
    }
}

impl Placed for License {
    fn place(&self) -> Cursor {
        Cursor { key: self.position, id: self.id }
    }
}

impl Placed for Order {
    fn place(&self) -> Cursor {
        Cursor { key: self.position, id: self.id }
    }
}

impl Placed for Subscription {
    fn place(&self) -> Cursor {
        Cursor { key: self.position, id: self.id }
    }
}

/// A page of the rows that `select` finds of one user, the newest first.
async fn page_of<T: Placed>(
    guard: &ReadGuard,
    (list, select): (&str, &str),
    user: Uuid,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page<T>, QueryError> {
    let context = format!("{list} {user}");
    let after = Cursor::decode_optional(&context, cursor)?;
    let limit = limit.clamp(1, 100);
    let sql = format!(
        "{select} WHERE x.user_id = $1 AND ($2::bigint IS NULL OR x.position < $2) ORDER BY x.position DESC LIMIT $3"
    );
    let rows: Vec<T> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(user)
        .bind(after.map(|after| after.key))
        .bind(i64::from(limit) + 1)
        .fetch_all(guard.pool())
        .await?;
    Ok(cursor::page(rows, limit as usize, &context, T::place, |row| row))
}

/// The installations of `user`, changed last first; also those that are over.
///
/// # Errors
/// The cursor is of another list, or the read models failed.
pub async fn installations(
    guard: &ReadGuard,
    user: Uuid,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page<Installation>, QueryError> {
    page_of(guard, ("installations", INSTALLATIONS), user, cursor, limit).await
}

/// The licenses of `user`, the newest first.
///
/// # Errors
/// The cursor is of another list, or the read models failed.
pub async fn licenses(
    guard: &ReadGuard,
    vault: &dyn Vault,
    user: Uuid,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page<License>, QueryError> {
    let mut page: Page<License> = page_of(guard, ("licenses", LICENSES), user, cursor, limit).await?;
    for license in &mut page.items {
        license.open(vault).await?;
    }
    Ok(page)
}

/// The orders of `user`, the newest first.
///
/// # Errors
/// The cursor is of another list, or the read models failed.
pub async fn orders(
    guard: &ReadGuard,
    user: Uuid,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page<Order>, QueryError> {
    page_of(guard, ("orders", ORDERS), user, cursor, limit).await
}

/// The subscriptions of `user`, the newest first.
///
/// # Errors
/// The cursor is of another list, or the read models failed.
pub async fn subscriptions(
    guard: &ReadGuard,
    user: Uuid,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page<Subscription>, QueryError> {
    page_of(guard, ("subscriptions", SUBSCRIPTIONS), user, cursor, limit).await
}

/// One subscription.
///
/// # Errors
/// See [`QueryError`].
pub async fn subscription(guard: &ReadGuard, subscription: Uuid) -> Result<Option<Subscription>, QueryError> {
    let sql = format!("{SUBSCRIPTIONS} WHERE x.subscription_id = $1");
    Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(subscription).fetch_optional(guard.pool()).await?)
}

/// The subscriptions of `user` that are not over, the newest first.
///
/// # Errors
/// See [`QueryError`].
pub async fn running_subscriptions(guard: &ReadGuard, user: Uuid) -> Result<Vec<Uuid>, QueryError> {
    let sql = "SELECT subscription_id FROM library_subscription WHERE user_id = $1 AND standing <> 'lapsed' ORDER BY position DESC";
    Ok(sqlx::query_scalar(sql).bind(user).fetch_all(guard.pool()).await?)
}

/// What has its time, the longest due first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Licenses whose time is over, which was not recorded yet.
    pub licenses: Vec<Uuid>,
    /// Subscriptions that no gateway runs, and whose interval is over or soon will be.
    pub subscriptions: Vec<Uuid>,
}

/// Licenses whose time is over by `now`, and subscriptions without a gateway whose interval is over by `soon`; at most `limit` of each.
///
/// # Errors
/// See [`QueryError`].
pub async fn due(guard: &ReadGuard, now: DateTime<Utc>, soon: DateTime<Utc>, limit: u32) -> Result<Due, QueryError> {
    let licenses =
        "SELECT license_id FROM library_license WHERE NOT expired AND expires_at IS NOT NULL AND expires_at <= $1
         ORDER BY expires_at LIMIT $2";
    let subscriptions = "SELECT subscription_id FROM library_subscription WHERE standing <> 'lapsed' AND gateway = 'manual' AND period_end <= $1
         ORDER BY period_end LIMIT $2";
    let limit = i64::from(limit);
    Ok(Due {
        licenses: sqlx::query_scalar(licenses).bind(now).bind(limit).fetch_all(guard.pool()).await?,
        subscriptions: sqlx::query_scalar(subscriptions).bind(soon).bind(limit).fetch_all(guard.pool()).await?,
    })
}

/// Who has `plugin` installed, blocked or not, in the order of their ids, behind `after`.
///
/// # Errors
/// See [`QueryError`].
pub async fn installers(
    guard: &ReadGuard,
    plugin: Uuid,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Uuid>, QueryError> {
    let sql = "SELECT user_id FROM library_installation WHERE plugin_id = $1 AND status <> 'uninstalled'
               AND ($2::uuid IS NULL OR user_id > $2) ORDER BY user_id LIMIT $3";
    let rows = sqlx::query_scalar(sql).bind(plugin).bind(after).bind(i64::from(limit));
    Ok(rows.fetch_all(guard.pool()).await?)
}

/// One order.
///
/// # Errors
/// See [`QueryError`].
pub async fn order(guard: &ReadGuard, order: Uuid) -> Result<Option<Order>, QueryError> {
    let sql = format!("{ORDERS} WHERE x.order_id = $1");
    Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(order).fetch_optional(guard.pool()).await?)
}

/// One license.
///
/// # Errors
/// See [`QueryError`].
pub async fn license(guard: &ReadGuard, vault: &dyn Vault, license: Uuid) -> Result<Option<License>, QueryError> {
    let sql = format!("{LICENSES} WHERE x.license_id = $1");
    let mut found: Option<License> =
        sqlx::query_as(AssertSqlSafe(sql)).bind(license).fetch_optional(guard.pool()).await?;
    if let Some(license) = &mut found {
        license.open(vault).await?;
    }
    Ok(found)
}

impl License {
    /// Makes the labels of its machines readable.
    async fn open(&mut self, vault: &dyn Vault) -> Result<(), QueryError> {
        let stream = StreamId::new(Category::License, self.id);
        for activation in &mut self.activations {
            let label = [("label", activation.label.take())];
            [activation.label] = sealed::open(vault, activation.activated_by, stream, label).await?;
        }
        Ok(())
    }
}

/// The licenses of `user` for `plugin`, the newest first.
///
/// # Errors
/// See [`QueryError`].
pub async fn licenses_for(guard: &ReadGuard, user: Uuid, plugin: Uuid) -> Result<Vec<Uuid>, QueryError> {
    let sql = "SELECT license_id FROM library_license WHERE user_id = $1 AND plugin_id = $2 ORDER BY position DESC";
    Ok(sqlx::query_scalar(sql).bind(user).bind(plugin).fetch_all(guard.pool()).await?)
}
