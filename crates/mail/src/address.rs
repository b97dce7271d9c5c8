//! Where a mail server is, as `smtps://mail.example`.

use std::net::IpAddr;

use url::Url;

/// How what is said to the server is kept secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// `smtps://`: TLS from the first byte, usually port 465.
    Implicit,
    /// `smtp://`: TLS once the server was asked for it; without it nothing is sent. Usually port 587.
    StartTls,
    /// `smtp+plain://`: none.
    Plain,
}

/// Where a mail server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Its name, which its certificate must have.
    pub host: String,
    /// Where it listens.
    pub port: u16,
    /// How it is spoken to.
    pub security: Security,
}

impl Address {
    /// Reads `smtps://HOST[:PORT]`, `smtp://HOST[:PORT]` or `smtp+plain://HOST[:PORT]`.
    ///
    /// # Errors
    /// What was expected; never what was given, which may hold a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        const EXPECTED: &str =
            "expected smtps://HOST:PORT, smtp://HOST:PORT (STARTTLS) or smtp+plain://HOST:PORT, and nothing else in it";
        let url = Url::parse(text).map_err(|_| EXPECTED.to_owned())?;
        let (security, port) = match url.scheme() {
            "smtps" => (Security::Implicit, 465),
            "smtp" => (Security::StartTls, 587),
            "smtp+plain" => (Security::Plain, 25),
            _ => return Err(EXPECTED.to_owned()),
        };
        let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        let host = url.host_str().filter(|host| !host.is_empty());
        match host {
            Some(host) if bare && matches!(url.path(), "" | "/") => {
                let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
                Ok(Self { host, port: url.port().unwrap_or(port), security })
            }
            _ if !bare => Err("expected no user and no password in it: they have keys of their own".to_owned()),
            _ => Err(EXPECTED.to_owned()),
        }
    }

    /// Whether it is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_say_how_secret_it_is_and_have_ports_of_their_own() {
        for (text, port, security) in [
            ("smtps://mail.example", 465, Security::Implicit),
            ("smtp://mail.example", 587, Security::StartTls),
            ("smtp://mail.example:2525/", 2525, Security::StartTls),
            ("smtp+plain://mail.example", 25, Security::Plain),
        ] {
            assert_eq!(Address::parse(text), Ok(Address { host: "mail.example".to_owned(), port, security }), "{text}");
        }
        assert!(Address::parse("smtp+plain://[::1]:25").unwrap().is_loopback());
        assert!(Address::parse("smtp+plain://127.0.0.1").unwrap().is_loopback());
        assert!(!Address::parse("smtp+plain://mail.example").unwrap().is_loopback());
    }

    #[test]
    fn what_is_wrong_is_said_without_what_was_given() {
        for text in ["mail.example", "http://mail.example", "smtp://", "smtp://u:hush@mail.example", "smtps://h/path"] {
            let problem = Address::parse(text).unwrap_err();
            assert!(problem.starts_with("expected") && !problem.contains("hush"), "{text}: {problem}");
        }
    }
}
