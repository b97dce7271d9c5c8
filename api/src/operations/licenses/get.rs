//! `GET /licenses/{id}`

use axum::{Json, extract::State};
use souk_app::licenses;
use uuid::Uuid;

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, PathParams, Privileged},
    operations::shared,
    wire::library::License,
};

/// A license. For its holder, who also sees the key, its vendor and admins.
#[utoipa::path(get, path = "/licenses/{id}", tag = "licenses", params(("id" = Uuid, Path, description = "Which license")),
    security(("bearer" = []), ("apiKey" = [])), responses((status = 200, description = "The license", body = License)))]
pub async fn get_license(
    State(api): State<Api>,
    Privileged(context): Privileged,
    _: MinPosition,
    PathParams(license): PathParams<Uuid>,
) -> Result<Json<License>, ApiError> {
    let read = licenses::get(&api.app, &context, license.into()).await?;
    let own = context.actor.id == Some(read.value.holder);
    shared::license(&api, read.value, read.position, own).await.map(Json)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn its_holder_sees_the_key_and_its_vendor_does_not() {
        let world = World::new();
        let licensed = world.licensed("log-reader").await;
        let path = format!("/licenses/{}", licensed.license);
        let answer = licensed.holder.get(&path).await;
        assert_eq!((answer.status, &answer.body["key"]), (200, &json!(licensed.key)));
        let answer = licensed.seller.person.get(&path).await;
        assert_eq!((answer.status, &answer.body["key"]), (200, &json!(null)));
        assert_eq!(world.person("ben").await.get(&path).await.status, 403);
        assert_eq!(world.nobody().get(&path).await.status, 401);
    }
}
