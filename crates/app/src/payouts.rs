//! Paying vendors what they earned.
//!
//! What a vendor earned is the sum of many orders, which only a read model knows; what it was paid is in its own stream. So a payout
//! reads the one at the log's end and is decided by the other: however many ask at once, a vendor is never paid twice for the same
//! order. Money that goes back later makes the next payout smaller.

use chrono::{DateTime, SubsecRound, Utc};
use souk_domain::{
    id::{PayoutId, VendorId, derive},
    money::{Currency, Money},
    order::Gateway,
    text,
    vendor::{Command, Payout, Request, Vendor},
};
use souk_ports::Position;
use uuid::Uuid;

use crate::{App, AppError, Context, Done, input::MAX_REASON, vendors};

/// Has a vendor's share of later orders paid to an account of its own at a gateway, or no longer; owner or admin.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`, `Invalid`.
pub async fn set_account(
    app: &App,
    ctx: &Context,
    vendor: VendorId,
    gateway: Gateway,
    account: Option<String>,
) -> Result<Done<Vendor>, AppError> {
    let ctx = vendors::acting_for(ctx, &vendors::get(app, vendor).await?.value)?;
    if gateway == Gateway::Manual {
        return Err(AppError::invalid("gateway", "must be a gateway that has accounts"));
    }
    if let Some(account) = &account {
        text::line("account", account, 200)?;
    }
    vendors::change(app, &ctx, vendor, Command::SetPayoutAccount { gateway, account }).await
}

/// Asks for a payout: of `amount` minor units, or of all that there is; owner or admin. Its id is derived from the command.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`, `Behind`; conflicts `payout_too_small`, `payout_too_large`.
pub async fn request(
    app: &App,
    ctx: &Context,
    vendor: VendorId,
    currency: Currency,
    amount: Option<i64>,
) -> Result<(PayoutId, Done<Vendor>), AppError> {
    let ctx = vendors::acting_for(ctx, &vendors::get(app, vendor).await?.value)?;
    let head = app.ports.log.head().await?;
    let money = Wanted { currency, amount, batch: None, now: now(app), head };
    ask(app, &ctx, vendor, &money).await
}

/// A batch of payouts, one a vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// What was asked for.
    pub payouts: Vec<(VendorId, PayoutId, Payout)>,
    /// Who gets nothing, and the reason in the words of conflicts, such as `payout_too_small`.
    pub skipped: Vec<(VendorId, &'static str)>,
}

/// The id of the batch that this command asks for.
#[must_use]
pub fn batch_id(ctx: &Context, currency: Currency) -> Uuid {
    derive(&["payout-batch", &ctx.command.to_string(), currency.code()])
}

/// Asks for payouts of all that there is to each of `vendors`, who may be any: what each of them gets is decided by its own stream. What
/// they earned is read once, at the log's head; admin. When it fails on its way, the same command goes on with the rest.
///
/// # Errors
/// `Forbidden`, `Behind`, `Unavailable`.
pub async fn batch(
    app: &App,
    ctx: &Context,
    currency: Currency,
    vendors: &[VendorId],
) -> Result<Done<Batch>, AppError> {
    let ctx = ctx.require_admin()?;
    let head = app.ports.log.head().await?;
    let batch = Some(batch_id(&ctx, currency));
    let money = Wanted { currency, amount: None, batch, now: now(app), head };
    let mut done =
        Done { value: Batch { payouts: Vec::new(), skipped: Vec::new() }, position: head, changed: false, wrote: None };
    for vendor in vendors {
        match ask(app, &ctx, *vendor, &money).await {
            Ok((id, asked)) => {
                let payout = asked.value.payouts.get(&id).cloned();
                let payout = payout.ok_or_else(|| AppError::Internal(format!("payout {id} was not recorded")))?;
                done.value.payouts.push((*vendor, id, payout));
                done.position = done.position.max(asked.position);
                done.changed |= asked.changed;
            }
            Err(AppError::Conflict { reason, .. }) => done.value.skipped.push((*vendor, reason)),
            Err(AppError::NotFound(_)) => done.value.skipped.push((*vendor, "not_found")),
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// What is to be paid out, and when it is asked for.
struct Wanted {
    currency: Currency,
    /// Minor units; all that there is when absent.
    amount: Option<i64>,
    batch: Option<Uuid>,
    now: DateTime<Utc>,
    /// Up to where what was earned must be known.
    head: Position,
}

fn now(app: &App) -> DateTime<Utc> {
    app.ports.clock.now().trunc_subsecs(6)
}

/// From when on payments are held back.
#[must_use]
pub fn held_after(app: &App, now: DateTime<Utc>) -> DateTime<Utc> {
    now - chrono::Duration::from_std(app.settings.money.hold).unwrap_or_default()
}

async fn ask(
    app: &App,
    ctx: &Context,
    vendor: VendorId,
    wanted: &Wanted,
) -> Result<(PayoutId, Done<Vendor>), AppError> {
    let Wanted { currency, amount, batch, now, head } = *wanted;
    let earned = app.ports.directory.earned(vendor, currency, held_after(app, now), head).await?;
    let payout = PayoutId::derived(&["payout", &ctx.command.to_string(), &vendor.to_string(), currency.code()]);
    let request = Request {
        payout,
        amount,
        earned: Money { amount: earned, currency },
        minimum: app.settings.money.minimum(currency),
        batch,
        now,
    };
    let ctx = ctx.step(&payout.to_string());
    let done = vendors::change(app, &ctx, vendor, Command::RequestPayout(request)).await?;
    Ok((payout, done))
}

/// Records that a payout was transferred; admin.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid`; conflict `payout_settled`.
pub async fn paid(
    app: &App,
    ctx: &Context,
    vendor: VendorId,
    payout: PayoutId,
    reference: &str,
) -> Result<Done<Vendor>, AppError> {
    let ctx = ctx.require_admin()?;
    text::line("reference", reference, 200)?;
    let paid = Command::PayOut { payout, reference: reference.to_owned(), now: now(app) };
    vendors::change(app, &ctx, vendor, paid).await
}

/// Records that a payout did not reach its vendor; admin. The money can be paid out again.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid`; conflict `payout_settled`.
pub async fn failed(
    app: &App,
    ctx: &Context,
    vendor: VendorId,
    payout: PayoutId,
    reason: &str,
) -> Result<Done<Vendor>, AppError> {
    let ctx = ctx.require_admin()?;
    text::body("reason", reason, MAX_REASON)?;
    vendors::change(app, &ctx, vendor, Command::FailPayout { payout, reason: reason.to_owned() }).await
}
