//! The OpenAPI document, generated from the operations.

use std::sync::LazyLock;

use axum::http::Method;
use serde_json::{Map, Value, json};
use utoipa::{
    OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::router::OpenApiRouter;

use crate::{Api, error::ErrorBody, router};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Souk",
        description = "An event-sourced marketplace for agent plugins and automation assets.\n\nEvery error has the body \
            `Error`. A write answers with `Souk-Position`, the position of its last event; a read that sends it as \
            `Souk-Min-Position` sees what was written.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(ErrorBody)),
    tags(
        (name = "auth", description = "Signing in"),
        (name = "me", description = "What belongs to whoever asks"),
        (name = "vendors", description = "Sellers"),
        (name = "plugins", description = "Listings"),
        (name = "versions", description = "Versions of plugins"),
        (name = "installs", description = "Installing plugins"),
        (name = "executions", description = "Running plugins"),
        (name = "reviews", description = "Reviews"),
        (name = "moderation", description = "What waits for moderators"),
        (name = "orders", description = "Purchases"),
        (name = "licenses", description = "Rights to use plugins"),
        (name = "webhooks", description = "What payment gateways tell"),
        (name = "notifications", description = "Ending mails"),
        (name = "events", description = "What happened, for partners and for everybody"),
        (name = "partners", description = "What partners do for themselves"),
        (name = "keys", description = "Souk's own keys"),
        (name = "ledger", description = "Signed trees over all events, and proofs that one is in them"),
        (name = "admin", description = "What only admins do"),
        (name = "system", description = "For those who run Souk"),
    ),
)]
struct Document;

const METHODS: [(&str, Method); 5] = [
    ("get", Method::GET),
    ("post", Method::POST),
    ("put", Method::PUT),
    ("patch", Method::PATCH),
    ("delete", Method::DELETE),
];

/// The OpenAPI 3.1 document, pretty JSON with a line break at its end; `api/openapi.json` is this.
#[must_use]
pub fn openapi() -> String {
    shared_text().to_owned()
}

/// The document, made once.
pub fn shared_text() -> &'static str {
    static TEXT: LazyLock<String> =
        LazyLock::new(|| serde_json::to_string_pretty(&document()).unwrap_or_default() + "\n");
    &TEXT
}

/// Every route: its method and its path with parameters in braces, such as `GET /api/v1/plugins/{plugin}`. In order of paths.
#[must_use]
pub fn routes() -> Vec<(Method, String)> {
    let document = document();
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .flat_map(|(path, item)| {
            let methods = METHODS.iter().filter(|(name, _)| item.get(name).is_some());
            methods.map(|(_, method)| (method.clone(), path.clone()))
        })
        .collect()
}

fn document() -> Value {
    let router: OpenApiRouter<Api> =
        OpenApiRouter::with_openapi(Document::openapi()).merge(router::table()).merge(router::system_table());
    let mut document = router.into_openapi();
    let components = document.components.get_or_insert_default();
    let bearer = Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("access token, or API key").build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let partner = Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("key of a partner, souk_pk_…").build();
    components.add_security_scheme("partnerKey", SecurityScheme::Http(partner));
    components.add_security_scheme("apiKey", SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key"))));
    let mut document = serde_json::to_value(document).unwrap_or_default();
    // OpenAPI has no name for the rest of a path, with its slashes.
    if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
        *paths = std::mem::take(paths).into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    }
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for (method, _) in &METHODS {
            if let Some(operation) = item.get_mut(method).and_then(Value::as_object_mut) {
                add_what_all_have(path, method, operation);
            }
        }
    }
    document
}

/// What writes no event.
fn without_position(rest: &str) -> bool {
    ["/admin/projections", "/admin/reactions", "/admin/mail", "/me/notifications", "/notifications", "/partners/"]
        .iter()
        .any(|start| rest.starts_with(start))
}

