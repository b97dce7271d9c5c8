//! `POST /admin/mail/{id}/retry`

use axum::{Json, extract::State};
use souk_app::notices;
use uuid::Uuid;

use crate::{
    Api,
    error::ApiError,
    extract::{PathParams, Privileged},
    wire::notices::MailRow,
};

/// Lets a mail that failed wait again, with all its time. For admins.
#[utoipa::path(post, path = "/admin/mail/{id}/retry", tag = "admin", params(("id" = Uuid, Path, description = "Which mail")),
    security(("bearer" = []), ("apiKey" = [])), responses((status = 200, description = "It waits", body = MailRow)))]
pub async fn retry_mail(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(id): PathParams<Uuid>,
) -> Result<Json<MailRow>, ApiError> {
    Ok(Json(notices::retry(&api.app, &context, id).await?.into()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use souk_ports::MailError;

    use crate::testing::World;

    #[tokio::test]
    async fn what_failed_is_sent_when_it_is_let_wait_again() {
        let world = World::new();
        let admin = world.admin().await;
        world.person("ada").await.post("/me/api-keys", json!({"label": "one"})).await;
        world.settle().await;
        let post = async || while souk_app::notices::post_due(&world.api.app).await.unwrap().any() {};
        // The first is the admin's own, about the role.
        world.mailer.fail(MailError::Refused("550 5.1.1".to_owned()));
        world.mailer.fail(MailError::Refused("550 5.1.1".to_owned()));
        post().await;
        let failed = admin.get("/admin/mail?state=failed").await;
        let mail = failed.body["items"].as_array().unwrap().iter().find(|mail| mail["kind"] == "apiKeyIssued").unwrap();
        assert_eq!(mail["problem"], json!("550 5.1.1"));
        let path = format!("/admin/mail/{}/retry", mail["id"].as_str().unwrap());
        assert_eq!(world.moderator().await.post(&path, json!({})).await.status, 403);
        let waits = admin.post(&path, json!({})).await;
        assert_eq!((waits.status, &waits.body["state"]), (200, &json!("waiting")), "{}", waits.text);
        post().await;
        assert!(world.mailer.sent().iter().any(|sent| sent.id.to_string() == mail["id"].as_str().unwrap()));
        let again = admin.post(&path, json!({})).await;
        assert_eq!(
            (again.status, &again.body["error"]["details"]["reason"]),
            (409, &json!("mail_not_failed")),
            "{}",
            again.text
        );
        let unknown = format!("/admin/mail/{}/retry", uuid::Uuid::nil());
        assert_eq!(admin.post(&unknown, json!({})).await.status, 404);
    }
}
