//! Where the store is, and who asks.

use std::{fmt, time::Duration};

use url::Url;
use zeroize::Zeroizing;

/// The longest prefix, bytes: a name of the store has at most 1,024 of them.
const LONGEST_PREFIX: usize = 512;
/// What is said instead of a secret.
const HIDDEN: &str = "a secret that is not shown here";

/// How long the store may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For accepting a connection.
    pub connection: Duration,
    /// For a size, for the beginning of what is read, and for each chunk behind it; with everything that is tried again.
    pub answer: Duration,
    /// For all of a `put` or a `get`, with everything that is tried again.
    pub transfer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connection: Duration::from_secs(5), answer: Duration::from_secs(20), transfer: Duration::from_secs(120) }
    }
}

/// Where the store is, and who asks.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Settings {
    /// The bucket, which must be there.
    pub bucket: String,
    /// What requests are signed for; stores of one's own mostly take any.
    pub region: String,
    /// `https://HOST[:PORT]`; Amazon's address for the region when absent.
    pub endpoint: Option<String>,
    /// What the names of objects begin with, without `/` at its ends; nothing when empty.
    pub prefix: String,
    /// Who asks.
    pub access_key_id: String,
    /// What requests are signed with.
    pub secret_access_key: Zeroizing<String>,
    /// Whether `endpoint` may be `http://`, where everybody on the way can read along.
    pub allow_http: bool,
    /// How long it may take.
    pub patience: Patience,
}

impl fmt::Debug for S3Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bucket, region, endpoint, prefix, allow_http, patience, .. } = self;
        f.debug_struct("S3Settings")
            .field("bucket", bucket)
            .field("region", region)
            .field("endpoint", endpoint)
            .field("prefix", prefix)
            .field("allow_http", allow_http)
            .field("patience", patience)
            .finish_non_exhaustive()
    }
}

impl S3Settings {
    /// What is wrong with them: the field, and the value and what was expected of it. Secrets are not shown.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let found = [
            ("bucket", bucket(&self.bucket)),
            ("region", region(&self.region)),
            ("endpoint", self.endpoint.as_deref().and_then(|endpoint| address(endpoint, self.allow_http))),
            ("prefix", prefix(&self.prefix)),
            ("access_key_id", secret(&self.access_key_id)),
            ("secret_access_key", secret(&self.secret_access_key)),
        ];
        found.into_iter().filter_map(|(field, problem)| Some((field, problem?))).collect()
    }
}

fn bucket(name: &str) -> Option<String> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    let right = (3..=63).contains(&name.len())
        && name.chars().all(legal)
        && !name.contains("..")
        && !name.starts_with(['.', '-'])
        && !name.ends_with(['.', '-']);
    match name {
        "" => Some("missing: expected the name of a bucket".to_owned()),
        _ if right => None,
        _ => Some(format!("{name:?}: expected 3 to 63 lower-case letters, digits, dots and hyphens")),
    }
}

fn region(name: &str) -> Option<String> {
    let right = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    (!right).then(|| format!("{name:?}: expected a region, such as us-east-1"))
}

fn address(endpoint: &str, allow_http: bool) -> Option<String> {
    // It may hold a password, so it is not shown where it may be one.
    let Ok(url) = endpoint.parse::<Url>() else {
        return Some("expected an address such as https://s3.example.org".to_owned());
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Some("holds a name or a password: expected them in access_key_id and secret_access_key".to_owned());
    }
    match url.scheme() {
        "https" => {}
        "http" if allow_http => {}
        "http" => return Some(format!("{endpoint:?}: expected https://, or allow_http = true")),
        _ => return Some(format!("{endpoint:?}: expected https://")),
    }
    let more = url.query().is_some() || url.fragment().is_some();
    (more || !url.has_host()).then(|| format!("{endpoint:?}: expected https://HOST:PORT and nothing behind"))
}