/// What asks no read model.
fn from_the_log(rest: &str) -> bool {
    ["/events", "/ledger/", "/partners/", "/schemas/"].iter().any(|start| rest.starts_with(start))
}

/// What middleware adds to operations.
fn add_what_all_have(path: &str, method: &str, operation: &mut Map<String, Value>) {
    let Some(rest) = path.strip_prefix("/api/v1") else { return };
    let writes = method != "get" && rest != "/licenses/validate";
    let keyed = writes && !matches!(rest, "/auth/login" | "/auth/refresh" | "/auth/logout");
    if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
        responses.insert("default".to_owned(), default_response());
        let answered = responses.iter_mut().filter(|(status, _)| status.starts_with('2'));
        for (_, response) in answered.filter(|_| keyed && !without_position(rest)) {
            response["headers"] = json!({ "Souk-Position": {
                "description": "Position of the last event of this write", "schema": { "type": "integer", "format": "int64" }
            } });
        }
    }
    let parameter = if keyed {
        header(
            "Idempotency-Key",
            "Sent again with the same request, gives the first answer again",
            json!({ "type": "string", "maxLength": 255 }),
        )
    } else if !writes && method == "get" && !rest.starts_with("/admin/") && !from_the_log(rest) {
        let schema = json!({ "type": "integer", "format": "int64", "minimum": 0 });
        header("Souk-Min-Position", "`Souk-Position` of a write that the answer must include", schema)
    } else {
        return;
    };
    if let Some(parameters) = operation.entry("parameters").or_insert_with(|| json!([])).as_array_mut() {
        parameters.push(parameter);
    }
}

fn default_response() -> Value {
    json!({
        "description": "Refused or failed",
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } }
    })
}

fn header(name: &str, description: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "header", "description": description, "required": false, "schema": schema })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_committed_document_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::write(path, openapi()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == openapi(),
            "api/openapi.json is stale: regenerate it with `UPDATE_OPENAPI=1 cargo test -p souk-api openapi`, and commit it"
        );
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_a_tag_and_a_summary() {
        let document = document();
        let mut names = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, _) in METHODS.iter().filter(|(name, _)| item.get(name).is_some()) {
                let operation = &item[method];
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "{name} is there twice");
                assert!(operation["summary"].is_string(), "{method} {path} has no summary");
                assert!(operation["tags"][0].is_string(), "{method} {path} has no tag");
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(value: &Value, found: &mut BTreeSet<String>) {
            match value {
                Value::Object(fields) => {
                    if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                        found.insert(reference.to_owned());
                    }
                    fields.values().for_each(|value| references(value, found));
                }
                Value::Array(items) => items.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let document = document();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(found.len() > 20);
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
    }

    /// Two types of one name are one schema in the document: whichever was met last.
    #[test]
    fn the_verdict_on_a_license_is_not_that_on_a_version() {
        let schemas = &document()["components"]["schemas"];
        assert_eq!(schemas["Verdict"]["enum"], json!(["approve", "escalate", "reject"]));
        assert!(schemas["LicenseVerdict"]["properties"]["valid"].is_object());
    }

    #[test]
    fn the_contract_of_part_one_is_there() {
        let routes: BTreeSet<String> = routes().into_iter().map(|(method, path)| format!("{method} {path}")).collect();
        for route in [
            "POST /api/v1/auth/register",
            "GET /api/v1/me",
            "POST /api/v1/vendors/{id}/verify",
            "GET /api/v1/plugins",
            "PATCH /api/v1/plugins/{plugin}",
            "POST /api/v1/plugins/{plugin}/versions",
            "POST /api/v1/plugins/{plugin}/versions/{version}/yank",
            "PUT /api/v1/plugins/{plugin}/reviews/mine",
            "POST /api/v1/licenses/{id}/activations",
            "DELETE /api/v1/licenses/{id}/activations/{fingerprint}",
            "GET /api/v1/vendors/{id}/analytics",
            "GET /health",
        ] {
            assert!(routes.contains(route), "{route} is missing");
        }
    }
}
