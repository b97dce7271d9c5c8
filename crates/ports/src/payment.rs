//! Where money comes from: a gateway that buyers pay through, and what it says of what became of their payments.
//!
//! Gateways tell at least once, in any order, and late. So a [`Notice`] says what is now and since when, never what changed, and whoever
//! takes it in must come to the same end whatever came before it.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use souk_domain::{
    id::{OrderId, RefundId, SubscriptionId},
    listing::Interval,
    money::Money,
    order::Gateway,
};

/// Why a gateway did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// It did not answer in time, or with an error of its own. Whether it did what was asked is unknown; asking again with the
    /// same idempotency key is safe.
    #[error("the gateway does not answer: {0}")]
    Unavailable(String),
    /// It refused for good.
    #[error("the gateway refused: {message}")]
    Refused {
        /// The gateway's code, such as `charge_already_refunded`.
        code: String,
        /// What it said, for operators.
        message: String,
    },
    /// It answered something that is not of its protocol.
    #[error("the gateway's answer cannot be read: {0}")]
    Garbled(String),
}

/// What is to be paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckoutRequest {
    /// For this order; also the idempotency key.
    pub order: OrderId,
    /// How much: once, or for the first interval.
    pub price: Money,
    /// What the buyer reads of it.
    pub description: String,
    /// For a subscription: how often, and how many days the first interval is free before.
    pub subscription: Option<Recurring>,
    /// The vendor's own account at the gateway, and what Souk keeps of the payment (minor units), where vendors are paid by the gateway.
    pub vendor: Option<Split>,
}

/// A payment that comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recurring {
    /// Which subscription.
    pub id: SubscriptionId,
    /// How often.
    pub interval: Interval,
    /// Days before the first payment; 0 for none.
    pub trial_days: u32,
}

/// Who gets which part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The vendor's account, e.g. `acct_…`.
    pub account: String,
    /// What Souk keeps, minor units of the price.
    pub commission: i64,
    /// The same in basis points, for payments that come again.
    pub commission_basis_points: u16,
}

/// Where a buyer pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checkout {
    /// The gateway's name of it, e.g. `cs_…` or `order_…`.
    pub reference: String,
    /// A page to send the buyer to, where the gateway has one.
    pub url: Option<String>,
    /// The public key with which the gateway's script is begun, where it has no page.
    pub public_key: Option<String>,
    /// Until when it can be paid.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Money to give back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRequest {
    /// Which; also the idempotency key.
    pub refund: RefundId,
    /// Of which order.
    pub order: OrderId,
    /// Of which payment: the gateway's names of it, the best known first.
    pub payment: Vec<String>,
    /// How much.
    pub amount: Money,
    /// Whether the payment was split with the vendor's own account.
    pub split: bool,
}

/// What became of a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundAnswer {
    /// The gateway's name of it.
    pub reference: String,
    /// What became of it so far.
    pub outcome: RefundOutcome,
}

/// What becomes of a refund. A refund that succeeded can fail later; one that failed stays so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundOutcome {
    /// Under way.
    Pending,
    /// The money went back.
    Succeeded,
    /// It did not, or came back.
    Failed {
        /// The gateway's code, e.g. `expired_or_canceled_card`.
        code: String,
    },
}

/// Why a webhook is not taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// No secret is set, so nobody can sign.
    #[error("no webhook secret is configured for this gateway")]
    NotConfigured,
    /// Not signed, or not by the gateway.
    #[error("the signature is missing or does not fit")]
    BadSignature,
    /// Signed too long ago.
    #[error("the signature is {0} seconds old")]
    Stale(i64),
    /// Signed by the gateway, but no event.
    #[error("the body is no event of this gateway: {0}")]
    Malformed(String),
}

/// What a webhook's headers say.
pub trait Headers: Sync {
    /// The value of `name` (lower case), when there is exactly one and it is text.
    fn get(&self, name: &str) -> Option<&str>;
}

/// A webhook whose signature fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authentic {
    /// The gateway's id of the event, by which it is known when it comes again.
    pub event_id: String,
    /// The gateway's type of the event, e.g. `charge.dispute.created`.
    pub kind: String,
}

/// What a gateway says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// When it was so, by the gateway's clock, in whole seconds.
    pub at: DateTime<Utc>,
    /// What is so.
    pub news: News,
}

