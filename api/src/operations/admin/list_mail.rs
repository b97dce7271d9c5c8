//! `GET /admin/mail`

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_app::notices;
use utoipa::IntoParams;

use crate::{
    Api,
    error::ApiError,
    extract::{Privileged, QueryParams},
    wire::{
        List, limit,
        notices::{MailRow, MailStanding, behind, cursor},
    },
};

/// Which mails.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MailQuery {
    /// Only those that stand there.
    #[serde(default)]
    #[param(inline)]
    state: Option<MailStanding>,
    /// `nextCursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
    /// How many, 1 to 100; 20 when absent.
    #[serde(default)]
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// The mails, the newest first, and what came of them: without addresses and texts. For admins.
#[utoipa::path(get, path = "/admin/mail", tag = "admin", params(MailQuery), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "A page", body = List<MailRow>)))]
pub async fn list_mail(
    State(api): State<Api>,
    Privileged(context): Privileged,
    QueryParams(query): QueryParams<MailQuery>,
) -> Result<Json<List<MailRow>>, ApiError> {
    let place = behind(query.cursor.as_deref())?;
    let state = query.state.map(Into::into);
    let (mails, next) = notices::mails(&api.app, &context, state, place, limit(query.limit)?).await?;
    Ok(Json(List::of(mails, cursor(next))))
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn mails_are_listed_for_admins_without_addresses() {
        let world = World::new();
        let admin = world.admin().await;
        let ada = world.person("ada").await;
        ada.post("/me/api-keys", serde_json::json!({"label": "one"})).await;
        world.settle().await;
        let answer = admin.get("/admin/mail?state=waiting").await;
        assert_eq!(answer.status, 200);
        assert!(answer.text.contains(&ada.id) && !answer.text.contains("example.com"), "{}", answer.text);
        assert_eq!(admin.get("/admin/mail?state=lost").await.status, 422);
        assert_eq!(world.moderator().await.get("/admin/mail").await.status, 403);
    }
}
