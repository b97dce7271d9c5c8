//! `DELETE /licenses/{id}/activations/{fingerprint}`

use axum::extract::State;
use souk_app::licenses;
use uuid::Uuid;

use crate::{
    Api,
    answer::Gone,
    error::ApiError,
    extract::{PathParams, Privileged},
};

/// Frees a license from a machine. For its holder.
#[utoipa::path(delete, path = "/licenses/{id}/activations/{fingerprint}", tag = "licenses",
    params(("id" = Uuid, Path, description = "Which license"), ("fingerprint" = String, Path, description = "Which machine")),
    security(("bearer" = []), ("apiKey" = [])), responses((status = 204, description = "Freed")))]
pub async fn deactivate_license(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams((license, fingerprint)): PathParams<(Uuid, String)>,
) -> Result<Gone, ApiError> {
    Ok(Gone(licenses::deactivate(&api.app, &context, license.into(), &fingerprint).await?.position))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn a_machine_is_freed_and_another_takes_its_place() {
        let world = World::new();
        let licensed = world.licensed("log-reader").await;
        let path = format!("/licenses/{}/activations", licensed.license);
        licensed.holder.post(&path, json!({"fingerprint": "a/b c", "label": "m"})).await;
        let one = format!("{path}/a%2Fb%20c");
        assert_eq!(world.nobody().delete(&one).await.status, 401);
        assert_eq!(licensed.holder.delete(&one).await.status, 204);
        assert_eq!(licensed.holder.delete(&one).await.status, 404);
    }
}
