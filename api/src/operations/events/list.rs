//! `GET /events`

use axum::{
    extract::State,
    http::{HeaderName, header},
};
use bytes::{BufMut, Bytes, BytesMut};
use serde::Deserialize;
use souk_app::public::open_scopes;
use souk_domain::id::VendorId;
use utoipa::IntoParams;

use super::{check_cursor, filter, position};
use crate::{
    Api,
    error::ApiError,
    extract::{QueryParams, Reader},
    wire::partner::EventPage,
};

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// A position, `nextAfter` of the page before: only what came behind it; from the beginning when absent.
    after: Option<String>,
    /// The same as `after`.
    cursor: Option<String>,
    /// Types and patterns of types with commas between, such as `plugin.*,review.submitted`; all that one may have when absent.
    types: Option<String>,
    /// Id or name of a plugin: only what concerns it.
    plugin: Option<String>,
    /// Only what concerns this vendor.
    #[param(value_type = Option<uuid::Uuid>)]
    vendor: Option<VendorId>,
    /// How many, 1 to 1,000; 100 when absent.
    #[param(minimum = 1, maximum = 1_000, default = 100)]
    limit: Option<u32>,
}

/// Public events in order, as CloudEvents. Partners see what is in their scope; everybody else what is about things on display.
///
/// A page may have fewer events than were asked for, or none, and still not be the last: go on with `nextAfter` until `end` is true. From
/// there on the same question, asked later, tells what happened since.
#[utoipa::path(get, path = "/events", tag = "events", params(EventQuery),
    security((), ("partnerKey" = [])),
    responses((status = 200, description = "A page", body = EventPage),
        (status = 400, description = "`cursor_ahead`: the position is behind the end of the log"),
        (status = 403, description = "`beyond_scope`, `partner_suspended`")))]
pub async fn list_events(
    State(api): State<Api>,
    Reader(caller): Reader,
    QueryParams(query): QueryParams<EventQuery>,
) -> Result<([(HeaderName, &'static str); 1], Bytes), ApiError> {
    let after = query.after.or(query.cursor);
    let after = after.map(|text| position("after", &text)).transpose()?.unwrap_or_default();
    let limit = query.limit.unwrap_or(100);
    if !(1..=1_000).contains(&limit) {
        return Err(ApiError::invalid_field("limit", "must be 1 to 1000"));
    }
    let scopes = caller.as_ref().map_or_else(open_scopes, |caller| caller.partner.scopes.clone());
    let filter = filter(&api, &scopes, query.types.as_deref(), query.plugin.as_deref(), query.vendor).await?;
    check_cursor(&api, after).await?;
    let page = api.app.public().page(after, &filter, limit as usize).await?;
    if let Some(caller) = caller.filter(|_| after > 0) {
        api.app.ports().partners.read_up_to(caller.partner.id, after).await?;
    }
    let mut body = BytesMut::with_capacity(256 + page.events.iter().map(|event| event.json.len() + 1).sum::<usize>());
    body.put_slice(b"{\"items\":[");
    for (index, event) in page.events.iter().enumerate() {
        if index > 0 {
            body.put_u8(b',');
        }
        body.put_slice(&event.json);
    }
    let (next, end) = (page.next, page.end);
    let cursor = if end { "null".to_owned() } else { format!("\"{next}\"") };
    body.put_slice(format!("],\"nextAfter\":{next},\"nextCursor\":{cursor},\"end\":{end}}}").as_bytes());
    Ok(([(header::CONTENT_TYPE, "application/json")], body.freeze()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::World;

    fn types(page: &Value) -> Vec<&str> {
        page["items"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect()
    }

    #[tokio::test]
    async fn everybody_pages_through_what_is_on_display() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.published("log-reader", "1.0.0").await;
        let whole = world.nobody().get("/events?limit=1000").await;
        assert_eq!((whole.status, &whole.body["end"]), (200, &json!(true)), "{}", whole.text);
        let all = types(&whole.body);
        assert_eq!(all[..3], ["souk.vendor.registered.v1", "souk.vendor.verified.v1", "souk.plugin.created.v1"]);
        assert!(all.contains(&"souk.plugin.version_approved.v1"));
        let (mut after, mut paged) = (0, Vec::new());
        loop {
            let page = world.nobody().get(&format!("/events?limit=2&after={after}")).await.body;
            paged.extend(types(&page).into_iter().map(str::to_owned));
            after = page["nextAfter"].as_u64().unwrap();
            if page["end"] == true {
                break;
            }
        }
        assert_eq!(paged, all);
        let only = world.nobody().get("/events?types=vendor.*&plugin=log-reader").await;
        assert_eq!(types(&only.body), Vec::<&str>::new());
        let only = world.nobody().get(&format!("/events?types=souk.plugin.created.v1&vendor={}", seller.vendor)).await;
        assert_eq!(types(&only.body), ["souk.plugin.created.v1"]);
    }

    #[tokio::test]
    async fn what_cannot_be_is_named() {
        let world = World::new();
        world.seller("acme").await;
        let get = async |query: &str| {
            let answer = world.nobody().get(&format!("/events?{query}")).await;
            (answer.status, answer.body["error"]["code"].as_str().unwrap_or_default().to_owned())
        };
        assert_eq!(get("after=1000000").await, (400, "cursor_ahead".to_owned()));
        for query in
            ["after=x", "after=-1", "after=99999999999999999999", "types=plugin.exploded", "limit=0", "limit=1001"]
        {
            assert_eq!(get(query).await, (422, "validation_failed".to_owned()), "{query}");
        }
        assert_eq!(get("plugin=nothing").await.0, 404);
        assert_eq!(get("types=review.submitted").await, (403, "beyond_scope".to_owned()));
    }

    #[tokio::test]
    async fn a_partner_sees_its_scope_and_nothing_else() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.published("log-reader", "1.0.0").await;
        let other = world.seller("other").await;
        let scopes = json!({"types": ["plugin.*"], "vendors": [other.vendor]});
        let partner = world.partner(scopes).await;
        let page = partner.get("/events").await;
        assert_eq!((page.status, types(&page.body).len()), (200, 0), "{}", page.text);
        for (query, part) in [
            ("types=validation.concluded".to_owned(), "types"),
            ("plugin=log-reader".to_owned(), "plugins"),
            (format!("vendor={}", seller.vendor), "vendors"),
        ] {
            let refused = partner.get(&format!("/events?{query}")).await;
            assert_eq!(refused.status, 403, "{query}");
            assert_eq!(refused.body["error"]["details"]["scope"], part, "{query}");
        }
        other.plugin("mine").await;
        assert_eq!(types(&partner.get("/events?plugin=mine").await.body), ["souk.plugin.created.v1"]);
        assert_eq!(partner.get("/me").await.status, 401, "a partner is no account");
    }
}
