//! Webhooks of partners, as their owners manage them.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, SecondsFormat, SubsecRound, Utc};
use serde_json::json;
use souk_domain::{
    id::{CommandId, derive},
    partner::Partner,
};
use souk_ports::{
    Position,
    partner::{CallError, Delivery, Hook, HookState},
};
use uuid::Uuid;

use super::{deliver, signature, unknown_type};
use crate::{
    App, AppError,
    public::{Asked, Filter, Refusal, parse_patterns},
};

/// The longest address.
const LONGEST_URL: usize = 2_000;
/// How long the secret before goes on signing at most.
const LONGEST_OVERLAP: Duration = Duration::days(7);
/// The type of an event that only says that a webhook works.
pub const TEST_TYPE: &str = "souk.webhook.test.v1";

/// A webhook, with the secret that was made for it.
#[derive(Clone)]
pub struct Revealed {
    /// The webhook.
    pub hook: Hook,
    /// `whsec_` and base64.
    pub secret: String,
}

impl std::fmt::Debug for Revealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Revealed").field("hook", &self.hook).finish_non_exhaustive()
    }
}

/// Under which name the secrets of a webhook are sealed.
pub(super) fn seal_name(hook: Uuid) -> String {
    format!("partner-webhook/{hook}")
}

fn new_secret(app: &App, hook: Uuid) -> Vec<u8> {
    let mut secret = [0; 32];
    app.ports.random.fill(&mut secret);
    app.ports.vault.seal_bytes(&seal_name(hook), &secret)
}

fn reveal(app: &App, hook: Hook) -> Result<Revealed, AppError> {
    let secret = app.ports.vault.open_bytes(&seal_name(hook.id), &hook.secret)?;
    Ok(Revealed { secret: signature::text(&secret), hook })
}

/// Types as they are kept, if the partner may have all of them.
fn check_types(partner: &Partner, types: &[String]) -> Result<BTreeSet<String>, super::Denied> {
    let asked = Asked { types: types.to_vec(), ..Asked::default() };
    Filter::new(&asked, &partner.scopes).map_err(super::Denied::Refused)?;
    parse_patterns(types.iter().map(String::as_str)).map_err(|name| super::Denied::Refused(Refusal::UnknownType(name)))
}

async fn check_url(app: &App, url: &str) -> Result<(), AppError> {
    if url.len() > LONGEST_URL || url.chars().any(char::is_control) {
        return Err(AppError::invalid("url", format!("must have at most {LONGEST_URL} characters")));
    }
    app.ports.hook_caller.check(url).await.map_err(|error| match error {
        CallError::Forbidden(problem) => AppError::invalid("url", problem),
        error => AppError::invalid("url", error.to_string()),
    })
}

/// Makes a webhook that is called from `after` on, from now on where that is none. The id is derived from the command.
///
/// # Errors
/// `Invalid`, beyond scope; conflict `too_many_webhooks`.
pub async fn create(
    app: &App,
    partner: &Partner,
    command: CommandId,
    url: &str,
    types: &[String],
    after: Option<Position>,
) -> Result<Revealed, super::Denied> {
    let types = check_types(partner, types)?;
    check_url(app, url).await?;
    let position = match after {
        Some(after) => after,
        None => app.public.head().await?,
    };
    let now = app.ports.clock.now().trunc_subsecs(6);
    let id = derive(&["partner-webhook", &partner.id.to_string(), &command.to_string()]);
    let hook = Hook {
        id,
        partner: partner.id,
        url: url.to_owned(),
        types,
        secret: new_secret(app, id),
        previous: None,
        state: HookState::Enabled,
        position,
        attempts: 0,
        next_attempt_at: now,
        generation: 0,
        created_at: now,
    };
    if !app.ports.partners.add_hook(&hook, partner.quotas.webhooks).await.map_err(AppError::from)? {
        let most = partner.quotas.webhooks;
        return Err(AppError::conflict("too_many_webhooks", format!("this partner has at most {most} webhooks")).into());
    }
    // An earlier try of the same command may have made it, with a secret of its own.
    Ok(reveal(app, get(app, partner, id).await?)?)
}

/// One webhook.
///
/// # Errors
/// `NotFound`.
pub async fn get(app: &App, partner: &Partner, id: Uuid) -> Result<Hook, AppError> {
    app.ports.partners.hook(partner.id, id).await?.ok_or(AppError::NotFound("this webhook"))
}

