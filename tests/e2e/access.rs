//! Every route × (nobody, customer, stranger, owner, moderator, admin) → the status it answers with. A route of the OpenAPI
//! document that has no row here fails the test.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::nobody;

mod money;
mod partners;
mod world;

use self::world::World;

/// Statuses in the order nobody, customer (bought and installed the plugin), stranger (another vendor's owner), owner (of
/// the plugin's vendor), moderator, admin.
type Expected = [u16; 6];

/// One route and who gets what. In path and body `{word}` stands for what [`World`] has under that word, `{new}` for a
/// word that nobody used before, `{actor}` for the number of the actor, from 1.
struct Row {
    route: &'static str,
    path: &'static str,
    body: Body,
    expected: Expected,
}

enum Body {
    None,
    Json(&'static str),
    /// The manifest's version.
    Version(&'static str),
}

const fn row(route: &'static str, path: &'static str, body: Body, expected: Expected) -> Row {
    Row { route, path, body, expected }
}

const PUBLIC: Expected = [200; 6];
const SIGNED_IN: Expected = [401, 200, 200, 200, 200, 200];
const OWNER: Expected = [401, 403, 403, 200, 403, 200];
const MODERATOR: Expected = [401, 403, 403, 403, 200, 200];
const ADMIN: Expected = [401, 403, 403, 403, 403, 200];

/// In this order: what a row leaves behind is what the next ones find.
fn rows() -> Vec<Row> {
    use Body::{Json, None, Version};
    let mut rows = vec![
        row("GET /health", "!/health", None, PUBLIC),
        row("GET /ready", "!/ready", None, PUBLIC),
        row("GET /metrics", "!/metrics", None, PUBLIC),
        row("GET /docs", "!/docs", None, PUBLIC),
        row("GET /ledger/checkpoint", "!/ledger/checkpoint", None, PUBLIC),
        row("GET /ledger/tile/{level}/{number}", "!/ledger/tile/0/000.p/1", None, PUBLIC),
        row("GET /api/v1/ledger/consistency", "/ledger/consistency?from=1&to=1", None, PUBLIC),
        row("GET /api/v1/events/{position}/proof", "/events/1/proof", None, PUBLIC),
        row("GET /api/v1/openapi.json", "/openapi.json", None, PUBLIC),
        row(
            "POST /api/v1/auth/register",
            "/auth/register",
            Json(r#"{"email":"{new}@example.com","password":"correct horse battery","displayName":"New"}"#),
            [201; 6],
        ),
        row(
            "POST /api/v1/auth/login",
            "/auth/login",
            Json(r#"{"email":"nobody-has-this@example.com","password":"wrong wrong wrong"}"#),
            [401; 6],
        ),
        row("POST /api/v1/auth/refresh", "/auth/refresh", Json(r#"{"refreshToken":"forged"}"#), [401; 6]),
        row("POST /api/v1/auth/logout", "/auth/logout", Json(r#"{"refreshToken":"forged"}"#), [204; 6]),
        row("GET /api/v1/me", "/me", None, SIGNED_IN),
        row("GET /api/v1/me/library", "/me/library", None, SIGNED_IN),
        row("GET /api/v1/me/licenses", "/me/licenses", None, SIGNED_IN),
        row("GET /api/v1/me/orders", "/me/orders", None, SIGNED_IN),
        row("GET /api/v1/me/api-keys", "/me/api-keys", None, SIGNED_IN),
        row("POST /api/v1/me/api-keys", "/me/api-keys", Json(r#"{"label":"ci"}"#), [401, 201, 201, 201, 201, 201]),
        row("DELETE /api/v1/me/api-keys/{key}", "/me/api-keys/{unknown}", None, [401, 404, 404, 404, 404, 404]),
        row("GET /api/v1/me/notifications", "/me/notifications", None, SIGNED_IN),
        row(
            "POST /api/v1/me/notifications/{id}/read",
            "/me/notifications/{unknown}/read",
            None,
            [401, 404, 404, 404, 404, 404],
        ),
        row("POST /api/v1/me/notifications/read", "/me/notifications/read", None, SIGNED_IN),
        row("GET /api/v1/me/notifications/preferences", "/me/notifications/preferences", None, SIGNED_IN),
        row(
            "PUT /api/v1/me/notifications/preferences",
            "/me/notifications/preferences",
            Json(r#"{"items":[{"category":"reviews","inApp":true,"email":true}]}"#),
            SIGNED_IN,
        ),
        row("GET /api/v1/notifications/unsubscribe/{token}", "/notifications/unsubscribe/forged", None, [404; 6]),
        row("POST /api/v1/notifications/unsubscribe/{token}", "/notifications/unsubscribe/forged", None, [404; 6]),
        row("GET /api/v1/admin/mail", "/admin/mail", None, ADMIN),
        // Nobody configured a mail server.
        row("POST /api/v1/admin/mail/{id}/retry", "/admin/mail/{unknown}/retry", None, [401, 403, 403, 403, 403, 409]),
        row("GET /api/v1/vendors/{vendor}", "/vendors/{vendor}", None, PUBLIC),
        row("POST /api/v1/vendors/{vendor}/verify", "/vendors/{vendor}/verify", None, ADMIN),
        row(
            "PUT /api/v1/vendors/{vendor}/commission",
            "/vendors/{vendor}/commission",
            Json(r#"{"basisPoints":1000}"#),
            ADMIN,
        ),
        row("GET /api/v1/vendors/{vendor}/keys", "/vendors/{vendor}/keys", None, PUBLIC),
        row(
            "POST /api/v1/vendors/{vendor}/keys",
            "/vendors/{vendor}/keys",
            // The public key of the first test of RFC 8032, section 7.1.
            Json(r#"{"publicKey":"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=","label":"ci"}"#),
            [401, 403, 403, 201, 403, 403],
        ),
        row(
            "DELETE /api/v1/vendors/{vendor}/keys/{key}",
            "/vendors/{vendor}/keys/{unknown}",
            None,
            [401, 403, 403, 404, 403, 404],
        ),
        row("GET /api/v1/keys", "/keys", None, PUBLIC),
        row("GET /api/v1/vendors/{vendor}/analytics", "/vendors/{vendor}/analytics", None, OWNER),
        row("POST /api/v1/vendors/{vendor}/suspend", "/vendors/{doomed}/suspend", Json(r#"{"reason":"fraud"}"#), ADMIN),
        row(
            "POST /api/v1/plugins",
            "/plugins",
            Json(
                r#"{"name":"{new}","displayName":"N","kind":"skill","summary":"S","description":"D","category":"c","tags":[],
                    "license":"MIT","pricing":{"model":"free"}}"#,
            ),
            [401, 403, 201, 201, 403, 403],
        ),
        row(
            "POST /api/v1/vendors",
            "/vendors",
            Json(r#"{"name":"New","slug":"{new}"}"#),
            [401, 201, 201, 201, 201, 201],
        ),
        row("GET /api/v1/plugins", "/plugins", None, PUBLIC),
        row("GET /api/v1/plugins/{plugin}", "/plugins/{plugin}", None, PUBLIC),
        row("PATCH /api/v1/plugins/{plugin}", "/plugins/{plugin}", Json(r#"{"summary":"Better."}"#), OWNER),
        row("GET /api/v1/plugins/{plugin}/versions", "/plugins/{plugin}/versions", None, PUBLIC),
        row(
            "POST /api/v1/plugins/{plugin}/versions",
            "/plugins/{plugin}/versions",
            Version("2.0.{actor}"),
            [401, 403, 403, 202, 403, 202],
        ),
        row(
            "GET /api/v1/plugins/{plugin}/versions/{version}/release",
            "/plugins/{plugin}/versions/1.0.0/release",
            None,
            PUBLIC,
        ),
        row(
            "GET /api/v1/plugins/{plugin}/versions/{version}/diff",
            // A version against itself: what is refused is the question, whoever asks it.
            "/plugins/{plugin}/versions/1.0.0/diff?from=1.0.0",
            None,
            [422; 6],
        ),
        row("GET /api/v1/plugins/{plugin}/validation", "/plugins/{plugin}/validation", None, PUBLIC),
        row("GET /api/v1/plugins/{plugin}/reliability", "/plugins/{plugin}/reliability", None, PUBLIC),
        row("GET /api/v1/plugins/{plugin}/reliability/history", "/plugins/{plugin}/reliability/history", None, PUBLIC),
        row("GET /api/v1/plugins/{plugin}/history", "/plugins/{plugin}/history", None, PUBLIC),
        row("GET /api/v1/plugins/{plugin}/reviews", "/plugins/{plugin}/reviews", None, PUBLIC),
        row(
            "POST /api/v1/plugins/{plugin}/versions/{version}/approve",
            "/plugins/{plugin}/versions/1.0.0/approve",
            Json("{}"),
            MODERATOR,
        ),
        row(
            "POST /api/v1/plugins/{plugin}/versions/{version}/reject",
            "/plugins/{plugin}/versions/1.0.0/reject",
            Json(r#"{"reason":"too late: it is approved"}"#),
            [401, 403, 403, 403, 409, 409],
        ),
        row(
            "POST /api/v1/plugins/{plugin}/versions/{version}/appeal",
            "/plugins/{plugin}/versions/1.0.0/appeal",
            Json(r#"{"reason":"it is not rejected"}"#),
            [401, 403, 403, 409, 403, 409],
        ),
        row("GET /api/v1/moderation", "/moderation?state=open&type=version", None, MODERATOR),
        row("GET /api/v1/moderation/{id}", "/moderation/{unknown}", None, [401, 403, 403, 403, 404, 404]),
        row(
            "POST /api/v1/plugins/{plugin}/install",
            "/plugins/{plugin}/install",
            Json("{}"),
            [401, 200, 201, 201, 201, 201],
        ),
        row(
            "POST /api/v1/plugins/{plugin}/execute",
            "/plugins/{plugin}/execute",
            Json(r#"{"input":{}}"#),
            [401, 409, 409, 409, 409, 409],
        ),
        row(
            "GET /api/v1/plugins/{plugin}/status",
            "/plugins/{plugin}/status?execution={unknown}",
            None,
            [401, 404, 404, 404, 404, 404],
        ),
        row(
            "PUT /api/v1/plugins/{plugin}/reviews/mine",
            "/plugins/{plugin}/reviews/mine",
            Json(r#"{"rating":4,"title":"Good","body":"It is."}"#),
            [401, 200, 201, 403, 201, 201],
        ),
        row(
            "DELETE /api/v1/plugins/{plugin}/reviews/mine",
            "/plugins/{plugin}/reviews/mine",
            None,
            [401, 204, 204, 404, 204, 204],
        ),
        row(
            "DELETE /api/v1/plugins/{plugin}/install",
            "/plugins/{plugin}/install",
            None,
            [401, 204, 204, 204, 204, 204],
        ),
        row(
            "POST /api/v1/plugins/{plugin}/reviews/{review}/flag",
            "/plugins/{reviewed}/reviews/{review}/flag",
            Json(r#"{"reason":"spam"}"#),
            SIGNED_IN,
        ),
        row(
            "POST /api/v1/plugins/{plugin}/reviews/{review}/reply",
            "/plugins/{reviewed}/reviews/{review}/reply",
            Json(r#"{"body":"Thank you."}"#),
            OWNER,
        ),
        row(
            "POST /api/v1/plugins/{plugin}/reviews/{review}/unflag",
            "/plugins/{reviewed}/reviews/{review}/unflag",
            None,
            MODERATOR,
        ),
        row(
            "POST /api/v1/plugins/{plugin}/reviews/{review}/hide",
            "/plugins/{reviewed}/reviews/{review}/hide",
            Json(r#"{"reason":"spam"}"#),
            MODERATOR,
        ),
        row(
            "POST /api/v1/plugins/{plugin}/reviews/{review}/restore",
            "/plugins/{reviewed}/reviews/{review}/restore",
            None,
            MODERATOR,
        ),
        row(
            "POST /api/v1/orders",
            "/orders",
            Json(r#"{"plugin":"{paid}","gateway":"manual"}"#),
            [401, 201, 201, 201, 201, 201],
        ),
        row("GET /api/v1/orders/{order}", "/orders/{order}", None, [401, 200, 403, 403, 403, 200]),
        row(
            "POST /api/v1/orders/{order}/payments",
            "/orders/{order}/payments",
            Json(r#"{"reference":"{order}"}"#),
            ADMIN,
        ),
        row("POST /api/v1/licenses/validate", "/licenses/validate", Json(r#"{"key":"unknown"}"#), PUBLIC),
        row(
            "POST /api/v1/licenses/{license}/activations",
            "/licenses/{license}/activations",
            Json(r#"{"fingerprint":"m{actor}","label":"m"}"#),
            [401, 201, 403, 403, 403, 201],
        ),
        row(
            "DELETE /api/v1/licenses/{license}/activations/{fingerprint}",
            "/licenses/{license}/activations/m{actor}",
            None,
            [401, 204, 403, 403, 403, 204],
        ),
        row("POST /api/v1/licenses/{license}/suspend", "/licenses/{license}/suspend", Json(r#"{"reason":"r"}"#), OWNER),
        row("POST /api/v1/licenses/{license}/reinstate", "/licenses/{license}/reinstate", None, OWNER),
        row("POST /api/v1/licenses/{license}/revoke", "/licenses/{license}/revoke", Json(r#"{"reason":"r"}"#), OWNER),
        row(
            "POST /api/v1/orders/{order}/refunds",
            "/orders/{order}/refunds",
            Json(r#"{"amount":1,"reason":"r"}"#),
            ADMIN,
        ),
        row(
            "POST /api/v1/plugins/{plugin}/versions/{version}/rollback",
            "/plugins/{reviewed}/versions/1.0.0/rollback",
            Json(r#"{"reason":"it is the current one"}"#),
            [401, 403, 403, 409, 403, 409],
        ),
        row(
            "POST /api/v1/plugins/{plugin}/versions/{version}/yank",
            "/plugins/{doomedPlugin}/versions/1.0.0/yank",
            Json(r#"{"reason":"broken"}"#),
            OWNER,
        ),
        row(
            "POST /api/v1/plugins/{plugin}/deprecate",
            "/plugins/{doomedPlugin}/deprecate",
            Json(r#"{"message":"Use another."}"#),
            OWNER,
        ),
        row(
            "POST /api/v1/plugins/{plugin}/suspend",
            "/plugins/{doomedPlugin}/suspend",
            Json(r#"{"reason":"malware"}"#),
            MODERATOR,
        ),
        row("POST /api/v1/plugins/{plugin}/reinstate", "/plugins/{doomedPlugin}/reinstate", None, MODERATOR),
        row(
            "POST /api/v1/plugins/{plugin}/transfer",
            "/plugins/{doomedPlugin}/transfer",
            Json(r#"{"vendor":"{vendor}"}"#),
            OWNER,
        ),
        row("GET /api/v1/admin/projections", "/admin/projections", None, ADMIN),
        row(
            "POST /api/v1/admin/projections/{name}/rebuild",
            "/admin/projections/no_such_model/rebuild",
            Json("{}"),
            [401, 403, 403, 403, 403, 404],
        ),
        row(
            "DELETE /api/v1/admin/projections/{name}/rebuild",
            "/admin/projections/catalogue/rebuild",
            None,
            [401, 403, 403, 403, 403, 409],
        ),
        row(
            "POST /api/v1/admin/projections/{name}/retry",
            "/admin/projections/catalogue/retry",
            Json("{}"),
            [401, 403, 403, 403, 403, 409],
        ),
        row(
            "POST /api/v1/admin/projections/{name}/skip",
            "/admin/projections/catalogue/skip",
            Json("{}"),
            [401, 403, 403, 403, 403, 409],
        ),
        row("GET /api/v1/admin/reactions/parked", "/admin/reactions/parked", None, ADMIN),
        row(
            "POST /api/v1/admin/reactions/{name}/{position}/retry",
            "/admin/reactions/validate/1/retry",
            None,
            [401, 403, 403, 403, 403, 404],
        ),
        row(
            "POST /api/v1/admin/reactions/{name}/{position}/drop",
            "/admin/reactions/validate/1/drop",
            None,
            [401, 403, 403, 403, 403, 404],
        ),
        row(
            "POST /api/v1/admin/users/{user}/roles",
            "/admin/users/{unknown}/roles",
            Json(r#"{"role":"moderator"}"#),
            [401, 403, 403, 403, 403, 404],
        ),
        row(
            "DELETE /api/v1/admin/users/{user}/roles/{role}",
            "/admin/users/{unknown}/roles/moderator",
            None,
            [401, 403, 403, 403, 403, 404],
        ),
    ];
    rows.extend(money::rows());
    rows.extend(partners::rows());
    rows.push(row("GET /api/v1/me/export", "/me/export", None, SIGNED_IN));
    rows.push(row("DELETE /api/v1/admin/users/{user}", "/admin/users/{unknown}", None, [401, 403, 403, 403, 403, 404]));
    // The last one: whoever asked it is nobody any more.
    rows.push(row("DELETE /api/v1/me", "/me", None, [401, 204, 204, 204, 204, 204]));
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn everyone_gets_what_the_table_says() {
    let world = World::make().await;
    let mut wrong = Vec::new();
    for row in rows() {
        let mut found = [0; 6];
        for (actor, status) in found.iter_mut().enumerate() {
            *status = world.ask(&row, actor).await;
        }
        if found != row.expected {
            wrong.push(format!("{}: expected {:?}, got {found:?}", row.route, row.expected));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Path parameters have no names here: what matters is where they stand.
fn anonymous(route: &str) -> String {
    let mut plain = String::new();
    let mut inside = false;
    for character in route.chars() {
        match character {
            '{' => {
                inside = true;
                plain.push_str("{}");
            }
            '}' => inside = false,
            other if !inside => plain.push(other),
            _ => {}
        }
    }
    plain
}

/// Routes of the document that have no row, and rows of routes that are not in the document.
fn differences(document: &Value, rows: &[Row]) -> (Vec<String>, Vec<String>) {
    let documented: BTreeSet<String> = document["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .flat_map(|(path, operations)| {
            let methods = ["get", "put", "post", "patch", "delete"].into_iter();
            methods
                .filter(|method| operations.get(method).is_some())
                .map(|method| anonymous(&format!("{} {path}", method.to_uppercase())))
                .collect::<Vec<_>>()
        })
        .collect();
    let tested: BTreeSet<String> = rows.iter().map(|row| anonymous(row.route)).collect();
    let missing = documented.difference(&tested).cloned().collect();
    let superfluous = tested.difference(&documented).cloned().collect();
    (missing, superfluous)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_has_a_row() {
    let document = nobody().get("/openapi.json").await.expect("answers").expect(200).expect("is read").body;
    let mut rows = rows();
    // The documents and their page describe the interface and are not described by it.
    rows.retain(|row| !["GET /docs", "GET /api/v1/openapi.json", "GET /api/v1/asyncapi.json"].contains(&row.route));
    assert_eq!(differences(&document, &rows), (Vec::new(), Vec::new()));
    let left_out = rows.remove(5);
    assert_eq!(differences(&document, &rows).0, [anonymous(left_out.route)], "a missing row should be found");
}
