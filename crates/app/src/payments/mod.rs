//! What payment gateways tell.
//!
//! A webhook is kept and acknowledged first, and taken in afterwards by a reaction: at least once, in any order, and late. What it
//! says of something that is not known yet waits until it is; what cannot be taken in is kept with the reason, and can be run again.

mod names;
mod notice;
mod renewal;

use chrono::SubsecRound;
use sha2::{Digest, Sha256};
use souk_domain::{
    id::{OrderId, WebhookId},
    order::{Gateway, Order},
    webhook::{Command, Outcome, Progress, State, Wait, Webhooks},
};
use souk_ports::payment::{Headers, News, PaymentGateway, WebhookError};

pub(crate) use self::{
    names::link,
    renewal::{interval_after, renew, renewal_id},
};
use crate::{App, AppError, Context, Done, Read, execute::Call, memory::About, orders};

/// The largest webhook, bytes.
pub const MAX_WEBHOOK: usize = 1 << 20;

/// Why a webhook was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is not the gateway's, or Souk does not work with that gateway.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// It could not be kept; the gateway sends it again.
    #[error(transparent)]
    App(#[from] AppError),
}

impl App {
    /// The gateway, where Souk works with it.
    pub(crate) fn gateway(&self, gateway: Gateway) -> Option<&dyn PaymentGateway> {
        self.ports.gateways.iter().find(|known| known.gateway() == gateway).map(|known| &**known)
    }
}

/// Checks who sent a webhook, and keeps it. What follows from it follows later.
///
/// # Errors
/// See [`Refused`].
pub async fn receive(
    app: &App,
    gateway: Gateway,
    headers: &dyn Headers,
    body: &[u8],
) -> Result<Done<WebhookId>, Refused> {
    let now = app.ports.clock.now();
    let known = app.gateway(gateway).ok_or(WebhookError::NotConfigured)?;
    let authentic = known.authenticate(headers, body, now)?;
    let id = WebhookId::of(gateway, &authentic.event_id);
    // First what it says, then that it is there: of what is there nothing is missing.
    let sealed = app.ports.vault.seal_bytes(&id.to_string(), body);
    app.ports.webhooks.keep(id.uuid(), &sealed).await.map_err(AppError::from)?;
    let ctx = Context::system(souk_domain::id::CommandId::derived(&["webhook", &id.to_string()]));
    let command = Command::Receive {
        id,
        gateway,
        event_id: authentic.event_id,
        kind: authentic.kind,
        digest: hex::encode(Sha256::digest(body)),
        now: now.trunc_subsecs(6),
    };
    let done = app.execute::<Webhooks>(Call::on(&ctx, id.uuid(), About::NOTHING), command).await?;
    Ok(done.map(|_| id))
}

/// What taking in a webhook came to.
pub(crate) enum Taken {
    /// It was taken in.
    In(Outcome, Option<OrderId>),
    /// It says something of what is not known yet.
    Later(Wait),
    /// It cannot be.
    Never(String),
}

impl Taken {
    pub(crate) const fn of(changed: bool, order: OrderId) -> Self {
        Self::In(if changed { Outcome::Applied } else { Outcome::NothingNew }, Some(order))
    }

    fn never(why: impl ToString) -> Self {
        Self::Never(why.to_string())
    }
}

/// Takes in a webhook that was received, and everything that waited for it.
pub(crate) async fn process(app: &App, ctx: &Context, id: WebhookId) -> Result<Progress, AppError> {
    let mut progress = attempt(app, &ctx.step("1"), id).await?;
    // What it waits for may have come to be before it was known to wait. Whoever comes later finds it waiting.
    if matches!(progress, Progress::Waiting(_)) {
        progress = attempt(app, &ctx.step("2"), id).await?;
    }
    Ok(progress)
}

async fn attempt(app: &App, ctx: &Context, id: WebhookId) -> Result<Progress, AppError> {
    let fact = app.fact::<Webhooks>(id.uuid(), std::time::Duration::ZERO).await?;
    let State::Received(webhook) = &*fact.state else { return Err(AppError::NotFound("this webhook")) };
    if matches!(webhook.state, Progress::Settled(_)) {
        return Ok(webhook.state.clone());
    }
    let (progress, order) = match take_in(app, ctx, id, webhook.gateway).await? {
        Taken::In(outcome, order) => (Progress::Settled(outcome), order),
        Taken::Later(wait) => (Progress::Waiting(wait), None),
        Taken::Never(reason) => (Progress::Failed(reason), None),
    };
    if let Progress::Failed(reason) = &progress {
        tracing::error!(webhook = %id, gateway = webhook.gateway.as_str(), reason, "a webhook cannot be taken in");
    }
    let call = Call::on(ctx, id.uuid(), fact.about);
    app.execute::<Webhooks>(call, Command::Conclude { progress: progress.clone(), order }).await?;
    Ok(progress)
}

