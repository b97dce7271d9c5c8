//! What persons are told: the inbox, what they want to hear of, and the mails.

mod post;
mod token;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::Value;
use souk_domain::id::{UserId, derive};
use souk_ports::{
    Notice, RecordedEvent,
    notice::{Behind, Category, Choice, Delivery, Kind, MailState, Mailing, Preferences, Read},
};
use uuid::Uuid;

pub use self::post::{Posted, post_due};
use crate::{App, AppError, Context};

/// How old an event may be that is still mailed. Who hears of it later, because reactions stood still or were set back, finds it
/// in the inbox; a mail would come as a surprise.
const MAILED: TimeDelta = TimeDelta::days(3);
/// How old an event may be that is still told at all: the first start with a long history fills no inbox.
pub(crate) const TOLD: TimeDelta = TimeDelta::days(30);

/// One person, and what they are told.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub user: UserId,
    pub kind: Kind,
    pub details: Value,
}

/// Whether `recorded` is so old that nobody is told of it any more.
pub(crate) fn is_past(app: &App, recorded: &RecordedEvent) -> bool {
    app.ports.clock.now() - recorded.recorded_at > TOLD
}

/// Delivers what `recorded` means to persons, to each as they want it; once, however often this is called. With `upto` it is also
/// remembered that the announcement has come to that person.
pub(crate) async fn tell(
    app: &App,
    recorded: &RecordedEvent,
    told: Vec<Told>,
    upto: Option<UserId>,
) -> Result<(), AppError> {
    let users: Vec<UserId> = told.iter().map(|told| told.user).collect();
    let chosen = app.ports.notices.preferences(&users).await?;
    let by_mail = app.ports.post.is_some() && app.ports.clock.now() - recorded.recorded_at <= MAILED;
    let default = Preferences::default();
    let deliveries = told.into_iter().map(|Told { user, kind, details }| {
        let wanted = chosen.get(&user).unwrap_or(&default);
        let id = derive(&["notice", &recorded.id.to_string(), &user.to_string(), kind.as_str()]);
        Delivery {
            in_app: wanted.in_app(kind),
            mail: by_mail && wanted.email(kind),
            notice: Notice { id, user, kind, details, at: recorded.recorded_at, read: false },
        }
    });
    let batch: Vec<_> = deliveries.filter(|delivery| delivery.in_app || delivery.mail).collect();
    let round = upto.map(|user| (recorded.id, user));
    if !batch.is_empty() || round.is_some() {
        app.ports.notices.deliver(&batch, round).await?;
    }
    Ok(())
}

/// A page of an inbox.
#[derive(Clone, Debug, PartialEq)]
pub struct Inbox {
    /// The newest first.
    pub items: Vec<Notice>,
    /// How many are unread, on this page or not.
    pub unread: u64,
    /// Where the next page begins, if there is one.
    pub next: Behind,
}

/// The page behind `behind`, one longer than it is shown, as a page and where the next one begins.
fn page<T>(
    mut rows: Vec<T>,
    limit: u32,
    place: impl Fn(&T) -> (chrono::DateTime<chrono::Utc>, Uuid),
) -> (Vec<T>, Behind) {
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = if more { rows.last().map(place) } else { None };
    (rows, next)
}

/// The caller's inbox behind `behind`, at most `limit`; all of it, or what is unread.
///
/// # Errors
/// `Unauthorized`.
pub async fn inbox(app: &App, ctx: &Context, unread: bool, behind: Behind, limit: u32) -> Result<Inbox, AppError> {
    let user = ctx.require_user()?;
    let rows = app.ports.notices.inbox(user, unread, behind, limit + 1).await?;
    let (items, next) = page(rows, limit, |notice| (notice.at, notice.id));
    Ok(Inbox { items, unread: app.ports.notices.unread(user).await?, next })
}

/// Marks one of the caller's inbox as read.
///
/// # Errors
/// `Unauthorized`, `NotFound`.
pub async fn read(app: &App, ctx: &Context, id: Uuid) -> Result<(), AppError> {
    let user = ctx.require_user()?;
    let found = app.ports.notices.notice(user, id).await?.ok_or(AppError::NotFound("this notification"))?;
    if !found.read {
        app.ports.notices.read(user, Read::One(id)).await?;
    }
    Ok(())
}

