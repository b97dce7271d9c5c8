//! Where archives and reports are kept: the keys `artifacts`.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use souk_artifacts::{Patience, S3Settings};

use super::Environment;

/// Where archives and reports are kept.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Artifacts {
    /// `local` or `s3`.
    pub kind: ArtifactsKind,
    /// The bucket, where `kind` is `s3`.
    pub s3: S3,
}

/// Where archives and reports are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactsKind {
    /// In the data directory.
    #[default]
    Local,
    /// In a bucket of an S3-compatible store.
    S3,
}

/// A bucket of an S3-compatible store.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct S3 {
    /// Its name; it must be there.
    pub bucket: Option<String>,
    /// What requests are signed for.
    pub region: String,
    /// `https://HOST[:PORT]`; Amazon's address for the region when absent.
    pub endpoint: Option<String>,
    /// What the names of objects begin with.
    pub prefix: Option<String>,
    /// Who asks. A secret.
    pub access_key_id: Option<String>,
    /// What requests are signed with. A secret.
    pub secret_access_key: Option<String>,
    /// Whether `endpoint` may be `http://`; production refuses it.
    pub allow_http: bool,
}

impl Default for S3 {
    fn default() -> Self {
        Self {
            bucket: None,
            region: "us-east-1".to_owned(),
            endpoint: None,
            prefix: None,
            access_key_id: None,
            secret_access_key: None,
            allow_http: false,
        }
    }
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.settings(), f)
    }
}

impl S3 {
    fn settings(&self) -> S3Settings {
        S3Settings {
            bucket: self.bucket.clone().unwrap_or_default(),
            region: self.region.clone(),
            endpoint: self.endpoint.clone(),
            prefix: self.prefix.clone().unwrap_or_default(),
            access_key_id: self.access_key_id.clone().unwrap_or_default(),
            secret_access_key: self.secret_access_key.clone().unwrap_or_default().into(),
            allow_http: self.allow_http,
            patience: Patience::default(),
        }
    }
}

impl Artifacts {
    /// The bucket; none where artifacts are in the data directory.
    pub fn bucket(&self) -> Option<S3Settings> {
        (self.kind == ArtifactsKind::S3).then(|| self.s3.settings())
    }

    /// What its values break, one line each.
    pub fn problems(&self, environment: Environment) -> Vec<String> {
        let wrong = self.bucket().map(|settings| settings.problems()).unwrap_or_default();
        let mut problems: Vec<String> =
            wrong.into_iter().map(|(key, problem)| format!("  artifacts.s3.{key}: {problem}")).collect();
        if self.s3.allow_http && environment == Environment::Production {
            problems.push(
                "  artifacts.s3.allow_http: true: production refuses it: expected an endpoint with https://".to_owned(),
            );
        }
        problems
    }
}

/// Keys of the bucket that are texts.
const TEXTS: [&str; 6] = ["bucket", "region", "endpoint", "prefix", "access_key_id", "secret_access_key"];

/// The texts among the environment's variables, as they are: a secret of digits stays one.
pub fn texts() -> BTreeMap<&'static str, String> {
    let value = |key: &str| std::env::var(format!("SOUK_ARTIFACTS__S3__{}", key.to_uppercase())).ok();
    TEXTS.into_iter().filter_map(|key| Some((key, value(key)?))).collect()
}

/// Whether `key`, as in `artifacts.s3.bucket`, is one of [`texts`].
pub fn is_text(key: &str) -> bool {
    key.strip_prefix("artifacts.s3.").is_some_and(|key| TEXTS.contains(&key))
}

/// Whether the value of `key` is never shown, not even when it is wrong.
pub fn is_secret(key: &str) -> bool {
    matches!(key, "artifacts.s3.access_key_id" | "artifacts.s3.secret_access_key")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Overrides, load};

    fn right() -> Artifacts {
        let text = |text: &str| Some(text.to_owned());
        let s3 = S3 {
            bucket: text("souk"),
            endpoint: text("https://s3.example.org"),
            access_key_id: text("the-access-key"),
            secret_access_key: text("the-secret"),
            ..S3::default()
        };
        Artifacts { kind: ArtifactsKind::S3, s3 }
    }

    #[test]
    fn a_bucket_is_had_only_where_it_is_chosen() {
        assert!(Artifacts::default().bucket().is_none());
        assert!(Artifacts::default().problems(Environment::Production).is_empty());
        assert_eq!(right().bucket().unwrap().bucket, "souk");
        assert!(right().problems(Environment::Production).is_empty());
    }

    #[test]
    fn what_is_missing_is_named_with_its_key_and_secrets_are_not_shown() {
        let artifacts = Artifacts { s3: S3::default(), ..right() };
        let problems = artifacts.problems(Environment::Development).join("\n");
        for key in ["bucket", "access_key_id", "secret_access_key"] {
            assert!(problems.contains(&format!("  artifacts.s3.{key}: missing: expected")), "{problems}");
        }
        let shown = format!("{:?}", right());
        assert!(
            shown.contains("souk") && !shown.contains("the-secret") && !shown.contains("the-access-key"),
            "{shown}"
        );
    }

    #[test]
    fn http_is_allowed_outside_production_only() {
        let mut artifacts = right();
        artifacts.s3.endpoint = Some("http://127.0.0.1:9000".to_owned());
        let problems = artifacts.problems(Environment::Development);
        assert!(
            problems[0].starts_with("  artifacts.s3.endpoint: \"http://127.0.0.1:9000\": expected https://"),
            "{problems:?}"
        );
        artifacts.s3.allow_http = true;
        assert!(artifacts.problems(Environment::Development).is_empty());
        assert!(artifacts.problems(Environment::Production)[0].contains("allow_http: true: production refuses it"));
    }

    #[test]
    fn a_file_is_read_and_what_is_wrong_in_it_is_named_without_secrets() {
        let with_file = |text: &str| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), text).unwrap();
            load(Some(file.path().to_owned()), &Overrides::default())
        };
        let text =
            "[artifacts]\nkind = \"s3\"\n[artifacts.s3]\nbucket = \"souk\"\nprefix = \"a/b\"\naccess_key_id = \"x\"\n";
        let config = with_file(&format!("{text}secret_access_key = \"the-secret\"")).unwrap();
        assert_eq!(config.artifacts.bucket().unwrap().prefix, "a/b");
        let error = with_file(&format!("{text}secret_access_key = 4711")).unwrap_err().to_string();
        assert!(error.contains("artifacts.s3.secret_access_key: a secret") && !error.contains("4711"), "{error}");
        let error = with_file(text).unwrap_err().to_string();
        assert!(error.contains("artifacts.s3.secret_access_key: missing"), "{error}");
        let error = with_file("[artifacts]\nkind = \"cloud\"").unwrap_err().to_string();
        assert!(error.contains("artifacts.kind") && error.contains("s3"), "{error}");
    }

    #[test]
    fn every_text_is_a_key() {
        let keys = crate::config::keys();
        for key in TEXTS {
            assert!(keys.contains(&format!("artifacts.s3.{key}")) && is_text(&format!("artifacts.s3.{key}")), "{key}");
        }
        assert!(keys.contains(&"artifacts.s3.allow_http".to_owned()) && !is_text("artifacts.s3.allow_http"));
    }
}
