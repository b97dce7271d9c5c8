//! `GET` and `POST /notifications/unsubscribe/{token}`

use axum::{
    extract::State,
    http::{HeaderName, header},
};
use souk_app::notices;
use souk_ports::notice::Category;

use crate::{Api, error::ApiError, extract::PathParams};

type Page = ([(HeaderName, &'static str); 3], String);

/// The page that a mail's address leads to. It only asks: programs that look at links must not end anything.
#[utoipa::path(get, path = "/notifications/unsubscribe/{token}", tag = "notifications",
    params(("token" = String, Path, description = "What the mail's address carries")),
    responses((status = 200, description = "A page that asks", body = String, content_type = "text/html")))]
pub async fn unsubscribe_page(State(api): State<Api>, PathParams(token): PathParams<String>) -> Result<Page, ApiError> {
    let sort = sort(notices::ends(&api.app, &token)?);
    Ok(page(&format!("<form method=\"post\"><p>No mails about {sort} any more?</p><p><button>Yes</button></p></form>")))
}

/// Ends mails of the sort that the address names, for whom it names (RFC 8058). Nobody has to sign in for it.
///
/// What the body says does not matter. Receipts and what is dangerous not to know are mailed all the same.
#[utoipa::path(post, path = "/notifications/unsubscribe/{token}", tag = "notifications",
    params(("token" = String, Path, description = "What the mail's address carries")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "They have ended", body = String, content_type = "text/html")))]
pub async fn unsubscribe(State(api): State<Api>, PathParams(token): PathParams<String>) -> Result<Page, ApiError> {
    let sort = sort(notices::unsubscribe(&api.app, &token).await?);
    Ok(page(&format!(
        "<p>You get no mails about {sort} any more, but for receipts and what is dangerous not to know.</p>"
    )))
}

/// What `category` is called on a page.
const fn sort(category: Category) -> &'static str {
    match category {
        Category::Orders => "orders and subscriptions",
        Category::Licenses => "licenses",
        Category::Reviews => "reviews",
        Category::Publishing => "what you publish",
        Category::Payouts => "payouts and disputes",
        Category::Updates => "new versions",
        Category::Security => "security",
    }
}

fn page(body: &str) -> Page {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    let head = "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
                content=\"width=device-width\"><title>Mails</title></head>";
    (headers, format!("{head}<body>{body}</body></html>"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn one_click_ends_one_sort_of_mails_and_looking_ends_nothing() {
        let world = World::new();
        let reviewed = world.reviewed("Log_Reader").await;
        world.settle().await;
        while souk_app::notices::post_due(&world.api.app).await.unwrap().any() {}
        let sent = world.mailer.sent();
        let mail = sent.iter().find(|mail| mail.text.subject == "reviewReceived").unwrap();
        assert_eq!(mail.to, "owner-of-acme@example.com");
        let address = mail.unsubscribe.clone().unwrap();
        let path = address.strip_prefix("https://souk.example/api/v1").unwrap();
        let reviews = async || {
            reviewed.seller.person.get("/me/notifications/preferences").await.body["items"][2]["email"].clone()
        };

        let asked = world.nobody().get(path).await;
        assert_eq!((asked.status, asked.header("content-type")), (200, "text/html; charset=utf-8"));
        assert!(asked.text.contains("<form method=\"post\">"));
        assert_eq!(reviews().await, json!(true));
        assert_eq!(world.nobody().post(path, json!({"List-Unsubscribe": "One-Click"})).await.status, 200);
        assert_eq!(reviews().await, json!(false));
    }

    #[tokio::test]
    async fn a_token_that_is_none_ends_nothing() {
        let world = World::new();
        let ada = world.person("ada").await;
        let id = ada.id.replace('-', "");
        for token in
            ["x".to_owned(), format!("{id}.reviews.{}", "0".repeat(32)), format!("{id}.gossip.00"), format!("{id}..")]
        {
            let path = format!("/notifications/unsubscribe/{token}");
            assert_eq!(world.nobody().get(&path).await.status, 404, "{token}");
            assert_eq!(world.nobody().post(&path, json!({})).await.status, 404, "{token}");
        }
        assert_eq!(ada.get("/me/notifications/preferences").await.body["items"][2]["email"], json!(true));
    }
}
