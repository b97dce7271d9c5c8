//! Handing mails to a server.

use std::{
    error::Error as _,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use lettre::{
    Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        Error,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters},
        extension::ClientId,
    },
};
use souk_ports::{Clock, Mail, MailError, Mailer};
use tokio::time::timeout;

use crate::{Address, Security};

/// Connections that are kept for the next mail.
const KEPT: usize = 4;
/// How long one is kept: shorter than servers wait.
const KEPT_FOR: Duration = Duration::from_secs(30);
/// Mails that one connection carries; many servers take a hundred.
const CARRIED: u32 = 50;

/// How a server is spoken to.
#[derive(Clone)]
pub struct Settings {
    /// Where it is.
    pub address: Address,
    /// Who mails are from, as `Souk <souk@example.org>`.
    pub from: String,
    /// Who we are there; nobody when absent.
    pub username: Option<String>,
    /// The password of `username`. A secret.
    pub password: Option<String>,
    /// PEM certificates that are believed instead of the system's.
    pub certificates: Option<Vec<u8>>,
    /// How long connecting may take, and how long sending one mail.
    pub patience: Duration,
}

impl Settings {
    /// Settings for a server that asks for no password.
    #[must_use]
    pub fn new(address: Address, from: impl Into<String>) -> Self {
        Self {
            address,
            from: from.into(),
            username: None,
            password: None,
            certificates: None,
            patience: Duration::from_secs(20),
        }
    }
}

/// Hides the password.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("address", &self.address).field("from", &self.from).finish_non_exhaustive()
    }
}

/// What is wrong with [`Settings`]. Names the key, never a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Who mails are from.
    #[error("from: expected an address, such as Souk <souk@example.org>")]
    From,
    /// Half of who we are.
    #[error("username: expected both username and password, or neither")]
    HalfACredential,
    /// A password that everybody on the way would read.
    #[error("url: expected smtps:// or smtp://: a password goes to another machine only over TLS")]
    PlainPassword,
    /// Certificates that are none.
    #[error("ca_file: expected PEM certificates")]
    Certificates,
    /// TLS cannot be had at all.
    #[error("url: TLS cannot be had on this machine: {0}")]
    Tls(String),
}

struct Kept {
    connection: AsyncSmtpConnection,
    since: Instant,
    carried: u32,
}

/// [`Mailer`] through SMTP. Whatever cuts a mail off closes its connection, so that none is used again in the middle of one.
pub struct Smtp {
    address: Address,
    from: Mailbox,
    credentials: Option<Credentials>,
    tls: Option<TlsParameters>,
    hello: ClientId,
    patience: Duration,
    clock: Arc<dyn Clock>,
    kept: Mutex<Vec<Kept>>,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Smtp {
    /// Checks `settings`; speaks to nobody yet.
    ///
    /// # Errors
    /// See [`SettingsError`].
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let Settings { address, from, username, password, certificates, patience } = settings;
        let from: Mailbox = from.parse().map_err(|_| SettingsError::From)?;
        let credentials = match (username, password) {
            (Some(user), Some(password)) => Some(Credentials::new(user, password)),
            (None, None) => None,
            _ => return Err(SettingsError::HalfACredential),
        };
        if credentials.is_some() && address.security == Security::Plain && !address.is_loopback() {
            return Err(SettingsError::PlainPassword);
        }
        let tls = match address.security {
            Security::Plain => None,
            Security::Implicit | Security::StartTls => Some(tls(&address.host, certificates.as_deref())?),
        };
        // What the sender's domain is everybody sees anyway; what this machine is called nobody needs to know.
        let hello = ClientId::Domain(from.email.domain().to_owned());
        Ok(Self { address, from, credentials, tls, hello, patience, clock, kept: Mutex::default() })
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let server = (self.address.host.as_str(), self.address.port);
        let implicit = self.tls.clone().filter(|_| self.address.security == Security::Implicit);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(self.patience), &self.hello, implicit, None).await?;
        if let (Security::StartTls, Some(tls)) = (self.address.security, &self.tls) {
            connection.starttls(tls.clone(), &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }

    /// A connection that was kept and still answers, or a new one.
    async fn connection(&self) -> Result<Kept, MailError> {
        loop {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(mut kept) = kept else { break };
            let lives = async { kept.since.elapsed() < KEPT_FOR && kept.connection.test_connected().await };
            if timeout(self.patience, lives).await.is_ok_and(|lives| lives) {
                return Ok(kept);
            }
        }
        // Whatever happens here is not the mail's fault, also where the server says it is for good.
        match timeout(self.patience, self.connect()).await {
            Ok(Ok(connection)) => Ok(Kept { connection, since: Instant::now(), carried: 0 }),
            Ok(Err(error)) => Err(MailError::Unavailable(format!("connecting: {}", told(&error)))),
            Err(_) => Err(MailError::Unavailable("connecting: no answer in time".to_owned())),
        }
    }

    async fn keep(&self, mut kept: Kept) {
        kept.carried += 1;
        kept.since = Instant::now();
        if kept.carried < CARRIED {
            let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() < KEPT {
                return all.push(kept);
            }
        }
        let _ = timeout(self.patience, kept.connection.quit()).await;
    }

    fn message(&self, mail: &Mail) -> Result<Message, MailError> {
        let refused = |_| MailError::Refused("the address is none that mails can be sent to".to_owned());
        let to = Mailbox::new(mail.name.as_deref().map(one_line), mail.to.parse().map_err(refused)?);
        let mut message = Message::builder()
            .message_id(Some(format!("<{}@{}>", mail.id.simple(), self.from.email.domain())))
            .date(self.clock.now().into())
            .from(self.from.clone())
            .to(to)
            .subject(one_line(&mail.text.subject))
            .raw_header(header("Auto-Submitted", "auto-generated".to_owned()));
        if let Some(address) = &mail.unsubscribe {
            message = message
                .raw_header(raw("List-Unsubscribe", &format!("<{}>", one_line(address))))
                .raw_header(raw("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"));
        }
        let body = MultiPart::alternative_plain_html(mail.text.plain.clone(), mail.text.html.clone());
        message.multipart(body).map_err(|_| MailError::Refused("it cannot be put together".to_owned()))
    }

    async fn hand_over(&self, message: &Message) -> Result<(), MailError> {
        let mut kept = self.connection().await?;
        let sent = timeout(self.patience, kept.connection.send(message.envelope(), &message.formatted())).await;
        match sent {
            Ok(Ok(_)) => {
                self.keep(kept).await;
                Ok(())
            }
            Ok(Err(error)) if error.is_permanent() || error.is_client() => Err(MailError::Refused(told(&error))),
            Ok(Err(error)) => Err(MailError::Unavailable(told(&error))),
            Err(_) => Err(MailError::Unavailable("no answer in time".to_owned())),
        }
    }
}

#[async_trait]
impl Mailer for Smtp {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = self.message(mail)?;
        self.hand_over(&message).await
    }

