//! What follows from what a gateway says.

use std::time::Duration;

use chrono::{DateTime, Utc};
use souk_domain::{
    id::{OrderId, RefundId, SubscriptionId, WebhookId},
    order::{self, Cancellation, Contest, DisputeStatus, Gateway, Mismatch, Order, Orders, Receipt, Settlement},
    subscription::{self, Reason, Subscriptions},
    webhook::{Outcome, Wait},
};
use souk_ports::payment::{DisputeOutcome, News, Notice, Paid, PaymentOutcome, RefundOutcome, SubscriptionStanding};

use super::{Taken, names, renewal};
use crate::{
    App, AppError, Context,
    execute::{Call, Failure},
    memory::About,
    orders,
    reactions::start_subscription,
};

pub(super) async fn take_in(
    app: &App,
    ctx: &Context,
    gateway: Gateway,
    webhook: WebhookId,
    notice: Notice,
) -> Result<Taken, AppError> {
    let told = Told { app, ctx, gateway, webhook, at: notice.at };
    match notice.news {
        News::Other => Ok(Taken::In(Outcome::Ignored, None)),
        News::Payment { order, names, subscription, outcome } => {
            told.payment(order, names, subscription, outcome).await
        }
        News::Renewal { subscription, order, names, first, period, outcome } => {
            if first {
                told.first_interval(subscription, order, names, period, outcome).await
            } else {
                renewal::take_in(&told, subscription, order, names, period, outcome).await
            }
        }
        News::Refund { payment, refund, reference, amount, outcome } => {
            let (id, failure) = match outcome {
                RefundOutcome::Pending => return told.of_payment(payment, |_| None).await,
                RefundOutcome::Succeeded => (refund, None),
                RefundOutcome::Failed { code } => (refund, Some(code)),
            };
            told.refund(payment, id, reference, amount, failure).await
        }
        News::Dispute { payment, reference, amount, reason, outcome } => {
            let status = match outcome {
                DisputeOutcome::Open => DisputeStatus::Open,
                DisputeOutcome::Won => DisputeStatus::Won,
                DisputeOutcome::Lost => DisputeStatus::Lost,
            };
            let contest = Contest { reference, amount, reason, status };
            told.of_payment(payment, |_| Some(order::Command::Contest(contest.clone()))).await
        }
        News::Subscription { reference, order, standing, period_end, ends_then } => {
            told.subscription(reference, order, standing, period_end, ends_then).await
        }
    }
}

/// One notice of one gateway.
pub(super) struct Told<'a> {
    pub app: &'a App,
    pub ctx: &'a Context,
    pub gateway: Gateway,
    pub webhook: WebhookId,
    pub at: DateTime<Utc>,
}