/// All webhooks of a partner.
///
/// # Errors
/// `Unavailable`.
pub async fn list(app: &App, partner: &Partner) -> Result<Vec<Hook>, AppError> {
    Ok(app.ports.partners.hooks(partner.id).await?)
}

/// Forgets a webhook.
///
/// # Errors
/// `NotFound`.
pub async fn remove(app: &App, partner: &Partner, id: Uuid) -> Result<(), AppError> {
    if app.ports.partners.remove_hook(partner.id, id).await? { Ok(()) } else { Err(AppError::NotFound("this webhook")) }
}

async fn change(app: &App, partner: &Partner, id: Uuid, change: impl Fn(&mut Hook)) -> Result<Hook, AppError> {
    // Twice at the same time is once more; thrice is somebody who does not wait for answers.
    for _ in 0..5 {
        let mut hook = get(app, partner, id).await?;
        change(&mut hook);
        if app.ports.partners.change_hook(&hook).await? {
            return get(app, partner, id).await;
        }
    }
    Err(AppError::Unavailable("this webhook is being changed by others".to_owned()))
}

/// Gives a webhook a new secret; the one before signs as well for `overlap`, at most seven days.
///
/// # Errors
/// `NotFound`, `Invalid`.
pub async fn rotate(app: &App, partner: &Partner, id: Uuid, overlap: Duration) -> Result<Revealed, AppError> {
    if overlap < Duration::zero() || overlap > LONGEST_OVERLAP {
        return Err(AppError::invalid("overlapSeconds", format!("must be 0 to {}", LONGEST_OVERLAP.num_seconds())));
    }
    let (secret, until) = (new_secret(app, id), app.ports.clock.now().trunc_subsecs(6) + overlap);
    let hook = change(app, partner, id, |hook| {
        let before = std::mem::replace(&mut hook.secret, secret.clone());
        hook.previous = (overlap > Duration::zero()).then_some((before, until));
    });
    reveal(app, hook.await?)
}

fn afresh(hook: &mut Hook, now: DateTime<Utc>) {
    (hook.attempts, hook.next_attempt_at) = (0, now);
}

/// Lets a webhook be called, or not.
///
/// # Errors
/// `NotFound`.
pub async fn set_enabled(app: &App, partner: &Partner, id: Uuid, enabled: bool) -> Result<Hook, AppError> {
    let now = app.ports.clock.now().trunc_subsecs(6);
    change(app, partner, id, |hook| {
        hook.state = if enabled { HookState::Enabled } else { HookState::Disabled("disabled".to_owned()) };
        afresh(hook, now);
    })
    .await
}

/// Calls a webhook again for everything behind `after`.
///
/// # Errors
/// `NotFound`.
pub async fn replay(app: &App, partner: &Partner, id: Uuid, after: Position) -> Result<Hook, AppError> {
    let now = app.ports.clock.now().trunc_subsecs(6);
    change(app, partner, id, |hook| {
        hook.position = after;
        afresh(hook, now);
    })
    .await
}

/// Calls a webhook once with an event that says nothing; what came of it.
///
/// # Errors
/// `NotFound`.
pub async fn test(app: &App, partner: &Partner, id: Uuid, command: CommandId) -> Result<Delivery, AppError> {
    let hook = get(app, partner, id).await?;
    let now = app.ports.clock.now();
    let time = now.to_rfc3339_opts(SecondsFormat::Micros, true);
    let event = derive(&["partner-webhook-test", &id.to_string(), &command.to_string()]);
    let body = json!({
        "specversion": "1.0",
        "id": event,
        "source": app.public.mapper().source(),
        "type": TEST_TYPE,
        "subject": format!("webhook/{id}"),
        "time": time,
        "timestamp": time,
        "datacontenttype": "application/json",
        "data": { "webhookId": id },
    });
    let call =
        deliver::Call { event, event_type: TEST_TYPE, position: None, attempt: 1, body: body.to_string().into() };
    let (delivery, _) = deliver::attempt(app, &hook, call).await?;
    Ok(delivery)
}

/// A page of attempts, the newest first, with their numbers.
///
/// # Errors
/// `NotFound`.
pub async fn deliveries(
    app: &App,
    partner: &Partner,
    id: Uuid,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<(u64, Delivery)>, AppError> {
    get(app, partner, id).await?;
    Ok(app.ports.partners.deliveries(id, before, limit).await?)
}

/// The refusal of an unknown type as the field that it stands in.
#[must_use]
pub fn unknown(field: &str, name: &str) -> AppError {
    AppError::invalid(field, unknown_type(name))
}
