//! Through what Souk is paid, and how vendors are: the keys `payments`.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use souk_app::Money;
use souk_domain::money::Currency;
use souk_payments::{Razorpay as RazorpayGateway, RazorpaySettings, Stripe as StripeGateway, StripeSettings};
use souk_ports::{Clock, PaymentGateway};

const DAY: u64 = 24 * 60 * 60;

/// Through what Souk is paid, and how vendors are. Transfers that an admin sees are always taken.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Payments {
    /// Stripe, where `secret_key` is set.
    pub stripe: Stripe,
    /// Razorpay, where `key_id` and `key_secret` are set.
    pub razorpay: Razorpay,
    /// How long a vendor's share of a payment is held back, days.
    pub hold_days: u64,
    /// The least that is paid out, in whole units of any currency.
    pub minimum_payout: i64,
    /// The same by currency, minor units, e.g. `{ USD = 2500 }`.
    pub minimum_payouts: BTreeMap<String, i64>,
    /// How long an unpaid subscription that no gateway runs is waited for, days.
    pub dunning_days: u64,
}

impl Default for Payments {
    fn default() -> Self {
        let Money { hold, minimum_payout, dunning, .. } = Money::default();
        Self {
            stripe: Stripe::default(),
            razorpay: Razorpay::default(),
            hold_days: hold.as_secs() / DAY,
            minimum_payout,
            minimum_payouts: BTreeMap::new(),
            dunning_days: dunning.as_secs() / DAY,
        }
    }
}

/// Stripe.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stripe {
    /// With which Souk asks, `sk_…`. A secret.
    pub secret_key: Option<String>,
    /// With which Stripe signs, `whsec_…`. A secret. Without it every webhook is refused.
    pub webhook_secret: Option<String>,
    /// The one before, while the two overlap. A secret.
    pub previous_webhook_secret: Option<String>,
    /// Where Stripe is asked.
    pub api_base: String,
    /// Whether Stripe works out the taxes (Stripe Tax, which has to be set up there).
    pub automatic_tax: bool,
    /// Where buyers come back to after they paid; `{order}` stands for the order's id.
    pub success_url: String,
    /// Where buyers come back to if they do not pay.
    pub cancel_url: String,
}

impl Default for Stripe {
    fn default() -> Self {
        Self {
            secret_key: None,
            webhook_secret: None,
            previous_webhook_secret: None,
            api_base: StripeSettings::API_BASE.to_owned(),
            automatic_tax: false,
            success_url: "https://localhost/orders/{order}?paid".to_owned(),
            cancel_url: "https://localhost/orders/{order}".to_owned(),
        }
    }
}

/// Razorpay.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Razorpay {
    /// The public half of the key, `rzp_…`.
    pub key_id: Option<String>,
    /// The secret half. A secret.
    pub key_secret: Option<String>,
    /// With which Razorpay signs. A secret. Without it every webhook is refused.
    pub webhook_secret: Option<String>,
    /// The one before, which what is sent again is still signed with. A secret.
    pub previous_webhook_secret: Option<String>,
    /// Where Razorpay is asked.
    pub api_base: String,
}

impl Default for Razorpay {
    fn default() -> Self {
        Self {
            key_id: None,
            key_secret: None,
            webhook_secret: None,
            previous_webhook_secret: None,
            api_base: RazorpaySettings::API_BASE.to_owned(),
        }
    }
}

/// Hides the secrets.
impl fmt::Debug for Stripe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stripe").field("api_base", &self.api_base).field("set", &self.is_set()).finish_non_exhaustive()
    }
}

/// Hides the secrets.
impl fmt::Debug for Razorpay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Razorpay")
            .field("api_base", &self.api_base)
            .field("set", &self.is_set())
            .finish_non_exhaustive()
    }
}

