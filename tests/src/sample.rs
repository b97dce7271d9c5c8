//! Listings and archives to work with.

use serde_json::{Value, json};
use souk_package::pack;

/// The body of `POST /plugins` for a skill.
#[must_use]
pub fn skill(name: &str, pricing: &Value) -> Value {
    json!({
        "name": name,
        "displayName": format!("Skill {name}"),
        "kind": "skill",
        "summary": "Reads a log and says what went wrong.",
        "description": "# What it does\n\nFinds the first error of a log and explains it.",
        "category": "operations",
        "tags": ["logs", "debugging"],
        "license": "MIT",
        "pricing": pricing,
    })
}

/// The manifest of a skill's version.
#[must_use]
pub fn manifest(name: &str, version: &str) -> Value {
    json!({
        "name": name,
        "version": version,
        "kind": "skill",
        "summary": "Reads a log and says what went wrong.",
        "license": "MIT",
    })
}

/// The archive of a skill's version: `SKILL.md` in its one folder.
///
/// # Panics
/// Never: one small file is always packed.
#[must_use]
#[allow(clippy::expect_used, reason = "one small file is always packed")]
pub fn skill_archive(version: &str) -> Vec<u8> {
    let text = format!(
        "---\nname: log-reader\ndescription: Reads a log and says what went wrong.\n---\n\n# Log reader {version}\n\n\
         Look for the first line at level ERROR, then explain it in one paragraph.\n"
    );
    pack::pack([("log-reader/SKILL.md".to_owned(), text.into_bytes())]).expect("one small file is packed")
}

/// A free price.
#[must_use]
pub fn free() -> Value {
    json!({"model": "free"})
}

/// A price to be paid once.
#[must_use]
pub fn one_time(amount: i64, currency: &str) -> Value {
    json!({"model": "one_time", "amount": amount, "currency": currency})
}

/// A word that nobody else has.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "names of a test are not replayed")]
pub fn unique(prefix: &str) -> String {
    format!("{prefix}-{}", &uuid::Uuid::new_v4().simple().to_string()[..10])
}
