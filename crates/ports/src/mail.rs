//! Writing and sending mails.

use std::fmt;

use async_trait::async_trait;
use serde_json::Value;
use uuid::Uuid;

use crate::notice::Kind;

/// A mail that is ready to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// What it tells; its `Message-ID` is made of it, so that it is the same each time.
    pub id: Uuid,
    /// The address.
    pub to: String,
    /// Whose it is.
    pub name: Option<String>,
    /// What it says.
    pub text: Worded,
    /// Where one click ends mails of this sort, where that can be (RFC 8058).
    pub unsubscribe: Option<String>,
}

/// Hides whom it goes to and what it says.
impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What a mail says.
#[derive(Clone, PartialEq, Eq)]
pub struct Worded {
    /// One line.
    pub subject: String,
    /// As plain text.
    pub plain: String,
    /// As a document.
    pub html: String,
}

/// Why a mail was not sent. What it says names no person: servers quote addresses, so their own words are left out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// For good: trying again is no use.
    #[error("the mail server refuses it: {0}")]
    Refused(String),
    /// For now, or the server did not answer.
    #[error("the mail server cannot take it now: {0}")]
    Unavailable(String),
}

/// Sends mails. Every call ends within the adapter's time.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands `mail` over. When this is cut off or the answer is lost, the server may have it all the same.
    ///
    /// # Errors
    /// See [`MailError`].
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;

    /// Whether the server answers and lets us in. Sends nothing.
    ///
    /// # Errors
    /// See [`MailError`].
    async fn check(&self) -> Result<(), MailError>;
}

/// What stands in a mail beside the notice itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressee {
    /// Whose it is.
    pub name: Option<String>,
    /// Where one click ends mails of this sort, where that can be.
    pub unsubscribe: Option<String>,
}

/// Puts notices into words.
pub trait Wording: Send + Sync {
    /// A mail about `kind` with its `details`.
    ///
    /// # Errors
    /// What is wrong with the template, or with the details for it.
    fn word(&self, kind: Kind, details: &Value, to: &Addressee) -> Result<Worded, String>;
}
