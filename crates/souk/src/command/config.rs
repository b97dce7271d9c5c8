//! `souk config check`

use crate::{
    config::{self, Config, ConfigError},
    failure::Failure,
    output::{note, say},
};

/// Prints what is in force. Secrets are not shown.
///
/// # Errors
/// The configuration cannot be printed, or lacks what all processes together need.
pub fn check(config: &Config, json: bool) -> Result<(), Failure> {
    if let Some(problem) = config.missing_key() {
        return Err(Failure::new(ConfigError::Wrong(problem.to_owned())));
    }
    let mut shown = config.clone();
    shown.kek = shown.kek.map(|_| "(set)".to_owned());
    shown.database_url = shown.database_url.map(|_| "(set)".to_owned());
    shown.kurrentdb.url = shown.kurrentdb.url.map(|_| "(set)".to_owned());
    shown.artifacts.s3.access_key_id = shown.artifacts.s3.access_key_id.map(|_| "(set)".to_owned());
    shown.artifacts.s3.secret_access_key = shown.artifacts.s3.secret_access_key.map(|_| "(set)".to_owned());
    shown.kafka.properties.values_mut().for_each(|value| "(set)".clone_into(value));
    shown.sandbox.secrets.values_mut().for_each(|value| "(set)".clone_into(value));
    shown.keys.database_url = shown.keys.database_url.map(|_| "(set)".to_owned());
    shown.ledger.key = shown.ledger.key.map(|_| "(set)".to_owned());
    shown.payments.hide();
    shown.mail.hide();
    let value = serde_json::to_value(&shown).map_err(Failure::new)?;
    if json {
        say(value.to_string());
    } else {
        say("The configuration is right. In force:");
        for (key, value) in lines("", &value) {
            say(format!("  {key} = {value}"));
        }
    }
    for name in config::unknown_variables() {
        note(format!("{name} is set, but is no key of the configuration: nothing reads it"));
    }
    Ok(())
}

fn lines(prefix: &str, value: &serde_json::Value) -> Vec<(String, String)> {
    match value {
        serde_json::Value::Object(fields) => fields
            .iter()
            .flat_map(|(key, value)| {
                let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                lines(&path, value)
            })
            .collect(),
        other => vec![(prefix.to_owned(), other.to_string())],
    }
}
