//! Who asks, and what there is to ask for.

use reqwest::{Method, multipart};
use serde_json::{Value, json};
use souk_tests::{client::Client, sample};

use super::{Body, Row};
use crate::support::{PASSWORD, grant, moderator, nobody, person, published, seller, shared, unique};

/// Who asks, and what there is to ask for.
pub struct World {
    actors: [Client; 6],
    words: Vec<(&'static str, String)>,
}

impl World {
    pub async fn make() -> Self {
        let (owner, stranger) = (seller().await, seller().await);
        let admin = own_admin().await;
        let customer = person(&nobody(), "customer").await;
        let moderator = moderator().await;
        let free = published(&owner, &sample::free()).await;
        let doomed_plugin = published(&owner, &sample::free()).await;
        let paid = published(&owner, &sample::one_time(500, "USD")).await;
        review(&customer, &free).await;
        let reviewed = published(&owner, &sample::free()).await;
        let flagged = review(&customer, &reviewed).await;
        let order = order(&customer, &paid).await;
        let bought = published(&owner, &sample::one_time(500, "USD")).await;
        let license = license(&customer, &admin, &bought).await;
        let doomed = seller().await.vendor;
        let words = vec![
            ("vendor", owner.vendor.clone()),
            ("doomed", doomed),
            ("plugin", free),
            ("doomedPlugin", doomed_plugin),
            ("paid", paid),
            ("reviewed", reviewed),
            ("review", flagged),
            ("order", order),
            ("license", license),
            ("unknown", "6a0f5c1e-7b1d-4c57-9a3e-50756b0000ff".to_owned()),
        ];
        Self { actors: [nobody(), customer, stranger.client, owner.client, moderator, admin], words }
    }

    fn fill(&self, text: &str, actor: usize) -> String {
        let mut text = text.replace("{actor}", &(actor + 1).to_string());
        while text.contains("{new}") {
            text = text.replacen("{new}", &unique("new"), 1);
        }
        self.words.iter().fold(text, |text, (word, value)| text.replace(&format!("{{{word}}}"), value))
    }

    pub async fn ask(&self, row: &Row, actor: usize) -> u16 {
        let client = &self.actors[actor];
        let (method, _) = row.route.split_once(' ').expect("a method");
        let mut request =
            client.request(Method::from_bytes(method.as_bytes()).expect("a method"), &self.fill(row.path, actor));
        request = match row.body {
            Body::None => request,
            Body::Json(text) => {
                let text = self.fill(text, actor);
                request.json(&serde_json::from_str::<Value>(&text).expect("JSON"))
            }
            Body::Version(version) => {
                let plugin = self.fill("{plugin}", actor);
                let version = self.fill(version, actor);
                let manifest = sample::manifest(&plugin, &version).to_string();
                let manifest = multipart::Part::text(manifest).mime_str("application/json").expect("a type");
                let artifact = multipart::Part::bytes(sample::skill_archive(&version)).file_name("a.zip");
                request.multipart(multipart::Form::new().part("manifest", manifest).part("artifact", artifact))
            }
        };
        client.send(request).await.expect("answers").status
    }
}

/// An admin whom nobody else knows.
async fn own_admin() -> Client {
    let email = format!("{}@example.com", unique("admin"));
    nobody().register(&email, PASSWORD, "Ada Admin").await.expect("registers");
    grant(shared().souk.data_dir(), &email, "admin");
    nobody().login(&email, PASSWORD).await.expect("logs in")
}

/// Installs and reviews; the review's id.
async fn review(customer: &Client, plugin: &str) -> String {
    customer.post(&format!("/plugins/{plugin}/install"), json!({})).await.expect("answers").expect(201).expect("new");
    let body = json!({"rating": 5, "title": "T", "body": "B"});
    let written = customer.put(&format!("/plugins/{plugin}/reviews/mine"), body).await.expect("answers").expect(201);
    let position = written.expect("is new").position.expect("a position");
    let listed = customer.get_at(&format!("/plugins/{plugin}/reviews"), position).await.expect("answers");
    listed.text_at("/items/0/id").expect("an id")
}

async fn order(customer: &Client, plugin: &str) -> String {
    let body = json!({"plugin": plugin, "gateway": "manual"});
    let order = customer.post("/orders", body).await.expect("answers").expect(201).expect("is placed");
    order.text_at("/id").expect("an id")
}

async fn license(customer: &Client, admin: &Client, plugin: &str) -> String {
    let order = order(customer, plugin).await;
    let body = json!({"reference": order});
    admin.post(&format!("/orders/{order}/payments"), body).await.expect("answers").expect(200).expect("is paid");
    let done = |answer: &souk_tests::client::Answer| answer.body["items"][0]["id"].is_string();
    customer.until("/me/licenses", done).await.expect("arrives").text_at("/items/0/id").expect("an id")
}
