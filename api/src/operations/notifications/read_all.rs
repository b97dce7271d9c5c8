//! `POST /me/notifications/read`

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_app::notices;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Api,
    error::ApiError,
    extract::{OptionalJson, SignedIn},
    wire::notices::MarkedRead,
};

/// Up to where.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadBody {
    /// This notification and all that are not newer; all that there are now when absent.
    #[serde(default)]
    up_to: Option<Uuid>,
}

/// Marks the caller's notifications as read, up to one that was seen.
#[utoipa::path(post, path = "/me/notifications/read", tag = "me", request_body = ReadBody,
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "How many were unread", body = MarkedRead)))]
pub async fn read_notifications(
    State(api): State<Api>,
    who: SignedIn,
    OptionalJson(body): OptionalJson<ReadBody>,
) -> Result<Json<MarkedRead>, ApiError> {
    let marked = notices::read_up_to(&api.app, &who.context, body.up_to).await?;
    Ok(Json(MarkedRead { marked }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn what_came_later_stays_unread() {
        let world = World::new();
        let ada = world.person("ada").await;
        for label in ["one", "two", "three"] {
            ada.post("/me/api-keys", json!({"label": label})).await;
            world.clock.advance(std::time::Duration::from_secs(1));
        }
        world.settle().await;
        let inbox = ada.get("/me/notifications").await;
        let middle = &inbox.body["items"][1]["id"];
        let answer = ada.post("/me/notifications/read", json!({"upTo": middle})).await;
        assert_eq!((answer.status, answer.body), (200, json!({"marked": 2})));
        assert_eq!(ada.get("/me/notifications").await.body["unread"], json!(1));
        let unknown = ada.post("/me/notifications/read", json!({"upTo": uuid::Uuid::nil()})).await;
        assert_eq!(unknown.status, 404);
        assert_eq!(ada.post("/me/notifications/read", json!({})).await.body, json!({"marked": 1}));
    }
}
