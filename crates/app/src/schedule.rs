//! What happens because its time has come.
//!
//! Nothing remembers an alarm: whoever runs looks for what is due and gives the command that is due, and the decider decides it once. So a
//! restart forgets nothing, two processes at once do nothing twice, and a clock that was wrong does no more than one that was slow.

use std::time::Duration;

use chrono::{DateTime, Utc};
use souk_domain::{
    id::{CommandId, LicenseId, SubscriptionId},
    license::{self, Licenses},
    order::{Cancellation, Command as OrderCommand, Gateway, Orders},
    subscription::{self, Command, Reason, Standing, Subscription, Subscriptions},
};

use crate::{
    App, AppError, Context,
    execute::Call,
    memory::About,
    payments::{renew, renewal_id},
};

/// As many of each kind are looked for at once.
const AT_ONCE: u32 = 500;

/// What was done because its time had come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// Licenses whose time is over.
    pub expired: u64,
    /// Orders for another interval.
    pub billed: u64,
    /// Subscriptions that were not paid in time.
    pub behind: u64,
    /// Subscriptions that are over.
    pub lapsed: u64,
}

impl Ran {
    /// Whether anything was done.
    #[must_use]
    pub fn anything(self) -> bool {
        self != Self::default()
    }
}

/// Does what is due now. Looks until nothing is due any more.
///
/// # Errors
/// `Behind`, `Unavailable`; what was done so far stays done.
pub async fn run_due(app: &App) -> Result<Ran, AppError> {
    let mut ran = Ran::default();
    loop {
        let now = app.ports.clock.now();
        let notice = chrono::Duration::from_std(app.settings.money.renewal_notice).unwrap_or_default();
        let head = app.ports.log.head().await?;
        let due = app.ports.directory.due(now, now + notice, AT_ONCE, head).await?;
        let before = ran;
        for id in due.licenses {
            ran.expired += u64::from(expire(app, id, now).await?);
        }
        for id in due.subscriptions {
            dun(app, id, now, &mut ran).await?;
        }
        if ran == before {
            return Ok(ran);
        }
    }
}

/// A context whose commands are known by what they do: the same thing due twice is the same command.
fn context(parts: &[&str]) -> Context {
    let mut all = vec!["due"];
    all.extend_from_slice(parts);
    Context::system(CommandId::derived(&all))
}

async fn expire(app: &App, id: LicenseId, now: DateTime<Utc>) -> Result<bool, AppError> {
    let fact = app.fact::<Licenses>(id.uuid(), Duration::ZERO).await?;
    let license::State::Issued(known) = &*fact.state else { return Ok(false) };
    let Some(end) = known.expires_at.filter(|_| !known.expired && known.is_over(now)) else { return Ok(false) };
    let ctx = context(&["expire", &id.to_string(), &end.to_rfc3339()]);
    let call = Call::on(&ctx, id.uuid(), About::plugin(known.plugin, known.vendor));
    Ok(app.execute::<Licenses>(call, license::Command::Expire { now }).await?.changed)
}

/// Where no gateway runs a subscription: bills the next interval a while before this one ends, says when it is not paid in time, and ends it
/// when it is not paid at all.
async fn dun(app: &App, id: SubscriptionId, now: DateTime<Utc>, ran: &mut Ran) -> Result<(), AppError> {
    let fact = app.fact::<Subscriptions>(id.uuid(), Duration::ZERO).await?;
    let subscription::State::Started(known) = &*fact.state else { return Ok(()) };
    if known.contract.gateway != Gateway::Manual || known.standing == Standing::Lapsed {
        return Ok(());
    }
    let over = known.period_end <= now;
    if known.ends_then {
        if over {
            ran.lapsed += u64::from(lapse(app, known, Reason::Canceled, known.period_end).await?);
        }
        return Ok(());
    }
    let end = known.period_end.to_rfc3339();
    // The order that began it pays the first interval, also after a trial.
    let order = if !known.was_paid() {
        known.contract.order_id
    } else {
        let order = renewal_id(id, &end);
        let placed = app.fact::<Orders>(order.uuid(), Duration::ZERO).await?;
        if placed.version.is_none() {
            let ctx = context(&["bill", &id.to_string(), &end]);
            renew(app, &ctx, id, &known.contract, &end, now).await?;
            ran.billed += 1;
        }
        order
    };
    if !over {
        return Ok(());
    }
    let patience = chrono::Duration::from_std(app.settings.money.dunning).unwrap_or_default();
    if known.period_end + patience <= now {
        let ctx = context(&["give up", &id.to_string(), &end]);
        let call = Call::on(&ctx, order.uuid(), About::plugin(known.contract.plugin_id, known.contract.vendor_id));
        app.execute::<Orders>(call, OrderCommand::Cancel { reason: Cancellation::SubscriptionEnded }).await?;
        ran.lapsed += u64::from(lapse(app, known, Reason::Unpaid, now).await?);
    } else if known.standing != Standing::PastDue {
        let ctx = context(&["behind", &id.to_string(), &end]);
        let command = Command::FallBehind { code: "unpaid".to_owned(), as_of: now };
        ran.behind += u64::from(give(app, &ctx, known, command).await?);
    }
    Ok(())
}

async fn lapse(app: &App, known: &Subscription, reason: Reason, at: DateTime<Utc>) -> Result<bool, AppError> {
    let ctx = context(&["lapse", &known.contract.subscription_id.to_string()]);
    give(app, &ctx, known, Command::Lapse { reason, at }).await
}

async fn give(app: &App, ctx: &Context, known: &Subscription, command: Command) -> Result<bool, AppError> {
    let contract = &known.contract;
    let about = About::plugin(contract.plugin_id, contract.vendor_id);
    let call = Call::on(ctx, contract.subscription_id.uuid(), about);
    Ok(app.execute::<Subscriptions>(call, command).await?.changed)
}
