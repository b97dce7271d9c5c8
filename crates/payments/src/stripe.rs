//! Stripe: pages on which buyers pay (Checkout), refunds, subscriptions, and signed webhooks.
//!
//! Formats are those of Stripe's API reference and of its guide to webhook signatures. Commission is taken by destination charges of
//! Stripe Connect: the payment is Souk's, and Stripe passes on to the vendor what is not the fee of the application.

mod authenticate;
mod calls;
mod checkout;
mod invoice;
mod read;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use souk_domain::order::Gateway;
use souk_ports::payment::{
    Authentic, Checkout, CheckoutRequest, GatewayError, Headers, Notice, PaymentGateway, RefundAnswer, RefundRequest,
    WebhookError,
};

use crate::{BadSettings, http::Caller};

/// How Stripe is reached.
#[derive(Clone)]
pub struct StripeSettings {
    /// With which Souk asks: `sk_…` or a restricted key, `rk_…`.
    pub secret_key: String,
    /// With which Stripe signs, each exactly as it is shown: `whsec_…`. More than one while a secret is being replaced, and where platform
    /// and connected accounts have endpoints of their own. While there is none, every webhook is refused.
    pub webhook_secrets: Vec<String>,
    /// Where Stripe is asked, without `/v1`.
    pub api_base: String,
    /// Where buyers come back to after they paid. `{order}` stands for the order's id; Stripe itself replaces `{CHECKOUT_SESSION_ID}`.
    pub success_url: String,
    /// Where buyers come back to if they do not pay. `{order}` as above.
    pub cancel_url: String,
    /// How long one call may take, with everything that it needs to ask.
    pub timeout: Duration,
    /// Whether Stripe works out the taxes, on top of the price or within it as its dashboard says.
    pub automatic_tax: bool,
    /// The version of Stripe's API that requests are written for, `Stripe-Version`. Webhooks come in the version of their endpoint; those
    /// from before 2025, which have fields elsewhere, are read as well.
    pub api_version: String,
}

impl StripeSettings {
    /// Where Stripe is.
    pub const API_BASE: &'static str = "https://api.stripe.com";
    /// The version that this was written for.
    pub const API_VERSION: &'static str = "2026-06-24.dahlia";
    /// Long enough for Stripe, whose answers take seconds at worst, and short enough for a buyer who waits.
    pub const TIMEOUT: Duration = Duration::from_secs(20);

    /// Settings with what has to be set, and the usual for the rest. No webhook can be checked yet.
    #[must_use]
    pub fn new(secret_key: String, success_url: String, cancel_url: String) -> Self {
        Self {
            secret_key,
            webhook_secrets: Vec::new(),
            api_base: Self::API_BASE.to_owned(),
            success_url,
            cancel_url,
            timeout: Self::TIMEOUT,
            automatic_tax: false,
            api_version: Self::API_VERSION.to_owned(),
        }
    }
}

/// Hides the key and the secrets.
impl fmt::Debug for StripeSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripeSettings")
            .field("secret_key", &"…")
            .field("webhook_secrets", &self.webhook_secrets.len())
            .field("api_base", &self.api_base)
            .field("success_url", &self.success_url)
            .field("cancel_url", &self.cancel_url)
            .field("timeout", &self.timeout)
            .field("automatic_tax", &self.automatic_tax)
            .field("api_version", &self.api_version)
            .finish()
    }
}

/// Stripe.
#[derive(Debug)]
pub struct Stripe {
    settings: StripeSettings,
    caller: Caller,
}

impl Stripe {
    /// Stripe as `settings` reach it. Nothing is asked yet.
    ///
    /// # Errors
    /// The key is empty, or `api_base` is no address that begins with `https://` (or `http://` on this machine).
    pub fn new(settings: StripeSettings) -> Result<Self, BadSettings> {
        let caller = Caller::new(&settings.api_base, settings.timeout, &settings.secret_key)?;
        Ok(Self { settings, caller })
    }

    /// The value of `Stripe-Signature` with which Stripe would sign `body` at `timestamp`, in Unix seconds. For tests and tools.
    #[must_use]
    pub fn sign(secret: &str, timestamp: i64, body: &[u8]) -> String {
        authenticate::sign(secret, timestamp, body)
    }
}

#[async_trait]
impl PaymentGateway for Stripe {
    fn gateway(&self) -> Gateway {
        Gateway::Stripe
    }

    async fn open_checkout(&self, request: &CheckoutRequest) -> Result<Checkout, GatewayError> {
        self.caller.within(calls::open_checkout(&self.caller, &self.settings, request)).await
    }

    async fn checkout(&self, reference: &str) -> Result<Checkout, GatewayError> {
        self.caller.within(calls::checkout(&self.caller, &self.settings, reference)).await
    }

    async fn outcome(&self, reference: &str, now: DateTime<Utc>) -> Result<Option<Notice>, GatewayError> {
        self.caller.within(calls::outcome(&self.caller, &self.settings, reference, now)).await
    }

    fn proves(&self, _reference: &str, _payment: &str, _signature: &str) -> Option<bool> {
        None
    }

    async fn refund(&self, request: &RefundRequest) -> Result<RefundAnswer, GatewayError> {
        self.caller.within(calls::refund(&self.caller, &self.settings, request)).await
    }

    async fn end_subscription(&self, reference: &str, key: &str) -> Result<(), GatewayError> {
        self.caller.within(calls::end_subscription(&self.caller, &self.settings, reference, key)).await
    }

    async fn end_at_period_end(&self, reference: &str, ends: bool, key: &str) -> Result<(), GatewayError> {
        self.caller.within(calls::end_at_period_end(&self.caller, &self.settings, reference, ends, key)).await
    }

    fn authenticate(&self, headers: &dyn Headers, body: &[u8], now: DateTime<Utc>) -> Result<Authentic, WebhookError> {
        authenticate::authenticate(&self.settings.webhook_secrets, headers, body, now)
    }

    fn read(&self, body: &[u8]) -> Result<Notice, String> {
        read::read(body)
    }
}
