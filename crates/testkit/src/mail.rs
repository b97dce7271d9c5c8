//! Mails that go nowhere.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use serde_json::Value;
use souk_ports::{
    Mail, MailError, Mailer, Wording,
    mail::{Addressee, Worded},
    notice::Kind,
};

use crate::lock;

/// [`Mailer`] that keeps what it is given, or fails as it is told.
#[derive(Debug, Default)]
pub struct MemoryMailer {
    sent: Mutex<Vec<Mail>>,
    failures: Mutex<VecDeque<MailError>>,
}

impl MemoryMailer {
    /// What was sent, in order.
    #[must_use]
    pub fn sent(&self) -> Vec<Mail> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fails the next call that has no failure yet with `error`.
    pub fn fail(&self, error: MailError) {
        lock(&self.failures).push_back(error);
    }
}

#[async_trait]
impl Mailer for MemoryMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        match lock(&self.failures).pop_front() {
            Some(error) => Err(error),
            None => {
                lock(&self.sent).push(mail.clone());
                Ok(())
            }
        }
    }

    async fn check(&self) -> Result<(), MailError> {
        Ok(())
    }
}

/// [`Wording`] without words: the kind, and the details as they are.
#[derive(Debug, Default)]
pub struct PlainWording;

impl Wording for PlainWording {
    fn word(&self, kind: Kind, details: &Value, to: &Addressee) -> Result<Worded, String> {
        let plain = format!("{}: {details}", to.name.as_deref().unwrap_or_default());
        Ok(Worded { subject: kind.as_str().to_owned(), html: plain.clone(), plain })
    }
}