fn is_set(text: Option<&String>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

/// Whether `key` holds a secret, which no message repeats.
pub fn is_secret(key: &str) -> bool {
    key.starts_with("payments.") && (key.ends_with("secret") || key.ends_with("secret_key"))
}

/// Secrets that are set; an empty one is none.
fn secrets(given: [&Option<String>; 2]) -> Vec<String> {
    given.into_iter().flatten().filter(|secret| !secret.is_empty()).cloned().collect()
}

impl Stripe {
    fn is_set(&self) -> bool {
        is_set(self.secret_key.as_ref())
    }

    fn settings(&self) -> StripeSettings {
        let key = self.secret_key.clone().unwrap_or_default();
        StripeSettings {
            webhook_secrets: secrets([&self.webhook_secret, &self.previous_webhook_secret]),
            api_base: self.api_base.clone(),
            automatic_tax: self.automatic_tax,
            ..StripeSettings::new(key, self.success_url.clone(), self.cancel_url.clone())
        }
    }
}

impl Razorpay {
    fn is_set(&self) -> bool {
        is_set(self.key_id.as_ref())
    }

    fn settings(&self) -> RazorpaySettings {
        let (id, secret) = (self.key_id.clone().unwrap_or_default(), self.key_secret.clone().unwrap_or_default());
        RazorpaySettings {
            webhook_secrets: secrets([&self.webhook_secret, &self.previous_webhook_secret]),
            api_base: self.api_base.clone(),
            ..RazorpaySettings::new(id, secret)
        }
    }
}

impl Payments {
    /// The gateways that are set.
    ///
    /// # Errors
    /// What is wrong with one's settings.
    pub fn gateways(&self, clock: &Arc<dyn Clock>) -> Result<Vec<Arc<dyn PaymentGateway>>, String> {
        let mut gateways: Vec<Arc<dyn PaymentGateway>> = Vec::new();
        if self.stripe.is_set() {
            let stripe =
                StripeGateway::new(self.stripe.settings()).map_err(|error| format!("payments.stripe: {error}"))?;
            gateways.push(Arc::new(stripe));
        }
        if self.razorpay.is_set() {
            let razorpay = RazorpayGateway::new(self.razorpay.settings(), Arc::clone(clock))
                .map_err(|error| format!("payments.razorpay: {error}"))?;
            gateways.push(Arc::new(razorpay));
        }
        Ok(gateways)
    }

    /// How subscriptions are dunned, and vendors paid.
    pub fn money(&self) -> Money {
        let minimums =
            self.minimum_payouts.iter().filter_map(|(code, least)| Some((code.parse::<Currency>().ok()?, *least)));
        Money {
            hold: Duration::from_secs(self.hold_days * DAY),
            dunning: Duration::from_secs(self.dunning_days * DAY),
            minimum_payout: self.minimum_payout,
            minimum_payouts: minimums.collect(),
            ..Money::default()
        }
    }

    /// Takes the secrets out, for who looks at the configuration.
    pub fn hide(&mut self) {
        let Self { stripe, razorpay, .. } = self;
        for secret in [
            &mut stripe.secret_key,
            &mut stripe.webhook_secret,
            &mut stripe.previous_webhook_secret,
            &mut razorpay.key_secret,
            &mut razorpay.webhook_secret,
            &mut razorpay.previous_webhook_secret,
        ] {
            *secret = secret.take().map(|_| "(set)".to_owned());
        }
    }

    /// What is wrong with the settings, one line a key.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (key, days) in [("hold_days", self.hold_days), ("dunning_days", self.dunning_days)] {
            if days > 3_650 {
                problems.push(format!("  payments.{key}: {days}: expected at most 3650"));
            }
        }
        if self.minimum_payout < 0 {
            problems.push(format!("  payments.minimum_payout: {}: expected 0 or more", self.minimum_payout));
        }
        for (code, least) in &self.minimum_payouts {
            if code.parse::<Currency>().is_err() || *least < 0 {
                problems.push(format!(
                    "  payments.minimum_payouts: {code} = {least}: expected an ISO 4217 code and 0 or more"
                ));
            }
        }
        if is_set(self.razorpay.key_id.as_ref()) != is_set(self.razorpay.key_secret.as_ref()) {
            problems.push("  payments.razorpay: expected both key_id and key_secret, or neither".to_owned());
        }
        if is_set(self.stripe.webhook_secret.as_ref()) && !self.stripe.is_set() {
            problems.push("  payments.stripe.secret_key: missing: expected one beside webhook_secret".to_owned());
        }
        if is_set(self.razorpay.webhook_secret.as_ref()) && !self.razorpay.is_set() {
            problems.push("  payments.razorpay.key_id: missing: expected one beside webhook_secret".to_owned());
        }
        for (key, base) in [("stripe", &self.stripe.api_base), ("razorpay", &self.razorpay.api_base)] {
            if !(base.starts_with("https://")
                || base.starts_with("http://127.0.0.1")
                || base.starts_with("http://localhost"))
            {
                problems.push(format!(
                    "  payments.{key}.api_base: {base:?}: expected an address that begins with https://"
                ));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::SystemClock;

    fn gateways(payments: &Payments) -> usize {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        payments.gateways(&clock).unwrap().len()
    }

    #[test]
    fn a_gateway_is_there_where_its_keys_are() {
        let mut payments = Payments::default();
        assert_eq!((gateways(&payments), payments.problems()), (0, vec![]));
        payments.stripe.secret_key = Some("sk_test_1".to_owned());
        payments.razorpay.key_id = Some("rzp_test_1".to_owned());
        assert!(payments.problems()[0].contains("payments.razorpay"));
        payments.razorpay.key_secret = Some("secret".to_owned());
        assert_eq!((gateways(&payments), payments.problems()), (2, vec![]));
        assert!(!format!("{payments:?}").contains("sk_test_1"));
    }

    #[test]
    fn no_secret_is_shown() {
        let secret = || Some("hush".to_owned());
        let stripe = Stripe {
            secret_key: secret(),
            webhook_secret: secret(),
            previous_webhook_secret: secret(),
            ..Stripe::default()
        };
        let razorpay = Razorpay {
            key_secret: secret(),
            webhook_secret: secret(),
            previous_webhook_secret: secret(),
            ..Razorpay::default()
        };
        let mut payments = Payments { stripe, razorpay, ..Payments::default() };
        payments.hide();
        assert!(!serde_json::to_string(&payments).unwrap().contains("hush"));
    }

    #[test]
    fn every_secret_is_known_as_one() {
        for key in ["stripe.secret_key", "stripe.webhook_secret", "stripe.previous_webhook_secret"].into_iter().chain([
            "razorpay.key_secret",
            "razorpay.webhook_secret",
            "razorpay.previous_webhook_secret",
        ]) {
            assert!(is_secret(&format!("payments.{key}")), "{key}");
        }
        assert!(!is_secret("payments.razorpay.key_id") && !is_secret("payments.stripe.api_base"));
    }

    #[test]
    fn amounts_and_addresses_are_checked() {
        let mut payments = Payments { minimum_payout: -1, hold_days: 4_000, ..Payments::default() };
        payments.minimum_payouts.insert("XXY".to_owned(), 1);
        payments.stripe.api_base = "http://stripe.example".to_owned();
        assert_eq!(payments.problems().len(), 4, "{:?}", payments.problems());
        payments.minimum_payouts = BTreeMap::from([("JPY".to_owned(), 3_000)]);
        assert_eq!(payments.money().minimum("JPY".parse().unwrap()), 3_000);
        assert_eq!(Payments::default().money().minimum("USD".parse().unwrap()), 5_000);
    }
}