    async fn check(&self) -> Result<(), MailError> {
        let kept = self.connection().await?;
        self.keep(kept).await;
        Ok(())
    }
}

fn tls(host: &str, certificates: Option<&[u8]>) -> Result<TlsParameters, SettingsError> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(pem) = certificates {
        if !pem.windows(17).any(|window| window == b"BEGIN CERTIFICATE") {
            return Err(SettingsError::Certificates);
        }
        let certificate = Certificate::from_pem(pem).map_err(|_| SettingsError::Certificates)?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(|error| match certificates {
        Some(_) => SettingsError::Certificates,
        None => SettingsError::Tls(told(&error)),
    })
}

/// A header whose name is one that is written here.
fn header(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

/// The same, written as it is: an address that is folded or encoded is none any more. Only for ASCII without line breaks.
fn raw(name: &'static str, value: &str) -> HeaderValue {
    let value: String = value.chars().filter(char::is_ascii_graphic).collect();
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), value.clone(), value)
}

/// `text` without line breaks and other control characters: nobody's name and no title begins another header.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// What went wrong, without the server's own words, which may quote an address: its codes, or what the network says.
fn told(error: &Error) -> String {
    let source = error.source().map(ToString::to_string).unwrap_or_default();
    if let Some(code) = error.status() {
        let enhanced = source.split_whitespace().next().filter(|word| is_enhanced(word));
        return match enhanced {
            Some(enhanced) => format!("{code} {enhanced}"),
            None => code.to_string(),
        };
    }
    if error.is_client() {
        return "the server does not take what it needs".to_owned();
    }
    if error.is_response() {
        return "the answer is not SMTP".to_owned();
    }
    let what = if error.is_tls() { "TLS" } else { "the network" };
    format!("{what}: {source}")
}

/// Whether `word` is a status code of RFC 3463, such as `5.1.1`.
fn is_enhanced(word: &str) -> bool {
    let parts: Vec<_> = word.split('.').collect();
    let number = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.len() == 3 && parts.iter().all(number)
}

#[cfg(test)]
mod tests {
    use souk_ports::mail::Worded;
    use souk_testkit::ManualClock;
    use uuid::Uuid;

    use super::*;

    fn settings(url: &str) -> Settings {
        Settings::new(Address::parse(url).unwrap(), "Souk <souk@souk.example>")
    }

