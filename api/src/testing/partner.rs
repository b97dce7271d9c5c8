//! Systems of partners.

use std::ops::Deref;

use serde_json::{Value, json};

use super::{Client, World};

/// A partner with a key, four streams and two webhooks.
pub struct PartnerSystem {
    client: Client,
    pub id: String,
}

impl Deref for PartnerSystem {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl PartnerSystem {
    /// A new webhook of it; its id.
    pub async fn webhook(&self) -> String {
        let made = self.post("/partners/me/webhooks", json!({"url": "https://partner.example/souk"})).await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.body["id"].as_str().unwrap().to_owned()
    }
}

impl World {
    /// A partner that may see `scopes`.
    pub async fn partner(&self, scopes: Value) -> PartnerSystem {
        let admin = self.admin().await;
        let body = json!({"name": "Mirrors", "scopes": scopes, "quotas": {"streams": 4, "webhooks": 2}});
        let made = admin.post("/admin/partners", body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let id = made.body["id"].as_str().unwrap().to_owned();
        let key = admin.post(&format!("/admin/partners/{id}/keys"), json!({"label": "one"})).await;
        assert_eq!(key.status, 201, "{}", key.text);
        PartnerSystem { client: self.with_token(key.body["key"].as_str().unwrap()), id }
    }
}
