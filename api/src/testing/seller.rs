//! What vendors do, and what they hand in.

use bytes::Bytes;
use serde_json::{Value, json};
use souk_domain::validation::Thresholds;
use souk_signing::SecretKey;

use super::{Answer, Seller, multipart};

/// A component that counts words; here a test says what it answers.
const WORDS: &[u8] = include_bytes!("../../../crates/sandbox/fixtures/words.wasm");

impl Seller {
    /// A free plugin without versions; its id.
    pub async fn plugin(&self, name: &str) -> String {
        self.create(skill(name)).await
    }

    async fn create(&self, body: Value) -> String {
        let answer = self.person.post("/plugins", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    pub async fn submit(&self, plugin: &str, version: &str) -> Answer {
        self.hand_in(plugin, &manifest(plugin, version), archive(version).to_vec()).await
    }

    /// The same with what a test says.
    pub async fn hand_in(&self, plugin: &str, manifest: &Value, archive: Vec<u8>) -> Answer {
        let form = multipart(&[("manifest", manifest.to_string().into_bytes()), ("artifact", archive)]);
        self.person.send("POST", &format!("/plugins/{plugin}/versions"), form).await
    }

    /// The same with a signature by `key`.
    pub async fn hand_in_signed(&self, key: &SecretKey, plugin: &str, version: &str) -> Answer {
        let digest = souk_signing::sha256(&archive(version));
        let signature = key.sign(&souk_signing::artifact_message(&digest).unwrap());
        let manifest = manifest(plugin, version).to_string().into_bytes();
        let form = multipart(&[
            ("manifest", manifest),
            ("artifact", archive(version).to_vec()),
            ("signature", signature.to_string().into_bytes()),
        ]);
        self.person.send("POST", &format!("/plugins/{plugin}/versions"), form).await
    }

    pub async fn signs_with(&self, key: &SecretKey, plugin: &str, version: &str) {
        let answer = self.hand_in_signed(key, plugin, version).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
    }

    /// Registers a key; its id.
    pub async fn register_key(&self, key: &SecretKey) -> String {
        let body = json!({"publicKey": key.public().to_string(), "label": "build server"});
        let answer = self.person.post(&format!("/vendors/{}/keys", self.vendor), body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    async fn submitted(&self, plugin: &str, version: &str) {
        let answer = self.submit(plugin, version).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
    }

    async fn validated(&self, plugin: &str, version: &str, thresholds: Thresholds) {
        self.submitted(plugin, version).await;
        self.decided(thresholds).await;
    }

    /// Validates what was handed in, and approves it.
    pub async fn approved(&self) {
        self.decided(Thresholds { approve: 0, escalate: 0 }).await;
    }

    /// Validates what was handed in, and decides by `thresholds`.
    pub async fn decided(&self, thresholds: Thresholds) {
        let app = self.world.app_with(thresholds);
        self.world.react("validation", "plugin.version_submitted", &app).await;
        self.world.react("verdicts", "validation.concluded", &app).await;
    }

    /// A free plugin with an approved version.
    pub async fn published(&self, plugin: &str, version: &str) {
        self.plugin(plugin).await;
        self.validated(plugin, version, Thresholds { approve: 0, escalate: 0 }).await;
    }

    /// A free plugin with an approved version that has a component to run.
    pub async fn runnable(&self, plugin: &str, version: &str) {
        self.plugin(plugin).await;
        let files = [("SKILL.md", skill_md(version).into_bytes()), ("plugin.wasm", WORDS.to_vec())];
        let archive = souk_package::pack::pack(files.map(|(path, bytes)| (path.to_owned(), bytes))).unwrap();
        let answer = self.hand_in(plugin, &manifest(plugin, version), archive).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        self.decided(Thresholds { approve: 0, escalate: 0 }).await;
    }

    /// A plugin for 49 dollars with an approved version.
    pub async fn paid(&self, plugin: &str, version: &str) {
        self.priced(plugin, version, json!({"model": "one_time", "amount": 4900, "currency": "USD"})).await;
    }

    /// A plugin at a price with an approved version.
    pub async fn priced(&self, plugin: &str, version: &str, pricing: Value) {
        let mut body = skill(plugin);
        body["pricing"] = pricing;
        self.create(body).await;
        self.validated(plugin, version, Thresholds { approve: 0, escalate: 0 }).await;
    }

    /// A free plugin with a version that was left to a moderator.
    pub async fn escalated(&self, plugin: &str, version: &str) {
        self.plugin(plugin).await;
        self.validated(plugin, version, Thresholds { approve: 255, escalate: 0 }).await;
    }
}

/// The body of `POST /plugins` for a free skill.
pub fn skill(name: &str) -> Value {
    json!({
        "name": name,
        "displayName": "Log reader",
        "kind": "skill",
        "summary": "Reads a log and says what went wrong.",
        "description": "Finds the first error of a log and explains it.",
        "category": "operations",
        "tags": ["logs"],
        "license": "MIT",
        "pricing": {"model": "free"},
    })
}

/// The manifest of a version of [`skill`].
pub fn manifest(name: &str, version: &str) -> Value {
    json!({"name": name, "version": version, "kind": "skill", "summary": "Reads a log.", "license": "MIT"})
}

fn skill_md(version: &str) -> String {
    format!("---\nname: log-reader\ndescription: Reads a log.\n---\n\n# Log reader {version}\n\nLook for errors.\n")
}

/// The archive of a version.
pub fn archive(version: &str) -> Bytes {
    let text = skill_md(version).into_bytes();
    souk_package::pack::pack([("log-reader/SKILL.md".to_owned(), text)]).unwrap().into()
}