/// Marks all of the caller's inbox as read that happened when the notification `upto` did, or before; all that there is now without
/// one. How many were unread.
///
/// # Errors
/// `Unauthorized`, `NotFound`.
pub async fn read_up_to(app: &App, ctx: &Context, upto: Option<Uuid>) -> Result<u64, AppError> {
    let user = ctx.require_user()?;
    let at = match upto {
        Some(id) => {
            let found = app.ports.notices.notice(user, id).await?;
            found.ok_or(AppError::NotFound("this notification"))?.at
        }
        None => app.ports.clock.now(),
    };
    Ok(app.ports.notices.read(user, Read::UpTo(at)).await?)
}

/// What the caller wants to hear of, and how.
///
/// # Errors
/// `Unauthorized`.
pub async fn preferences(app: &App, ctx: &Context) -> Result<Preferences, AppError> {
    let user = ctx.require_user()?;
    Ok(app.ports.notices.preferences(&[user]).await?.remove(&user).unwrap_or_default())
}

/// Changes what the caller wants to hear of; categories that are absent in `choices` stay as they are.
///
/// # Errors
/// `Unauthorized`; `Invalid` when mails of a category are to end that consists of binding ones.
pub async fn choose(app: &App, ctx: &Context, choices: &Preferences) -> Result<Preferences, AppError> {
    let user = ctx.require_user()?;
    for (category, choice) in &choices.0 {
        if !choice.email && !category.can_be_ended() {
            let field = format!("{}.email", category.as_str());
            return Err(AppError::invalid(field, "is mailed always: it is dangerous not to know"));
        }
    }
    app.ports.notices.choose(user, choices).await?;
    preferences(app, ctx).await
}

/// Ends the mails of the sort that `token` names, for whom it names; which sort that is. Receipts and what else is binding
/// are mailed all the same.
///
/// # Errors
/// `NotFound` for a token that is none.
pub async fn unsubscribe(app: &App, token: &str) -> Result<Category, AppError> {
    let (user, category) = named(app, token)?;
    let chosen = app.ports.notices.preferences(&[user]).await?.remove(&user).unwrap_or_default();
    let choice = Choice { email: false, ..chosen.of(category) };
    app.ports.notices.choose(user, &Preferences(BTreeMap::from([(category, choice)]))).await?;
    Ok(category)
}

/// Which sort of mails `token` ends.
///
/// # Errors
/// `NotFound` for a token that is none.
pub fn ends(app: &App, token: &str) -> Result<Category, AppError> {
    named(app, token).map(|(_, category)| category)
}

fn named(app: &App, token: &str) -> Result<(UserId, Category), AppError> {
    token::open(app, token)
        .filter(|(_, category)| category.can_be_ended())
        .ok_or(AppError::NotFound("what this address unsubscribes from"))
}

/// The mails, the newest first, for an admin.
///
/// # Errors
/// `Unauthorized`, `Forbidden`.
pub async fn mails(
    app: &App,
    ctx: &Context,
    state: Option<MailState>,
    behind: Behind,
    limit: u32,
) -> Result<(Vec<Mailing>, Behind), AppError> {
    ctx.require_admin()?;
    let rows = app.ports.outbox.mails(state, behind, limit + 1).await?;
    Ok(page(rows, limit, |mail| (mail.queued_at, mail.id)))
}

/// Lets a mail that failed wait again, with all its time, for an admin.
///
/// # Errors
/// `Unauthorized`, `Forbidden`, `NotFound`; conflicts `mail_not_failed`, `mail_not_configured`.
pub async fn retry(app: &App, ctx: &Context, id: Uuid) -> Result<Mailing, AppError> {
    ctx.require_admin()?;
    if app.ports.post.is_none() {
        return Err(AppError::conflict("mail_not_configured", "no mail server is configured"));
    }
    let waits = app.ports.outbox.retry(id).await?;
    let mail = app.ports.outbox.mail(id).await?.ok_or(AppError::NotFound("this mail"))?;
    if waits { Ok(mail) } else { Err(AppError::conflict("mail_not_failed", "only a mail that failed is tried again")) }
}
