//! `DELETE /me`

use axum::extract::State;
use souk_app::users::{self, Who};

use crate::{Api, answer::Gone, error::ApiError, extract::SignedIn};

/// Erases whoever asks. From now on the account does nothing any more; within moments its key is destroyed, and nobody reads its personal texts
/// again, wherever they stand. Subscriptions end, vendors of this person publish no more. It cannot be taken back.
#[utoipa::path(delete, path = "/me", tag = "me", security(("bearer" = []), ("apiKey" = [])),
    responses((status = 204, description = "It is under way")))]
pub async fn erase_me(State(api): State<Api>, who: SignedIn) -> Result<Gone, ApiError> {
    Ok(Gone(users::request_erasure(&api.app, &who.context, &Who::Id(who.user)).await?.position))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn who_is_erased_is_nobody_any_more() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.published("log-reader", "1.0.0").await;
        let ada = world.person("ada").await;
        ada.post("/plugins/log-reader/install", json!({})).await;
        let said = json!({"rating": 4, "title": "A canary", "body": "It sings."});
        assert_eq!(ada.put("/plugins/log-reader/reviews/mine", said).await.status, 201);
        assert_eq!(world.nobody().delete("/me").await.status, 401);
        let answer = ada.delete("/me").await;
        assert_eq!(answer.status, 204, "{}", answer.text);
        assert!(answer.header("souk-position").parse::<u64>().is_ok());
        world.settle().await;

        let late = ada.get("/me").await;
        assert_eq!((late.status, late.code()), (401, "unauthorized"));
        let login = json!({"email": "ada@example.com", "password": crate::testing::PASSWORD});
        assert_eq!(world.nobody().post("/auth/login", login).await.status, 401);
        // The address is free, and whoever has it now is somebody else.
        let again = world.person("ada").await;
        assert_ne!(again.id, ada.id);
        let events = world.memory.events();
        let of = |kind: &str| events.iter().filter(|event| event.event_type == kind).count();
        assert_eq!((of("user.erasure_requested"), of("user.erased"), of("email.released")), (1, 1, 1));
    }

    #[tokio::test]
    async fn vendors_of_who_is_erased_publish_no_more() {
        let world = World::new();
        let seller = world.seller("acme").await;
        assert_eq!(seller.person.delete("/me").await.status, 204);
        world.settle().await;
        assert!(world.memory.events().iter().any(|event| event.event_type == "vendor.suspended"));
    }
}
