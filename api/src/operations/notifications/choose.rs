//! `PUT /me/notifications/preferences`

use axum::{Json, extract::State};
use souk_app::notices;

use crate::{
    Api,
    error::ApiError,
    extract::{JsonBody, SignedIn},
    wire::notices::{NotificationPreferences, PreferenceChoices},
};

/// Chooses what the caller hears of, and how.
///
/// Categories that are not named stay as they are. Receipts and what is dangerous not to know (`alwaysMailed`) are mailed whatever is
/// chosen; mails of `security` cannot be ended, and asking for that is refused.
#[utoipa::path(put, path = "/me/notifications/preferences", tag = "me", request_body = PreferenceChoices,
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "Every category, as it is now", body = NotificationPreferences)))]
pub async fn choose_notifications(
    State(api): State<Api>,
    who: SignedIn,
    JsonBody(body): JsonBody<PreferenceChoices>,
) -> Result<Json<NotificationPreferences>, ApiError> {
    let chosen = body.preferences()?;
    Ok(Json(notices::choose(&api.app, &who.context, &chosen).await?.into()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    const PATH: &str = "/me/notifications/preferences";

    #[tokio::test]
    async fn a_choice_is_kept_and_the_rest_stays() {
        let world = World::new();
        let ada = world.person("ada").await;
        let choice =
            |in_app: bool, email: bool| json!({"items": [{"category": "reviews", "inApp": in_app, "email": email}]});
        let chosen = ada.put(PATH, choice(false, false)).await;
        assert_eq!(chosen.status, 200, "{}", chosen.text);
        let now = ada.get(PATH).await;
        assert_eq!(now.body, chosen.body);
        assert_eq!(
            now.body["items"][2],
            json!({"category": "reviews", "inApp": false, "email": false,
            "alwaysMailed": [], "emailCanEnd": true})
        );
        assert_eq!(now.body["items"][0]["email"], json!(true));
        assert_eq!(ada.put(PATH, now.body).await.status, 200, "what was answered can be sent back");
        assert_eq!(world.person("ben").await.get(PATH).await.body["items"][2]["email"], json!(true));
    }

    #[tokio::test]
    async fn mails_that_are_dangerous_to_miss_do_not_end() {
        let ada = World::new().person("ada").await;
        let off = ada.put(PATH, json!({"items": [{"category": "security", "inApp": true, "email": false}]})).await;
        assert_eq!((off.status, off.code()), (422, "validation_failed"));
        let hidden = ada.put(PATH, json!({"items": [{"category": "security", "inApp": false, "email": true}]})).await;
        assert_eq!(hidden.status, 200);
        let twice = json!({"category": "reviews", "inApp": true, "email": false});
        assert_eq!(ada.put(PATH, json!({"items": [twice, twice]})).await.status, 422);
        assert_eq!(
            ada.put(PATH, json!({"items": [{"category": "gossip", "inApp": true, "email": true}]})).await.status,
            422
        );
    }
}