fn prefix(prefix: &str) -> Option<String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let part = |part: &str| !matches!(part, "" | "." | "..") && part.chars().all(legal);
    let right = prefix.is_empty() || (prefix.len() <= LONGEST_PREFIX && prefix.split('/').all(part));
    (!right).then(|| {
        format!("{prefix:?}: expected at most {LONGEST_PREFIX} letters, digits, dots, hyphens and underscores, with single slashes between")
    })
}

fn secret(value: &str) -> Option<String> {
    match value {
        "" => Some("missing: expected a key of the store".to_owned()),
        // Such as the end of the line that a file of secrets ended with.
        _ if value.contains(|c: char| c.is_whitespace() || c.is_control()) => {
            Some(format!("{HIDDEN}: expected no white space in it"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right() -> S3Settings {
        S3Settings {
            bucket: "souk".to_owned(),
            region: "us-east-1".to_owned(),
            endpoint: Some("https://s3.example.org:9000".to_owned()),
            prefix: "market/artifacts".to_owned(),
            access_key_id: "the-access-key".to_owned(),
            secret_access_key: Zeroizing::new("the-secret".to_owned()),
            allow_http: false,
            patience: Patience::default(),
        }
    }

    fn problem(change: impl FnOnce(&mut S3Settings)) -> String {
        let mut settings = right();
        change(&mut settings);
        settings.problems().iter().map(|(field, problem)| format!("{field}: {problem}")).collect()
    }

    #[test]
    fn what_is_right_has_no_problems() {
        assert_eq!(problem(|_| {}), "");
        assert_eq!(problem(|settings| settings.endpoint = None), "");
        assert_eq!(problem(|settings| settings.prefix.clear()), "");
        let http = |settings: &mut S3Settings| settings.endpoint = Some("http://127.0.0.1:9000".to_owned());
        assert_eq!(problem(|settings| (http(settings), settings.allow_http = true).1), "");
        assert!(problem(http).starts_with("endpoint: \"http://127.0.0.1:9000\": expected https://, or allow_http"));
    }

    #[test]
    fn what_is_wrong_is_named_with_what_was_expected() {
        for name in ["ab", "Souk", "so_uk", "so..uk", "-souk", "souk.", "souk/x"] {
            assert!(problem(|settings| settings.bucket = name.to_owned()).contains("expected 3 to 63"), "{name}");
        }
        assert_eq!(problem(|settings| settings.bucket.clear()), "bucket: missing: expected the name of a bucket");
        for name in ["", "eu central", "eu/x"] {
            assert!(problem(|settings| settings.region = name.to_owned()).contains("such as us-east-1"), "{name}");
        }
        for prefix in ["/a", "a/", "a//b", "../a", "a/./b", "a b", "ä", &"a".repeat(513)] {
            assert!(problem(|settings| settings.prefix = prefix.to_owned()).contains("single slashes"), "{prefix}");
        }
        for endpoint in ["s3.example.org", "ftp://s3.example.org", "https://s3.example.org/?x=1", "https://", ""] {
            let problem = problem(|settings| settings.endpoint = Some(endpoint.to_owned()));
            assert!(problem.contains("endpoint: ") && problem.contains("expected"), "{endpoint}: {problem}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = format!("{:?}", right());
        assert!(
            shown.contains("souk") && !shown.contains("the-secret") && !shown.contains("the-access-key"),
            "{shown}"
        );
        let problem = problem(|settings| {
            settings.access_key_id.clear();
            settings.secret_access_key = Zeroizing::new("the-secret\n".to_owned());
            settings.endpoint = Some("https://name:the-secret@host".to_owned());
        });
        assert!(!problem.contains("the-secret"), "{problem}");
        assert!(
            problem.contains("access_key_id: missing") && problem.contains("secret_access_key: a secret"),
            "{problem}"
        );
        assert!(problem.contains("endpoint: holds a name or a password"), "{problem}");
    }
}
