//! `POST /licenses/{id}/reinstate`

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

/// Makes a suspended license good again. For the plugin's vendor and admins.
#[utoipa::path(post, path = "/licenses/{id}/reinstate", tag = "licenses",
    params(("id" = Uuid, Path, description = "Which license")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "Good again", body = License)))]
pub async fn reinstate_license(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(license): PathParams<Uuid>,
) -> Result<Written<License>, ApiError> {
    let done = licenses::reinstate(&api.app, &context, license.into()).await?;
    Ok(Written::ok(done.position, shared::license(&api, done.value, done.position, false).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn an_admin_reinstates() {
        let world = World::new();
        let licensed = world.licensed("log-reader").await;
        let admin = world.admin().await;
        let path = |what: &str| format!("/licenses/{}/{what}", licensed.license);
        admin.post(&path("suspend"), json!({"reason": "looked odd"})).await;
        assert!([403, 404].contains(&licensed.holder.post(&path("reinstate"), json!({})).await.status));
        let answer = admin.post(&path("reinstate"), json!({})).await;
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!("active")), "{}", answer.body);
    }
}
