//! `PUT /vendors/{id}/payout-account`

use axum::extract::State;
use serde::{Deserialize, Deserializer};
use souk_app::payouts;
use souk_domain::order::Gateway;
use utoipa::ToSchema;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, Privileged},
    operations::shared::vendor_id,
    wire::{earnings::PayoutAccounts, vocabulary},
};

/// An account of the vendor's own at a gateway.
#[derive(Deserialize, ToSchema)]
pub struct PayoutAccountBody {
    /// At which gateway.
    #[schema(value_type = vocabulary::Gateway)]
    gateway: Gateway,
    /// The gateway's name of it, 1 to 200 characters; null for none.
    #[serde(deserialize_with = "told")]
    #[schema(required = true, example = "acct_1")]
    account: Option<String>,
}

/// An account, or that there is none: what is left out says neither.
fn told<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(deserializer)
}

/// Has a gateway pay the vendor's share of later orders to an account of its own, or no longer. For its owner and admins.
#[utoipa::path(put, path = "/vendors/{id}/payout-account", tag = "vendors", request_body = PayoutAccountBody,
    params(("id" = String, Path, description = "Id or slug")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The accounts", body = PayoutAccounts)))]
pub async fn set_payout_account(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(vendor): PathParams<String>,
    JsonBody(body): JsonBody<PayoutAccountBody>,
) -> Result<Written<PayoutAccounts>, ApiError> {
    let vendor = vendor_id(&api, &vendor).await?;
    let done = payouts::set_account(&api.app, &context, vendor, body.gateway, body.account).await?;
    Ok(Written::ok(done.position, done.value.into()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn an_account_is_set_and_taken_away() {
        let world = World::new();
        let seller = world.seller("acme").await;
        let put = async |body| seller.person.put("/vendors/acme/payout-account", body).await;
        let set = put(json!({"gateway": "stripe", "account": "acct_1"})).await;
        assert_eq!((set.status, &set.body), (200, &json!({"accounts": {"stripe": "acct_1"}})), "{}", set.text);
        let gone = put(json!({"gateway": "stripe", "account": null})).await;
        assert_eq!((gone.status, &gone.body), (200, &json!({"accounts": {}})));
        for body in [
            json!({"gateway": "stripe"}),
            json!({"gateway": "manual", "account": "x"}),
            json!({"gateway": "stripe", "account": ""}),
            json!({"gateway": "gold", "account": "x"}),
        ] {
            assert_eq!(put(body.clone()).await.status, 422, "{body}");
        }
    }

    #[tokio::test]
    async fn nobody_sends_the_money_of_others_elsewhere() {
        let world = World::new();
        world.seller("acme").await;
        let (path, body) = ("/vendors/acme/payout-account", json!({"gateway": "stripe", "account": "acct_mine"}));
        assert_eq!(world.person("stranger").await.put(path, body.clone()).await.status, 403);
        assert_eq!(world.moderator().await.put(path, body.clone()).await.status, 403);
        assert_eq!(world.nobody().put(path, body).await.status, 401);
    }
}
