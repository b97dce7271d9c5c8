//! A purchase that is paid again and again.
//!
//! Who runs it tells in any order what became of it, so the newest word counts and not the last one that arrived; and what is over
//! stays over.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    decider::Decider,
    id::{LicenseId, OrderId, PluginId, SubscriptionId, UserId, VendorId},
    listing::{Pricing, Terms},
    money::BasisPoints,
    order::Gateway,
    stream::Category,
};

/// A subscription as its events tell it.
#[derive(Clone, Debug, Default)]
pub enum State {
    /// Never started.
    #[default]
    Absent,
    /// Started.
    Started(Box<Subscription>),
}

/// A started subscription.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// What was fixed when it began.
    pub contract: Contract,
    /// Until when it is paid, or free.
    pub period_end: DateTime<Utc>,
    /// Where it stands.
    pub standing: Standing,
    /// As of when it stands there, by the clock of who runs it.
    pub standing_as_of: DateTime<Utc>,
    /// Whether it ends when what was paid is used up.
    pub ends_then: bool,
    /// As of when that was wanted.
    pub ends_as_of: DateTime<Utc>,
    /// Until when it is free, where it began as a trial.
    pub trial_end: Option<DateTime<Utc>>,
    /// The orders whose intervals count.
    pub orders: BTreeSet<OrderId>,
    /// Since when it is over.
    pub lapsed_at: Option<DateTime<Utc>>,
}

/// What is fixed when a subscription begins; later changes of price and terms never touch it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contract {
    /// Which.
    pub subscription_id: SubscriptionId,
    /// The order that began it.
    pub order_id: OrderId,
    /// Who pays.
    pub buyer_id: UserId,
    /// For what.
    pub plugin_id: PluginId,
    /// To whom.
    pub vendor_id: VendorId,
    /// The license that it keeps good.
    pub license_id: LicenseId,
    /// How much, how often.
    pub pricing: Pricing,
    /// What the license allows.
    pub terms: Terms,
    /// Who runs it.
    pub gateway: Gateway,
    /// Its name there.
    pub reference: Option<String>,
    /// What Souk keeps of each payment.
    pub commission_basis_points: BasisPoints,
    /// The vendor's own account at the gateway, where it is paid by the gateway.
    pub payout_account: Option<String>,
}

/// Where a subscription stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Free for now.
    Trialing,
    /// Paid.
    Active,
    /// Not paid in time; it is tried again.
    PastDue,
    /// Over.
    Lapsed,
}

/// Why a subscription is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It was canceled.
    Canceled,
    /// It was not paid.
    Unpaid,
    /// The money of a payment went back.
    PaymentReversed,
}

/// What can be asked of a subscription.
#[derive(Clone, Debug)]
pub enum Command {
    /// Begin it.
    Start {
        /// What is fixed.
        contract: Box<Contract>,
        /// Whether the first interval is a trial.
        trial: bool,
        /// When it began.
        since: DateTime<Utc>,
        /// Until when it is paid, or free.
        period_end: DateTime<Utc>,
    },
    /// Another interval was paid, or given.
    Renew {
        /// By which order.
        order: Option<OrderId>,
        /// Until when it is paid now.
        period_end: DateTime<Utc>,
        /// When that was so.
        as_of: DateTime<Utc>,
    },
    /// Another interval was paid, by an order that says nothing of when it ends: once an order.
    RenewOnce {
        /// By which order.
        order: OrderId,
        /// Until when it is paid now.
        period_end: DateTime<Utc>,
        /// When that was so.
        as_of: DateTime<Utc>,
    },
    /// A trial goes on for longer.
    ExtendTrial {
        /// Until when.
        period_end: DateTime<Utc>,
    },
    /// It was not paid in time.
    FallBehind {
        /// The gateway's code of why.
        code: String,
        /// When that was so.
        as_of: DateTime<Utc>,
    },
    /// End it when what was paid is used up, or now.
    Cancel {
        /// Whether it goes on until then.
        at_period_end: bool,
        /// When that was wanted.
        as_of: DateTime<Utc>,
    },
    /// Do not end it after all.
    Resume {
        /// When that was wanted.
        as_of: DateTime<Utc>,
    },
    /// It is over.
    Lapse {
        /// Why.
        reason: Reason,
        /// Since when.
        at: DateTime<Utc>,
    },
}

