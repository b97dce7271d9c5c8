//! `GET /events/stream`

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, StatusCode, header},
};
use serde::Deserialize;
use souk_domain::id::VendorId;
use utoipa::IntoParams;

use super::{check_start, filter, position};
use crate::{
    Api,
    error::ApiError,
    extract::{PartnerCaller, QueryParams},
    streams::{self, Follower},
};

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StreamQuery {
    /// A position: what came behind it. `Last-Event-ID` counts for more; from now on when there is neither.
    after: Option<String>,
    /// Types and patterns of types with commas between; all of the scope when absent.
    types: Option<String>,
    /// Id or name of a plugin: only what concerns it.
    plugin: Option<String>,
    /// Only what concerns this vendor.
    #[param(value_type = Option<uuid::Uuid>)]
    vendor: Option<VendorId>,
}

/// Public events as they happen, for partners: server-sent events whose `id` is the position, whose `event` is the type, and whose `data` is a
/// CloudEvent.
#[utoipa::path(get, path = "/events/stream", tag = "events",
    params(StreamQuery, ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that was taken")),
    security(("partnerKey" = [])),
    responses((status = 200, description = "Events, for ever", content_type = "text/event-stream", body = String),
        (status = 400, description = "`cursor_ahead`: the position is behind the end of the log"),
        (status = 403, description = "`beyond_scope`, `partner_suspended`"),
        (status = 429, description = "`too_many_streams`")))]
pub async fn stream_events(
    State(api): State<Api>,
    caller: PartnerCaller,
    headers: HeaderMap,
    QueryParams(query): QueryParams<StreamQuery>,
) -> Result<([(HeaderName, &'static str); 3], Body), ApiError> {
    let partner = caller.active()?;
    let last =
        headers.get("last-event-id").map(|value| value.to_str().unwrap_or("no text")).filter(|id| !id.is_empty());
    let after = match (last, query.after.as_deref()) {
        (Some(last), _) => Some(position("Last-Event-ID", last)?),
        (None, after) => after.map(|text| position("after", text)).transpose()?,
    };
    let filter = filter(&api, &partner.scopes, query.types.as_deref(), query.plugin.as_deref(), query.vendor).await?;
    let after = match after {
        Some(after) => after,
        None => api.app.public().head().await?,
    };
    check_start(&api, after).await?;
    let counted = api
        .streams
        .open(partner)
        .map_err(|why| ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", why).retry_after(5))?;
    let events = api.app.public().subscribe(after);
    let follower = Follower::new(Arc::clone(&caller.partner), caller.key, filter, events, counted);
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // Proxies that collect answers would keep events to themselves.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, streams::body(&api, follower)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use crate::testing::World;

    #[tokio::test]
    async fn events_come_in_order_and_resume_behind_the_last_one() {
        let world = World::new();
        let seller = world.seller("acme").await;
        let partner = world.partner(json!({"types": ["*"]})).await;
        for name in ["one", "two", "three"] {
            seller.plugin(name).await;
        }
        let mut stream = partner.stream("/events/stream?after=0&types=plugin.*", None).await;
        let mut ids = Vec::new();
        for name in ["one", "two", "three"] {
            let event = stream.event().await;
            assert_eq!(event.event, "souk.plugin.created.v1");
            let data: Value = serde_json::from_str(&event.data).unwrap();
            assert_eq!((&data["data"]["name"], &data["sequence"]), (&json!(name), &json!(event.id)));
            ids.push(event.id);
        }
        // What happens now comes as well.
        seller.plugin("four").await;
        assert!(stream.event().await.data.contains("\"four\""));
        let mut again = partner.stream("/events/stream?after=0&types=plugin.*", Some(&ids[1])).await;
        assert_eq!(again.event().await.id, ids[2], "Last-Event-ID counts for more than after");
        let mut now = partner.stream("/events/stream", None).await;
        seller.plugin("five").await;
        assert!(now.event().await.data.contains("\"five\""));
    }

    #[tokio::test]
    async fn odd_places_too_many_streams_and_strangers_are_refused() {
        let world = World::new();
        world.seller("acme").await;
        let partner = world.partner(json!({"types": ["plugin.*"]})).await;
        let refused = async |path: &str, last: Option<&str>| {
            let answer = partner.stream_answer(path, last).await;
            (answer.0, answer.1)
        };
        assert_eq!(refused("/events/stream?after=4000000", None).await.0, 400);
        assert_eq!(refused("/events/stream", Some("4000000")).await.0, 400);
        assert_eq!(refused("/events/stream", Some("x")).await.0, 422);
        assert_eq!(refused("/events/stream?types=vendor.verified", None).await.0, 403);
        assert_eq!(world.nobody().get("/events/stream").await.status, 401);
        let mut open = Vec::new();
        for _ in 0..4 {
            open.push(partner.stream("/events/stream", None).await);
        }
        let (status, body) = refused("/events/stream", None).await;
        assert!(status == 429 && body.contains("too_many_streams"), "{body}");
    }

    #[tokio::test]
    async fn who_takes_nothing_is_cut_by_name_and_who_has_no_scope_any_more_as_well() {
        let world = World::with(|settings| {
            settings.stream_stall = Duration::from_millis(100);
            settings.heartbeat = Duration::from_millis(50);
        });
        let seller = world.seller("acme").await;
        let partner = world.partner(json!({"types": ["*"]})).await;
        // More than fits into what waits for a client that takes nothing.
        for n in 0..40 {
            let text = "x".repeat(900);
            seller.plugin(&format!("p{n}")).await;
            for turn in 0..5 {
                let body = json!({"summary": format!("{text}{turn}")});
                seller.person.patch(&format!("/plugins/p{n}"), body).await;
            }
        }
        let mut slow = partner.stream("/events/stream?after=0", None).await;
        tokio::time::sleep(Duration::from_millis(600)).await;
        let rest = slow.rest().await;
        assert!(rest.ends_with(": stalled: nothing was taken for too long; resume with Last-Event-ID\n\n"), "{rest}");
        let last = rest.lines().rev().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
        let mut resumed = partner.stream("/events/stream", Some(&last)).await;
        assert!(resumed.event().await.id.parse::<u64>().unwrap() > last.parse::<u64>().unwrap());

        let mut idle = partner.stream("/events/stream?types=vendor.*", None).await;
        idle.until(": heartbeat").await;
        let path = format!("/admin/partners/{}", partner.id);
        let body = json!({"suspended": true, "reason": "late"});
        assert_eq!(world.admin().await.patch(&path, body).await.status, 200);
        idle.until(": changed").await;
        let (status, body) = partner.stream_answer("/events/stream", None).await;
        assert!(status == 403 && body.contains("partner_suspended"), "{body}");
    }

    #[tokio::test]
    async fn a_process_that_ends_says_so() {
        let world = World::new();
        let partner = world.partner(json!({"types": ["*"]})).await;
        let mut stream = partner.stream("/events/stream", None).await;
        world.api.shutdown.cancel();
        assert!(stream.rest().await.contains(": shutdown"));
    }
}
