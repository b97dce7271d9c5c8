//! `GET /me/notifications`

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_app::notices;
use utoipa::IntoParams;

use crate::{
    Api,
    error::ApiError,
    extract::{QueryParams, SignedIn},
    wire::{
        limit,
        notices::{NotificationList, behind, cursor},
    },
};

/// Which notifications.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InboxQuery {
    /// Only what is unread.
    #[serde(default)]
    unread: bool,
    /// `nextCursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
    /// How many, 1 to 100; 20 when absent.
    #[serde(default)]
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// What the caller was told, the newest first.
///
/// Reactions tell it, so it is there soon after it happened and not at once.
#[utoipa::path(get, path = "/me/notifications", tag = "me", params(InboxQuery),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "A page", body = NotificationList)))]
pub async fn my_notifications(
    State(api): State<Api>,
    who: SignedIn,
    QueryParams(query): QueryParams<InboxQuery>,
) -> Result<Json<NotificationList>, ApiError> {
    let place = behind(query.cursor.as_deref())?;
    let inbox = notices::inbox(&api.app, &who.context, query.unread, place, limit(query.limit)?).await?;
    Ok(Json(NotificationList {
        items: inbox.items.into_iter().map(Into::into).collect(),
        next_cursor: cursor(inbox.next),
        unread: inbox.unread,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn an_inbox_is_its_owners_and_comes_in_pages() {
        let world = World::new();
        let (ada, ben) = (world.person("ada").await, world.person("ben").await);
        for label in ["one", "two", "three"] {
            assert_eq!(ada.post("/me/api-keys", json!({"label": label})).await.status, 201);
            world.clock.advance(std::time::Duration::from_secs(1));
        }
        world.settle().await;
        let first = ada.get("/me/notifications?limit=2").await;
        assert_eq!((first.status, &first.body["unread"]), (200, &json!(3)), "{}", first.text);
        let newest = &first.body["items"][0];
        assert_eq!((&newest["kind"], &newest["category"]), (&json!("apiKeyIssued"), &json!("security")));
        assert!(!first.text.contains("three"), "what its owner calls a key is not told: {}", first.text);
        let cursor = first.body["nextCursor"].as_str().unwrap();
        let second = ada.get(&format!("/me/notifications?limit=2&cursor={cursor}")).await;
        assert_eq!(second.body["items"].as_array().unwrap().len(), 1);
        assert_eq!(second.body["nextCursor"], json!(null));
        assert_ne!(second.body["items"][0]["id"], first.body["items"][1]["id"]);
        assert_eq!(ben.get("/me/notifications").await.body["items"], json!([]));
    }

    #[tokio::test]
    async fn a_page_that_is_none_is_refused() {
        let ada = World::new().person("ada").await;
        for query in ["limit=0", "limit=101", "cursor=x", "unread=perhaps"] {
            assert_eq!(ada.get(&format!("/me/notifications?{query}")).await.status, 422, "{query}");
        }
    }
}