/// What happens to a subscription.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// It began.
    #[serde(rename = "subscription.started", rename_all = "camelCase")]
    Started {
        /// What is fixed.
        #[serde(flatten)]
        contract: Box<Contract>,
        /// Whether the first interval is a trial.
        trial: bool,
        /// Since when.
        started_at: DateTime<Utc>,
        /// Until when it is paid, or free.
        period_end: DateTime<Utc>,
    },
    /// Another interval was paid, or given.
    #[serde(rename = "subscription.renewed", rename_all = "camelCase")]
    Renewed {
        /// By which order.
        order_id: Option<OrderId>,
        /// Until when it is paid now.
        period_end: DateTime<Utc>,
        /// Until when it was before.
        previous_period_end: DateTime<Utc>,
        /// Where it stands now.
        standing: Standing,
        /// When that was so.
        as_of: DateTime<Utc>,
    },
    /// It was not paid in time.
    #[serde(rename = "subscription.past_due", rename_all = "camelCase")]
    PastDue {
        /// The gateway's code of why.
        code: String,
        /// When that was so.
        as_of: DateTime<Utc>,
    },
    /// It ends when what was paid is used up.
    #[serde(rename = "subscription.canceled", rename_all = "camelCase")]
    Canceled {
        /// When it ends.
        ends_at: DateTime<Utc>,
        /// When that was wanted.
        as_of: DateTime<Utc>,
    },
    /// It goes on after all.
    #[serde(rename = "subscription.resumed", rename_all = "camelCase")]
    Resumed {
        /// When that was wanted.
        as_of: DateTime<Utc>,
    },
    /// It is over.
    #[serde(rename = "subscription.lapsed", rename_all = "camelCase")]
    Lapsed {
        /// Why.
        reason: Reason,
        /// Since when.
        lapsed_at: DateTime<Utc>,
    },
}

impl Event {
    /// The type under which the log keeps it.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Started { .. } => "subscription.started",
            Self::Renewed { .. } => "subscription.renewed",
            Self::PastDue { .. } => "subscription.past_due",
            Self::Canceled { .. } => "subscription.canceled",
            Self::Resumed { .. } => "subscription.resumed",
            Self::Lapsed { .. } => "subscription.lapsed",
        }
    }
}

/// Why a subscription refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another contract began it.
    #[error("this subscription was started already")]
    AlreadyStarted,
    /// No such subscription.
    #[error("this subscription does not exist")]
    NotStarted,
    /// It is over.
    #[error("this subscription is over")]
    Over,
}

/// Decides about subscriptions, on streams `subscription-`.
pub struct Subscriptions;

impl Decider for Subscriptions {
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Error;

