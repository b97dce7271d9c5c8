//! `POST /plugins`

use axum::extract::State;
use serde::Deserialize;
use souk_app::plugins;
use souk_domain::listing::{Complexity, Details, Kind, Media, Pricing, Terms};
use utoipa::ToSchema;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, Privileged},
    operations::shared::{vendor_id, written_plugin},
    wire::{catalogue::Plugin, vocabulary},
};

/// A new plugin.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginBody {
    /// Its unique name: letters, digits, `.`, `_` and `-`, 2 to 150 characters. Case, and which of the three, make no difference.
    #[schema(example = "log-reader")]
    name: String,
    /// Name to show, 1 to 200 characters.
    display_name: String,
    /// What sort of asset.
    #[schema(value_type = vocabulary::Kind)]
    kind: Kind,
    /// One paragraph, 1 to 1,000 characters.
    summary: String,
    /// Markdown, 1 to 50,000 characters.
    description: String,
    /// One category, 1 to 64 characters.
    category: String,
    /// At most 20 tags of 1 to 64 characters.
    tags: Vec<String>,
    /// SPDX expression or `NOASSERTION`.
    #[schema(example = "MIT")]
    license: String,
    /// What it costs.
    #[schema(value_type = vocabulary::Pricing)]
    pricing: Pricing,
    /// What a license allows.
    #[serde(default)]
    #[schema(value_type = Option<vocabulary::Terms>)]
    terms: Option<Terms>,
    /// Whose, by id or slug; needed when the caller owns several vendors.
    vendor: Option<String>,
    /// Pictures and films.
    #[serde(default)]
    #[schema(value_type = Option<Vec<vocabulary::Media>>)]
    media: Option<Vec<Media>>,
    /// How hard it is to set up.
    #[schema(value_type = Option<vocabulary::Complexity>)]
    complexity: Option<Complexity>,
    /// How long it takes to set up, minutes.
    setup_minutes: Option<u32>,
    /// What must be there first, at most 50 lines.
    #[serde(default)]
    requirements: Option<Vec<String>>,
}

/// Lists a plugin. For vendors.
///
/// A taken name is refused with 409, `details.reason` = `name_taken`.
#[utoipa::path(post, path = "/plugins", tag = "plugins", request_body = PluginBody,
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 201, description = "The plugin", body = Plugin)))]
pub async fn create_plugin(
    State(api): State<Api>,
    Privileged(context): Privileged,
    JsonBody(body): JsonBody<PluginBody>,
) -> Result<Written<Plugin>, ApiError> {
    let vendor = match &body.vendor {
        Some(vendor) => Some(vendor_id(&api, vendor).await?),
        None => None,
    };
    let details = Details {
        display_name: body.display_name,
        kind: body.kind,
        summary: body.summary,
        description: body.description,
        category: body.category,
        tags: body.tags,
        license: body.license,
        media: body.media.unwrap_or_default(),
        complexity: body.complexity,
        setup_minutes: body.setup_minutes,
        requirements: body.requirements.unwrap_or_default(),
    };
    let terms = body.terms.unwrap_or_default();
    let input = plugins::CreatePlugin { name: body.name, details, pricing: body.pricing, terms, vendor };
    let done = plugins::create(&api.app, &context, input).await?;
    Ok(Written::created(done.position, written_plugin(&api, done).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{World, skill};

    #[tokio::test]
    async fn a_vendor_lists_a_plugin() {
        let world = World::new();
        let seller = world.seller("acme").await;
        let answer = seller.person.post("/plugins", skill("log-reader")).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        assert!(answer.position().is_some());
        let plugin = &answer.body;
        assert_eq!((&plugin["name"], &plugin["status"]), (&json!("log-reader"), &json!("draft")));
        assert_eq!(plugin["vendor"]["slug"], "acme");
        assert_eq!(plugin["terms"]["maxDevices"], 3);
        assert_eq!((&plugin["latestVersion"], &plugin["rating"]["count"]), (&Value::Null, &json!(0)));
    }

    #[tokio::test]
    async fn a_name_is_taken_in_all_its_spellings() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.person.post("/plugins", skill("log-reader")).await;
        let answer = seller.person.post("/plugins", skill("Log_Reader")).await;
        assert_eq!((answer.status, answer.code(), answer.reason()), (409, "conflict", "name_taken"));
    }

    #[tokio::test]
    async fn only_a_vendor_lists() {
        let world = World::new();
        assert_eq!(world.nobody().post("/plugins", skill("one")).await.status, 401);
        assert_eq!(world.person("ada").await.post("/plugins", skill("one")).await.status, 403);
        let seller = world.seller("acme").await;
        let mut body = skill("one");
        body["vendor"] = json!("acme");
        assert_eq!(world.person("ben").await.post("/plugins", body.clone()).await.status, 403);
        assert_eq!(seller.person.post("/plugins", body).await.status, 201);
    }

    #[tokio::test]
    async fn what_does_not_fit_is_named() {
        let world = World::new();
        let seller = world.seller("acme").await;
        for (field, value) in [
            ("name", json!(5)),
            ("name", json!("a")),
            ("kind", json!("spaceship")),
            ("summary", json!("")),
            ("displayName", json!("a\u{0}b")),
            ("license", json!("No-Such-License")),
            ("pricing", json!({"model": "barter"})),
            ("pricing", json!({"model": "one_time", "amount": 1, "currency": "XYZ"})),
            ("pricing", json!({"model": "one_time", "amount": -1, "currency": "USD"})),
        ] {
            let mut body = skill("log-reader");
            body[field] = value;
            let answer = seller.person.post("/plugins", body).await;
            assert_eq!((answer.status, answer.code()), (422, "validation_failed"), "{field}: {}", answer.body);
            assert!(answer.body["error"]["details"]["fields"].to_string().contains(field), "{}", answer.body);
        }
    }

    #[tokio::test]
    async fn unknown_fields_are_ignored() {
        let world = World::new();
        let seller = world.seller("acme").await;
        let mut body = skill("log-reader");
        body["colour"] = json!("red");
        assert_eq!(seller.person.post("/plugins", body).await.status, 201);
    }
}
