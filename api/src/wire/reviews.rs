//! Reviews.

use chrono::{DateTime, Utc};
use serde::Serialize;
use souk_app::reviews::Written;
use souk_projections::reviews as rows;
use utoipa::ToSchema;
use uuid::Uuid;

/// A review.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    /// Which.
    pub id: Uuid,
    /// Who wrote it; null in an answer that comes before the read models know.
    pub author: Option<Author>,
    /// Stars, 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
    pub rating: i64,
    /// Headline; null once it was erased.
    pub title: Option<String>,
    /// Text; null once it was erased.
    pub body: Option<String>,
    /// The version that the author has, or last had, installed.
    pub version: Option<String>,
    /// When it was written.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was last written anew.
    pub edited_at: Option<DateTime<Utc>>,
    /// What the vendor answered.
    pub reply: Option<Reply>,
    /// Whether a moderator hid it.
    pub hidden: bool,
}

/// A review, for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnReview {
    /// Of which plugin.
    pub plugin_id: Uuid,
    /// What it says.
    #[serde(flatten)]
    pub review: Review,
}

impl From<rows::Written> for OwnReview {
    fn from(written: rows::Written) -> Self {
        Self { plugin_id: written.plugin_id, review: written.review.into() }
    }
}

/// Who wrote a review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Author {
    /// Stable within one plugin, and of no use outside it.
    pub pseudonym: Uuid,
    /// Name to show; null once it was erased.
    pub display_name: Option<String>,
}

/// A vendor's answer to a review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    /// What it says.
    pub body: String,
    /// When it was written.
    pub replied_at: Option<DateTime<Utc>>,
}

/// Reviews of a plugin.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reviews {
    /// One page, the newest first.
    pub items: Vec<Review>,
    /// What to ask for as `cursor` to go on; null at the end.
    pub next_cursor: Option<String>,
    /// Over all reviews that are shown.
    pub summary: Summary,
}

/// All shown reviews of a plugin together.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Summary {
    /// Bayesian mean of the stars, two decimals; null without reviews.
    pub mean: Option<f64>,
    /// How many reviews.
    pub count: i64,
    /// How many gave 1, 2, 3, 4 and 5 stars.
    #[schema(min_items = 5, max_items = 5)]
    pub histogram: Vec<i64>,
}

impl From<rows::Review> for Review {
    fn from(row: rows::Review) -> Self {
        let rows::Author { pseudonym, display_name } = row.author;
        Self {
            id: row.id,
            author: Some(Author { pseudonym, display_name }),
            rating: row.rating.into(),
            title: row.title,
            body: row.body,
            version: Some(row.version),
            created_at: Some(row.created_at),
            edited_at: row.edited_at,
            reply: row.reply.map(|reply| Reply { body: reply.body, replied_at: Some(reply.replied_at) }),
            hidden: row.hidden,
        }
    }
}

impl Review {
    /// A review as its stream tells it; `before` knows the rest, as it was a moment ago.
    #[must_use]
    pub fn of_stream(written: Written, before: Option<Self>) -> Self {
        let review = written.review;
        let known = before.and_then(|before| before.author.map(|author| (author, before.version, before.created_at)));
        let (author, version, created_at) =
            known.map_or((None, None, None), |(author, version, created_at)| (Some(author), version, created_at));
        Self {
            id: written.id.uuid(),
            author,
            rating: review.rating.stars().into(),
            title: review.title.text().map(str::to_owned),
            body: review.body.text().map(str::to_owned),
            version,
            created_at,
            edited_at: None,
            reply: review.reply.map(|body| Reply { body, replied_at: None }),
            hidden: review.hidden,
        }
    }
}

impl From<rows::ReviewPage> for Reviews {
    fn from(found: rows::ReviewPage) -> Self {
        let rows::Summary { rating, histogram } = found.summary;
        Self {
            items: found.items.into_iter().map(Into::into).collect(),
            next_cursor: found.next_cursor,
            summary: Summary { mean: rating.mean, count: rating.count, histogram: histogram.to_vec() },
        }
    }
}
