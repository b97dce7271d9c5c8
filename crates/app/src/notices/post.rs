//! Working off the mails that wait.

use std::time::Duration;

use futures::{StreamExt, stream};
use souk_domain::{
    event::DomainEvent,
    id::UserId,
    stream::{Category, StreamId},
    user,
};
use souk_ports::{
    Mail, MailError,
    mail::Addressee,
    notice::{Claimed, Settled},
    store::StoreError,
};
use uuid::Uuid;

use super::token;
use crate::{App, AppError, app::Post};

/// Mails that are claimed at once.
const CLAIMED: u32 = 16;
/// Mails that are sent at the same time.
const AT_ONCE: usize = 4;
/// How long a claim holds: longer than all of its mails can take, since each try ends within [`PATIENCE`].
const LEASE: Duration = Duration::from_secs(300);
/// How long one try may take, whatever the mailer does.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a mail is tried before it is given up.
const GIVEN_UP: Duration = Duration::from_secs(3 * 24 * 3600);
/// The first and the longest wait before another try.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(3600));

/// What came of the mails whose time had come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Posted {
    /// The server took them.
    pub sent: u64,
    /// To be tried again.
    pub later: u64,
    /// Given up.
    pub failed: u64,
    /// Not wanted any more.
    pub dropped: u64,
    /// To somebody who was erased: everything of them was forgotten.
    pub erased: u64,
    /// Another process took them over meanwhile; it says what came of them.
    pub lost: u64,
}

impl Posted {
    /// Whether there was any.
    #[must_use]
    pub fn any(self) -> bool {
        self != Self::default()
    }
}

enum Outcome {
    Settled(Settled),
    Erased,
}

/// Sends the mails whose time has come, a few dozen at most; call it again until there were none. Nothing where no mail is configured.
///
/// # Errors
/// `Unavailable`; what is claimed comes again when its claim runs out.
pub async fn post_due(app: &App) -> Result<Posted, AppError> {
    let mut posted = Posted::default();
    let Some(post) = &app.ports.post else { return Ok(posted) };
    let claim = app.ports.random.uuid();
    let claimed = app.ports.outbox.claim_mails(claim, CLAIMED, LEASE).await?;
    let mut settled = stream::iter(claimed).map(|mail| one(app, post, claim, mail)).buffer_unordered(AT_ONCE);
    let mut trouble = None;
    while let Some(outcome) = settled.next().await {
        match outcome {
            Ok((Outcome::Erased, _)) => posted.erased += 1,
            Ok((Outcome::Settled(_), false)) => posted.lost += 1,
            Ok((Outcome::Settled(Settled::Sent), true)) => posted.sent += 1,
            Ok((Outcome::Settled(Settled::Later(..)), true)) => posted.later += 1,
            Ok((Outcome::Settled(Settled::Failed(_)), true)) => posted.failed += 1,
            Ok((Outcome::Settled(Settled::Dropped(_)), true)) => posted.dropped += 1,
            Err(error) => trouble = Some(error),
        }
    }
    match trouble {
        // The others are done all the same.
        Some(error) if !posted.any() => Err(error.into()),
        _ => Ok(posted),
    }
}

/// Tries one mail and records what came of it; whether that was still ours to record.
async fn one(app: &App, post: &Post, claim: Uuid, mail: Claimed) -> Result<(Outcome, bool), StoreError> {
    let id = mail.notice.id;
    let outcome = match attempt(app, post, &mail).await {
        Ok(outcome) => outcome,
        // Not the mail's fault.
        Err(error) if error.is_transient() => Outcome::Settled(later(app, &mail, error.code())),
        Err(error) => {
            tracing::error!(mail = %id, %error, "a mail cannot be written");
            Outcome::Settled(Settled::Failed(error.code().to_owned()))
        }
    };
    let ours = match &outcome {
        Outcome::Settled(settled) => app.ports.outbox.settle(id, claim, settled.clone()).await?,
        Outcome::Erased => {
            tracing::info!(mail = %id, "a mail was dropped: whom it was for is erased");
            app.ports.notices.forget_person(mail.notice.user).await?;
            true
        }
    };
    Ok((outcome, ours))
}

async fn attempt(app: &App, post: &Post, mail: &Claimed) -> Result<Outcome, AppError> {
    let notice = &mail.notice;
    let Some((address, name)) = addressee(app, notice.user).await? else { return Ok(Outcome::Erased) };
    let chosen = app.ports.notices.preferences(&[notice.user]).await?.remove(&notice.user).unwrap_or_default();
    if !chosen.email(notice.kind) {
        return Ok(Outcome::Settled(Settled::Dropped("not wanted any more".to_owned())));
    }
    let unsubscribe = (!notice.kind.is_binding()).then(|| {
        let token = token::of(app, notice.user, notice.kind.category());
        format!("{}/api/v1/notifications/unsubscribe/{token}", post.site.trim_end_matches('/'))
    });
    let to = Addressee { name: name.clone(), unsubscribe: unsubscribe.clone() };
    let text = match post.wording.word(notice.kind, &notice.details, &to) {
        Ok(text) => text,
        Err(problem) => return Ok(Outcome::Settled(Settled::Failed(problem))),
    };
    let ready = Mail { id: notice.id, to: address, name, text, unsubscribe };
    let sent = tokio::time::timeout(PATIENCE, post.mailer.send(&ready)).await;
    Ok(Outcome::Settled(match sent {
        Ok(Ok(())) => Settled::Sent,
        Ok(Err(MailError::Refused(why))) => Settled::Failed(why),
        Ok(Err(MailError::Unavailable(why))) => later(app, mail, &why),
        Err(_) => later(app, mail, "no answer in time"),
    }))
}

/// The address and the name of `user`, read from the stream and opened now: what is remembered of a person may outlive the key.
async fn addressee(app: &App, user: UserId) -> Result<Option<(String, Option<String>)>, AppError> {
    let stream = StreamId::new(Category::User, user.uuid());
    let first = app.ports.log.read_stream(stream, 0, 1).await?.pop();
    let Some(first) = first else { return Ok(None) };
    let DomainEvent::User(user::Event::Registered { email, display_name, .. }) = app.open(&first).await? else {
        return Ok(None);
    };
    Ok(email.text().map(|email| (email.to_owned(), display_name.text().map(str::to_owned))))
}

/// Another try after a while that doubles each time, a half longer or shorter by chance, so that not all come at once; or none
/// any more.
fn later(app: &App, mail: &Claimed, why: &str) -> Settled {
    if mail.waited >= GIVEN_UP {
        return Settled::Failed(format!("given up after {} tries: {why}", mail.attempts));
    }
    let doubled = BACKOFF.0.saturating_mul(1 << (mail.attempts.saturating_sub(1)).min(10)).min(BACKOFF.1);
    let mut chance = [0];
    app.ports.random.fill(&mut chance);
    let pause = doubled.mul_f64(0.5 + f64::from(chance[0]) / 255.0);
    Settled::Later(pause, why.to_owned())
}
