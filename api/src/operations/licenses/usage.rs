//! `POST /licenses/{id}/usage`

use axum::extract::State;
use serde::Deserialize;
use souk_app::licenses;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, Privileged},
    operations::shared,
    wire::library::License,
};

/// How often it was used.
#[derive(Deserialize, ToSchema)]
pub struct UsageBody {
    /// At least 1.
    #[schema(minimum = 1)]
    amount: u32,
}

/// Counts uses of a license, as many as its terms allow and not one more. For its holder and admins. With the same
/// `Idempotency-Key` they count once.
#[utoipa::path(post, path = "/licenses/{id}/usage", tag = "licenses", request_body = UsageBody,
    params(("id" = Uuid, Path, description = "Which license")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The license", body = License)))]
pub async fn record_license_usage(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(license): PathParams<Uuid>,
    JsonBody(body): JsonBody<UsageBody>,
) -> Result<Written<License>, ApiError> {
    let done = licenses::record_usage(&api.app, &context, license.into(), body.amount).await?;
    Ok(Written::ok(done.position, shared::license(&api, done.value, done.position, false).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn uses_are_counted() {
        let world = World::new();
        let licensed = world.licensed("log-reader").await;
        let path = format!("/licenses/{}/usage", licensed.license);
        assert_eq!(world.nobody().post(&path, json!({"amount": 1})).await.status, 401);
        assert_eq!(licensed.seller.person.post(&path, json!({"amount": 1})).await.status, 403);
        assert_eq!(licensed.holder.post(&path, json!({"amount": 0})).await.status, 422);
        assert_eq!(licensed.holder.post(&path, json!({"amount": 2})).await.body["uses"], 2);
        assert_eq!(licensed.holder.post(&path, json!({"amount": 3})).await.body["uses"], 5);
    }
}
