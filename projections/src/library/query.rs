//! What a user reads of what is theirs.

use chrono::{DateTime, Utc};
use serde::Serialize;
use souk_domain::listing::{Kind, Pricing, Terms};
use souk_projector::ReadGuard;
use sqlx::{AssertSqlSafe, FromRow};
use uuid::Uuid;

use crate::{
    QueryError,
    cursor::{self, Cursor, Page},
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
    /// `perpetual` or `subscription`.
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
    /// What the holder calls it.
    pub label: String,
    /// Since when.
    pub activated_at: DateTime<Utc>,
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
    /// `pending`, `paid`, `partially_refunded` or `refunded`.
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
    #[serde(skip)]
    position: i64,
}

const INSTALLATIONS: &str = include_str!("installations.sql");
const LICENSES: &str = include_str!("licenses.sql");
const ORDERS: &str = include_str!("orders.sql");

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
    user: Uuid,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page<License>, QueryError> {
    page_of(guard, ("licenses", LICENSES), user, cursor, limit).await
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
pub async fn license(guard: &ReadGuard, license: Uuid) -> Result<Option<License>, QueryError> {
    let sql = format!("{LICENSES} WHERE x.license_id = $1");
    Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(license).fetch_optional(guard.pool()).await?)
}

/// The licenses of `user` for `plugin`, the newest first.
///
/// # Errors
/// See [`QueryError`].
pub async fn licenses_for(guard: &ReadGuard, user: Uuid, plugin: Uuid) -> Result<Vec<Uuid>, QueryError> {
    let sql = "SELECT license_id FROM library_license WHERE user_id = $1 AND plugin_id = $2 ORDER BY position DESC";
    Ok(sqlx::query_scalar(sql).bind(user).bind(plugin).fetch_all(guard.pool()).await?)
}
