//! A payment gateway of tests: what it tells is written as it means it.
#![allow(missing_docs, reason = "the fields are those of the port")]

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use souk_domain::{
    id::{OrderId, RefundId},
    money::Money,
    order::Gateway,
};
use souk_ports::payment::{
    Authentic, Checkout, CheckoutRequest, DisputeOutcome, GatewayError, Headers, News, Notice, Paid, PaymentGateway,
    PaymentOutcome, RefundAnswer, RefundOutcome, RefundRequest, SubscriptionStanding, WebhookError,
};

/// What it may tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Told {
    Paid {
        order: Option<OrderId>,
        names: Vec<String>,
        total: Money,
        tax: Option<i64>,
        subscription: Option<String>,
    },
    TrialBegan {
        order: OrderId,
        names: Vec<String>,
        subscription: String,
    },
    NotPaid {
        order: Option<OrderId>,
        names: Vec<String>,
    },
    Expired {
        order: OrderId,
        names: Vec<String>,
    },
    Renewed {
        subscription: String,
        names: Vec<String>,
        first: Option<OrderId>,
        period: (DateTime<Utc>, DateTime<Utc>),
        total: Money,
    },
    RenewalFailed {
        subscription: String,
        names: Vec<String>,
    },
    Refunded {
        payment: Vec<String>,
        refund: Option<RefundId>,
        reference: String,
        amount: Money,
        failed: bool,
    },
    Disputed {
        payment: Vec<String>,
        reference: String,
        amount: Money,
        outcome: DisputeOutcome,
    },
    Ended {
        subscription: String,
    },
    Nothing,
}

/// An event of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub id: String,
    pub at: DateTime<Utc>,
    pub told: Told,
}

/// Stripe as tests have it. A body is signed when the header says so.
#[derive(Debug, Default)]
pub struct ToyGateway {
    pub down: AtomicBool,
    pub refuses: AtomicBool,
    pub refunds: Mutex<BTreeMap<String, i64>>,
    pub ended: Mutex<Vec<String>>,
    /// What it answers when it is asked what became of a checkout.
    pub outcome: Mutex<Option<Told>>,
}

pub struct Signed(pub bool);

impl Headers for Signed {
    fn get(&self, _: &str) -> Option<&str> {
        self.0.then_some("yes")
    }
}

impl ToyGateway {
    fn answers(&self) -> Result<(), GatewayError> {
        if self.down.load(Ordering::SeqCst) { Err(GatewayError::Unavailable("down".to_owned())) } else { Ok(()) }
    }
}

#[async_trait]
impl PaymentGateway for ToyGateway {
    fn gateway(&self) -> Gateway {
        Gateway::Stripe
    }

    async fn open_checkout(&self, request: &CheckoutRequest) -> Result<Checkout, GatewayError> {
        self.checkout(&format!("cs_{}", request.order)).await
    }

    async fn checkout(&self, reference: &str) -> Result<Checkout, GatewayError> {
        self.answers()?;
        let url = Some(format!("https://pay.example/{reference}"));
        Ok(Checkout { reference: reference.to_owned(), url, public_key: None, expires_at: None })
    }

    async fn outcome(&self, _: &str, now: DateTime<Utc>) -> Result<Option<Notice>, GatewayError> {
        self.answers()?;
        let told = self.outcome.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        Ok(told.map(|told| Notice { at: now, news: news(told) }))
    }

    fn proves(&self, reference: &str, payment: &str, signature: &str) -> Option<bool> {
        Some(signature == format!("{reference}|{payment}"))
    }

    async fn refund(&self, request: &RefundRequest) -> Result<RefundAnswer, GatewayError> {
        self.answers()?;
        if self.refuses.load(Ordering::SeqCst) {
            let (code, message) = ("charge_already_refunded".to_owned(), "no".to_owned());
            return Err(GatewayError::Refused { code, message });
        }
        let reference = format!("re_{}", request.refund);
        self.refunds
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .insert(reference.clone(), request.amount.amount);
        Ok(RefundAnswer { reference, outcome: RefundOutcome::Succeeded })
    }

    async fn end_subscription(&self, reference: &str, _: &str) -> Result<(), GatewayError> {
        self.answers()?;
        self.ended.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(reference.to_owned());
        Ok(())
    }

    async fn end_at_period_end(&self, reference: &str, ends: bool, _: &str) -> Result<(), GatewayError> {
        self.answers()?;
        self.ended
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(format!("{reference} at the end: {ends}"));
        Ok(())
    }

    fn authenticate(&self, headers: &dyn Headers, body: &[u8], _: DateTime<Utc>) -> Result<Authentic, WebhookError> {
        headers.get("signed").ok_or(WebhookError::BadSignature)?;
        let message: Message =
            serde_json::from_slice(body).map_err(|error| WebhookError::Malformed(error.to_string()))?;
        Ok(Authentic { event_id: message.id, kind: "toy".to_owned() })
    }

    fn read(&self, body: &[u8]) -> Result<Notice, String> {
        let Message { at, told, .. } = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        Ok(Notice { at, news: news(told) })
    }
}

fn paid(total: Money, tax: Option<i64>) -> PaymentOutcome {
    PaymentOutcome::Paid(Paid { total, tax, fee: None, country: None })
}

fn failed() -> PaymentOutcome {
    PaymentOutcome::Failed { code: "card_declined".to_owned() }
}

fn news(told: Told) -> News {
    match told {
        Told::Paid { order, names, total, tax, subscription } => {
            News::Payment { order, names, subscription, outcome: paid(total, tax) }
        }
        Told::TrialBegan { order, names, subscription } => News::Payment {
            order: Some(order),
            names,
            subscription: Some(subscription),
            outcome: PaymentOutcome::NothingDue,
        },
        Told::NotPaid { order, names } => News::Payment { order, names, subscription: None, outcome: failed() },
        Told::Expired { order, names } => {
            News::Payment { order: Some(order), names, subscription: None, outcome: PaymentOutcome::Expired }
        }
        Told::Renewed { subscription, names, first, period, total } => News::Renewal {
            subscription,
            order: first,
            names,
            first: first.is_some(),
            period: Some(period),
            outcome: paid(total, Some(0)),
        },
        Told::RenewalFailed { subscription, names } => {
            News::Renewal { subscription, order: None, names, first: false, period: None, outcome: failed() }
        }
        Told::Refunded { payment, refund, reference, amount, failed } => {
            let outcome = match failed {
                true => RefundOutcome::Failed { code: "lost_or_stolen_card".to_owned() },
                false => RefundOutcome::Succeeded,
            };
            News::Refund { payment, refund, reference, amount, outcome }
        }
        Told::Disputed { payment, reference, amount, outcome } => {
            News::Dispute { payment, reference, amount, reason: "fraudulent".to_owned(), outcome }
        }
        Told::Ended { subscription } => News::Subscription {
            reference: subscription,
            order: None,
            standing: SubscriptionStanding::Ended,
            period_end: None,
            ends_then: false,
        },
        Told::Nothing => News::Other,
    }
}
