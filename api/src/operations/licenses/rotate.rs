//! `POST /licenses/{id}/rotate`

use axum::extract::State;
use souk_app::licenses;
use uuid::Uuid;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{PathParams, Privileged},
    operations::shared,
    wire::library::License,
};

/// Gives a license another key: the old one is good for nothing from then on, machines stay bound. For its holder and admins.
#[utoipa::path(post, path = "/licenses/{id}/rotate", tag = "licenses",
    params(("id" = Uuid, Path, description = "Which license")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The license, with its key if its holder asks", body = License)))]
pub async fn rotate_license_key(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(license): PathParams<Uuid>,
) -> Result<Written<License>, ApiError> {
    let done = licenses::rotate_key(&api.app, &context, license.into()).await?;
    let own = context.actor.id == Some(done.value.holder);
    Ok(Written::ok(done.position, shared::license(&api, done.value, done.position, own).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn the_old_key_dies_at_once() {
        let world = World::new();
        let licensed = world.licensed("log-reader").await;
        let path = format!("/licenses/{}/rotate", licensed.license);
        assert_eq!(world.nobody().post(&path, json!({})).await.status, 401);
        assert_eq!(licensed.seller.person.post(&path, json!({})).await.status, 403);
        let answer = licensed.holder.post(&path, json!({})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let code =
            async |key: &str| world.nobody().post("/licenses/validate", json!({"key": key})).await.body["code"].clone();
        assert_eq!(code(&licensed.key).await, "NOT_FOUND");
        assert_eq!(code(answer.body["key"].as_str().unwrap()).await, "VALID");
    }
}
