//! `GET /admin/payouts/{batch}`

use axum::extract::State;
use uuid::Uuid;

use super::require_admin;
use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, PathParams, Privileged},
    operations::shared::found,
    wire::csv::Table,
};

/// The payouts of a batch, as a table for the bank (RFC 4180).
#[utoipa::path(get, path = "/admin/payouts/{batch}", tag = "admin",
    params(("batch" = Uuid, Path, description = "Which batch")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The payouts", body = String, content_type = "text/csv")))]
pub async fn payout_batch(
    State(api): State<Api>,
    Privileged(context): Privileged,
    min: MinPosition,
    PathParams(batch): PathParams<Uuid>,
) -> Result<Table, ApiError> {
    require_admin(&context)?;
    let body = found(&api, min, "this batch, or a payout in it,", |at| api.reads.batch(at, batch)).await?;
    Ok(Table { body, name: format!("payouts-{batch}.csv") })
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn only_admins_see_a_batch() {
        let world = World::new();
        let path = format!("/admin/payouts/{}", uuid::Uuid::from_u128(1));
        assert_eq!(world.admin().await.get(&path).await.status, 404);
        assert_eq!(world.seller("acme").await.person.get(&path).await.status, 403);
        assert_eq!(world.nobody().get(&path).await.status, 401);
    }
}