async fn take_in(app: &App, ctx: &Context, id: WebhookId, gateway: Gateway) -> Result<Taken, AppError> {
    let Some(sealed) = app.ports.webhooks.body(id.uuid()).await? else {
        return Ok(Taken::never("what it says is not kept any more"));
    };
    let body = app.ports.vault.open_bytes(&id.to_string(), &sealed)?;
    let Some(gateway) = app.gateway(gateway) else {
        return Ok(Taken::never(format!("Souk does not work with {} any more", gateway.as_str())));
    };
    match gateway.read(&body) {
        Ok(notice) => notice::take_in(app, ctx, gateway.gateway(), id, notice).await,
        Err(problem) => Ok(Taken::Never(problem)),
    }
}

/// Takes in what waited for one of `names`, or for `order`. Whatever one of them changes, others may have waited for; they are
/// found by what it changed.
pub(crate) async fn wake(app: &App, ctx: &Context, names: &[String], order: Option<OrderId>) -> Result<(), AppError> {
    if app.ports.gateways.is_empty() {
        return Ok(());
    }
    let head = app.ports.log.head().await?;
    for id in app.ports.directory.waiting_webhooks(names, order, head).await? {
        process(app, &ctx.step(&id.to_string()), id).await?;
    }
    Ok(())
}

/// Takes in what waited for what `id` says: its names and its order.
pub(crate) async fn wake_of(app: &App, ctx: &Context, id: WebhookId) -> Result<(), AppError> {
    let fact = app.fact::<Webhooks>(id.uuid(), std::time::Duration::ZERO).await?;
    let State::Received(webhook) = &*fact.state else { return Ok(()) };
    let Some(gateway) = app.gateway(webhook.gateway) else { return Ok(()) };
    let Some(sealed) = app.ports.webhooks.body(id.uuid()).await? else { return Ok(()) };
    let Ok(notice) = gateway.read(&app.ports.vault.open_bytes(&id.to_string(), &sealed)?) else { return Ok(()) };
    let (names, order) = match notice.news {
        News::Payment { order, mut names, subscription, .. } => {
            names.extend(subscription);
            (names, order)
        }
        News::Renewal { subscription, order, mut names, .. } => {
            names.push(subscription);
            (names, order)
        }
        News::Refund { payment, .. } | News::Dispute { payment, .. } => (payment, None),
        News::Subscription { reference, order, .. } => (vec![reference], order),
        News::Other => return Ok(()),
    };
    wake(app, ctx, &names, order).await
}

/// What a browser brings back from a gateway's page.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The gateway's name of the payment.
    pub payment: String,
    /// What the gateway signed it with.
    pub signature: String,
}

/// Asks the gateway what became of the checkout of an order, instead of waiting to be told; buyer or admin. With `proof`, that has to be
/// the gateway's. What comes of it is what would come of the webhook, and comes once.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`; conflicts `no_checkout`, `bad_signature`, `not_taken_in`; `Unavailable`, also while the gateway
/// does not answer.
pub async fn confirm(app: &App, ctx: &Context, order: OrderId, proof: Option<Proof>) -> Result<Read<Order>, AppError> {
    let known = orders::get(app, ctx, order).await?.value;
    let missing = || AppError::conflict("no_checkout", "no checkout of a gateway was opened for this order");
    let gateway = app.gateway(known.gateway).ok_or_else(missing)?;
    let reference = known.checkout.as_ref().ok_or_else(missing)?;
    if let Some(Proof { payment, signature }) = proof
        && gateway.proves(reference, &payment, &signature) != Some(true)
    {
        return Err(AppError::conflict("bad_signature", "the gateway did not sign this payment for this order"));
    }
    let asked = gateway.outcome(reference, app.ports.clock.now().trunc_subsecs(6)).await;
    let notice = asked.map_err(|error| AppError::Unavailable(error.to_string()))?;
    if let Some(notice) = notice {
        let system = Context {
            correlation: ctx.correlation,
            traceparent: ctx.traceparent.clone(),
            ..Context::system(ctx.command)
        };
        let id = WebhookId::of(known.gateway, &format!("asked for {reference}"));
        match notice::take_in(app, &system, known.gateway, id, notice).await? {
            Taken::In(..) => {}
            Taken::Later(wait) => return Err(AppError::conflict("not_taken_in", wait.reason)),
            Taken::Never(reason) => return Err(AppError::conflict("not_taken_in", reason)),
        }
    }
    orders::get(app, ctx, order).await
}

/// Runs a webhook again that waits or could not be taken in; admin.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Unavailable`.
pub async fn retry(app: &App, ctx: &Context, id: WebhookId) -> Result<Progress, AppError> {
    let ctx = ctx.require_admin()?;
    process(app, &ctx, id).await
}

/// What a webhook says, as its gateway sent it; admin. It may be personal.
///
/// # Errors
/// `NotFound` (also when it is not kept any more), `Forbidden`, `Unavailable`.
pub async fn body(app: &App, ctx: &Context, id: WebhookId) -> Result<Vec<u8>, AppError> {
    ctx.require_admin()?;
    let sealed = app.ports.webhooks.body(id.uuid()).await?.ok_or(AppError::NotFound("what this webhook says"))?;
    Ok(app.ports.vault.open_bytes(&id.to_string(), &sealed)?)
}
