//! Razorpay: orders that its script lets buyers pay, refunds, subscriptions, and signed webhooks.
//!
//! Formats are those of Razorpay's API reference and of its pages on webhooks. Commission is taken by Route: Souk is paid, and Razorpay
//! passes on the vendor's part.

mod authenticate;
mod calls;
mod read;
mod subscription;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use souk_domain::order::Gateway;
use souk_ports::{
    clock::Clock,
    payment::{
        Authentic, Checkout, CheckoutRequest, GatewayError, Headers, Notice, PaymentGateway, RefundAnswer,
        RefundRequest, WebhookError,
    },
};

use crate::{
    BadSettings,
    http::{Caller, refused},
    signature,
};

/// How Razorpay is reached.
#[derive(Clone)]
pub struct RazorpaySettings {
    /// The public half of the key, `rzp_…`, with which its script is begun in browsers too.
    pub key_id: String,
    /// The secret half.
    pub key_secret: String,
    /// With which Razorpay signs. After a change the old one stays for a day, as what is sent again is signed as it was. While there is
    /// none, every webhook is refused.
    pub webhook_secrets: Vec<String>,
    /// Where Razorpay is asked, without `/v1`.
    pub api_base: String,
    /// How long one call may take, with everything that it needs to ask.
    pub timeout: Duration,
}

impl RazorpaySettings {
    /// Where Razorpay is.
    pub const API_BASE: &'static str = "https://api.razorpay.com";
    /// As for Stripe.
    pub const TIMEOUT: Duration = Duration::from_secs(20);

    /// Settings with what has to be set, and the usual for the rest. No webhook can be checked yet.
    #[must_use]
    pub fn new(key_id: String, key_secret: String) -> Self {
        Self {
            key_id,
            key_secret,
            webhook_secrets: Vec::new(),
            api_base: Self::API_BASE.to_owned(),
            timeout: Self::TIMEOUT,
        }
    }
}

/// Hides the secrets.
impl fmt::Debug for RazorpaySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RazorpaySettings")
            .field("key_id", &self.key_id)
            .field("key_secret", &"…")
            .field("webhook_secrets", &self.webhook_secrets.len())
            .field("api_base", &self.api_base)
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// Razorpay.
pub struct Razorpay {
    settings: RazorpaySettings,
    caller: Caller,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Razorpay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Razorpay").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Razorpay {
    /// Razorpay as `settings` reach it. Nothing is asked yet. Trials end at a time, which `clock` is needed for.
    ///
    /// # Errors
    /// A half of the key is empty, or `api_base` is no address that begins with `https://` (or `http://` on this machine).
    pub fn new(settings: RazorpaySettings, clock: Arc<dyn Clock>) -> Result<Self, BadSettings> {
        if settings.key_id.trim().is_empty() {
            return Err(BadSettings("the id of the key is empty".to_owned()));
        }
        let caller = Caller::new(&settings.api_base, settings.timeout, &settings.key_secret)?;
        Ok(Self { settings, caller, clock })
    }

    /// Whether a browser brings back what Razorpay's script gave it after a payment: `razorpay_payment_id` and `razorpay_signature`, for
    /// the checkout `reference` (`order_…` or `sub_…`) that **Souk** kept, not the browser. In constant time.
    ///
    /// What is signed is `order|payment`, but `payment|subscription` for a subscription. That the money is there, only a webhook says.
    #[must_use]
    pub fn verify_checkout(&self, reference: &str, payment: &str, signature: &str) -> bool {
        let (first, second) = if reference.starts_with("sub_") { (payment, reference) } else { (reference, payment) };
        let secrets = std::slice::from_ref(&self.settings.key_secret);
        signature::fits(secrets, &[signature], &[first.as_bytes(), b"|", second.as_bytes()])
    }

    /// The value of `X-Razorpay-Signature` with which Razorpay would sign `body`. For tests and tools.
    #[must_use]
    pub fn sign(secret: &str, body: &[u8]) -> String {
        signature::sign(secret, &[body])
    }
}

#[async_trait]
impl PaymentGateway for Razorpay {
    fn gateway(&self) -> Gateway {
        Gateway::Razorpay
    }

    async fn open_checkout(&self, request: &CheckoutRequest) -> Result<Checkout, GatewayError> {
        let opening = async {
            match request.subscription {
                None => calls::open_order(&self.caller, &self.settings, request).await,
                Some(recurring) => {
                    subscription::open(&self.caller, &self.settings, request, recurring, self.clock.now()).await
                }
            }
        };
        self.caller.within(opening).await
    }

    async fn checkout(&self, reference: &str) -> Result<Checkout, GatewayError> {
        self.caller.within(calls::checkout(&self.caller, &self.settings, reference)).await
    }

    async fn outcome(&self, reference: &str, _now: DateTime<Utc>) -> Result<Option<Notice>, GatewayError> {
        self.caller.within(calls::outcome(&self.caller, &self.settings, reference)).await
    }

    fn proves(&self, reference: &str, payment: &str, signature: &str) -> Option<bool> {
        Some(self.verify_checkout(reference, payment, signature))
    }

    async fn refund(&self, request: &RefundRequest) -> Result<RefundAnswer, GatewayError> {
        self.caller.within(calls::refund(&self.caller, &self.settings, request)).await
    }

    /// Razorpay takes no idempotency key here, and needs none: what is over stays so.
    async fn end_subscription(&self, reference: &str, _key: &str) -> Result<(), GatewayError> {
        self.caller.within(subscription::end(&self.caller, &self.settings, reference, false)).await
    }

    /// Razorpay cannot take an end back, so that is refused without asking. It also refuses to end one whose trial runs at the end of a
    /// period, as none has begun.
    async fn end_at_period_end(&self, reference: &str, ends: bool, _key: &str) -> Result<(), GatewayError> {
        if !ends {
            return Err(refused("not_supported", "Razorpay cannot let a subscription go on that was to end"));
        }
        self.caller.within(subscription::end(&self.caller, &self.settings, reference, true)).await
    }

    fn authenticate(&self, headers: &dyn Headers, body: &[u8], _now: DateTime<Utc>) -> Result<Authentic, WebhookError> {
        authenticate::authenticate(&self.settings.webhook_secrets, headers, body)
    }

    fn read(&self, body: &[u8]) -> Result<Notice, String> {
        read::read(body)
    }
}