    fn smtp(settings: Settings) -> Result<Smtp, SettingsError> {
        Smtp::new(settings, Arc::new(ManualClock::default()))
    }

    fn mail(name: &str, subject: &str) -> Mail {
        let text =
            Worded { subject: subject.to_owned(), plain: "Grüße".to_owned(), html: "<p>Grüße</p>".to_owned() };
        Mail {
            id: Uuid::from_u128(7),
            to: "ada@people.example".to_owned(),
            name: Some(name.to_owned()),
            text,
            unsubscribe: Some(format!("https://souk.example/api/v1/notifications/unsubscribe/{}", "a".repeat(120))),
        }
    }

    fn headers(mail: &Mail) -> String {
        let smtp = smtp(settings("smtp+plain://127.0.0.1")).unwrap();
        let formatted = String::from_utf8(smtp.message(mail).unwrap().formatted()).unwrap();
        formatted.split("\r\n\r\n").next().unwrap().to_owned()
    }

    #[test]
    fn settings_that_cannot_work_are_named() {
        let credentials = |url: &str| Settings {
            username: Some("souk".to_owned()),
            password: Some("hush".to_owned()),
            ..settings(url)
        };
        assert_eq!(smtp(credentials("smtp+plain://mail.example")).unwrap_err(), SettingsError::PlainPassword);
        assert!(smtp(credentials("smtp+plain://127.0.0.1")).is_ok());
        let half = Settings { password: None, ..credentials("smtps://mail.example") };
        assert_eq!(smtp(half).unwrap_err(), SettingsError::HalfACredential);
        let nobody = Settings { from: "nobody".to_owned(), ..settings("smtps://mail.example") };
        assert_eq!(smtp(nobody).unwrap_err(), SettingsError::From);
        let none = Settings { certificates: Some(b"none".to_vec()), ..settings("smtps://mail.example") };
        assert_eq!(smtp(none).unwrap_err(), SettingsError::Certificates);
        assert!(!format!("{:?}", credentials("smtps://mail.example")).contains("hush"));
    }

    #[test]
    fn no_name_and_no_title_begins_another_header() {
        for evil in
            ["Ada\r\nBcc: eve@evil.example", "Ada\nBcc: eve@evil.example", "Ada\u{2028}\u{85}\rBcc: eve@evil.example"]
        {
            let headers = headers(&mail(evil, evil));
            let names: Vec<_> = headers
                .lines()
                .filter(|line| !line.starts_with(' '))
                .filter_map(|line| line.split_once(':'))
                .map(|(name, _)| name.to_ascii_lowercase())
                .collect();
            assert!(!names.contains(&"bcc".to_owned()), "{headers}");
            let known = [
                "message-id",
                "date",
                "from",
                "to",
                "subject",
                "auto-submitted",
                "list-unsubscribe",
                "list-unsubscribe-post",
                "mime-version",
                "content-type",
            ];
            assert!(names.iter().all(|name| known.contains(&name.as_str())), "{names:?}");
        }
    }

    #[test]
    fn an_address_that_is_none_is_refused_for_good() {
        let smtp = smtp(settings("smtp+plain://127.0.0.1")).unwrap();
        for to in ["ada", "ada@people.example\r\nRCPT TO:<eve@evil.example>", "ada@people.example>", ""] {
            let mail = Mail { to: to.to_owned(), ..mail("Ada", "Hello") };
            assert!(matches!(smtp.message(&mail), Err(MailError::Refused(_))), "{to:?}");
        }
    }

    #[test]
    fn a_message_has_one_name_however_often_it_is_made_and_says_how_to_end_it() {
        let headers = headers(&mail("Ada", "Hello"));
        let first = |headers: &str| headers.split("boundary").next().unwrap().to_owned();
        assert_eq!(first(&headers), first(&self::headers(&mail("Ada", "Hello"))));
        assert!(headers.contains("Message-ID: <00000000000000000000000000000007@souk.example>"), "{headers}");
        let address =
            format!("List-Unsubscribe: <https://souk.example/api/v1/notifications/unsubscribe/{}>", "a".repeat(120));
        assert!(headers.contains(&address), "{headers}");
        assert!(headers.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"), "{headers}");
        let binding = Mail { unsubscribe: None, ..mail("Ada", "Hello") };
        assert!(!self::headers(&binding).contains("List-Unsubscribe"));
    }

    #[test]
    fn codes_are_told_and_not_what_stands_beside_them() {
        assert!(is_enhanced("5.1.1") && is_enhanced("4.7.100"));
        assert!(
            !is_enhanced("ada@people.example")
                && !is_enhanced("5.1")
                && !is_enhanced("5..1")
                && !is_enhanced("5.1.1234")
        );
    }
}
