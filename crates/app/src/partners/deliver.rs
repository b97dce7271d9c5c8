//! Calling webhooks of partners: each in the order of the log, the next event when the one before was taken.
//!
//! Whoever calls a webhook holds it by a lease. What was taken is written down after it was taken: a process that dies between the two
//! lets it be told once more, under the same `webhook-id`.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use souk_domain::partner::{Partner, Scopes};
use souk_ports::{
    Position,
    partner::{CallError, Delivery, Hook, HookState, Outgoing, Reply, Standing},
};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{hooks::seal_name, signature};
use crate::{
    App, AppError,
    public::{Asked, Filter, PublicEvent},
};

/// How long a webhook is held. A call takes less.
const HELD: Duration = Duration::from_secs(30);
/// How often that is renewed, and looked whether its owner changed it.
const RENEWED: Duration = Duration::from_secs(2);
/// How often webhooks are looked for that nobody calls.
const LOOKED_FOR: Duration = Duration::from_millis(500);
/// How long to wait after the store failed.
const PAUSE: Duration = Duration::from_secs(1);
/// Webhooks that one process calls at once.
const MOST: usize = 1_000;
/// `Retry-After` counts up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// One call of a webhook.
pub(super) struct Call {
    pub event: Uuid,
    pub event_type: &'static str,
    /// None for a test.
    pub position: Option<Position>,
    pub attempt: u32,
    pub body: Bytes,
}

/// Calls it once and writes down what came of it; also what it answered.
pub(super) async fn attempt(
    app: &App,
    hook: &Hook,
    call: Call,
) -> Result<(Delivery, Result<Reply, CallError>), AppError> {
    let now = app.ports.clock.now();
    let open = |sealed: &[u8]| app.ports.vault.open_bytes(&seal_name(hook.id), sealed);
    let mut secrets = vec![open(&hook.secret)?];
    if let Some((before, _)) = hook.previous.as_ref().filter(|(_, until)| *until > now) {
        secrets.push(open(before)?);
    }
    let (id, timestamp) = (call.event.to_string(), now.timestamp());
    let outgoing = Outgoing {
        url: hook.url.clone(),
        headers: vec![
            ("webhook-signature", signature::sign(&secrets, &id, timestamp, &call.body)),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-id", id),
        ],
        body: call.body,
    };
    let begun = Instant::now();
    let answer = app.ports.hook_caller.call(outgoing).await;
    let problem = match (&answer, outcome(&answer)) {
        (Ok(_), "delivered") => None,
        (Ok(Reply { status, .. }), "redirect") => Some(format!("redirect: HTTP {status} is not followed")),
        (Ok(Reply { status, .. }), name) => Some(format!("{name}: HTTP {status}")),
        (Err(error), _) => Some(error.to_string()),
    };
    let delivery = Delivery {
        hook: hook.id,
        event: call.event,
        event_type: call.event_type.to_owned(),
        position: call.position,
        attempt: call.attempt,
        delivered: problem.is_none(),
        status: answer.as_ref().ok().map(|reply| reply.status),
        problem,
        at: now,
        duration_ms: begun.elapsed().as_millis().try_into().unwrap_or(u32::MAX),
    };
    tracing::debug!(webhook = %hook.id, attempt = call.attempt, delivered = delivery.delivered, "called a webhook");
    app.ports.partners.log_delivery(&delivery).await?;
    Ok((delivery, answer))
}

/// What came of a call, as one of a few names.
const fn outcome(answer: &Result<Reply, CallError>) -> &'static str {
    match answer {
        Ok(Reply { status: 200..=299, .. }) => "delivered",
        Ok(Reply { status: 300..=399, .. }) => "redirect",
        Ok(Reply { status: 410, .. }) => "gone",
        Ok(_) => "refused",
        Err(CallError::Forbidden(_)) => "forbidden_target",
        Err(CallError::Timeout(_)) => "timeout",
        Err(CallError::Unreachable(_)) => "unreachable",
    }
}

/// Counts an attempt to deliver an event; that of a test says nothing about deliveries.
fn count(delivery: &Delivery, answer: &Result<Reply, CallError>) {
    metrics::counter!("souk_partner_deliveries_total", "outcome" => outcome(answer)).increment(1);
    metrics::histogram!("souk_partner_delivery_duration_seconds").record(f64::from(delivery.duration_ms) / 1_000.0);
}

/// Calls the webhooks of all partners until `cancel`; any number of processes may.
pub async fn run(app: App, cancel: CancellationToken) {
    let mut calling = JoinSet::new();
    let mut ticks = interval(LOOKED_FOR);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = cancel.cancelled() => break,
        }
        while let Some(ended) = calling.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "calling a webhook ended badly");
            }
        }
        let room = MOST.saturating_sub(calling.len());
        // Another one each time: a process that slept through its lease, and takes up a webhook again, is not who it was.
        let holder = app.ports.random.uuid();
        match app.ports.partners.claim_hooks(holder, HELD, room).await {
            Ok(hooks) => hooks.into_iter().for_each(|hook| {
                calling.spawn(Line::new(app.clone(), hook, holder).call(cancel.clone()));
            }),
            Err(error) => {
                tracing::warn!(%error, "webhooks cannot be looked for");
                sleep(PAUSE).await;
            }
        }
    }
    while calling.join_next().await.is_some() {}
}

/// One webhook that is being called.
struct Line {
    app: App,
    hook: Hook,
    holder: Uuid,
    standing: Standing,
    written: Position,
    /// Which events it wants, as long as its partner may have these.
    filter: Option<(Scopes, Filter)>,
}