impl Told<'_> {
    pub(super) fn later(reason: &str, names: Vec<String>, order_id: Option<OrderId>) -> Taken {
        Taken::Later(Wait { reason: reason.to_owned(), names, order_id })
    }

    /// The order, if it is one of this gateway.
    pub(super) async fn order(&self, id: OrderId) -> Result<Option<Order>, AppError> {
        let fact = self.app.fact::<Orders>(id.uuid(), Duration::ZERO).await?;
        Ok(orders::placed(&fact.state).ok().filter(|order| order.gateway == self.gateway).cloned())
    }

    pub(super) async fn give(
        &self,
        step: &str,
        order: &Order,
        command: order::Command,
    ) -> Result<bool, Failure<order::Error>> {
        let ctx = self.ctx.step(step);
        let call = Call::on(&ctx, order.id.uuid(), About::plugin(order.plugin, order.vendor));
        Ok(self.app.decide::<Orders>(call, |_| Ok(command.clone())).await?.changed)
    }

    async fn payment(
        &self,
        order: Option<OrderId>,
        names: Vec<String>,
        subscription: Option<String>,
        outcome: PaymentOutcome,
    ) -> Result<Taken, AppError> {
        let id = match order {
            Some(id) => id,
            None => match names::find(self.app, self.gateway, &names).await? {
                Some(holder) => OrderId::new(holder),
                None => return Ok(Self::later("no order is known by these names yet", names, None)),
            },
        };
        let Some(order) = self.order(id).await? else {
            return Ok(Taken::never(format!("no order of this gateway has the id {id}")));
        };
        match names::link(self.app, self.ctx, self.gateway, &names, id.uuid()).await? {
            Ok(_) => {}
            Err(problem) => return Ok(Taken::Never(problem)),
        }
        if let Some(reference) = &subscription {
            let holder = SubscriptionId::of(id).uuid();
            let names = [reference.clone()];
            if let Err(problem) = names::link(self.app, self.ctx, self.gateway, &names, holder).await? {
                return Ok(Taken::Never(problem));
            }
        }
        match outcome {
            PaymentOutcome::Paid(paid) => {
                let taken = self.paid(&order, names, paid).await?;
                if order.subscription.is_some() && matches!(taken, Taken::In(Outcome::Applied | Outcome::NothingNew, _))
                {
                    start_subscription(self.app, &self.ctx.step("start"), &order, subscription, self.at, false).await?;
                }
                Ok(taken)
            }
            PaymentOutcome::NothingDue => {
                let ctx = self.ctx.step("start");
                let changed = start_subscription(self.app, &ctx, &order, subscription, self.at, true).await?;
                Ok(Taken::of(changed, id))
            }
            PaymentOutcome::Failed { code } => {
                let command = order::Command::FailPayment { reference: self.webhook.to_string(), code };
                Ok(Taken::of(self.give("fail", &order, command).await.map_err(Failure::into_error)?, id))
            }
            PaymentOutcome::Expired => {
                let command = order::Command::Cancel { reason: Cancellation::Expired };
                Ok(Taken::of(self.give("expire", &order, command).await.map_err(Failure::into_error)?, id))
            }
        }
    }

    /// Money came in for `order`.
    pub(super) async fn paid(&self, order: &Order, names: Vec<String>, paid: Paid) -> Result<Taken, AppError> {
        let Paid { total, tax, fee, country } = paid;
        let Some(reference) = names.first().cloned() else { return Ok(Taken::never("the payment has no name")) };
        let receipt = Receipt {
            reference: reference.clone(),
            names: names.clone(),
            paid: total,
            tax,
            fee,
            country,
            paid_at: self.at,
        };
        let problem = match self.give("pay", order, order::Command::CompletePayment(receipt)).await {
            Ok(changed) => return Ok(Taken::of(changed, order.id)),
            Err(Failure::Other(error)) => return Err(error),
            Err(Failure::Refused(error)) => match error {
                order::Error::TaxesNotTold => return Ok(Self::later(&error.to_string(), names, Some(order.id))),
                order::Error::PaymentMismatch { problem, .. } => problem,
                order::Error::Canceled => Mismatch::OrderCanceled,
                order::Error::AlreadyPaid => Mismatch::AlreadyPaid,
                other => return Ok(Taken::never(other)),
            },
        };
        let command = order::Command::KeepUnmatched { reference, paid: total, problem };
        self.give("keep", order, command).await.map_err(Failure::into_error)?;
        Ok(Taken::In(Outcome::Unmatched, Some(order.id)))
    }

    /// The first interval of a subscription was paid: what the order itself stands for, and until when.
    async fn first_interval(
        &self,
        subscription: String,
        order: Option<OrderId>,
        names: Vec<String>,
        period: Option<(DateTime<Utc>, DateTime<Utc>)>,
        outcome: PaymentOutcome,
    ) -> Result<Taken, AppError> {
        let paid = matches!(outcome, PaymentOutcome::Paid(_));
        let taken = self.payment(order, names, Some(subscription), outcome).await?;
        if let (Taken::In(Outcome::Applied | Outcome::NothingNew, Some(order)), Some((_, end)), true) =
            (&taken, period, paid)
        {
            let command = subscription::Command::Renew { order: Some(*order), period_end: end, as_of: self.at };
            self.change_subscription("renew", SubscriptionId::of(*order), command).await?;
        }
        Ok(taken)
    }

    pub(super) async fn change_subscription(
        &self,
        step: &str,
        id: SubscriptionId,
        command: subscription::Command,
    ) -> Result<bool, AppError> {
        let fact = self.app.fact::<Subscriptions>(id.uuid(), Duration::ZERO).await?;
        let ctx = self.ctx.step(step);
        Ok(self.app.execute::<Subscriptions>(Call::on(&ctx, id.uuid(), fact.about), command).await?.changed)
    }

    /// Gives what `command` makes of the order of a payment.
    async fn of_payment(
        &self,
        payment: Vec<String>,
        command: impl Fn(&Order) -> Option<order::Command>,
    ) -> Result<Taken, AppError> {
        let Some(holder) = names::find(self.app, self.gateway, &payment).await? else {
            return Ok(Self::later("no payment is known by these names yet", payment, None));
        };
        let id = OrderId::new(holder);
        let Some(order) = self.order(id).await? else {
            return Ok(Taken::never(format!("no order of this gateway has the id {id}")));
        };
        let Some(command) = command(&order) else { return Ok(Taken::In(Outcome::NothingNew, Some(id))) };
        match self.give("back", &order, command).await {
            Ok(changed) => Ok(Taken::of(changed, id)),
            Err(Failure::Other(error)) => Err(error),
            Err(Failure::Refused(error @ (order::Error::NotPaid | order::Error::RefundTooLarge { .. }))) => {
                Ok(Self::later(&error.to_string(), payment, Some(id)))
            }
            Err(Failure::Refused(error)) => Ok(Taken::never(error)),
        }
    }

    async fn refund(
        &self,
        payment: Vec<String>,
        refund: Option<RefundId>,
        reference: String,
        amount: souk_domain::money::Money,
        failure: Option<String>,
    ) -> Result<Taken, AppError> {
        let id = match refund {
            Some(id) => id,
            None => names::find(self.app, self.gateway, std::slice::from_ref(&reference))
                .await?
                .map_or_else(|| RefundId::told(self.gateway, &reference), RefundId::new),
        };
        self.of_payment(payment.clone(), |order| {
            let unmatched = payment.iter().find(|name| order.unmatched.contains_key(*name));
            Some(match (unmatched, &failure) {
                (Some(name), None) => {
                    order::Command::ReturnUnmatched { reference: name.clone(), refund: reference.clone(), amount }
                }
                (Some(_), Some(_)) => return None,
                (None, _) => order::Command::SettleRefund(Settlement {
                    id,
                    reference: reference.clone(),
                    amount,
                    failure: failure.clone(),
                    reason: "refunded at the gateway".to_owned(),
                }),
            })
        })
        .await
    }

    async fn subscription(
        &self,
        reference: String,
        order: Option<OrderId>,
        standing: SubscriptionStanding,
        period_end: Option<DateTime<Utc>>,
        ends_then: bool,
    ) -> Result<Taken, AppError> {
        let names = vec![reference];
        let Some((id, known)) = self.known_subscription(&names, order).await? else {
            return Ok(Self::later("the subscription has not begun yet", names, order));
        };
        let as_of = self.at;
        let mut changed = match standing {
            SubscriptionStanding::Ended => {
                // Who was behind and is over did not pay.
                let behind = known.standing == subscription::Standing::PastDue;
                let reason = if behind && !known.ends_then { Reason::Unpaid } else { Reason::Canceled };
                let command = subscription::Command::Lapse { reason, at: as_of };
                return Ok(Taken::of(self.change_subscription("lapse", id, command).await?, known.contract.order_id));
            }
            SubscriptionStanding::PastDue => {
                let command = subscription::Command::FallBehind { code: "past_due".to_owned(), as_of };
                self.change_subscription("behind", id, command).await?
            }
            // Until when an active one is paid its payments say: the gateway moves the end before it has the money.
            SubscriptionStanding::Trialing | SubscriptionStanding::Active => false,
        };
        if let (SubscriptionStanding::Trialing, Some(end)) = (standing, period_end)
            && known.standing == subscription::Standing::Trialing
            && end > known.period_end
        {
            let command = subscription::Command::ExtendTrial { period_end: end };
            changed |= self.change_subscription("trial", id, command).await?;
        }
        let command = if ends_then {
            subscription::Command::Cancel { at_period_end: true, as_of }
        } else {
            subscription::Command::Resume { as_of }
        };
        match self.change_subscription("end", id, command).await {
            Ok(more) => changed |= more,
            // It is over, so it is not resumed.
            Err(AppError::Conflict { reason: "subscription_over", .. }) => {}
            Err(error) => return Err(error),
        }
        Ok(Taken::of(changed, known.contract.order_id))
    }

    /// A subscription that has begun, by the order that began it or by the gateway's name.
    pub(super) async fn known_subscription(
        &self,
        names: &[String],
        order: Option<OrderId>,
    ) -> Result<Option<(SubscriptionId, subscription::Subscription)>, AppError> {
        let id = match names::find(self.app, self.gateway, names).await? {
            Some(holder) => SubscriptionId::new(holder),
            None => match order {
                Some(order) => SubscriptionId::of(order),
                None => return Ok(None),
            },
        };
        let fact = self.app.fact::<Subscriptions>(id.uuid(), Duration::ZERO).await?;
        Ok(match &*fact.state {
            subscription::State::Started(known) => Some((id, (**known).clone())),
            subscription::State::Absent => None,
        })
    }
}
