//! Routes of purchases, of what came of them, and of what vendors earn.

use super::{
    ADMIN,
    Body::{Json, None},
    OWNER, Row, SIGNED_IN, row,
};

pub(super) fn rows() -> Vec<Row> {
    vec![
        row("GET /api/v1/vendors/{vendor}/earnings", "/vendors/{vendor}/earnings", None, OWNER),
        row("GET /api/v1/vendors/{vendor}/earnings/entries", "/vendors/{vendor}/earnings/entries", None, OWNER),
        row("GET /api/v1/vendors/{vendor}/statement", "/vendors/{vendor}/statement?currency=USD", None, OWNER),
        row("GET /api/v1/vendors/{vendor}/invoices", "/vendors/{vendor}/invoices", None, OWNER),
        row("GET /api/v1/vendors/{vendor}/payouts", "/vendors/{vendor}/payouts", None, OWNER),
        row(
            "POST /api/v1/vendors/{vendor}/payouts",
            "/vendors/{vendor}/payouts",
            // Nothing is old enough to be paid out.
            Json(r#"{"currency":"USD"}"#),
            [401, 403, 403, 409, 403, 409],
        ),
        row(
            "POST /api/v1/vendors/{vendor}/payouts/{payout}/paid",
            "/vendors/{vendor}/payouts/{unknown}/paid",
            Json(r#"{"reference":"bank-1"}"#),
            [401, 403, 403, 403, 403, 404],
        ),
        row(
            "POST /api/v1/vendors/{vendor}/payouts/{payout}/failed",
            "/vendors/{vendor}/payouts/{unknown}/failed",
            Json(r#"{"reason":"no such account"}"#),
            [401, 403, 403, 403, 403, 404],
        ),
        row(
            "PUT /api/v1/vendors/{vendor}/payout-account",
            "/vendors/{vendor}/payout-account",
            Json(r#"{"gateway":"stripe","account":null}"#),
            OWNER,
        ),
        row("GET /api/v1/orders/{order}/invoices", "/orders/{order}/invoices", None, [401, 200, 403, 403, 403, 200]),
        row(
            "POST /api/v1/admin/payouts",
            "/admin/payouts",
            Json(r#"{"currency":"USD"}"#),
            [401, 403, 403, 403, 403, 201],
        ),
        row("GET /api/v1/admin/payouts/{batch}", "/admin/payouts/{unknown}", None, [401, 403, 403, 403, 403, 404]),
        row("GET /api/v1/me/subscriptions", "/me/subscriptions", None, SIGNED_IN),
        row(
            "POST /api/v1/orders/{order}/cancel",
            "/orders/{order}/cancel",
            // It is paid.
            None,
            [401, 409, 403, 403, 403, 409],
        ),
        row(
            "POST /api/v1/orders/{order}/confirm",
            "/orders/{order}/confirm",
            // It has no gateway that could be asked.
            Json("{}"),
            [401, 409, 403, 403, 403, 409],
        ),
        row(
            "GET /api/v1/subscriptions/{subscription}",
            "/subscriptions/{unknown}",
            None,
            [401, 404, 404, 404, 404, 404],
        ),
        row(
            "POST /api/v1/subscriptions/{subscription}/cancel",
            "/subscriptions/{unknown}/cancel",
            None,
            [401, 404, 404, 404, 404, 404],
        ),
        row(
            "POST /api/v1/subscriptions/{subscription}/resume",
            "/subscriptions/{unknown}/resume",
            None,
            [401, 404, 404, 404, 404, 404],
        ),
        row("POST /webhooks/stripe", "!/webhooks/stripe", Json("{}"), [404; 6]),
        row("POST /webhooks/razorpay", "!/webhooks/razorpay", Json("{}"), [404; 6]),
        row("GET /api/v1/admin/webhooks", "/admin/webhooks", None, ADMIN),
        row("GET /api/v1/admin/webhooks/{webhook}", "/admin/webhooks/{unknown}", None, [401, 403, 403, 403, 403, 404]),
        row(
            "GET /api/v1/admin/webhooks/{webhook}/payload",
            "/admin/webhooks/{unknown}/payload",
            None,
            [401, 403, 403, 403, 403, 404],
        ),
        row(
            "POST /api/v1/admin/webhooks/{webhook}/retry",
            "/admin/webhooks/{unknown}/retry",
            None,
            [401, 403, 403, 403, 403, 404],
        ),
        row(
            "POST /api/v1/plugins/{plugin}/versions/{version}/download",
            "/plugins/{plugin}/versions/1.0.0/download",
            None,
            [401, 201, 201, 201, 201, 201],
        ),
        row("GET /api/v1/downloads/{download}", "/downloads/{unknown}?expires=1&signature=00", None, [403; 6]),
        // It was revoked by a row before.
        row("GET /api/v1/licenses/{license}", "/licenses/{license}", None, [401, 200, 403, 200, 403, 200]),
        row("POST /api/v1/licenses/{license}/file", "/licenses/{license}/file", None, [401, 409, 403, 403, 403, 409]),
        row(
            "POST /api/v1/licenses/{license}/rotate",
            "/licenses/{license}/rotate",
            None,
            [401, 409, 403, 403, 403, 409],
        ),
        row(
            "POST /api/v1/licenses/{license}/usage",
            "/licenses/{license}/usage",
            Json(r#"{"amount":1}"#),
            [401, 409, 403, 403, 403, 409],
        ),
    ]
}
