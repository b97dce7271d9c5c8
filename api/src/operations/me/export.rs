//! `GET /me/export`

use axum::{
    Json,
    extract::State,
    http::{HeaderName, header},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use souk_app::{export, users, vendors};
use souk_domain::stream::{Category, StreamId};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, SignedIn},
    operations::shared::at,
    reads::Window,
    wire::{
        List,
        account::{ApiKey, User},
        library::{Installation, License, Order},
        reviews::OwnReview,
        subscription::Subscription,
    },
};

/// Everything that Souk has of a person.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    /// When it was made.
    exported_at: DateTime<Utc>,
    /// The account.
    account: User,
    /// Its API keys; not the keys themselves, which nobody knows.
    api_keys: Vec<ApiKey>,
    /// Ids of vendors that the person owns.
    vendors: Vec<Uuid>,
    /// What is or was installed.
    installations: Vec<Installation>,
    /// Rights to use plugins, with the machines they are bound to.
    licenses: Vec<License>,
    /// Purchases.
    orders: Vec<Order>,
    /// Purchases that are paid again and again.
    subscriptions: Vec<Subscription>,
    /// What the person said of plugins.
    reviews: Vec<OwnReview>,
    /// All that happened to the account and to everything above, in order, as the log has it, with the person's texts readable.
    events: Vec<ExportedEvent>,
}

/// Something that happened.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedEvent {
    /// Where in the log.
    position: u64,
    /// When.
    recorded_at: DateTime<Utc>,
    /// To what.
    stream: String,
    /// The how-manieth event of its stream, from 0.
    version: u64,
    /// `category.past_tense`
    #[serde(rename = "type")]
    event_type: String,
    /// What the event says.
    #[schema(value_type = Object)]
    data: Value,
}

impl From<export::Happened> for ExportedEvent {
    fn from(happened: export::Happened) -> Self {
        Self {
            position: happened.position,
            recorded_at: happened.recorded_at,
            stream: happened.stream.to_string(),
            version: happened.version,
            event_type: happened.event_type,
            data: happened.data,
        }
    }
}

/// Everything that Souk has of whoever asks, as one document.
#[utoipa::path(get, path = "/me/export", tag = "me", security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The document", body = Export)))]
pub async fn export_me(
    State(api): State<Api>,
    who: SignedIn,
    min: MinPosition,
) -> Result<([(HeaderName, &'static str); 2], Json<Export>), ApiError> {
    let (user, head) = (who.user, at(&api, min));
    let account = users::profile(&api.app, user).await?.into();
    let keys = users::api_keys(&api.app, &who.context).await?;
    let vendors = vendors::owned_by(&api.app, user).await?;
    let installations = all(|page| api.reads.installations(head, user, page)).await?;
    let licenses = all(|page| api.reads.licenses(head, user, page)).await?;
    let orders = all(|page| api.reads.orders(head, user, page)).await?;
    let subscriptions = all(|page| api.reads.subscriptions(head, user, page)).await?;
    let reviews = api.reads.reviews_by(head, user).await?;
    let mut streams = vec![StreamId::of(Category::User, user)];
    let ids = |category, ids: Vec<Uuid>| ids.into_iter().map(move |id| StreamId::new(category, id));
    streams.extend(ids(Category::Installation, installations.iter().map(|row: &Installation| row.id).collect()));
    streams.extend(ids(Category::License, licenses.iter().map(|row: &License| row.id).collect()));
    streams.extend(ids(Category::Order, orders.iter().map(|row: &Order| row.id).collect()));
    streams.extend(ids(Category::Subscription, subscriptions.iter().map(|row: &Subscription| row.id).collect()));
    streams.extend(ids(Category::Review, reviews.iter().map(|row| row.review.id).collect()));
    streams.extend(ids(Category::Vendor, vendors.iter().map(|vendor| vendor.id.uuid()).collect()));
    let events = export::events_of(&api.app, &who.context, &streams).await?;
    let document = Export {
        exported_at: api.app.ports().clock.now(),
        account,
        api_keys: keys.into_iter().map(|(id, label)| ApiKey { id, label }).collect(),
        vendors: vendors.into_iter().map(|vendor| vendor.id.uuid()).collect(),
        installations,
        licenses,
        orders,
        subscriptions,
        reviews,
        events: events.into_iter().map(Into::into).collect(),
    };
    let headers = [
        (header::CONTENT_DISPOSITION, "attachment; filename=\"souk-export.json\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Json(document)))
}

/// All pages of a list.
async fn all<T, F>(page: impl Fn(Window) -> F) -> Result<Vec<T>, ApiError>
where
    F: Future<Output = Result<List<T>, ApiError>>,
{
    let (mut items, mut cursor) = (Vec::new(), None);
    loop {
        let found = page(Window { cursor, limit: 100 }).await?;
        items.extend(found.items);
        cursor = found.next_cursor;
        if cursor.is_none() {
            return Ok(items);
        }
    }
}