    const CATEGORY: Category = Category::Subscription;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Error> {
        match (state, command) {
            (State::Absent, Command::Start { contract, trial, since, period_end }) => {
                Ok(vec![Event::Started { contract, trial, started_at: since, period_end }])
            }
            (State::Absent, _) => Err(Error::NotStarted),
            (State::Started(known), Command::Start { contract, .. }) => {
                let same = known.contract.order_id == contract.order_id;
                if same { Ok(vec![]) } else { Err(Error::AlreadyStarted) }
            }
            (State::Started(known), command) => decide_started(known, command),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match (state, event) {
            (State::Absent, Event::Started { contract, trial, started_at, period_end }) => {
                State::Started(Box::new(Subscription {
                    contract: (**contract).clone(),
                    period_end: *period_end,
                    standing: if *trial { Standing::Trialing } else { Standing::Active },
                    standing_as_of: *started_at,
                    ends_then: false,
                    ends_as_of: *started_at,
                    trial_end: trial.then_some(*period_end),
                    orders: BTreeSet::new(),
                    lapsed_at: None,
                }))
            }
            (State::Started(mut known), event) => {
                known.apply(event);
                State::Started(known)
            }
            (state, _) => state,
        }
    }
}

impl Subscription {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::Started { .. } => {}
            Event::Renewed { order_id, period_end, standing, as_of, .. } => {
                self.orders.extend(*order_id);
                if *standing == Standing::Trialing {
                    self.trial_end = Some(*period_end);
                }
                self.period_end = *period_end;
                self.standing = *standing;
                self.standing_as_of = self.standing_as_of.max(*as_of);
            }
            Event::PastDue { as_of, .. } => {
                self.standing = Standing::PastDue;
                self.standing_as_of = *as_of;
            }
            Event::Canceled { as_of, .. } => {
                self.ends_then = true;
                self.ends_as_of = *as_of;
            }
            Event::Resumed { as_of } => {
                self.ends_then = false;
                self.ends_as_of = *as_of;
            }
            Event::Lapsed { lapsed_at, .. } => {
                self.standing = Standing::Lapsed;
                self.lapsed_at = Some(*lapsed_at);
            }
        }
    }

    /// Whether any interval was paid.
    #[must_use]
    pub fn was_paid(&self) -> bool {
        self.trial_end.is_none() || !self.orders.is_empty()
    }

    /// Where it stands when somebody paid, or gave, an interval as of then: an older word than what is known changes nothing, and what is
    /// over stays over.
    fn standing_when_paid(&self, as_of: DateTime<Utc>) -> Standing {
        match self.standing {
            Standing::Lapsed => Standing::Lapsed,
            standing if as_of < self.standing_as_of => standing,
            _ => Standing::Active,
        }
    }
}

fn decide_started(known: &Subscription, command: Command) -> Result<Vec<Event>, Error> {
    let over = known.standing == Standing::Lapsed;
    Ok(match command {
        Command::Start { .. } => vec![],
        Command::RenewOnce { order, .. } if known.orders.contains(&order) => vec![],
        Command::RenewOnce { order, period_end, as_of } => {
            return decide_started(known, Command::Renew { order: Some(order), period_end, as_of });
        }
        Command::Renew { order, period_end, as_of } => {
            let standing = known.standing_when_paid(as_of);
            let period_end = period_end.max(known.period_end);
            // A paid interval that ends no later than another still says something where it is newer: what is older than it and comes
            // later changes nothing.
            if period_end == known.period_end && standing == known.standing && (over || as_of <= known.standing_as_of) {
                return Ok(vec![]);
            }
            let previous_period_end = known.period_end;
            vec![Event::Renewed { order_id: order, period_end, previous_period_end, standing, as_of }]
        }
        Command::ExtendTrial { period_end }
            if known.standing != Standing::Trialing || period_end <= known.period_end =>
        {
            vec![]
        }
        Command::ExtendTrial { period_end } => vec![Event::Renewed {
            order_id: None,
            period_end,
            previous_period_end: known.period_end,
            standing: Standing::Trialing,
            as_of: known.standing_as_of,
        }],
        // At the same second the payment counts.
        Command::FallBehind { as_of, .. } if over || as_of <= known.standing_as_of => vec![],
        Command::FallBehind { code, as_of } => vec![Event::PastDue { code, as_of }],
        Command::Cancel { at_period_end: true, .. } if over || known.ends_then => vec![],
        Command::Cancel { at_period_end: true, as_of } if as_of < known.ends_as_of => vec![],
        Command::Cancel { at_period_end: true, as_of } => {
            vec![Event::Canceled { ends_at: known.period_end, as_of }]
        }
        Command::Cancel { .. } if over => vec![],
        Command::Cancel { as_of, .. } => {
            let lapsed = Event::Lapsed { reason: Reason::Canceled, lapsed_at: as_of };
            if known.ends_then { vec![lapsed] } else { vec![Event::Canceled { ends_at: as_of, as_of }, lapsed] }
        }
        Command::Resume { .. } if over => return Err(Error::Over),
        Command::Resume { as_of } if !known.ends_then || as_of < known.ends_as_of => vec![],
        Command::Resume { as_of } => vec![Event::Resumed { as_of }],
        Command::Lapse { .. } if over => vec![],
        Command::Lapse { reason, at } => vec![Event::Lapsed { reason, lapsed_at: at }],
    })
}

#[cfg(test)]
mod tests;
