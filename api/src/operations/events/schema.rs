//! `GET /schemas/{type}/{version}`

use axum::{
    Json,
    extract::State,
    http::{HeaderName, header},
};
use serde_json::Value;
use souk_app::public::{find, schema};

use crate::{Api, error::ApiError, extract::PathParams};

/// The JSON Schema (2020-12) of the data of a type of public events.
#[utoipa::path(get, path = "/schemas/{type}/{version}", tag = "events",
    params(("type" = String, Path, description = "Such as `souk.plugin.created`"),
        ("version" = String, Path, description = "Such as `v1`")),
    security(()),
    responses((status = 200, description = "The schema", content_type = "application/schema+json", body = Object)))]
pub async fn event_schema(
    State(api): State<Api>,
    PathParams((name, version)): PathParams<(String, String)>,
) -> Result<([(HeaderName, &'static str); 1], Json<Value>), ApiError> {
    let full = format!("{name}.{version}");
    let public = find(&full).filter(|public| public.full_name() == full);
    let public = public.ok_or_else(|| ApiError::not_found("this schema"))?;
    let base = api.settings.public_url.as_deref().unwrap_or_default();
    Ok(([(header::CONTENT_TYPE, "application/schema+json")], Json(schema(public, base))))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::PathBuf};

    use serde_json::Value;
    use souk_app::public::{TYPES, breaks, schema};

    use crate::testing::World;

    fn folder() -> PathBuf {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas"))
    }

    /// What was promised, and still holds. With `UPDATE_SCHEMAS` added fields are written down; what breaks a promise is refused in any case
    /// and needs another version of its type.
    #[test]
    fn the_published_schemas_are_these_and_none_breaks_a_promise() {
        let update = std::env::var_os("UPDATE_SCHEMAS").is_some();
        let mut published: BTreeSet<_> =
            fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        for public in TYPES {
            let name = format!("{}.json", public.full_name());
            let path = folder().join(&name);
            let new = schema(public, "");
            let text = serde_json::to_string_pretty(&new).unwrap() + "\n";
            if published.remove(&name) {
                let old: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
                let broken = breaks(&old, &new);
                assert!(broken.is_empty(), "{name} breaks who goes by it; it needs another version: {broken:?}");
            }
            if update {
                fs::write(&path, text).unwrap();
            } else {
                let old = fs::read_to_string(&path).unwrap_or_default();
                assert_eq!(old, text, "{name} is old: UPDATE_SCHEMAS=1 writes it anew");
            }
        }
        assert!(published.is_empty(), "these were promised and are gone: {published:?}");
    }

    #[tokio::test]
    async fn a_schema_is_found_by_type_and_version() {
        let world = World::new();
        let answer = world.nobody().get("/schemas/souk.plugin.created/v1").await;
        assert_eq!((answer.status, answer.body["title"].as_str()), (200, Some("souk.plugin.created.v1")));
        for unknown in ["souk.plugin.created/v2", "plugin.created/v1", "souk.plugin.created/1", "x/y"] {
            assert_eq!(world.nobody().get(&format!("/schemas/{unknown}")).await.status, 404, "{unknown}");
        }
    }
}
