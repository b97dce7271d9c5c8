//! Public events and partners. What a partner's key opens, no account does.

use super::{
    ADMIN,
    Body::{Json, None},
    Expected, PUBLIC, Row, row,
};

const NO_PARTNER: Expected = [401; 6];
const UNKNOWN: Expected = [401, 403, 403, 403, 403, 404];

pub(super) fn rows() -> Vec<Row> {
    vec![
        row("GET /api/v1/asyncapi.json", "/asyncapi.json", None, PUBLIC),
        row("GET /api/v1/events", "/events?limit=1", None, PUBLIC),
        row("GET /api/v1/events/stream", "/events/stream", None, NO_PARTNER),
        row("GET /api/v1/schemas/{type}/{version}", "/schemas/souk.plugin.created/v1", None, PUBLIC),
        row("GET /api/v1/partners/me", "/partners/me", None, NO_PARTNER),
        row("GET /api/v1/partners/me/webhooks", "/partners/me/webhooks", None, NO_PARTNER),
        row(
            "POST /api/v1/partners/me/webhooks",
            "/partners/me/webhooks",
            Json(r#"{"url":"https://partner.example"}"#),
            NO_PARTNER,
        ),
        row("GET /api/v1/partners/me/webhooks/{id}", "/partners/me/webhooks/{unknown}", None, NO_PARTNER),
        row("DELETE /api/v1/partners/me/webhooks/{id}", "/partners/me/webhooks/{unknown}", None, NO_PARTNER),
        row(
            "GET /api/v1/partners/me/webhooks/{id}/deliveries",
            "/partners/me/webhooks/{unknown}/deliveries",
            None,
            NO_PARTNER,
        ),
        row(
            "POST /api/v1/partners/me/webhooks/{id}/rotate",
            "/partners/me/webhooks/{unknown}/rotate",
            None,
            NO_PARTNER,
        ),
        row(
            "POST /api/v1/partners/me/webhooks/{id}/enable",
            "/partners/me/webhooks/{unknown}/enable",
            None,
            NO_PARTNER,
        ),
        row(
            "POST /api/v1/partners/me/webhooks/{id}/disable",
            "/partners/me/webhooks/{unknown}/disable",
            None,
            NO_PARTNER,
        ),
        row(
            "POST /api/v1/partners/me/webhooks/{id}/replay",
            "/partners/me/webhooks/{unknown}/replay",
            Json(r#"{"after":0}"#),
            NO_PARTNER,
        ),
        row("POST /api/v1/partners/me/webhooks/{id}/test", "/partners/me/webhooks/{unknown}/test", None, NO_PARTNER),
        row("GET /api/v1/admin/partners", "/admin/partners", None, ADMIN),
        row(
            "POST /api/v1/admin/partners",
            "/admin/partners",
            Json(r#"{"name":"Mirrors","scopes":{"types":["plugin.*"]}}"#),
            [401, 403, 403, 403, 403, 201],
        ),
        row("GET /api/v1/admin/partners/{id}", "/admin/partners/{unknown}", None, UNKNOWN),
        row("PATCH /api/v1/admin/partners/{id}", "/admin/partners/{unknown}", Json("{}"), UNKNOWN),
        row(
            "POST /api/v1/admin/partners/{id}/keys",
            "/admin/partners/{unknown}/keys",
            Json(r#"{"label":"one"}"#),
            UNKNOWN,
        ),
        row("DELETE /api/v1/admin/partners/{id}/keys/{key}", "/admin/partners/{unknown}/keys/{unknown}", None, UNKNOWN),
    ]
}
