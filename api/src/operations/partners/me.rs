//! `GET /partners/me`

use axum::{Json, extract::State};
use souk_app::partners;

use crate::{Api, error::ApiError, extract::PartnerCaller, wire::partner::Partner};

/// The partner whose key asks: its scope and quotas, how far it has read, and where its webhooks stand. Also while it is suspended.
#[utoipa::path(get, path = "/partners/me", tag = "partners", security(("partnerKey" = [])),
    responses((status = 200, description = "The partner", body = Partner)))]
pub async fn partner_me(State(api): State<Api>, caller: PartnerCaller) -> Result<Json<Partner>, ApiError> {
    let streams = api.streams.of(caller.partner.id);
    let overview = partners::overview(&api.app, (*caller.partner).clone()).await?;
    Ok(Json(Partner::of(overview, streams)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{settings::RateLimits, testing::World};

    #[tokio::test]
    async fn who_asks_more_often_than_agreed_is_told_when_to_come_back() {
        let world = World::with(|settings| settings.rate_limits = Some(RateLimits::default()));
        let partner = world.partner(json!({"types": ["*"]})).await;
        let path = format!("/admin/partners/{}", partner.id);
        let quotas = json!({"requestsPerMinute": 2, "streams": 1, "webhooks": 1});
        assert_eq!(world.admin().await.patch(&path, json!({"quotas": quotas})).await.status, 200);
        for status in [200, 200, 429] {
            let answer = partner.get("/partners/me").await;
            assert_eq!(answer.status, status, "{}", answer.text);
            assert!(answer.header("ratelimit-policy").starts_with("\"requests\";q=2;w=60"));
        }
        assert!(!partner.get("/events").await.header("retry-after").is_empty());
        assert_eq!(world.nobody().get("/events").await.status, 200, "others are counted by themselves");
    }

    #[tokio::test]
    async fn a_partner_sees_how_far_it_is_and_so_does_the_operator() {
        let world = World::new();
        let partner = world.partner(json!({"types": ["plugin.*"]})).await;
        world.seller("acme").await.plugin("one").await;
        let me = partner.get("/partners/me").await;
        assert_eq!((me.status, &me.body["cursor"]), (200, &json!(null)), "{}", me.text);
        partner.get("/events?after=1").await;
        let me = partner.get("/partners/me").await.body;
        let head = me["head"].as_u64().unwrap();
        assert_eq!((&me["cursor"]["position"], &me["cursor"]["lag"]), (&json!(1), &json!(head - 1)));
        assert_eq!(me["scopes"]["types"], json!(["plugin.*"]));
        let all = world.admin().await.get("/admin/partners").await.body;
        assert_eq!(all["items"][0]["cursor"]["position"], 1);
        assert_eq!(world.nobody().get("/partners/me").await.status, 401);
        assert_eq!(world.admin().await.get("/partners/me").await.status, 401, "an account is no partner");
    }
}
