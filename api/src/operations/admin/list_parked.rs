//! `GET /admin/reactions/parked`

use axum::{Json, extract::State};
use serde::Serialize;
use souk_ports::{Position, store::Parked};
use utoipa::ToSchema;
use uuid::Uuid;

use super::require_admin;
use crate::{Api, error::ApiError, extract::Privileged, wire::List};

/// An event that a reaction failed on.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParkedEvent {
    /// The reaction.
    #[schema(example = "licensing")]
    pub reaction: String,
    /// The event's position.
    pub position: Position,
    /// The event's id.
    pub event_id: Uuid,
    /// Why.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
}

impl From<Parked> for ParkedEvent {
    fn from(parked: Parked) -> Self {
        let Parked { reaction, position, event, reason, attempts } = parked;
        Self { reaction, position, event_id: event, reason, attempts }
    }
}

/// The events that reactions failed on, oldest first. For admins.
#[utoipa::path(get, path = "/admin/reactions/parked", tag = "admin", security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "All of them", body = List<ParkedEvent>)))]
pub async fn list_parked(
    State(api): State<Api>,
    Privileged(context): Privileged,
) -> Result<Json<List<ParkedEvent>>, ApiError> {
    require_admin(&context)?;
    Ok(Json(List::of(api.reactions.parked(None).await?, None)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn admins_see_what_is_parked() {
        let world = World::new();
        world.park("licensing", 4).await;
        let answer = world.admin().await.get("/admin/reactions/parked").await;
        assert_eq!(answer.status, 200);
        let first = &answer.body["items"][0];
        assert_eq!((&first["reaction"], &first["position"]), (&json!("licensing"), &json!(4)));
        assert_eq!(world.moderator().await.get("/admin/reactions/parked").await.status, 403);
        assert_eq!(world.nobody().get("/admin/reactions/parked").await.status, 401);
    }
}
