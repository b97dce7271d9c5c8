//! `POST /licenses/{id}/activations`

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

/// A machine.
#[derive(Deserialize, ToSchema)]
pub struct ActivationBody {
    /// By what it is known again, one line of 1 to 255 characters.
    fingerprint: String,
    /// What its owner calls it, one line of 1 to 255 characters.
    label: String,
}

/// Binds a license to a machine. For its holder.
///
/// One machine more than the license allows is refused with 409.
#[utoipa::path(post, path = "/licenses/{id}/activations", tag = "licenses", request_body = ActivationBody,
    params(("id" = Uuid, Path, description = "Which license")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 201, description = "Bound", body = License), (status = 200, description = "It was bound to it", body = License)))]
pub async fn activate_license(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(license): PathParams<Uuid>,
    JsonBody(body): JsonBody<ActivationBody>,
) -> Result<Written<License>, ApiError> {
    let done = licenses::activate(&api.app, &context, license.into(), &body.fingerprint, &body.label).await?;
    let own = context.actor.id == Some(done.value.holder);
    let license = shared::license(&api, done.value.clone(), done.position, own).await?;
    Ok(Written::created_if(&done, "license.activated", license))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn a_license_is_bound_to_as_many_machines_as_it_allows() {
        let world = World::new();
        let licensed = world.licensed("log-reader").await;
        let path = format!("/licenses/{}/activations", licensed.license);
        let bind =
            async |machine: &str| licensed.holder.post(&path, json!({"fingerprint": machine, "label": "m"})).await;
        let first = bind("one").await;
        assert_eq!(first.status, 201, "{}", first.body);
        assert_eq!((&first.body["key"], &first.body["maxDevices"]), (&json!(licensed.key), &json!(3)));
        assert_eq!(first.body["activations"][0]["fingerprint"], "one");
        assert_eq!((bind("one").await.status, bind("two").await.status, bind("three").await.status), (200, 201, 201));
        let fourth = bind("four").await;
        assert_eq!((fourth.status, fourth.reason()), (409, "too_many_machines"));
    }

    #[tokio::test]
    async fn only_its_holder_binds_it() {
        let world = World::new();
        let licensed = world.licensed("log-reader").await;
        let path = format!("/licenses/{}/activations", licensed.license);
        let body = json!({"fingerprint": "one", "label": "m"});
        assert_eq!(world.nobody().post(&path, body.clone()).await.status, 401);
        assert!([403, 404].contains(&world.person("ben").await.post(&path, body).await.status));
        assert_eq!(licensed.holder.post(&path, json!({"fingerprint": "", "label": ""})).await.status, 422);
    }
}