/// Whether to go on.
type Going = Result<bool, AppError>;

impl Line {
    fn new(app: App, hook: Hook, holder: Uuid) -> Self {
        let standing = Standing {
            position: hook.position,
            attempts: hook.attempts,
            next_attempt_at: hook.next_attempt_at,
            state: HookState::Enabled,
        };
        Self { app, written: hook.position, hook, holder, standing, filter: None }
    }

    async fn call(mut self, cancel: CancellationToken) {
        let ended = cancel.run_until_cancelled(self.go()).await;
        if let Some(Err(error)) = ended {
            tracing::warn!(webhook = %self.hook.id, %error, "a webhook is not called for now");
            sleep(PAUSE).await;
        }
        // Who took it meanwhile keeps it.
        if let Err(error) = self.app.ports.partners.release_hook(self.hook.id, self.holder).await {
            tracing::debug!(%error, "a webhook is held until its lease is over");
        }
    }

    async fn go(&mut self) -> Result<(), AppError> {
        let mut events = self.app.public.subscribe(self.hook.position);
        let mut renewed = interval(RENEWED);
        renewed.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let batch = tokio::select! {
                batch = events.next() => batch?,
                _ = renewed.tick() => {
                    if !self.renew().await? {
                        return Ok(());
                    }
                    continue;
                }
            };
            for event in batch.events {
                if self.wants(&event).await? && !self.tell(&event).await? {
                    return Ok(());
                }
                self.standing.position = event.position;
            }
            self.standing.position = batch.upto;
        }
    }

    /// Goes on holding it, and writes down how far it is where that is further than written.
    async fn renew(&mut self) -> Going {
        if self.standing.position > self.written {
            self.settle().await
        } else {
            Ok(self.app.ports.partners.keep_hook(&self.hook, self.holder, HELD).await?)
        }
    }

    async fn settle(&mut self) -> Going {
        let settled = self.app.ports.partners.settle_hook(&self.hook, self.holder, HELD, &self.standing).await?;
        self.written = self.standing.position;
        Ok(settled)
    }

    /// Its partner as of now, unless it sees nothing for now.
    async fn partner(&self) -> Result<Option<Partner>, AppError> {
        Ok(Some(super::get(&self.app, self.hook.partner).await?).filter(|partner| partner.suspended.is_none()))
    }

    /// Whether it is to be told of `event`.
    async fn wants(&mut self, event: &Arc<PublicEvent>) -> Going {
        let scopes = super::get(&self.app, self.hook.partner).await?.scopes;
        let known = self.filter.take().filter(|(known, _)| *known == scopes);
        let (scopes, filter) = known.unwrap_or_else(|| {
            let asked = Asked { types: self.hook.types.iter().cloned().collect(), ..Asked::default() };
            let filter = Filter::within(&asked, &scopes);
            (scopes, filter)
        });
        let passes = filter.passes(event);
        self.filter = Some((scopes, filter));
        Ok(passes)
    }

    /// Tells it of `event` until that was taken; false when it is to be left alone.
    async fn tell(&mut self, event: &Arc<PublicEvent>) -> Going {
        loop {
            let wait = (self.standing.next_attempt_at - self.app.ports.clock.now()).to_std().unwrap_or_default();
            let suspended = self.partner().await?.is_none();
            if suspended || !wait.is_zero() {
                sleep(if suspended { RENEWED } else { wait.min(RENEWED) }).await;
                if !self.renew().await? {
                    return Ok(false);
                }
                continue;
            }
            let call = Call {
                event: event.id,
                event_type: event.public.name,
                position: Some(event.position),
                attempt: self.standing.attempts + 1,
                body: event.json.clone(),
            };
            let (delivery, answer) = attempt(&self.app, &self.hook, call).await?;
            count(&delivery, &answer);
            let now = self.app.ports.clock.now();
            if delivery.delivered {
                self.standing =
                    Standing { position: event.position, attempts: 0, next_attempt_at: now, state: HookState::Enabled };
                return self.settle().await;
            }
            self.failed(&answer);
            let settled = self.settle().await?;
            if let (true, HookState::Disabled(reason)) = (settled, &self.standing.state) {
                tracing::warn!(webhook = %self.hook.id, partner = %self.hook.partner, reason, "a webhook is disabled");
                metrics::counter!("souk_partner_webhooks_disabled_total", "reason" => reason.clone()).increment(1);
            }
            if !settled || self.standing.state != HookState::Enabled {
                return Ok(false);
            }
        }
    }

    /// Says when it is tried again, if it is.
    fn failed(&mut self, answer: &Result<Reply, CallError>) {
        self.standing.attempts += 1;
        let index = usize::try_from(self.standing.attempts).unwrap_or(usize::MAX) - 1;
        let wait = self.app.settings.delivering.retries.get(index).copied();
        match (answer, wait) {
            (Ok(Reply { status: 410, .. }), _) => self.standing.state = HookState::Disabled("gone".to_owned()),
            (_, None) => self.standing.state = HookState::Disabled("failing".to_owned()),
            (answer, Some(wait)) => {
                let asked = answer.as_ref().ok().and_then(|reply| reply.retry_after).unwrap_or_default();
                let wait = self.jittered(wait).max(asked.min(LONGEST_WAIT));
                self.standing.next_attempt_at = self.app.ports.clock.now() + wait;
            }
        }
    }

    /// Up to a tenth longer, so that what failed together does not come back together.
    fn jittered(&self, wait: Duration) -> Duration {
        let mut random = [0; 1];
        self.app.ports.random.fill(&mut random);
        wait + wait * u32::from(random[0]) / 2_550
    }
}
