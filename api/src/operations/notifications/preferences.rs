//! `GET /me/notifications/preferences`

use axum::{Json, extract::State};
use souk_app::notices;

use crate::{Api, error::ApiError, extract::SignedIn, wire::notices::NotificationPreferences};

/// What the caller hears of, and how.
#[utoipa::path(get, path = "/me/notifications/preferences", tag = "me", security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "Every category", body = NotificationPreferences)))]
pub async fn notification_preferences(
    State(api): State<Api>,
    who: SignedIn,
) -> Result<Json<NotificationPreferences>, ApiError> {
    Ok(Json(notices::preferences(&api.app, &who.context).await?.into()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn defaults_are_told_with_what_cannot_be_ended() {
        let ada = World::new().person("ada").await;
        let answer = ada.get("/me/notifications/preferences").await;
        let items = answer.body["items"].as_array().unwrap();
        assert_eq!(items.len(), 7);
        let of = |name: &str| items.iter().find(|item| item["category"] == json!(name)).unwrap();
        assert_eq!(
            *of("orders"),
            json!({"category": "orders", "inApp": true, "email": true,
                "alwaysMailed": ["orderPaid", "orderRefunded"], "emailCanEnd": true})
        );
        assert_eq!((&of("updates")["email"], &of("updates")["inApp"]), (&json!(false), &json!(true)));
        assert_eq!(of("security")["emailCanEnd"], json!(false));
    }
}
