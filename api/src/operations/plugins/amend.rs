//! `PATCH /plugins/{plugin}`

use axum::extract::State;
use serde::{Deserialize, Deserializer};
use souk_app::plugins;
use souk_domain::listing::{Complexity, Kind, Media, Pricing, Terms};
use utoipa::ToSchema;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, Privileged},
    operations::shared::written_plugin,
    wire::{catalogue::Plugin, vocabulary},
};

/// What to change of a plugin; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AmendBody {
    /// Name to show.
    display_name: Option<String>,
    /// Refused when it differs: a kind never changes.
    #[schema(value_type = Option<vocabulary::Kind>)]
    kind: Option<Kind>,
    /// One paragraph.
    summary: Option<String>,
    /// Markdown.
    description: Option<String>,
    /// One category.
    category: Option<String>,
    /// All tags.
    tags: Option<Vec<String>>,
    /// SPDX expression or `NOASSERTION`.
    license: Option<String>,
    /// The price.
    #[schema(value_type = Option<vocabulary::Pricing>)]
    pricing: Option<Pricing>,
    /// The terms.
    #[schema(value_type = Option<vocabulary::Terms>)]
    terms: Option<Terms>,
    /// All media.
    #[schema(value_type = Option<Vec<vocabulary::Media>>)]
    media: Option<Vec<Media>>,
    /// How hard it is to set up; null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<vocabulary::Complexity>)]
    complexity: Option<Option<Complexity>>,
    /// How long it takes to set up, minutes; null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>)]
    setup_minutes: Option<Option<u32>>,
    /// All requirements.
    requirements: Option<Vec<String>>,
}

/// Tells null, which takes something away, from nothing, which leaves it.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Changes what a plugin says of itself, its price or its terms. For its vendor and admins.
#[utoipa::path(patch, path = "/plugins/{plugin}", tag = "plugins", request_body = AmendBody,
    params(("plugin" = String, Path, description = "Id or name")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The plugin", body = Plugin)))]
pub async fn amend_plugin(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(plugin): PathParams<String>,
    JsonBody(body): JsonBody<AmendBody>,
) -> Result<Written<Plugin>, ApiError> {
    let input = plugins::Amend {
        display_name: body.display_name,
        kind: body.kind,
        summary: body.summary,
        description: body.description,
        category: body.category,
        tags: body.tags,
        license: body.license,
        media: body.media,
        complexity: body.complexity,
        setup_minutes: body.setup_minutes,
        requirements: body.requirements,
        pricing: body.pricing,
        terms: body.terms,
    };
    let done = plugins::amend(&api.app, &context, &plugin.as_str().into(), input).await?;
    Ok(Written::ok(done.position, written_plugin(&api, done).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::World;

    #[tokio::test]
    async fn what_is_given_changes_and_the_rest_stays() {
        let world = World::new();
        let seller = world.seller("acme").await;
        let plugin = seller.plugin("log-reader").await;
        let path = format!("/plugins/{plugin}");
        let answer = seller.person.patch(&path, json!({"summary": "New.", "setupMinutes": 5})).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!((&answer.body["summary"], &answer.body["setupMinutes"]), (&json!("New."), &json!(5)));
        assert_eq!(answer.body["license"], "MIT");
        let answer = seller.person.patch(&path, json!({"setupMinutes": null})).await;
        assert_eq!(answer.body["setupMinutes"], Value::Null);
        assert_eq!(answer.body["summary"], "New.");
    }

    #[tokio::test]
    async fn only_the_vendor_and_admins_change_it() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.plugin("log-reader").await;
        let body = json!({"summary": "New."});
        assert_eq!(world.person("ben").await.patch("/plugins/log-reader", body.clone()).await.status, 403);
        assert_eq!(world.admin().await.patch("/plugins/log-reader", body.clone()).await.status, 200);
        assert_eq!(seller.person.patch("/plugins/unknown", body).await.status, 404);
        let answer = seller.person.patch("/plugins/log-reader", json!({"kind": "workflow"})).await;
        assert_eq!((answer.status, answer.code()), (422, "validation_failed"));
    }
}
