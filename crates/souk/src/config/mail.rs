//! How mails are sent: the keys `mail`.

use std::{fmt, fs, path::PathBuf, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use souk_app::Post;
use souk_mail::{Address, Settings, Smtp, Templates};
use souk_ports::Clock;

/// How mails are sent; none are where `url` is absent.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mail {
    /// The server: `smtps://HOST:PORT`, `smtp://HOST:PORT` (STARTTLS) or `smtp+plain://HOST:PORT`.
    pub url: Option<String>,
    /// Who mails are from, as `Souk <souk@example.org>`.
    pub from: Option<String>,
    /// Who Souk is there.
    pub username: Option<String>,
    /// The password of `username`. A secret.
    pub password: Option<String>,
    /// PEM certificates that are believed instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// A folder with templates that take the place of those that Souk brings along.
    pub templates: Option<PathBuf>,
    /// How long the server may take, seconds.
    pub timeout_seconds: Option<u64>,
}

/// Hides the password.
impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("url", &self.url).field("from", &self.from).finish_non_exhaustive()
    }
}

/// Whether `key` holds a secret, which no message repeats; an address may hold one by mistake.
pub fn is_secret(key: &str) -> bool {
    matches!(key, "mail.password" | "mail.url")
}

fn set(text: Option<&String>) -> Option<&String> {
    text.filter(|text| !text.is_empty())
}

impl Mail {
    /// How mails are written and sent, where a server is named. `site` is where others find this Souk. Reads the certificates and the
    /// templates, and speaks to nobody.
    ///
    /// # Errors
    /// What is wrong, one line a key.
    pub fn post(&self, site: Option<&str>, clock: Arc<dyn Clock>) -> Result<Option<Post>, Vec<String>> {
        let Some(url) = set(self.url.as_ref()) else { return Ok(None) };
        let mut problems = Vec::new();
        let site = site.unwrap_or_default();
        if site.is_empty() {
            problems.push("  public_url: missing: mails need it for their links".to_owned());
        }
        let wording = match Templates::load(self.templates.as_deref(), site) {
            Ok(templates) => Some(templates),
            Err(wrong) => {
                problems.extend(wrong.iter().map(|wrong| format!("  mail.templates: {wrong}")));
                None
            }
        };
        let mailer = match self.settings(url) {
            Ok(settings) => Smtp::new(settings, clock).map_err(|error| problems.push(format!("  mail.{error}"))).ok(),
            Err(wrong) => {
                problems.extend(wrong);
                None
            }
        };
        match (wording, mailer) {
            (Some(wording), Some(mailer)) if problems.is_empty() => {
                Ok(Some(Post { mailer: Arc::new(mailer), wording: Arc::new(wording), site: site.to_owned() }))
            }
            _ => Err(problems),
        }
    }

    fn settings(&self, url: &str) -> Result<Settings, Vec<String>> {
        let mut problems = Vec::new();
        let address = Address::parse(url).map_err(|problem| problems.push(format!("  mail.url: {problem}"))).ok();
        let certificates = self.ca_file.as_ref().and_then(|file| {
            fs::read(file).map_err(|error| problems.push(format!("  mail.ca_file: {}: {error}", file.display()))).ok()
        });
        if set(self.from.as_ref()).is_none() {
            problems.push("  mail.from: missing: expected an address, such as Souk <souk@example.org>".to_owned());
        }
        let patience = self.timeout_seconds.unwrap_or(20);
        if !(1..=50).contains(&patience) {
            problems.push(format!("  mail.timeout_seconds: {patience}: expected 1 to 50"));
        }
        match (address, set(self.from.as_ref())) {
            (Some(address), Some(from)) if problems.is_empty() => Ok(Settings {
                username: set(self.username.as_ref()).cloned(),
                password: set(self.password.as_ref()).cloned(),
                certificates,
                patience: Duration::from_secs(patience),
                ..Settings::new(address, from)
            }),
            _ => Err(problems),
        }
    }

    /// Takes the secret out, for who looks at the configuration.
    pub fn hide(&mut self) {
        self.password = self.password.take().map(|_| "(set)".to_owned());
    }

    /// What is wrong with the settings, one line a key.
    pub fn problems(&self, site: Option<&str>) -> Vec<String> {
        let mut problems = self.post(site, Arc::new(crate::system::SystemClock)).err().unwrap_or_default();
        let rest = [self.from.is_some(), self.username.is_some(), self.password.is_some(), self.templates.is_some()];
        if set(self.url.as_ref()).is_none() && rest.contains(&true) {
            problems.push("  mail.url: missing: expected the mail server beside the other keys".to_owned());
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            url: Some("smtps://mail.example".to_owned()),
            from: Some("Souk <souk@souk.example>".to_owned()),
            ..Mail::default()
        }
    }

    const SITE: Option<&str> = Some("https://souk.example");

    fn problem(mail: &Mail) -> String {
        mail.problems(SITE).join("; ")
    }

    #[test]
    fn mails_are_sent_where_a_server_is_named() {
        let clock = || Arc::new(crate::system::SystemClock);
        assert!(Mail::default().post(None, clock()).unwrap().is_none());
        assert!(Mail::default().problems(None).is_empty());
        assert!(mail().post(SITE, clock()).unwrap().is_some());
        let empty = Mail { url: Some(String::new()), ..Mail::default() };
        assert!(empty.problems(None).is_empty(), "an empty one is none");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_key_and_without_secrets() {
        assert_eq!(mail().problems(None), ["  public_url: missing: mails need it for their links"]);
        let url = Mail { url: Some("smtp://souk:hush@mail.example".to_owned()), ..mail() };
        assert!(problem(&url).starts_with("  mail.url: expected no user") && !problem(&url).contains("hush"));
        assert!(problem(&Mail { from: None, ..mail() }).starts_with("  mail.from: missing"));
        assert!(problem(&Mail { from: Some("nobody".to_owned()), ..mail() }).starts_with("  mail.from: expected"));
        assert!(problem(&Mail { password: Some("hush".to_owned()), ..mail() }).starts_with("  mail.username: "));
        assert!(
            problem(&Mail { ca_file: Some("/nowhere.pem".into()), ..mail() }).starts_with("  mail.ca_file: /nowhere")
        );
        assert!(problem(&Mail { timeout_seconds: Some(0), ..mail() }).starts_with("  mail.timeout_seconds: 0"));
        assert!(problem(&Mail { url: None, ..mail() }).starts_with("  mail.url: missing"));
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("orderPaid.txt"), "Subject: x\n\n{{ nothing }}").unwrap();
        let templates = Mail { templates: Some(folder.path().to_owned()), ..mail() };
        assert!(
            problem(&templates).starts_with("  mail.templates: orderPaid.txt: line 3: "),
            "{}",
            problem(&templates)
        );
    }

    #[test]
    fn no_secret_is_shown() {
        let mut mail = Mail { username: Some("souk".to_owned()), password: Some("hush".to_owned()), ..mail() };
        assert!(!format!("{mail:?}").contains("hush"));
        mail.hide();
        assert!(!serde_json::to_string(&mail).unwrap().contains("hush"));
        assert!(is_secret("mail.password") && !is_secret("mail.from"));
    }
}
