//! What is read of reviews.

use chrono::{DateTime, Utc};
use serde::Serialize;
use souk_domain::{
    id::derive,
    stream::{Category, StreamId},
};
use souk_ports::Vault;
use souk_projector::ReadGuard;
use sqlx::FromRow;
use uuid::Uuid;

use crate::{
    QueryError,
    catalogue::Rating,
    cursor::{self, Cursor},
    sealed,
};

/// A review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    /// Which.
    pub id: Uuid,
    /// Who wrote it.
    pub author: Author,
    /// Stars, 1 to 5.
    pub rating: i16,
    /// Headline; none once it was erased.
    pub title: Option<String>,
    /// Text; none once it was erased.
    pub body: Option<String>,
    /// The version that the author has, or last had, installed.
    pub version: String,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it was last written anew.
    pub edited_at: Option<DateTime<Utc>>,
    /// What the vendor answered.
    pub reply: Option<Reply>,
    /// Whether a moderator hid it.
    pub hidden: bool,
}

/// Who wrote a review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Author {
    /// Stable within one plugin, and of no use outside it.
    pub pseudonym: Uuid,
    /// Name to show; none once it was erased.
    pub display_name: Option<String>,
}

/// A vendor's answer to a review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    /// What it says.
    pub body: String,
    /// When it was written.
    pub replied_at: DateTime<Utc>,
}

/// Reviews of a plugin.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviewPage {
    /// One page, the newest first.
    pub items: Vec<Review>,
    /// Where the next page begins; none at the end.
    pub next_cursor: Option<String>,
    /// Over all live reviews.
    pub summary: Summary,
}

/// All live reviews of a plugin together.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// What reviewers think.
    #[serde(flatten)]
    pub rating: Rating,
    /// How many gave 1, 2, 3, 4 and 5 stars.
    pub histogram: [i64; 5],
}

#[derive(FromRow)]
struct Row {
    review_id: Uuid,
    plugin_id: Uuid,
    user_id: Uuid,
    display_name: Option<String>,
    named_by: Option<Uuid>,
    rating: i16,
    title: String,
    body: String,
    written_by: Uuid,
    version: String,
    status: String,
    created_at: DateTime<Utc>,
    edited_at: Option<DateTime<Utc>>,
    reply: Option<String>,
    replied_at: Option<DateTime<Utc>>,
    position: i64,
}

impl Row {
    async fn open(self, vault: &dyn Vault) -> Result<Review, QueryError> {
        let person = StreamId::new(Category::User, self.user_id);
        let [display_name] = sealed::open(vault, self.named_by, person, [("displayName", self.display_name)]).await?;
        let stream = StreamId::new(Category::Review, self.review_id);
        let texts = [("title", Some(self.title)), ("body", Some(self.body))];
        let [title, body] = sealed::open(vault, Some(self.written_by), stream, texts).await?;
        Ok(Review {
            id: self.review_id,
            author: Author {
                pseudonym: derive(&["pseudonym", &self.plugin_id.to_string(), &self.user_id.to_string()]),
                display_name,
            },
            rating: self.rating,
            title,
            body,
            version: self.version,
            created_at: self.created_at,
            edited_at: self.edited_at,
            reply: self.reply.zip(self.replied_at).map(|(body, replied_at)| Reply { body, replied_at }),
            hidden: self.status == "hidden",
        })
    }
}

/// The live reviews of `plugin`, the newest first.
///
/// # Errors
/// The cursor is of another list, or the read models failed.
pub async fn reviews(
    guard: &ReadGuard,
    vault: &dyn Vault,
    plugin: Uuid,
    cursor: Option<&str>,
    limit: u32,
) -> Result<ReviewPage, QueryError> {
    let context = format!("reviews {plugin}");
    let after = Cursor::decode_optional(&context, cursor)?;
    let limit = limit.clamp(1, 100);
    let rows: Vec<Row> = sqlx::query_as(include_str!("reviews.sql"))
        .bind(plugin)
        .bind(after.map(|after| after.key))
        .bind(i64::from(limit) + 1)
        .fetch_all(guard.pool())
        .await?;
    let place = |row: &Row| Cursor { key: row.position, id: row.review_id };
    let page = cursor::page(rows, limit as usize, &context, place, |row| row);
    sealed::prepare(vault, page.items.iter().map(|row| row.user_id)).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for row in page.items {
        items.push(row.open(vault).await?);
    }
    Ok(ReviewPage { items, next_cursor: page.next_cursor, summary: summary(guard, plugin).await? })
}

/// All live reviews of `plugin` together.
///
/// # Errors
/// See [`QueryError`].
pub async fn summary(guard: &ReadGuard, plugin: Uuid) -> Result<Summary, QueryError> {
    let counts: Option<(i64, i64, i64, i64, i64)> =
        sqlx::query_as("SELECT stars_1, stars_2, stars_3, stars_4, stars_5 FROM reviews_summary WHERE plugin_id = $1")
            .bind(plugin)
            .fetch_optional(guard.pool())
            .await?;
    let (one, two, three, four, five) = counts.unwrap_or_default();
    let sum = one + 2 * two + 3 * three + 4 * four + 5 * five;
    Ok(Summary { rating: Rating::of(sum, one + two + three + four + five), histogram: [one, two, three, four, five] })
}

/// The review of `plugin` by `user`, also while it is hidden; none when it was never written or was taken back.
///
/// # Errors
/// See [`QueryError`].
pub async fn review_of(
    guard: &ReadGuard,
    vault: &dyn Vault,
    plugin: Uuid,
    user: Uuid,
) -> Result<Option<Review>, QueryError> {
    let id = souk_domain::id::ReviewId::of(user.into(), plugin.into());
    review(guard, vault, id.uuid()).await
}

/// A review, also while it is hidden; none when there is none, or it was taken back.
///
/// # Errors
/// See [`QueryError`].
pub async fn review(guard: &ReadGuard, vault: &dyn Vault, id: Uuid) -> Result<Option<Review>, QueryError> {
    let row: Option<Row> = sqlx::query_as(include_str!("review.sql")).bind(id).fetch_optional(guard.pool()).await?;
    match row {
        Some(row) => row.open(vault).await.map(Some),
        None => Ok(None),
    }
}

/// A review that somebody wrote, and what it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Of which plugin.
    pub plugin_id: Uuid,
    /// What it says.
    pub review: Review,
}

/// The reviews that `user` wrote and did not take back, the oldest first.
///
/// # Errors
/// See [`QueryError`].
pub async fn written_by(guard: &ReadGuard, vault: &dyn Vault, user: Uuid) -> Result<Vec<Written>, QueryError> {
    let rows: Vec<Row> = sqlx::query_as(include_str!("written_by.sql")).bind(user).fetch_all(guard.pool()).await?;
    let mut written = Vec::with_capacity(rows.len());
    for row in rows {
        written.push(Written { plugin_id: row.plugin_id, review: row.open(vault).await? });
    }
    Ok(written)
}