/// What is so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Of the payment of an order.
    Payment {
        /// Which order, as it was told when the checkout was opened.
        order: Option<OrderId>,
        /// Every name that the gateway has for the payment, the best first; none is empty.
        names: Vec<String>,
        /// The gateway's name of the subscription that it begins.
        subscription: Option<String>,
        /// What became of it.
        outcome: PaymentOutcome,
    },
    /// Of the payment of another interval of a subscription.
    Renewal {
        /// The gateway's name of the subscription.
        subscription: String,
        /// Which order began it, as it was told when the checkout was opened.
        order: Option<OrderId>,
        /// Every name that the gateway has for the payment.
        names: Vec<String>,
        /// Whether it pays the first interval, which the order itself stands for.
        first: bool,
        /// What it pays for.
        period: Option<(DateTime<Utc>, DateTime<Utc>)>,
        /// What became of it.
        outcome: PaymentOutcome,
    },
    /// Of money given back.
    Refund {
        /// The names of the payment that it is of.
        payment: Vec<String>,
        /// Which, where Souk asked for it.
        refund: Option<RefundId>,
        /// The gateway's name of it.
        reference: String,
        /// How much.
        amount: Money,
        /// What became of it.
        outcome: RefundOutcome,
    },
    /// Of a payment that its payer contests.
    Dispute {
        /// The names of the payment.
        payment: Vec<String>,
        /// The gateway's name of it.
        reference: String,
        /// How much.
        amount: Money,
        /// The gateway's word for why.
        reason: String,
        /// What became of it.
        outcome: DisputeOutcome,
    },
    /// Of a subscription itself.
    Subscription {
        /// The gateway's name of it.
        reference: String,
        /// Which order began it.
        order: Option<OrderId>,
        /// Where it stands.
        standing: SubscriptionStanding,
        /// Until when it is paid.
        period_end: Option<DateTime<Utc>>,
        /// Whether it ends then.
        ends_then: bool,
    },
    /// Of something that Souk does nothing about.
    Other,
}

/// What becomes of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentOutcome {
    /// The money is there.
    Paid(Paid),
    /// Nothing has to be paid yet: a trial begins.
    NothingDue,
    /// It did not work; the buyer may try again.
    Failed {
        /// The gateway's code, e.g. `card_declined`.
        code: String,
    },
    /// It cannot be paid any more.
    Expired,
}

/// What was paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    /// In all, with taxes.
    pub total: Money,
    /// Taxes in it, minor units; none where this notice does not say.
    pub tax: Option<i64>,
    /// What the gateway keeps, minor units, where it says so.
    pub fee: Option<i64>,
    /// Where the buyer is: ISO 3166-1 alpha-2, where the gateway says so.
    pub country: Option<String>,
}

/// What becomes of a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeOutcome {
    /// The money is taken away until it is decided.
    Open,
    /// The money came back.
    Won,
    /// The money is gone.
    Lost,
}

/// Where a subscription stands at the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubscriptionStanding {
    /// Free for now.
    Trialing,
    /// Paid.
    Active,
    /// Not paid in time; the gateway tries again.
    PastDue,
    /// Over.
    Ended,
}

/// A way to be paid. Every call ends within its adapter's time, and carries an idempotency key.
#[async_trait]
pub trait PaymentGateway: Send + Sync + fmt::Debug {
    /// Which it is.
    fn gateway(&self) -> Gateway;

    /// Opens a checkout. The same request again finds the same one.
    ///
    /// # Errors
    /// See [`GatewayError`].
    async fn open_checkout(&self, request: &CheckoutRequest) -> Result<Checkout, GatewayError>;

    /// The checkout that was opened before.
    ///
    /// # Errors
    /// See [`GatewayError`].
    async fn checkout(&self, reference: &str) -> Result<Checkout, GatewayError>;

    /// What became of a checkout, asked at `now`: what a webhook tells, or told and was lost. None while it is open.
    ///
    /// # Errors
    /// See [`GatewayError`].
    async fn outcome(&self, reference: &str, now: DateTime<Utc>) -> Result<Option<Notice>, GatewayError>;

    /// Whether the gateway gave `signature` to a browser for `payment` at the checkout `reference`, which must not come from the browser,
    /// in constant time. None where gateways give browsers nothing.
    fn proves(&self, reference: &str, payment: &str, signature: &str) -> Option<bool>;

    /// Gives money back.
    ///
    /// # Errors
    /// See [`GatewayError`].
    async fn refund(&self, request: &RefundRequest) -> Result<RefundAnswer, GatewayError>;

    /// Ends a subscription now. `key` is the idempotency key.
    ///
    /// # Errors
    /// See [`GatewayError`].
    async fn end_subscription(&self, reference: &str, key: &str) -> Result<(), GatewayError>;

    /// Lets a subscription end when what is paid for is over, or not after all. `key` is the idempotency key.
    ///
    /// # Errors
    /// See [`GatewayError`]; refused where the gateway cannot take that back.
    async fn end_at_period_end(&self, reference: &str, ends: bool, key: &str) -> Result<(), GatewayError>;

    /// Whether the gateway sent `body`, in constant time, and what event it is.
    ///
    /// # Errors
    /// See [`WebhookError`].
    fn authenticate(&self, headers: &dyn Headers, body: &[u8], now: DateTime<Utc>) -> Result<Authentic, WebhookError>;

    /// What an authentic body says.
    ///
    /// # Errors
    /// What does not fit, when a type that Souk knows has other fields than it should.
    fn read(&self, body: &[u8]) -> Result<Notice, String>;
}
