//! Every further interval of a subscription is an order of its own: what can be given back of it, or contested, is what can be of any other.

use chrono::{DateTime, Duration, Utc};
use souk_domain::{
    id::{OrderId, SubscriptionId},
    order::{Billed, Command, Order, Orders},
    subscription::{self, Contract, Subscription},
    webhook::Outcome,
};
use souk_ports::payment::PaymentOutcome;

use super::{Taken, names, notice::Told};
use crate::{App, AppError, Context, Done, execute::Call, memory::About, orders};

pub(super) async fn take_in(
    told: &Told<'_>,
    reference: String,
    began: Option<OrderId>,
    names: Vec<String>,
    period: Option<(DateTime<Utc>, DateTime<Utc>)>,
    outcome: PaymentOutcome,
) -> Result<Taken, AppError> {
    let subscription = [reference.clone()];
    let Some((id, known)) = told.known_subscription(&subscription, began).await? else {
        return Ok(Told::later("the subscription has not begun yet", vec![reference], began));
    };
    let (contract, as_of) = (&known.contract, told.at);
    let period_end = period.map(|(_, end)| end);
    match outcome {
        PaymentOutcome::Failed { code } => {
            let command = subscription::Command::FallBehind { code, as_of };
            Ok(Taken::of(told.change_subscription("behind", id, command).await?, contract.order_id))
        }
        PaymentOutcome::NothingDue => {
            let end = period_end.unwrap_or(known.period_end);
            let command = subscription::Command::Renew { order: None, period_end: end, as_of };
            Ok(Taken::of(told.change_subscription("renew", id, command).await?, contract.order_id))
        }
        PaymentOutcome::Expired => Ok(Taken::In(Outcome::Ignored, Some(contract.order_id))),
        PaymentOutcome::Paid(paid) => {
            let order = renewal_order(told, id, &known, &names, period).await?;
            if let Err(problem) = names::link(told.app, told.ctx, told.gateway, &names, order.id.uuid()).await? {
                return Ok(Taken::Never(problem));
            }
            let taken = told.paid(&order, names, paid).await?;
            if let Taken::In(Outcome::Applied | Outcome::NothingNew, _) = taken {
                let end = period_end.unwrap_or_else(|| interval_after(contract, known.period_end));
                let command = subscription::Command::Renew { order: Some(order.id), period_end: end, as_of };
                told.change_subscription("renew", id, command).await?;
            }
            Ok(taken)
        }
    }
}

/// The order that one of `names` pays; placed when nothing is known by them yet.
async fn renewal_order(
    told: &Told<'_>,
    id: SubscriptionId,
    known: &Subscription,
    names: &[String],
    period: Option<(DateTime<Utc>, DateTime<Utc>)>,
) -> Result<Order, AppError> {
    if let Some(holder) = names::find(told.app, told.gateway, names).await?
        && let Some(order) = told.order(OrderId::new(holder)).await?
    {
        return Ok(order);
    }
    // The first interval after a trial is what the order itself stands for.
    if let Some(end) = known.trial_end
        && period.is_none_or(|(start, _)| (start - end).abs() <= Duration::days(1))
        && let Some(order) = told.order(known.contract.order_id).await?
    {
        return Ok(order);
    }
    let name = names.first().map_or("", String::as_str);
    Ok(renew(told.app, &told.ctx.step("place"), id, &known.contract, name, told.at).await?.value)
}

/// The order of the interval that is known by `name`.
pub(crate) fn renewal_id(subscription: SubscriptionId, name: &str) -> OrderId {
    OrderId::derived(&["renewal", &subscription.to_string(), name])
}

/// Places the order of another interval, known by `name`, on the terms on which the subscription began.
pub(crate) async fn renew(
    app: &App,
    ctx: &Context,
    subscription_id: SubscriptionId,
    contract: &Contract,
    name: &str,
    now: DateTime<Utc>,
) -> Result<Done<Order>, AppError> {
    let id = renewal_id(subscription_id, name);
    let command = Command::Place {
        id,
        buyer: contract.buyer_id,
        plugin: contract.plugin_id,
        vendor: contract.vendor_id,
        pricing: contract.pricing.clone(),
        terms: contract.terms.clone(),
        gateway: contract.gateway,
        commission: contract.commission_basis_points,
        subscription: Some(Billed { subscription_id, renewal: true, trial_days: 0 }),
        payout_account: contract.payout_account.clone(),
        available: true,
        now,
    };
    let call = Call::new(ctx, id.uuid(), About::plugin(contract.plugin_id, contract.vendor_id));
    orders::order_of(app.execute::<Orders>(call, command).await?)
}

/// When the interval ends that begins at `start`.
pub(crate) fn interval_after(contract: &Contract, start: DateTime<Utc>) -> DateTime<Utc> {
    use souk_domain::listing::Pricing;
    match contract.pricing {
        Pricing::Subscription { interval, .. } => interval.end_after(start),
        Pricing::Free | Pricing::OneTime { .. } => start,
    }
}
